"""Five origins, one frozen value; what is wrong is refused in a line that names where it was written."""

import subprocess
from collections.abc import Mapping
from dataclasses import FrozenInstanceError
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest

from forex_core import settings as module
from forex_core.errors import ForexError, SettingsError, UsageError
from forex_core.settings import Settings, config_file, default_data_dir, mask, variable_of

ADDRESS = "postgresql://forex:{}@db.example/mlflow"
OURS = '[project]\nname = "forex-core"\n'


@pytest.fixture(autouse=True)
def _no_system_configuration(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(module, "SYSTEM_CONFIG", tmp_path / "etc" / "forex.toml")


def write_dotenv(folder: Path, text: str, mode: int = 0o600) -> Path:
    path = folder / ".env"
    path.write_text(text, encoding="utf-8")
    path.chmod(mode)
    return path


def write_toml(folder: Path, text: str) -> Path:
    path = folder / "forex.toml"
    path.write_text(text, encoding="utf-8")
    return path


def loaded(
    cwd: Path, flags: Mapping[str, object] | None = None, environ: Mapping[str, str] | None = None, **options: Any
) -> Settings:
    return Settings.load(flags or {}, environ or {}, cwd, **options)


def given(origin: str, cwd: Path, environment: str) -> dict[str, Any]:
    """Set `environment` at one origin; what of it goes to `Settings.load` is returned."""
    if origin == "flag":
        return {"flags": {"environment": environment}}
    if origin == "FOREX_ENVIRONMENT":
        return {"environ": {"FOREX_ENVIRONMENT": environment}}
    if origin == ".env:FOREX_ENVIRONMENT":
        write_dotenv(cwd, f"FOREX_ENVIRONMENT={environment}\n")
    if origin == "forex.toml":
        write_toml(cwd, f'environment = "{environment}"\n')
    return {}


ORIGINS = ["flag", "FOREX_ENVIRONMENT", ".env:FOREX_ENVIRONMENT", "forex.toml", "default"]


@pytest.mark.parametrize(("stronger", "weaker"), list(combinations(ORIGINS, 2)))
def test_the_stronger_origin_wins_and_is_named(tmp_path: Path, stronger: str, weaker: str) -> None:
    told = given(weaker, tmp_path, "weaker") | given(stronger, tmp_path, "stronger")
    settings = loaded(tmp_path, **told)

    named = str(tmp_path / "forex.toml") if stronger == "forex.toml" else stronger
    assert (settings.environment, settings.origins["environment"]) == ("stronger", named)


def test_with_nothing_given_every_setting_is_its_default(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PACKAGE_ROOT", tmp_path / "site-packages")

    assert loaded(tmp_path) == Settings(data_dir=tmp_path / "data")
    assert set(loaded(tmp_path).origins.values()) == {"default"}


def test_each_origin_gives_what_the_stronger_ones_leave_open(tmp_path: Path) -> None:
    write_toml(tmp_path, 'source = "ecb"\nstale_after_days = 9\n')
    write_dotenv(tmp_path, "FOREX_LOCK_WAIT_SECONDS=5\nFOREX_STALE_AFTER_DAYS=8\n")
    settings = loaded(tmp_path, {"pairs": ("EURUSD",), "source": None}, {"FOREX_ENVIRONMENT": "staging"})

    assert settings.pairs == ("EURUSD",)
    assert (settings.source, settings.stale_after_days, settings.lock_wait_seconds) == ("ecb", 8, 5)
    assert settings.environment == "staging"


def test_a_flag_that_was_not_given_hides_nothing(tmp_path: Path) -> None:
    assert loaded(tmp_path, {"source": None}, {"FOREX_SOURCE": "ecb"}).source == "ecb"


@pytest.mark.parametrize(
    ("variable", "text", "name", "value"),
    [
        ("FOREX_PAIRS", "USDCLP, EURUSD,USDCLP", "pairs", ("USDCLP", "EURUSD")),
        ("FOREX_MEMBERS", "empirical", "members", ("empirical",)),
        ("FOREX_STALE_AFTER_DAYS", "0", "stale_after_days", 0),
        ("FOREX_SOURCE", "  csv:/a b.csv ", "source", "csv:/a b.csv"),
        ("FOREX_OUTPUT_DIR", "/srv/reports", "output_dir", Path("/srv/reports")),
        ("MLFLOW_TRACKING_URI", "http://mlflow:5000", "mlflow_tracking_uri", "http://mlflow:5000"),
    ],
)
def test_a_variable_is_read_as_its_setting(tmp_path: Path, variable: str, text: str, name: str, value: object) -> None:
    assert getattr(loaded(tmp_path, environ={variable: text}), name) == value


def test_a_list_in_the_toml_is_read_as_one_in_a_variable(tmp_path: Path) -> None:
    write_toml(tmp_path, 'pairs = ["USDCLP", "EURUSD"]\n')

    assert loaded(tmp_path).pairs == ("USDCLP", "EURUSD")


def test_a_tilde_is_the_home_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/forex")

    assert loaded(tmp_path, environ={"FOREX_DATA_DIR": "~/data"}).data_dir == Path("/home/forex/data")


def test_other_programs_variables_are_left_alone(tmp_path: Path) -> None:
    settings = loaded(tmp_path, environ={"PATH": "/bin", "MLFLOW_REGISTRY_URI": "x", "FOREXT": "x"})

    assert set(settings.origins.values()) == {"default"}


@pytest.mark.parametrize(
    ("variable", "text", "complaint"),
    [
        ("FOREX_STALE_AFTER_DAYS", "soon", "must be a whole number, 0 or more, got 'soon'"),
        ("FOREX_STALE_AFTER_DAYS", "-1", "must be a whole number, 0 or more, got '-1'"),
        ("FOREX_LOCK_WAIT_SECONDS", "1.5", "must be a whole number, 0 or more, got '1.5'"),
        ("FOREX_SOURCE", " ", "must be a text, got ' '"),
        ("FOREX_MEMBERS", "a,,b", "must be names, separated by commas, got 'a,,b'"),
        (
            "FOREX_PAIRS",
            "USDCLP,dollar",
            "must be currency pairs: 'dollar' is no currency pair; write base and quote as six capital letters, "
            "like USDCLP, got 'USDCLP,dollar'",
        ),
    ],
)
def test_a_bad_value_names_its_variable(tmp_path: Path, variable: str, text: str, complaint: str) -> None:
    with pytest.raises(SettingsError) as caught:
        loaded(tmp_path, environ={variable: text})

    assert str(caught.value) == f"{variable} {complaint}; see `forex config show`"
    assert caught.value.exit_code == 78


@pytest.mark.parametrize(
    ("origin", "where", "kind"),
    [
        ("flag", "--stale-after-days", UsageError),
        ("environ", "FOREX_STALE_AFTER_DAYS", SettingsError),
        (".env", ".env:FOREX_STALE_AFTER_DAYS", SettingsError),
        ("toml", "{cwd}/forex.toml (stale_after_days)", SettingsError),
    ],
)
def test_a_bad_value_is_blamed_on_where_it_was_written(
    tmp_path: Path, origin: str, where: str, kind: type[ForexError]
) -> None:
    if origin == ".env":
        write_dotenv(tmp_path, "FOREX_STALE_AFTER_DAYS=soon\n")
    if origin == "toml":
        write_toml(tmp_path, 'stale_after_days = "soon"\n')
    flags = {"stale_after_days": "soon"} if origin == "flag" else {}
    environ = {"FOREX_STALE_AFTER_DAYS": "soon"} if origin == "environ" else {}

    with pytest.raises(kind) as caught:
        loaded(tmp_path, flags, environ)

    place = where.format(cwd=tmp_path)
    assert str(caught.value) == f"{place} must be a whole number, 0 or more, got 'soon'; see `forex config show`"


@pytest.mark.parametrize("value", ["true", "3.0", "[3]", "-1"])
def test_only_a_whole_number_of_the_toml_is_one(tmp_path: Path, value: str) -> None:
    write_toml(tmp_path, f"stale_after_days = {value}\n")

    with pytest.raises(SettingsError, match=r"stale_after_days\) must be a whole number"):
        loaded(tmp_path)


def test_an_unknown_variable_is_refused_with_the_nearest_name(tmp_path: Path) -> None:
    with pytest.raises(SettingsError) as caught:
        loaded(tmp_path, environ={"FOREX_STALE_AFTER": "3"})

    assert str(caught.value) == (
        "unknown variable FOREX_STALE_AFTER; did you mean FOREX_STALE_AFTER_DAYS?; "
        "unset FOREX_STALE_AFTER or correct its name"
    )


def test_an_unknown_variable_of_the_dotenv_is_refused_too(tmp_path: Path) -> None:
    write_dotenv(tmp_path, "FOREX_PAIR=USDCLP\n")

    with pytest.raises(SettingsError, match=r"unknown variable \.env:FOREX_PAIR; did you mean FOREX_PAIRS\?"):
        loaded(tmp_path)


@pytest.mark.fault(46)
def test_an_unknown_key_is_refused_with_the_nearest_name(tmp_path: Path) -> None:
    path = write_toml(tmp_path, 'soruce = "ecb"\n')

    with pytest.raises(SettingsError) as caught:
        loaded(tmp_path)

    mend = f"sed -i 's/^soruce\\b/source/' {path}"
    assert str(caught.value) == f"{path}: unknown key 'soruce'; did you mean source?; {mend}"
    subprocess.run(["sh", "-c", mend], check=True)
    assert loaded(tmp_path).source == "ecb"


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o644, 0o620, 0o601, 0o777])
def test_a_dotenv_that_others_may_touch_is_refused(tmp_path: Path, mode: int) -> None:
    path = write_dotenv(tmp_path, "FOREX_SOURCE=ecb\n", mode)

    with pytest.raises(SettingsError) as caught:
        loaded(tmp_path)

    assert str(caught.value) == f"{path} can be read by others and may hold secrets; chmod 600 {path}"
    assert caught.value.exit_code == 78


@pytest.mark.parametrize("mode", [0o600, 0o400, 0o700])
def test_a_dotenv_of_its_owner_alone_is_read(tmp_path: Path, mode: int) -> None:
    write_dotenv(tmp_path, "FOREX_SOURCE=ecb\n", mode)

    assert loaded(tmp_path).source == "ecb"


def test_a_dollar_sign_in_the_dotenv_is_only_a_dollar_sign(tmp_path: Path) -> None:
    write_dotenv(tmp_path, f"MLFLOW_TRACKING_URI={ADDRESS.format('pa${HOME}ss')}\n")

    assert loaded(tmp_path).mlflow_tracking_uri == ADDRESS.format("pa${HOME}ss")


@pytest.mark.parametrize("password", ["hunter2", "a:b/c", "$ecr&t#%40"])
def test_a_password_is_masked_wherever_a_setting_is_shown(tmp_path: Path, password: str) -> None:
    settings = loaded(tmp_path, environ={"MLFLOW_TRACKING_URI": ADDRESS.format(password)})

    assert settings.shown("mlflow_tracking_uri") == ADDRESS.format("***")
    assert ADDRESS.format("***") in repr(settings)
    assert password not in repr(settings)
    assert settings.mlflow_tracking_uri == ADDRESS.format(password)


@pytest.mark.parametrize(("origin", "kind"), [("flag", UsageError), ("environ", SettingsError)])
def test_a_password_in_the_wrong_place_is_masked_in_the_error(
    tmp_path: Path, origin: str, kind: type[ForexError]
) -> None:
    address = ADDRESS.format("hunter2")
    flags = {"stale_after_days": address} if origin == "flag" else {}
    environ = {"FOREX_STALE_AFTER_DAYS": address} if origin == "environ" else {}

    with pytest.raises(kind) as caught:
        loaded(tmp_path, flags, environ)

    assert f"got '{ADDRESS.format('***')}'" in str(caught.value)


@pytest.mark.parametrize("text", ["sqlite:////data/mlflow.db", "csv:/rates@home.csv", ""])
def test_a_text_without_a_password_is_shown_as_it_is(text: str) -> None:
    assert mask(text) == text


def test_a_list_is_shown_as_it_is_written_and_nothing_as_nothing(tmp_path: Path) -> None:
    settings = loaded(tmp_path, {"pairs": ("USDCLP", "EURUSD")})

    assert (settings.shown("pairs"), settings.shown("mlflow_tracking_uri")) == ("USDCLP, EURUSD", "")


def test_the_data_stand_beside_the_nearest_forex_toml_above(tmp_path: Path) -> None:
    write_toml(tmp_path, "")
    below = tmp_path / "a" / "b"
    below.mkdir(parents=True)

    assert loaded(below).data_dir == tmp_path / "data"


def test_the_data_stand_in_our_checkout_but_not_in_another_project(tmp_path: Path) -> None:
    other = tmp_path / "checkout" / "other"
    other.mkdir(parents=True)
    (tmp_path / "checkout" / "pyproject.toml").write_text(OURS, encoding="utf-8")
    (other / "pyproject.toml").write_text('[project]\nname = "other"\n', encoding="utf-8")

    assert default_data_dir(other) == tmp_path / "checkout" / "data"


@pytest.mark.parametrize(("from_checkout", "folder"), [(True, "checkout"), (False, "work")])
def test_elsewhere_the_data_stand_in_the_checkout_we_run_from_else_here(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, from_checkout: bool, folder: str
) -> None:
    checkout, work = tmp_path / "checkout", tmp_path / "work"
    checkout.mkdir()
    work.mkdir()
    if from_checkout:
        (checkout / "pyproject.toml").write_text(OURS, encoding="utf-8")
    monkeypatch.setattr(module, "PACKAGE_ROOT", checkout)

    assert default_data_dir(work) == tmp_path / folder / "data"


def test_a_given_data_dir_is_taken_whatever_stands_around(tmp_path: Path) -> None:
    write_toml(tmp_path, "")

    assert loaded(tmp_path, environ={"FOREX_DATA_DIR": "/srv/forex"}).data_dir == Path("/srv/forex")


def test_a_named_configuration_file_that_is_not_there_is_a_usage_error(tmp_path: Path) -> None:
    with pytest.raises(UsageError) as caught:
        loaded(tmp_path, config=tmp_path / "none.toml")

    assert str(caught.value) == f"there is no configuration file {tmp_path}/none.toml"


def test_a_named_configuration_file_is_read_instead_of_the_nearest(tmp_path: Path) -> None:
    write_toml(tmp_path, 'source = "ecb"\n')
    named = tmp_path / "named.toml"
    named.write_text('environment = "staging"\n', encoding="utf-8")
    settings = loaded(tmp_path, config=named)

    assert (settings.source, settings.environment) == ("auto", "staging")


def test_the_nearest_configuration_is_in_force_and_the_systems_is_the_last_resort(tmp_path: Path) -> None:
    system = tmp_path / "etc"
    system.mkdir()
    below = tmp_path / "home" / "work"
    below.mkdir(parents=True)

    assert config_file(below) is None
    last_resort = write_toml(system, "")
    assert config_file(below) == last_resort
    near = write_toml(below.parent, "")
    assert config_file(below) == near


@pytest.mark.parametrize("content", [b"source = \n", b"source = 'ecb'\nsource = 'ecb'\n", b"source = '\xff'\n"])
def test_what_is_no_toml_is_refused_with_the_file_to_mend(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "forex.toml"
    path.write_bytes(content)

    with pytest.raises(SettingsError) as caught:
        loaded(tmp_path)

    assert caught.value.message.startswith(f"{path} is not valid TOML: ")
    assert caught.value.hint == f"mend {path}"


def test_settings_never_change(tmp_path: Path) -> None:
    settings = loaded(tmp_path)

    with pytest.raises(FrozenInstanceError):
        settings.source = "ecb"  # type: ignore[misc]


@pytest.mark.parametrize(
    ("name", "variable"), [("data_dir", "FOREX_DATA_DIR"), ("mlflow_tracking_uri", "MLFLOW_TRACKING_URI")]
)
def test_a_setting_knows_its_variable(name: str, variable: str) -> None:
    assert variable_of(name) == variable
