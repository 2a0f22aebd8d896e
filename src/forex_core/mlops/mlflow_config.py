"""MLflowConfig: one way to the tracking store for services, notebooks and fresh shells."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from loguru import logger

from forex_core.mlops import embedded
from forex_core.mlops.names import experiment_location
from forex_core.mlops.quiet import client, mlflow
from forex_core.settings import Settings
from forex_core.store.lock import writer_lock
from forex_core.store.store import Store

if TYPE_CHECKING:
    from mlflow import ActiveRun
    from mlflow.entities import Run


class MLflowConfig:
    """Where runs are tracked: an argument, else MLFLOW_TRACKING_URI, else the embedded store in the data directory."""

    def __init__(self, tracking_uri: str | None = None, artifact_location: str | None = None) -> None:
        settings = Settings.load({}, os.environ, Path.cwd())
        self._data_dir = settings.data_dir
        self._lock_wait_seconds = settings.lock_wait_seconds
        self.base_dir = settings.data_dir / "mlflow"
        chosen = tracking_uri or settings.mlflow_tracking_uri
        self._embedded = chosen is None
        self.tracking_uri = chosen or f"sqlite:///{self.base_dir / 'mlflow.db'}"
        self.artifact_location = artifact_location or str(self.base_dir / "mlruns")

    def setup(self, experiment_name: str, *, tags: dict[str, str] | None = None) -> str:
        """Make the store and the experiment if need be, make both current, and return the experiment's id."""
        if self._embedded:
            with writer_lock(self._data_dir, self._lock_wait_seconds), Store.for_writing(self._data_dir) as store:
                embedded.ensure(self.base_dir, store)
        mlflow().set_tracking_uri(self.tracking_uri)
        if client(self.tracking_uri).get_experiment_by_name(experiment_name) is None:
            location: str | None = self.artifact_location
            if self.tracking_uri.startswith("http"):
                location = None  # the server knows where its artifacts lie
            elif "://" not in self.artifact_location:
                location = experiment_location(Path(self.artifact_location), experiment_name)
            client(self.tracking_uri).create_experiment(experiment_name, location, tags or {})
        return str(mlflow().set_experiment(experiment_name).experiment_id)

    def start_run(
        self, run_name: str | None = None, tags: dict[str, Any] | None = None, description: str | None = None
    ) -> ActiveRun:
        """A context manager, as `mlflow.start_run`."""
        return mlflow().start_run(run_name=run_name, tags=tags, description=description)

    def log_forecast_metrics(
        self,
        horizon: str,
        rmse: float,
        mae: float,
        mape: float,
        *,
        directional_accuracy: float | None = None,
        step: int | None = None,
    ) -> None:
        """Log `7d_rmse` and so on to the active run in one batch: rmse and mae in quote currency, mape in percent."""
        metrics = {"rmse": rmse, "mae": mae, "mape": mape, "directional_accuracy": directional_accuracy}
        named = {f"{horizon}_{name}": value for name, value in metrics.items() if value is not None}
        mlflow().log_metrics(named, step=step)

    def log_model_artifact(self, model: Any, artifact_path: str, *, registered_model_name: str | None = None) -> None:
        """Log a torch model to the active run; it loads by `runs:/<run id>/<artifact_path>`.

        MLflow's default format would trace the model with an example input, which a caller may not have; so it is
        pickled: load only what you logged.
        """
        import torch

        mlflow().pytorch.log_model(
            model,
            name=artifact_path,
            registered_model_name=registered_model_name,
            serialization_format="pickle",
            pip_requirements=[f"torch=={torch.__version__}"],
        )

    @staticmethod
    def get_best_run(experiment_name: str, metric: str = "7d_rmse", ascending: bool = True) -> Run | None:
        """The FINISHED run with the best value of `metric`; None, with a warning, if there is none."""
        loaded = mlflow()
        config = MLflowConfig(loaded.get_tracking_uri() if loaded.is_tracking_uri_set() else None)
        if config._embedded and not (config.base_dir / "mlflow.db").exists():
            logger.warning("there is no {} yet; `forex demo` makes it", config.base_dir / "mlflow.db")
            return None
        store = client(config.tracking_uri)
        if experiment := store.get_experiment_by_name(experiment_name):
            order = f"metrics.`{metric}` {'ASC' if ascending else 'DESC'}"
            finished = "attributes.status = 'FINISHED'"
            runs = store.search_runs([experiment.experiment_id], finished, order_by=[order], max_results=1)
            if runs and metric in runs[0].data.metrics:
                return runs[0]
        logger.warning("no finished run of {} has the metric {}", experiment_name, metric)
        return None
