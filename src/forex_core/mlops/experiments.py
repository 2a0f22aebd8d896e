"""The championship in MLflow: of each backtest pass a run per member and horizon, in PAIR_Experiments."""

import json
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import date, datetime
from hashlib import sha256
from typing import Any, Protocol, runtime_checkable

from forex_core.backtest.rows import Row
from forex_core.errors import TrackingError
from forex_core.mlops.names import experiment_location
from forex_core.mlops.quiet import client, mlflow
from forex_core.mlops.tracker import MlflowTracker
from forex_core.models.member import Member, parameters
from forex_core.settings.kinds import mask

MODEL_TYPES = {"linear": "LinearRegression", "arima": "ARIMA", "ets": "ETS", "garch": "GARCH", "lstm": "LSTM"}
UNMEASURED = ("pair", "horizon", "member", "origins", "below", "in_confidence_set", "pairs")


@dataclass(frozen=True)
class Pass:
    """One pass over one pair: its rows, and what they were measured with."""

    pair: str
    rows: Sequence[Row]
    members: tuple[Member, ...]
    start: date
    end: date
    weighting: str
    at: datetime

    @property
    def pass_id(self) -> str:
        """The same for the same result, so that it is recorded once."""
        measured = [self.pair, str(self.start), str(self.end), self.weighting, [asdict(row) for row in self.rows]]
        made_with = [[member.name, member.revision, parameters(member)] for member in self.members]
        return sha256(json.dumps([measured, made_with], sort_keys=True).encode()).hexdigest()[:32]


@runtime_checkable
class Featured(Protocol):
    """A member that is fitted on features."""

    def feature_config(self) -> dict[str, Any]:
        """feature_cols and scaler, and for a sequence model time_steps."""
        ...


def record(one: Pass, tracker: MlflowTracker) -> list[str]:
    """Record a pass, whose store `tracker.prepare` has seen; calling again completes or confirms. The runs' ids."""
    with _failures_named():
        found = client(tracker.uri)
        experiment = _experiment(one.pair, tracker)
        runs = found.search_runs([experiment], f"tags.pass_id = '{one.pass_id}'", max_results=1000)
        known = {(run.data.tags["member"], run.data.tags["horizon"]): run for run in runs}
        return [_recorded(found, experiment, one, row, known.get((row.member, row.horizon))) for row in one.rows]


def model_type(member: str) -> str:
    """How the architecture of a member is called: LinearRegression, ARIMA, RandomWalk."""
    return MODEL_TYPES.get(member) or "".join(word.capitalize() for word in re.split(r"[^a-z0-9]+", member))


def _recorded(found: Any, experiment: str, one: Pass, row: Row, run: Any) -> str:
    """The id of a row's run, which is made, or finished, unless it is there."""
    started = int(one.at.timestamp() * 1000)
    if run is None:
        name = f"{row.member}_{row.horizon}"
        run = found.create_run(experiment, start_time=started, tags=_tags(one, row), run_name=name)
    run_id = str(run.info.run_id)
    if run.info.status != "FINISHED":
        from mlflow.entities import Metric, Param

        found.log_text(run_id, json.dumps(feature_config(one, row.member), indent=1), "feature_config.json")
        metrics = [Metric(name, value, started, 0) for name, value in _metrics(row).items()]
        found.log_batch(run_id, metrics=metrics, params=[Param(*item) for item in _params(one, row).items()])
        found.set_terminated(run_id, "FINISHED")
    return run_id


def _tags(one: Pass, row: Row) -> dict[str, str]:
    return {
        "pass_id": one.pass_id,
        "pair": one.pair,
        "horizon": row.horizon,
        "member": row.member,
        "model_type": model_type(row.member),
        "mlflow.note.content": f"{row.origins} windows from {one.start} to {one.end}; rmse and mae are shares of spot",
    }


def _params(one: Pass, row: Row) -> dict[str, str]:
    return {
        "from": str(one.start),
        "to": str(one.end),
        "origins": str(row.origins),
        "members": ", ".join(member.name for member in one.members),
        "weighting": one.weighting,
    }


def _metrics(row: Row) -> dict[str, float]:
    """rmse, mae, directional_accuracy, wql, the coverages and whatever else the row measures; nothing untested."""
    measured = {name: value for name, value in asdict(row).items() if name not in UNMEASURED and value is not None}
    if row.in_confidence_set is not None:
        measured["in_confidence_set"] = float(row.in_confidence_set)
    return measured


def feature_config(one: Pass, name: str) -> dict[str, Any]:
    """What a member was fitted on; one that sees only the rates has no features."""
    member = next((member for member in one.members if member.name == name), None)
    content: dict[str, Any] = {"feature_cols": [], "scaler": None, "parameters": parameters(member) if member else {}}
    return content | (member.feature_config() if isinstance(member, Featured) else {})


def _experiment(pair: str, tracker: MlflowTracker) -> str:
    name = f"{pair}_Experiments"
    found = client(tracker.uri)
    if experiment := found.get_experiment_by_name(name):
        return str(experiment.experiment_id)
    remote = tracker.uri.startswith("http")  # whose server knows where its artifacts lie
    location = None if remote else experiment_location(tracker.base_dir / "mlruns", name)
    return str(found.create_experiment(name, location, {"pair": pair, "purpose": "championship"}))


@contextmanager
def _failures_named() -> Iterator[None]:
    """Turn MLflow's errors into ours."""
    mlflow()
    from mlflow.exceptions import MlflowException

    try:
        yield
    except (MlflowException, OSError) as error:
        message = f"MLflow could not record the backtest: {mask(str(error))}"
        hint = "the same command again records what is missing"
        raise TrackingError(message, untouched="its windows are stored", hint=hint) from error
