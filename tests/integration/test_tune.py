"""forex tune on real rates: one sentence, nested runs in MLflow, a candidate, and nothing that runs use is changed."""

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner, Result

from forex_cli.session import begin
from forex_cli.tune import tune
from forex_core.models.random_walk import RandomWalk
from forex_core.models.table import MEMBERS
from forex_core.pipeline.candidates import candidate

TRIALS = 12
SHORT = (
    "--pair",
    "EURUSD",
    "--pair",
    "USDZAR",
    "--from",
    "2013-01-01",
    "--verdict-from",
    "2024-01-01",
    "--trials",
    TRIALS,
)


@pytest.fixture
def forex(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> "Forex":
    monkeypatch.setenv("FOREX_DATA_DIR", str(data_dir))
    return Forex()


class Forex:
    """The command, in this process."""

    def __call__(self, *args: object) -> Result:
        app = typer.Typer()
        app.callback(invoke_without_command=True)(begin)
        app.command()(tune)
        return CliRunner().invoke(app, [str(arg) for arg in ("tune", *args)])


def test_a_search_is_judged_recorded_and_kept_as_a_candidate(forex: Forex, data_dir: Path) -> None:
    done = forex("random_walk", *SHORT, "--json")
    assert done.exit_code == 0, done.stderr
    said = json.loads(done.stdout)
    assert (said["trials"], said["today"]["parameters"]["dof"]) == (TRIALS, 5)
    assert said["best"]["wql_ratio"] < said["today"]["wql_ratio"]
    assert said["said"].startswith(f"Best of {TRIALS} trials: ")
    assert said["verdict"]["passes"] is False  # 30 origins prove nothing
    best = candidate(Path(said["candidate"]), MEMBERS)
    assert isinstance(best, RandomWalk)
    assert best != RandomWalk()
    with closing(sqlite3.connect(data_dir / "mlflow" / "mlflow.db")) as mlflow:
        runs = mlflow.execute(
            "SELECT r.run_uuid, r.name, r.status, t.value FROM runs r JOIN experiments e USING (experiment_id) "
            "LEFT JOIN tags t ON t.run_uuid = r.run_uuid AND t.key = 'mlflow.parentRunId' WHERE e.name = 'Tuning'"
        ).fetchall()
        losses = mlflow.execute("SELECT count(*) FROM metrics WHERE key = 'wql_ratio'").fetchone()
        tags = mlflow.execute("SELECT DISTINCT value FROM tags WHERE key = 'model_type'").fetchall()
    parents = [run for run in runs if run[3] is None]
    assert [run[0] for run in parents] == [said["run_id"]]
    assert {run[1:] for run in runs if run[3]} == {
        (f"trial_{number}", "FINISHED", said["run_id"]) for number in range(1, TRIALS + 1)
    }
    assert (losses, tags) == ((TRIALS,), [("RandomWalk",)])
    with closing(sqlite3.connect(data_dir / "forex.db")) as store:
        assert store.execute("SELECT count(*) FROM champions").fetchone() == (0,)


def test_a_dry_run_leaves_nothing(forex: Forex, data_dir: Path) -> None:
    done = forex("drift", "--pair", "EURUSD", "--from", "2014-06-01", "--trials", 2, "--dry-run")
    assert done.exit_code == 0, done.stderr
    assert "keep what you have." in done.stdout
    assert not data_dir.exists()


@pytest.mark.parametrize(
    ("asked", "why"),
    [
        (("rw_const",), "nothing of rw_const can be tuned"),
        (("oracle",), "no member 'oracle'"),
        (("drift", "--to", "2020-01-01", *SHORT[:2]), "must ascend"),
    ],
)
def test_what_cannot_be_is_a_usage_error(forex: Forex, asked: tuple[object, ...], why: str) -> None:
    done = forex(*asked)
    assert (done.exit_code, why in done.stderr) == (2, True)
