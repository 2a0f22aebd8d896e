"""A training as a run of the experiment Training: its parameters, its losses by epoch, its files."""

from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from forex_core.errors import TrackingError
from forex_core.mlops.experiments import model_type
from forex_core.mlops.names import experiment_location
from forex_core.mlops.quiet import client, mlflow
from forex_core.mlops.tracker import MlflowTracker
from forex_core.settings.kinds import mask

EXPERIMENT = "Training"


def record_training(
    tracker: MlflowTracker,
    kind: str,
    name: str,
    params: Mapping[str, Any],
    curves: Mapping[str, list[float]],
    files: Mapping[str, bytes],
) -> str:
    """The id of the run, FINISHED; `tracker.prepare` has seen the store."""
    mlflow()
    from mlflow.entities import Metric, Param
    from mlflow.exceptions import MlflowException

    store = client(tracker.uri)
    try:
        run = store.create_run(_experiment(store, tracker), tags={"model_type": model_type(kind)}, run_name=name)
        run_id, at = str(run.info.run_id), int(run.info.start_time)
        metrics = [
            Metric(f"{curve}_loss", value, at, epoch)
            for curve, values in curves.items()
            for epoch, value in enumerate(values, start=1)
        ]
        store.log_batch(run_id, metrics, [Param(key, str(value)) for key, value in params.items()])
        with TemporaryDirectory() as scratch:
            for file, content in files.items():
                (Path(scratch) / file).write_bytes(content)
            store.log_artifacts(run_id, scratch)
        store.set_terminated(run_id, "FINISHED")
    except (MlflowException, OSError) as error:
        message = f"MLflow could not record the training: {mask(str(error))}"
        raise TrackingError(message, untouched="what was trained is kept") from error
    return run_id


def _experiment(store: Any, tracker: MlflowTracker) -> str:
    if found := store.get_experiment_by_name(EXPERIMENT):
        return str(found.experiment_id)
    remote = tracker.uri.startswith("http")  # whose server knows where its artifacts lie
    location = None if remote else experiment_location(tracker.base_dir / "mlruns", EXPERIMENT)
    return str(store.create_experiment(EXPERIMENT, location, {"purpose": "training"}))
