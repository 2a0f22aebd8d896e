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
    SELECT *, row_number() OVER (PARTITION BY experiment_id ORDER BY start_time DESC, rowid DESC) AS place
    FROM runs WHERE lifecycle_stage = 'active'
"""
# as MLflowConfig.get_best_run finds it; MLflow keeps a value that is no number as 0 with a mark
BEST = """
    SELECT r.*, row_number() OVER (PARTITION BY r.experiment_id ORDER BY rmse.value, r.start_time DESC) AS place
    FROM runs r JOIN asked a USING (experiment_id)
    JOIN latest_metrics rmse ON rmse.run_uuid = r.run_uuid AND rmse.key = a.rmse AND NOT rmse.is_nan
    WHERE r.lifecycle_stage = 'active' AND r.status = 'FINISHED'
"""
FIRST_OF = """
    WITH asked (name, experiment_id, rmse, mape) AS (VALUES {asked}), ranked AS ({ranked})
    SELECT a.name, r.start_time, rmse.value, mape.value, env.value, r.run_uuid
    FROM ranked r JOIN asked a USING (experiment_id)
    LEFT JOIN latest_metrics rmse ON rmse.run_uuid = r.run_uuid AND rmse.key = a.rmse AND NOT rmse.is_nan
    LEFT JOIN latest_metrics mape ON mape.run_uuid = r.run_uuid AND mape.key = a.mape AND NOT mape.is_nan
    LEFT JOIN tags env ON env.run_uuid = r.run_uuid AND env.key = 'environment'
    WHERE r.place <= ? ORDER BY a.name, r.place
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


def latest_runs(path: Path, limit: int) -> list[Experiment]:
    """Each forecaster experiment with its last runs, the documented four first, then the others by name."""
    if not path.exists():
        raise SettingsError(f"there is no {path}", hint="`forex demo` makes a first one, or set FOREX_DATA_DIR")
    with closing(open_to_view(path, _opened)) as connection, damage_named(path):
        documented = [experiment_name(DOCUMENTED_PAIR, key) for key in HORIZONS]
        rows = connection.execute(
            "SELECT name, experiment_id FROM experiments "
            r"WHERE lifecycle_stage = 'active' AND name LIKE 'forecaster\_%' ESCAPE '\'"
        )
        known = dict(rows.fetchall())
        newest, best = _first(connection, known, NEWEST, limit), _first(connection, known, BEST, 1)
    names = [*documented, *sorted(known.keys() - set(documented), key=_pair_then_days)]
    return [Experiment(name, tuple(newest.get(name, ())), next(iter(best.get(name, ())), None)) for name in names]


def _opened(path: Path) -> sqlite3.Connection:
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


def _first(connection: sqlite3.Connection, known: dict[str, int], ranked: str, limit: int) -> dict[str, list[RunLine]]:
    """The first `limit` runs of each experiment by name, as `ranked` orders them."""
    values: list[object] = []
    for name, number in known.items():
        horizon = name.split("_")[1]
        values += [name, number, f"{horizon}_rmse", f"{horizon}_mape"]
    found: dict[str, list[RunLine]] = {}
    if known:
        query = FIRST_OF.format(asked=", ".join(["(?, ?, ?, ?)"] * len(known)), ranked=ranked)
        for name, start, *rest in connection.execute(query, [*values, limit]):
            found.setdefault(name, []).append(RunLine(datetime.fromtimestamp(start / 1000, UTC), *rest))
    return found
