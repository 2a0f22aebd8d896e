"""The championship in MLflow: one finished run per member and horizon, recorded once, ranked by rmse."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, ClassVar

import pytest

from forex_core.backtest.rows import Row
from forex_core.errors import TrackingError
from forex_core.mlops.experiments import Pass, model_type, record
from forex_core.mlops.quiet import client, mlflow
from forex_core.mlops.tracker import MlflowTracker
from forex_core.models.empirical import Empirical
from forex_core.models.random_walk import RandomWalk
from forex_core.store.store import Store
from forex_core.values import LEVELS


@dataclass(frozen=True)
class Sequences(RandomWalk):
    """A member that is fitted on features."""

    name: ClassVar[str] = "lstm"

    def feature_config(self) -> dict[str, Any]:
        return {"feature_cols": ["Return", "MA_5"], "scaler": "volatility", "time_steps": 60}


def row(member: str, horizon: str = "7d", rmse: float = 0.02) -> Row:
    figures = dict.fromkeys(("wql_ratio", "wql", "rmse_ratio", "mae", "mape", "interval_80", "interval_95"), 0.9)
    shares = dict.fromkeys(("directional_accuracy", "coverage_50", "coverage_80", "coverage_95", "coverage_se"), 0.5)
    untested = dict.fromkeys(("dm_t", "dm_p", "dm_ensemble_t", "dm_ensemble_p"))
    return Row("EURUSD", horizon, member, 60, rmse=rmse, below=LEVELS, **figures, **shares, **untested)


ROWS = [row(name, key) for key in ("7d", "90d") for name in ("ensemble", "random_walk", "lstm")]
ONE = Pass(
    "EURUSD",
    ROWS,
    (RandomWalk(), Sequences()),
    date(2015, 1, 1),
    date(2026, 10, 30),
    "equal",
    datetime(2026, 11, 2, 12, tzinfo=UTC),
)


@pytest.fixture(scope="module")
def tracker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MlflowTracker]:
    data_dir = tmp_path_factory.mktemp("championship here") / "data"
    tracker = MlflowTracker(data_dir / "mlflow")
    with Store.for_writing(data_dir) as store:
        tracker.prepare(store)
        yield tracker


def runs_of(tracker: MlflowTracker, one: Pass, **how: Any) -> list[Any]:
    found = client(tracker.uri)
    experiment = found.get_experiment_by_name(f"{one.pair}_Experiments")
    return list(found.search_runs([experiment.experiment_id], f"tags.pass_id = '{one.pass_id}'", **how))


def test_a_pass_is_a_finished_run_for_each_member_and_horizon_recorded_once(tracker: MlflowTracker) -> None:
    first, ended = record(ONE, tracker), [run.info.end_time for run in runs_of(tracker, ONE)]
    assert record(ONE, tracker) == first
    runs = runs_of(tracker, ONE)
    assert [run.info.end_time for run in runs] == ended
    assert {run.info.status for run in runs} == {"FINISHED"}
    named = {(run.data.tags["member"], run.data.tags["horizon"], run.data.tags["model_type"]) for run in runs}
    assert len(runs) == 6
    assert {("ensemble", "7d", "Ensemble"), ("random_walk", "90d", "RandomWalk"), ("lstm", "7d", "LSTM")} < named


def test_a_run_holds_the_documented_metrics_and_nothing_that_was_not_tested(tracker: MlflowTracker) -> None:
    tested = replace(row("random_walk"), dm_t=-2.0, dm_p=0.04, in_confidence_set=False)
    one = replace(ONE, rows=[tested], pair="USDMXN")
    (run_id,) = record(one, tracker)
    metrics = client(tracker.uri).get_run(run_id).data.metrics
    assert {"rmse", "mae", "directional_accuracy", "wql", "coverage_80", "coverage_95"} <= metrics.keys()
    assert (metrics["rmse"], metrics["dm_p"], metrics["in_confidence_set"]) == (0.02, 0.04, 0.0)
    assert not {"dm_ensemble_t", "below", "origins", "pairs"} & metrics.keys()


def test_a_sort_by_rmse_ranks_them(tracker: MlflowTracker) -> None:
    rows = [row("random_walk", rmse=0.03), row("lstm", rmse=0.01), row("ensemble", rmse=0.02)]
    one = replace(ONE, rows=rows, start=date(2016, 1, 1))
    record(one, tracker)
    ranked = runs_of(tracker, one, order_by=["metrics.rmse ASC"])
    assert [run.data.tags["model_type"] for run in ranked] == ["LSTM", "Ensemble", "RandomWalk"]


def test_another_result_is_another_pass(tracker: MlflowTracker) -> None:
    others = [
        replace(ONE, rows=[row("ensemble", rmse=0.021)]),
        replace(ONE, end=date(2026, 9, 30)),
        replace(ONE, weighting="median"),
        replace(ONE, members=(RandomWalk(dof=6), Sequences())),
        replace(ONE, members=(RandomWalk(), Sequences(), Empirical())),
    ]
    assert len({one.pass_id for one in [ONE, *others]}) == 6
    assert replace(ONE, at=datetime(2027, 1, 1, tzinfo=UTC)).pass_id == ONE.pass_id


@pytest.mark.parametrize("cut_at", ["log_text", "log_batch", "set_terminated"])
def test_when_recording_was_cut_short_then_the_next_try_completes_the_same_runs(
    tracker: MlflowTracker, monkeypatch: pytest.MonkeyPatch, cut_at: str
) -> None:
    one = replace(ONE, weighting=cut_at)

    def die(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(mlflow().MlflowClient, cut_at, die)
        record(one, tracker)
    (cut,) = runs_of(tracker, one)
    assert cut.info.status == "RUNNING"
    assert cut.info.run_id in record(one, tracker)
    assert [run.info.status for run in runs_of(tracker, one)] == ["FINISHED"] * len(ROWS)


def test_the_feature_configuration_lies_beside_each_run(tracker: MlflowTracker, tmp_path: Path) -> None:
    one = replace(ONE, start=date(2017, 1, 1), rows=ROWS[:3])
    found = client(tracker.uri)
    said = {}
    for run_id in record(one, tracker):
        member = found.get_run(run_id).data.tags["member"]
        file = found.download_artifacts(run_id, "feature_config.json", str(tmp_path))
        said[member] = json.loads(Path(file).read_text())
    assert said["lstm"]["feature_cols"] == ["Return", "MA_5"]
    assert (said["lstm"]["time_steps"], said["lstm"]["scaler"]) == (60, "volatility")
    assert said["random_walk"] == {
        "feature_cols": [],
        "scaler": None,
        "parameters": {"dof": 5, "decays": [0.94, 0.97], "windows": [250, 1000]},
    }
    assert said["ensemble"] == {"feature_cols": [], "scaler": None, "parameters": {}}


def test_when_the_server_is_down_then_the_error_says_what_is_kept(tmp_path: Path) -> None:
    with pytest.raises(TrackingError, match="MLflow could not record the backtest") as caught:
        record(ONE, MlflowTracker(tmp_path, "http://127.0.0.1:9"))
    assert "its windows are stored" in str(caught.value)


@pytest.mark.parametrize(
    ("member", "named"),
    [
        ("linear", "LinearRegression"),
        ("arima", "ARIMA"),
        ("ets", "ETS"),
        ("theta", "Theta"),
        ("garch", "GARCH"),
        ("lstm", "LSTM"),
        ("chronos", "Chronos"),
        ("random_walk", "RandomWalk"),
        ("ensemble+conformal", "EnsembleConformal"),
    ],
)
def test_architectures_are_called_as_documented(member: str, named: str) -> None:
    assert model_type(member) == named
