"""A run with every member: who speaks, who drops out by name, and what is never imported."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from conftest import forex
from forex_core.models.table import MEMBERS, YARDSTICK

SPEAKING = [name for name in MEMBERS if name != YARDSTICK.name]
ASKED = ("run", "7d", "--pair", "EURUSD", "--source", "ecb", "--as-of", "2026-10-30", "--members")


@pytest.fixture
def without_torch(tmp_path: Path) -> str:
    """A path on which torch and chronos are not to be had."""
    folder = tmp_path / "hidden"
    for name in ("torch", "chronos"):
        package = folder / name
        package.mkdir(parents=True)
        (package / "__init__.py").write_text(f'raise ModuleNotFoundError("No module named {name}", name="{name}")\n')
    return str(folder)


def test_without_the_extra_neural_who_needs_it_drops_out_by_name(data_dir: Path, without_torch: str) -> None:
    done = forex(*ASKED, "all", "--json", data_dir=data_dir, PYTHONPATH=without_torch, FOREX_CHRONOS_RUNTIME="official")
    assert done.returncode == 0, done.stderr
    (pair,) = json.loads(done.stdout)["pairs"]
    (forecast,) = pair["forecasts"]
    states = {member["name"]: member["state"] for member in forecast["members"]}
    assert list(states) == SPEAKING
    assert {name for name, state in states.items() if state == "dropped"} == {"chronos", "lstm"}
    reasons = {member["name"]: member["reason"] for member in forecast["members"]}
    assert "forex-core[neural]" in reasons["chronos"] or "neural" in reasons["chronos"]
    assert "no weights" in reasons["lstm"]
    weights = [member["weight"] for member in forecast["members"] if member["state"] == "ok"]
    assert sum(weights) == pytest.approx(1)
    report = Path(forecast["report"]).read_text()
    assert "chronos dropped out" in report
    trained = forex("train", "lstm", data_dir=data_dir, PYTHONPATH=without_torch)
    assert (trained.returncode, "forex-core[neural]" in trained.stderr) == (70, True)


def test_with_the_embedded_chronos_torch_is_never_imported(data_dir: Path, without_torch: str) -> None:
    """torch can't be imported there, and yet every member but the untrained one speaks."""
    done = forex(*ASKED, "all", "--json", data_dir=data_dir, PYTHONPATH=without_torch)
    assert done.returncode == 0, done.stderr
    (forecast,) = json.loads(done.stdout)["pairs"][0]["forecasts"]
    assert [member["name"] for member in forecast["members"] if member["state"] == "dropped"] == ["lstm"]


def test_a_chronos_that_was_never_fetched_is_replaced_by_the_embedded_one_and_named(data_dir: Path) -> None:
    missing = "amazon/chronos-bolt-small@" + "0" * 40
    done = forex(*ASKED, "chronos,random_walk", "--json", data_dir=data_dir, FOREX_CHRONOS_MODEL=missing)
    assert done.returncode == 0, done.stderr
    pair = json.loads(done.stdout)["pairs"][0]
    said = Path(pair["forecasts"][0]["report"]).read_text()
    assert (
        "`forex models fetch amazon/chronos-bolt-small" in said
        or "forex models fetch amazon/chronos-bolt-small" in said
    )


def test_heavy_libraries_stay_out_of_the_runs_own_process(tmp_path: Path) -> None:
    code = (
        "import sys; from forex_cli.main import app\n"
        f"try: app({[*ASKED, 'all', '--dry-run']!r})\n"
        "except SystemExit as end: assert end.code == 0, end.code\n"
        "heavy = {'torch', 'statsforecast', 'arch', 'mlflow', 'transformers'} & set(sys.modules)\n"
        "print(sorted(heavy), file=sys.stderr)"
    )
    script = tmp_path / "script.py"
    script.write_text(f"if __name__ == '__main__':\n    {code.replace(chr(10), chr(10) + '    ')}\n")
    done = subprocess.run([sys.executable, script], capture_output=True, text=True, check=True)
    assert done.stderr.splitlines()[-1] == "[]"


@pytest.mark.parametrize("weighting", ["median", "inverse_rmse"])
def test_another_weighting_is_another_version_and_its_model_loads(data_dir: Path, weighting: str) -> None:
    equal, other = (
        json.loads(forex(*ASKED, "random_walk,empirical,drift", "--json", data_dir=folder, FOREX_WEIGHTING=how).stdout)[
            "pairs"
        ][0]["forecasts"][0]
        for folder, how in ((data_dir, "equal"), (data_dir.with_name("other"), weighting))
    )
    assert sum(member["weight"] for member in other["members"]) == pytest.approx(1)
    changed = equal["quantiles"] != other["quantiles"]
    assert changed or weighting == "inverse_rmse"
    code = (
        "import mlflow, pandas as pd\n"
        f"model = mlflow.pyfunc.load_model('runs:/{other['run_id']}/model')\n"
        "from datetime import UTC, date, datetime\n"
        "from forex_core.sources.ecb import EmbeddedEcb\n"
        "rows = EmbeddedEcb().fetch('EURUSD', date.min, date(2026, 10, 30), datetime.now(UTC))\n"
        "days = pd.to_datetime([row.observed_on for row in rows])\n"
        "frame = pd.DataFrame({'date': days, 'value': [row.value for row in rows]})\n"
        "print(model.predict(frame)['0.9'].iloc[-1])"
    )
    store = data_dir.with_name("other") / "mlflow" / "mlflow.db"
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={"PATH": "/usr/bin", "HOME": "/tmp", "MLFLOW_TRACKING_URI": f"sqlite:///{store}"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert float(done.stdout.split()[-1]) == pytest.approx(other["quantiles"]["0.9"])
