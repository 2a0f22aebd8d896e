"""The tracker's contract: recorded once, in its final status, whatever was cut short before."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from forex_core.errors import TrackingError
from forex_core.mlops.quiet import client
from forex_core.mlops.tracker import Attempt, MlflowTracker
from forex_core.store.store import Store
from samples import sample_forecast

ATTEMPT = Attempt("a" * 32, "USDCLP", "7d", datetime(2024, 7, 1, tzinfo=UTC), "production")


@pytest.fixture(scope="module")
def tracker(tmp_path_factory: pytest.TempPathFactory) -> MlflowTracker:
    data_dir = tmp_path_factory.mktemp("tracked here") / "data"
    tracker = MlflowTracker(data_dir / "mlflow")
    with Store.for_writing(data_dir) as store:
        tracker.prepare(store)
    return tracker


@pytest.fixture
def report(tracker: MlflowTracker) -> Path:
    path = tracker.base_dir.parent / "7d.html"
    path.write_text("<p>a report</p>")
    return path


def runs_of(tracker: MlflowTracker, tag: str) -> list:
    found = client(tracker.uri)
    ids = [experiment.experiment_id for experiment in found.search_experiments()]
    return list(found.search_runs(ids, tag))


def test_when_a_forecast_is_tracked_twice_then_there_is_one_finished_run(tracker: MlflowTracker, report: Path) -> None:
    forecast = sample_forecast(forecast_id="twice")
    first = tracker.track(forecast, report, skip_email=True)
    assert tracker.track(forecast, report, skip_email=True) == first
    (run,) = runs_of(tracker, "tags.forecast_id = 'twice'")
    assert (run.info.run_id, run.info.status) == (first, "FINISHED")


@pytest.mark.parametrize("cut_at", ["_log_model", "_end"])
def test_when_tracking_was_cut_short_then_the_next_try_completes_the_same_run(
    tracker: MlflowTracker, report: Path, monkeypatch: pytest.MonkeyPatch, cut_at: str
) -> None:
    forecast = sample_forecast(forecast_id=f"cut at {cut_at}")

    def die(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(MlflowTracker, cut_at, die)
        tracker.track(forecast, report, skip_email=True)
    (cut,) = runs_of(tracker, f"tags.forecast_id = '{forecast.forecast_id}'")
    assert cut.info.status == "RUNNING"
    assert tracker.track(forecast, report, skip_email=True) == cut.info.run_id
    (whole,) = runs_of(tracker, f"tags.forecast_id = '{forecast.forecast_id}'")
    assert whole.info.status == "FINISHED"
    assert whole.data.params["series_length"] == str(forecast.history_length)
    artifacts = {item.path for item in client(tracker.uri).list_artifacts(cut.info.run_id)}
    assert artifacts == {"model", "reports"}


def test_another_pair_has_its_own_experiment_and_no_param_of_usdclp(tracker: MlflowTracker, report: Path) -> None:
    run_id = tracker.track(sample_forecast(forecast_id="other", pair="EURUSD"), report, skip_email=False)
    found = client(tracker.uri)
    run = found.get_run(run_id)
    assert found.get_experiment(run.info.experiment_id).name == "forecaster_7d_EURUSD"
    assert "usdclp_series_length" not in run.data.params
    assert run.data.tags["skip_email"] == "False"


def test_a_forecast_without_backtest_has_no_error_metrics(tracker: MlflowTracker, report: Path) -> None:
    forecast = sample_forecast(forecast_id="young", backtest=None)
    members = tuple(replace(member, score=None) for member in forecast.members)
    run_id = tracker.track(replace(forecast, members=members), report, skip_email=False)
    assert all(name.endswith("_weight") for name in client(tracker.uri).get_run(run_id).data.metrics)


@pytest.mark.parametrize("status", ["FAILED", "KILLED"])
def test_an_attempt_without_forecast_is_recorded_once_with_its_reason(tracker: MlflowTracker, status: str) -> None:
    attempt = replace(ATTEMPT, attempt_id=status * 4)
    first = tracker.record_end(attempt, status, "no source answered")  # type: ignore[arg-type]
    assert tracker.record_end(attempt, status, "no source answered") == first  # type: ignore[arg-type]
    (run,) = runs_of(tracker, f"tags.attempt = '{attempt.attempt_id}'")
    assert (run.info.status, run.data.params["error_message"]) == (status, "no source answered")


def test_a_very_long_reason_is_cut_to_what_mlflow_takes(tracker: MlflowTracker) -> None:
    run_id = tracker.record_end(replace(ATTEMPT, attempt_id="long"), "FAILED", "x" * 1_000_000)
    assert len(client(tracker.uri).get_run(run_id).data.params["error_message"]) == 5000


def test_when_the_server_is_down_then_the_error_says_that_the_forecast_stands(report: Path, tmp_path: Path) -> None:
    nowhere = MlflowTracker(tmp_path, "http://127.0.0.1:9")
    with pytest.raises(TrackingError, match="could not record") as caught:
        nowhere.track(sample_forecast(), report, skip_email=True)
    assert "the forecast stands" in str(caught.value)
