"""The last runs of each experiment by read-only SQL: milliseconds, where importing MLflow alone takes a second."""

import sqlite3
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from forex_core.errors import SettingsError
from forex_core.horizons import HORIZONS
from forex_core.mlops.names import DOCUMENTED_PAIR, experiment_name
from forex_core.store.database import damage_named
from forex_core.store.viewing import open_to_view

NEWEST = """
    SELECT *, rowid AS number FROM runs WHERE experiment_id = :experiment AND lifecycle_stage = 'active'
    ORDER BY start_time DESC, rowid DESC LIMIT :limit
"""
# as MLflowConfig.get_best_run finds it; MLflow keeps a value that is no number as 0 with a mark
BEST = """
    SELECT r.*, r.rowid AS number FROM latest_metrics m JOIN runs r USING (run_uuid)
    WHERE m.key = :rmse AND NOT m.is_nan AND r.experiment_id = :experiment
    AND r.lifecycle_stage = 'active' AND r.status = 'FINISHED'
    ORDER BY m.value, r.start_time DESC LIMIT 1
"""
# what is shown is looked up for the few that were chosen, which takes a third of the time
LINES = """
    SELECT r.start_time, rmse.value, mape.value, env.value, r.run_uuid FROM ({chosen}) r
    LEFT JOIN latest_metrics rmse ON rmse.run_uuid = r.run_uuid AND rmse.key = :rmse AND NOT rmse.is_nan
    LEFT JOIN latest_metrics mape ON mape.run_uuid = r.run_uuid AND mape.key = :mape AND NOT mape.is_nan
    LEFT JOIN tags env ON env.run_uuid = r.run_uuid AND env.key = 'environment'
    ORDER BY r.start_time DESC, r.number DESC
"""


@dataclass(frozen=True, slots=True)
class RunLine:
    """One run. rmse in quote currency, mape in percent; None where the run has none."""

    started_at: datetime
    rmse: float | None
    mape: float | None
    environment: str | None
    run_id: str


@dataclass(frozen=True, slots=True)
class Experiment:
    """One experiment: its last runs, the newest first, and of all its finished ones that with the lowest rmse."""

    name: str
    runs: tuple[RunLine, ...]
    best: RunLine | None


def latest_runs(data_dir: Path, limit: int) -> list[Experiment]:
    """Each forecaster experiment with its last runs, the documented four first, then the others by name."""
    path, opened = open_to_view(data_dir / "mlflow" / "mlflow.db", data_dir, _opened)
    with closing(opened) as connection, damage_named(path):
        connection.execute("BEGIN")  # all of it as it is at one moment
        documented = [experiment_name(DOCUMENTED_PAIR, key) for key in HORIZONS]
        rows = connection.execute(
            "SELECT name, experiment_id FROM experiments "
            r"WHERE lifecycle_stage = 'active' AND name LIKE 'forecaster\_%' ESCAPE '\'"
        )
        known = dict(rows.fetchall())
        names = [*documented, *sorted(known.keys() - set(documented), key=_pair_then_days)]
        return [_experiment(connection, name, known.get(name), limit) for name in names]


def _opened(path: Path) -> sqlite3.Connection:
    if not path.exists():
        raise SettingsError(
            f"there is no {path}", hint="`forex run` makes a first one, `forex demo` an example; or set FOREX_DATA_DIR"
        )
    with damage_named(path):
        connection = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)
        try:
            connection.execute("PRAGMA busy_timeout = 5000")
            connection.execute("PRAGMA schema_version")  # the first look into the file
        except sqlite3.Error:
            connection.close()
            raise
        return connection


def _pair_then_days(name: str) -> tuple[str, int]:
    _, horizon, *pair = name.split("_")
    return "_".join(pair), HORIZONS[horizon].days if horizon in HORIZONS else 0


def _experiment(connection: sqlite3.Connection, name: str, number: int | None, limit: int) -> Experiment:
    horizon = name.split("_")[1]
    asked = {"experiment": number, "rmse": f"{horizon}_rmse", "mape": f"{horizon}_mape", "limit": limit}
    newest, best = (
        [
            RunLine(datetime.fromtimestamp(start / 1000, UTC), *rest)
            for start, *rest in connection.execute(LINES.format(chosen=chosen), asked)
        ]
        for chosen in (NEWEST, BEST)
    )
    return Experiment(name, tuple(newest), next(iter(best), None))
