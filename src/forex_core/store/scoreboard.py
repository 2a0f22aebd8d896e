"""What the terminal shows of forex.db: narrow, read-only SQL, so that ten years of forecasts are looked at at once."""

import json
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from forex_core.horizons import HORIZONS
from forex_core.store.database import damage_named, open_for_reading
from forex_core.store.events import Events
from forex_core.store.viewing import open_to_view
from forex_core.values import LEVELS, TRACK_RECORD, Observation, Quantiles

if TYPE_CHECKING:
    from forex_core.store.store import Store  # whose forecasts need pydantic, which takes longer than the reading


@dataclass(frozen=True, slots=True)
class Tally:
    """How many were compared with what came, and how well they did. skill: against the random walk; both fractions."""

    count: int
    skill: float | None
    coverage_80: float


@dataclass(frozen=True, slots=True)
class Outlook:
    """The newest forecast of a pair and horizon, as far as the terminal shows it. Rates are quote per base."""

    forecast_id: str
    pair: str
    horizon: str
    role: str
    issued_on: date
    target_date: date
    spot: Observation
    quantiles: Quantiles
    history: tuple[float, ...]  # the spot is the last one
    backtest: Tally | None
    version_id: str
    version_since: datetime

    @property
    def median(self) -> float:
        """The point forecast."""
        return self.quantiles[0.5]


@dataclass(frozen=True, slots=True)
class Scored:
    """One issued forecast and what came. Losses as in `Score`; said, walked: its quantiles and the random walk's."""

    pair: str
    horizon: str
    role: str
    issued_on: date
    target_date: date
    outcome: float
    loss: float
    yardstick_loss: float
    said: Quantiles
    walked: Quantiles


@contextmanager
def reading(data_dir: Path) -> Iterator["Scoreboard"]:
    """Open forex.db without the lock, as it is at one moment; SettingsError if nothing was ever recorded.

    Who may not read it gets the published copy.
    """
    path, opened = open_to_view(data_dir / "forex.db", data_dir, open_for_reading)
    with closing(opened) as connection, damage_named(path):
        connection.execute("BEGIN")
        yield Scoreboard(connection, path)


class Scoreboard:
    def __init__(self, connection: sqlite3.Connection, path: Path) -> None:
        self._connection = connection
        self.path = path
        self.events = Events(connection)

    @classmethod
    def of(cls, store: "Store") -> "Scoreboard":
        """What an open store holds."""
        return cls(store._connection, store.path)

    def outlooks(self) -> list[Outlook]:
        """The last forecast of each pair and horizon that was issued as track record; failing that, of any role."""
        known = self._connection.execute("SELECT DISTINCT pair, horizon FROM forecasts")
        found = (self._outlook(pair, horizon) for pair, horizon in known.fetchall())
        return sorted(found, key=lambda outlook: (outlook.pair, HORIZONS[outlook.horizon].days))

    def tallies(self) -> dict[tuple[str, str, str], Tally]:
        """The track record by pair, horizon and role."""
        rows = self._connection.execute(
            """
            SELECT f.pair, f.horizon, f.role, count(*), sum(json_extract(s.body, '$.loss')),
                   sum(json_extract(s.body, '$.yardstick_loss')), avg(json_extract(s.body, '$.inside."80"'))
            FROM scores s JOIN forecasts f USING (forecast_id) GROUP BY f.pair, f.horizon, f.role
            """
        )
        return {tuple(key): Tally(n, 1 - lost / walk if walk else None, inside) for *key, n, lost, walk, inside in rows}

    def scored(self, pairs: Sequence[str], roles: Sequence[str]) -> list[Scored]:
        """The track record of these pairs (of all if none is named) and roles, the oldest first."""
        rows = self._connection.execute(
            f"""
            SELECT f.pair, f.horizon, f.role, f.issued_on, f.target_date, s.body,
                   json_extract(f.body, '$.path[#-1]', '$.random_walk')
            FROM scores s JOIN forecasts f USING (forecast_id) WHERE f.role IN ({_marks(roles)})
            {f"AND f.pair IN ({_marks(pairs)})" if pairs else ""}
            """,
            [*roles, *pairs],
        )
        return sorted((_scored(*row) for row in rows), key=lambda one: one.issued_on)

    def open_steps(self, steps: Sequence[str]) -> dict[str, int]:
        """How many frozen forecasts lack each step, of those that some lack."""
        lacking = (
            "SELECT count(*) FROM forecasts f WHERE NOT EXISTS "
            "(SELECT 1 FROM steps s WHERE s.forecast_id = f.forecast_id AND s.step = ?)"
        )
        counts = {step: self._connection.execute(lacking, (step,)).fetchone()[0] for step in steps}
        return {step: count for step, count in counts.items() if count}

    def newest_rate(self, pair: str) -> tuple[date, str] | None:
        """The newest date of which a rate is stored, and who gave it."""
        row = self._connection.execute(
            "SELECT max(observed_on), source FROM observations WHERE series = ?", (pair,)
        ).fetchone()
        return (date.fromisoformat(row[0]), row[1]) if row[0] else None

    def _outlook(self, pair: str, horizon: str) -> Outlook:
        body, since = self._connection.execute(
            f"""
            SELECT f.body, v.created_at FROM forecasts f JOIN versions v USING (version_id) WHERE f.rowid =
                (SELECT rowid FROM forecasts WHERE pair = ? AND horizon = ?
                 ORDER BY role IN ({_marks(TRACK_RECORD)}) DESC, issued_on DESC, role = ? DESC LIMIT 1)
            """,
            (pair, horizon, *TRACK_RECORD, TRACK_RECORD[0]),
        ).fetchone()
        said: dict[str, Any] = json.loads(body)
        spot, backtest = said["spot"], said["backtest"]
        return Outlook(
            said["forecast_id"],
            pair,
            horizon,
            said["role"],
            date.fromisoformat(said["issued_on"]),
            date.fromisoformat(said["target_date"]),
            Observation(
                date.fromisoformat(spot["observed_on"]),
                spot["value"],
                datetime.fromisoformat(spot["known_at"]),
                spot["source"],
            ),
            dict(zip(LEVELS, said["path"][-1], strict=True)),
            tuple(rate for _, rate in said["history"]),
            Tally(backtest["origins"], 1 - backtest["wql_ratio"], backtest["coverage_80"]) if backtest else None,
            said["version_id"],
            datetime.fromisoformat(since),
        )


def _marks(values: Sequence[str]) -> str:
    return ", ".join("?" * len(values))


def _scored(pair: str, horizon: str, role: str, issued_on: str, target: str, score: str, forecast: str) -> Scored:
    came, (said, walked) = json.loads(score), json.loads(forecast)
    return Scored(
        pair,
        horizon,
        role,
        date.fromisoformat(issued_on),
        date.fromisoformat(target),
        came["outcome"],
        came["loss"],
        came["yardstick_loss"],
        dict(zip(LEVELS, said, strict=True)),
        {float(level): rate for level, rate in walked.items()},
    )
