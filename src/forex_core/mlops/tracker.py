"""Record a run in MLflow: late, once, found again by its tag when an earlier attempt was cut short."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Literal, Protocol
from urllib.parse import unquote, urlparse

from forex_core.errors import CannotWrite, CorruptStore, TrackingError
from forex_core.mlops import embedded
from forex_core.mlops.model import save_model
from forex_core.mlops.names import experiment_location, experiment_name, experiment_tags
from forex_core.mlops.quiet import client, mlflow
from forex_core.mlops.run_content import LONGEST_VALUE, metrics_of, params_of, run_name, tags_of
from forex_core.settings.kinds import mask
from forex_core.store.files import is_full
from forex_core.store.store import Store
from forex_core.values import Forecast

STANDS, LATER = "the forecast stands", "the next run records it"


@dataclass(frozen=True, slots=True)
class Attempt:
    """One start of one (run, pair, horizon) that gave no forecast."""

    attempt_id: str
    pair: str
    horizon: str
    started_at: datetime
    environment: str


class Tracker(Protocol):
    """Where runs are recorded."""

    def prepare(self, store: Store) -> None:
        """Make or check the place, under the lock, before anything is written."""
        ...

    def track(self, forecast: Forecast, report: Path, *, skip_email: bool) -> str:
        """Record a frozen forecast; calling again completes or confirms. Return the run id."""
        ...

    def record_end(self, attempt: Attempt, status: Literal["FAILED", "KILLED"], message: str) -> str:
        """Record an attempt that ended without a forecast; calling again confirms. Return the run id."""
        ...


@dataclass
class MlflowTracker:
    """tracking_uri None is the embedded store under `base_dir`, which is made on first use.

    A server that failed once is not asked again by this tracker: each try takes seconds, with the lock held.
    """

    base_dir: Path
    tracking_uri: str | None = None
    trouble: str = ""

    @property
    def uri(self) -> str:
        """The tracking URI as MLflow wants it."""
        return self.tracking_uri or f"sqlite:///{(self.base_dir / 'mlflow.db').absolute()}"

    def prepare(self, store: Store) -> None:
        if self.tracking_uri is None:
            embedded.ensure(self.base_dir, store)

    def track(self, forecast: Forecast, report: Path, *, skip_email: bool) -> str:
        with self._failures_named():
            tags = tags_of(forecast, skip_email=skip_email)
            name = run_name("forecast", forecast.created_at)
            run = self._run(forecast.pair, forecast.horizon, "forecast_id", tags, name, forecast.created_at)
            if run.info.status != "FINISHED":
                self._log_model(run, forecast)
                _log_file(self._client, run, report, "reports")
                self._end(run, metrics_of(forecast), params_of(forecast), "FINISHED", forecast.created_at)
            return str(run.info.run_id)

    def record_end(self, attempt: Attempt, status: Literal["FAILED", "KILLED"], message: str) -> str:
        with self._failures_named():
            tags = {
                "attempt": attempt.attempt_id,
                "environment": attempt.environment,
                "pair": attempt.pair,
                "horizon": attempt.horizon,
            }
            name = run_name(status.lower(), attempt.started_at)
            run = self._run(attempt.pair, attempt.horizon, "attempt", tags, name, attempt.started_at)
            if run.info.status == "RUNNING":
                params = {"status": status.lower(), "error_message": message[:LONGEST_VALUE]}
                self._end(run, {}, params, status, attempt.started_at)
            return str(run.info.run_id)

    @contextmanager
    def _failures_named(self) -> Iterator[None]:
        """Turn MLflow's errors into ours."""
        if self.trouble:
            raise TrackingError(self.trouble, untouched=STANDS, hint=LATER)
        mlflow()
        from mlflow.exceptions import MlflowException

        try:
            yield
        except (MlflowException, OSError) as error:
            message = f"MLflow could not record the run: {mask(str(error))}"
            if self.tracking_uri is None:  # our own disk: nothing that time heals
                kind = CannotWrite if is_full(error) else CorruptStore
                raise kind(message, untouched=STANDS, hint="look at the disk; the next run records it") from error
            self.trouble = message
            raise TrackingError(message, untouched=STANDS, hint=LATER) from error

    @property
    def _client(self) -> Any:
        return client(self.uri)

    def _run(self, pair: str, horizon: str, key: str, tags: dict[str, str], name: str, at: datetime) -> Any:
        """The run that carries tags[key], made now if there is none."""
        experiment = self._experiment(pair, horizon)
        found = self._client.search_runs([experiment], f"tags.{key} = '{tags[key]}'", max_results=1)
        if found:
            return found[0]
        return self._client.create_run(experiment, start_time=_millis(at), tags=tags, run_name=name)

    def _experiment(self, pair: str, horizon: str) -> str:
        name = experiment_name(pair, horizon)
        if found := self._client.get_experiment_by_name(name):
            return str(found.experiment_id)
        remote = self.uri.startswith("http")  # whose server knows where its artifacts lie
        location = None if remote else experiment_location(self.base_dir / "mlruns", name)
        return str(self._client.create_experiment(name, location, experiment_tags(pair, horizon)))

    def _end(self, run: Any, metrics: dict[str, float], params: dict[str, str], status: str, at: datetime) -> None:
        """All in one batch, then the final status. The same moment each time, so that a second try adds nothing."""
        from mlflow.entities import Metric, Param

        self._client.log_batch(
            run.info.run_id,
            metrics=[Metric(name, value, _millis(at), 0) for name, value in metrics.items()],
            params=[Param(name, value) for name, value in params.items()],
        )
        self._client.set_terminated(run.info.run_id, status)

    def _log_model(self, run: Any, forecast: Forecast) -> None:
        with tempfile.TemporaryDirectory() as scratch:
            folder = Path(scratch) / "model"
            save_model(folder, forecast)
            self._client.log_artifacts(run.info.run_id, str(folder), "model")


def _log_file(client: Any, run: Any, file: Path, folder: str) -> None:
    """A hard link where the artifacts lie on the same disk, else a copy."""
    address = urlparse(run.info.artifact_uri)
    if address.scheme in ("", "file"):
        target = Path(unquote(address.path)) / folder / file.name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.unlink(missing_ok=True)
        try:
            os.link(file, target)
            return
        except OSError:
            pass  # another file system: the copy below does as well
    client.log_artifact(run.info.run_id, str(file), folder)


def _millis(moment: datetime) -> int:
    return int(moment.timestamp() * 1000)
