"""The house as the README and the contract describe it."""

import ast
import importlib
import inspect
import re
import subprocess
import sys
from pathlib import Path

import pytest

from conftest import ROOT
from forex_core.backtest.windows import EVERY
from forex_core.horizons import HORIZONS
from forex_core.models.table import MEMBERS
from forex_core.settings import names, variable_of
from forex_core.sources.table import CROSSES, OBSERVADO

SRC = ROOT / "src"
README = (ROOT / "README.md").read_text(encoding="utf-8")
HEAVY = {"numpy", "pandas", "mlflow", "torch", "matplotlib", "scipy", "sqlalchemy"}


@pytest.mark.parametrize("key", HORIZONS)
def test_a_service_is_only_a_doorway(key: str) -> None:
    def masked(of: str) -> str:
        folder = SRC / "services" / f"forecaster_{of}"
        return "".join(path.read_text().replace(of, "<key>") for path in sorted(folder.glob("*.py")))

    assert masked(key) == masked("7d")


def test_there_is_a_service_for_each_horizon_and_no_other() -> None:
    folders = {path.name for path in (SRC / "services").iterdir() if path.is_dir() and path.name != "__pycache__"}
    assert folders == {f"forecaster_{key}" for key in HORIZONS}


def test_no_horizon_is_named_outside_the_table_and_the_doorways() -> None:
    """A docstring or a help text may give an example; code may not."""
    literals = re.compile(rf"^({'|'.join(HORIZONS)})$")
    for path in (SRC / "forex_core").rglob("*.py"):
        if path.name == "horizons.py":
            continue
        constants = [node.value for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Constant)]
        # MLflowConfig.get_best_run's documented default metric is "7d_rmse", which is no horizon
        assert not [value for value in constants if isinstance(value, str) and literals.match(value)], path


def test_services_is_ours() -> None:
    assert Path(importlib.import_module("services").__file__ or "").is_relative_to(SRC)


@pytest.mark.parametrize(
    "arguments",
    [
        ["--help"],
        ["run", "--help"],
        ["--version"],
        ["config", "show"],
        ["config", "show", "--json"],
        ["status"],
        ["dashboard"],
        ["track-record"],
        ["alerts", "list"],
        ["backup", "list"],
    ],
    ids=" ".join,
)
def test_a_quick_command_imports_nothing_heavy(arguments: list[str], tmp_path: Path) -> None:
    from forex_core.store.store import Store

    Store.for_writing(tmp_path / "data").close()
    code = (
        "import sys; from forex_cli.main import app\n"
        f"try: app({arguments!r})\n"
        "except SystemExit: pass\n"
        f"print(sorted({HEAVY!r} & set(sys.modules)), file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        env={"PATH": "/usr/bin", "FOREX_DATA_DIR": str(tmp_path / "data")},
    )
    assert done.stderr.splitlines()[-1] == "[]"
    assert done.stdout


def test_a_run_without_tracking_imports_neither_mlflow_nor_torch(tmp_path: Path, observado: Path) -> None:
    code = (
        "import sys; from forex_cli.main import app\n"
        f"try: app(['run', '--source', 'csv:{observado}', '--as-of', '2024-06-28', '--dry-run'])\n"
        "except SystemExit as end: assert end.code == 0, end.code\n"
        "print(sorted({'mlflow', 'pandas', 'torch'} & set(sys.modules)), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stderr.splitlines()[-1] == "[]"


def test_every_setting_and_variable_is_in_the_readme() -> None:
    assert [name for name in names() if f"`{name}`" not in README] == []
    assert [name for name in names() if f"`{variable_of(name)}`" not in README] == []


def test_every_member_and_source_is_in_the_readme() -> None:
    assert [name for name in [*MEMBERS, *OBSERVADO, *CROSSES, "csv:PATH"] if f"`{name}`" not in README] == []


def test_the_readme_shows_the_rooms_as_they_are() -> None:
    rooms = {path.stem for path in (SRC / "forex_core").iterdir() if not path.name.startswith("__")} - {"py"}
    listed = set(re.findall(r"^\| `(\w+?)(?:\.py|/)` \|", README, re.MULTILINE))
    assert listed == rooms - {"py.typed".split(".")[0]}


def test_the_commands_of_the_readme_exist() -> None:
    from forex_cli.main import app

    known = {command.name or command.callback.__name__ for command in app.registered_commands if command.callback}
    known |= {group.name for group in app.registered_groups if group.name}
    used = set(re.findall(r"^(?:\$ )?(?:\.venv/bin/)?forex ([a-z]\S*)", README, re.MULTILINE))
    assert used
    assert used <= known


def test_mlflow_config_has_the_documented_interface() -> None:
    from forex_core.mlops.mlflow_config import MLflowConfig

    def parameters(name: str) -> list[str]:
        given = inspect.signature(getattr(MLflowConfig, name)).parameters.values()
        star = inspect.Parameter.KEYWORD_ONLY
        return [
            ("*" if p.kind == star else "") + p.name + (f"={p.default}" if p.default != p.empty else "") for p in given
        ]

    assert parameters("__init__") == ["self", "tracking_uri=None", "artifact_location=None"]
    assert parameters("setup") == ["self", "experiment_name", "*tags=None"]
    assert parameters("start_run") == ["self", "run_name=None", "tags=None", "description=None"]
    metrics = ["self", "horizon", "rmse", "mae", "mape", "*directional_accuracy=None", "*step=None"]
    assert parameters("log_forecast_metrics") == metrics
    assert parameters("log_model_artifact") == ["self", "model", "artifact_path", "*registered_model_name=None"]
    assert parameters("get_best_run") == ["experiment_name", "metric=7d_rmse", "ascending=True"]


def test_files_stay_small_enough_to_read() -> None:
    long = {path.name: path.read_text().count("\n") for path in SRC.rglob("*.py")}
    assert {name: lines for name, lines in long.items() if lines > 300} == {}


def test_the_grid_is_the_documented_one() -> None:
    assert EVERY == 21
