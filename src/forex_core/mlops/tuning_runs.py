"""A search as a run of the experiment Tuning, with a nested run for each trial: written at its end, in one go."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from forex_core.errors import TrackingError
from forex_core.mlops.experiments import model_type
from forex_core.mlops.names import experiment_location
from forex_core.mlops.quiet import client, mlflow
from forex_core.mlops.tracker import MlflowTracker
from forex_core.settings.kinds import mask

EXPERIMENT = "Tuning"


@dataclass(frozen=True)
class Recorded:
    """What goes into one run. metrics are finite."""

    name: str
    params: Mapping[str, Any]
    metrics: Mapping[str, float]
    started: datetime
    ended: datetime
    note: str = ""
    status: str = "FINISHED"


def record_tuning(tracker: MlflowTracker, member: str, search: Recorded, trials: Sequence[Recorded]) -> str:
    """The id of the parent run; `tracker.prepare` has seen the store."""
    mlflow()
    from mlflow.exceptions import MlflowException

    store, tags = client(tracker.uri), {"member": member, "model_type": model_type(member)}
    try:
        experiment = _experiment(store, tracker)
        parent = _written(store, experiment, search, tags)
        for trial in trials:
            _written(store, experiment, trial, tags | {"mlflow.parentRunId": parent})
    except (MlflowException, OSError) as error:
        message = f"MLflow could not record the search: {mask(str(error))}"
        raise TrackingError(message, untouched="a candidate that was written is kept") from error
    return parent


def _written(store: Any, experiment: str, one: Recorded, tags: Mapping[str, str]) -> str:
    """A run, its numbers in one batch, and its end; its id."""
    from mlflow.entities import Metric, Param

    noted = {**tags, "mlflow.note.content": one.note} if one.note else tags
    run = store.create_run(experiment, start_time=_millis(one.started), tags=dict(noted), run_name=one.name)
    run_id, at = str(run.info.run_id), _millis(one.ended)
    metrics = [Metric(name, value, at, 0) for name, value in one.metrics.items()]
    store.log_batch(run_id, metrics, [Param(name, str(value)) for name, value in one.params.items()])
    store.set_terminated(run_id, one.status, end_time=at)
    return run_id


def _experiment(store: Any, tracker: MlflowTracker) -> str:
    if found := store.get_experiment_by_name(EXPERIMENT):
        return str(found.experiment_id)
    remote = tracker.uri.startswith("http")  # whose server knows where its artifacts lie
    location = None if remote else experiment_location(tracker.base_dir / "mlruns", EXPERIMENT)
    return str(store.create_experiment(EXPERIMENT, location, {"purpose": "tuning"}))


def _millis(moment: datetime) -> int:
    return int(moment.timestamp() * 1000)
