"""The last runs of each experiment by read-only SQL: milliseconds, where importing MLflow alone takes a second."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from forex_core.errors import SettingsError
from forex_core.horizons import HORIZONS
from forex_core.mlops.names import DOCUMENTED_PAIR, experiment_name
from forex_core.store.database import damage_named


@dataclass(frozen=True, slots=True)
class RunLine:
    """One run. rmse in quote currency, mape in percent; None where the run has none."""

    started_at: datetime
    rmse: float | None
    mape: float | None
    environment: str | None
    run_id: str


def latest_runs(path: Path, limit: int) -> Iterator[tuple[str, list[RunLine]]]:
    """Each forecaster experiment with its last runs, the documented four first, then the others by name."""
    if not path.exists():
        raise SettingsError(f"there is no {path}", hint="`forex demo` makes a first one, or set FOREX_DATA_DIR")
    with damage_named(path), closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as connection:
        connection.execute("PRAGMA busy_timeout = 5000")
        documented = [experiment_name(DOCUMENTED_PAIR, key) for key in HORIZONS]
        rows = connection.execute(
            "SELECT experiment_id, name FROM experiments WHERE lifecycle_stage = 'active' AND name LIKE 'forecaster_%'"
        )
        known = {name: number for number, name in rows}
        others = sorted(known.keys() - set(documented), key=_pair_then_days)
        for name in [*documented, *others]:
            yield name, _runs(connection, known[name], name.split("_")[1], limit) if name in known else []


def _pair_then_days(name: str) -> tuple[str, int]:
    _, horizon, *pair = name.split("_")
    return "_".join(pair), HORIZONS[horizon].days if horizon in HORIZONS else 0


def _runs(connection: sqlite3.Connection, experiment: int, horizon: str, limit: int) -> list[RunLine]:
    rows = connection.execute(
        """
        SELECT r.start_time, rmse.value, mape.value, env.value, r.run_uuid FROM runs r
        LEFT JOIN latest_metrics rmse ON rmse.run_uuid = r.run_uuid AND rmse.key = ?
        LEFT JOIN latest_metrics mape ON mape.run_uuid = r.run_uuid AND mape.key = ?
        LEFT JOIN tags env ON env.run_uuid = r.run_uuid AND env.key = 'environment'
        WHERE r.experiment_id = ? AND r.lifecycle_stage = 'active' ORDER BY r.start_time DESC, r.rowid DESC LIMIT ?
        """,
        (f"{horizon}_rmse", f"{horizon}_mape", experiment, limit),
    )
    return [RunLine(datetime.fromtimestamp(start / 1000, UTC), *rest) for start, *rest in rows]
