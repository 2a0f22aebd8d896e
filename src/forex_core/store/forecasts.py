"""Frozen forecasts, the steps done for them, and what came true."""

import sqlite3
from datetime import date, datetime

from pydantic import TypeAdapter

from forex_core.values import Forecast, Score

FORECAST: TypeAdapter[Forecast] = TypeAdapter(Forecast)
SCORE: TypeAdapter[Score] = TypeAdapter(Score)


class Forecasts:
    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def freeze(self, forecast: Forecast) -> None:
        """Insert; whoever calls commits, and that commit is the acknowledgement."""
        self._connection.execute(
            "INSERT INTO forecasts VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                forecast.forecast_id,
                forecast.pair,
                forecast.horizon,
                forecast.issued_on.isoformat(),
                forecast.role,
                forecast.target_date.isoformat(),
                forecast.created_at.isoformat(),
                forecast.version_id,
                FORECAST.dump_json(forecast).decode(),
            ),
        )

    def get(self, forecast_id: str) -> Forecast | None:
        """The forecast of this id, if it was ever frozen."""
        return next(iter(self._select("forecast_id = ?", forecast_id)), None)

    def newest(self, pair: str, horizon: str) -> Forecast | None:
        """The last one issued as track record, whichever its version; failing that, the last of any role."""
        order = "ORDER BY role IN ('champion', 'challenger') DESC, issued_on DESC, created_at DESC LIMIT 1"
        return next(iter(self._select(f"pair = ? AND horizon = ? {order}", pair, horizon)), None)

    def pairs(self) -> list[str]:
        """Every pair that was ever forecast."""
        return [row[0] for row in self._connection.execute("SELECT DISTINCT pair FROM forecasts ORDER BY pair")]

    def roles(self, pair: str, horizon: str, issued_on: date) -> list[str]:
        """The roles of the forecasts frozen for this pair, horizon and issue date, the first one first."""
        rows = self._connection.execute(
            "SELECT role FROM forecasts WHERE pair = ? AND horizon = ? AND issued_on = ? ORDER BY rowid",
            (pair, horizon, issued_on.isoformat()),
        )
        return [row[0] for row in rows]

    def newest_live(self, pair: str, horizon: str, role: str) -> Forecast | None:
        """The forecast of the newest issue date in this role."""
        where = "pair = ? AND horizon = ? AND role = ? ORDER BY issued_on DESC LIMIT 1"
        return next(iter(self._select(where, pair, horizon, role)), None)

    def before(self, forecast: Forecast) -> Forecast | None:
        """The one of the same pair, horizon and role that was issued last before this one."""
        where = "pair = ? AND horizon = ? AND role = ? AND issued_on < ? ORDER BY issued_on DESC LIMIT 1"
        day = forecast.issued_on.isoformat()
        return next(iter(self._select(where, forecast.pair, forecast.horizon, forecast.role, day)), None)

    def unfinished(self, steps: tuple[str, ...]) -> list[Forecast]:
        """Frozen forecasts of which some of `steps` is missing, oldest first."""
        marks = ", ".join("?" * len(steps))
        missing = f"(SELECT count(*) FROM steps s WHERE s.forecast_id = f.forecast_id AND step IN ({marks})) < ?"
        return self._select(f"{missing} ORDER BY created_at", *steps, len(steps))

    def unscored(self, pair: str, newest: date) -> list[Forecast]:
        """Track record whose target date has come, without a final score."""
        return self._select(
            "pair = ? AND target_date <= ? AND role IN ('champion', 'challenger') AND forecast_id NOT IN "
            "(SELECT forecast_id FROM scores WHERE final) ORDER BY target_date",
            pair,
            newest.isoformat(),
        )

    def score(self, score: Score, *, final: bool) -> None:
        """Store what came of a forecast; a final score can no longer change."""
        self._connection.execute(
            "INSERT INTO scores VALUES (?, ?, ?) "
            "ON CONFLICT DO UPDATE SET final = excluded.final, body = excluded.body",
            (score.forecast_id, final, SCORE.dump_json(score).decode()),
        )

    def scores(self, pair: str, horizon: str) -> list[tuple[Forecast, Score]]:
        """The track record, newest target date first."""
        rows = self._connection.execute(
            "SELECT f.body, s.body FROM scores s JOIN forecasts f USING (forecast_id) "
            "WHERE f.pair = ? AND f.horizon = ? ORDER BY f.target_date DESC",
            (pair, horizon),
        )
        return [(FORECAST.validate_json(forecast), SCORE.validate_json(score)) for forecast, score in rows]

    def steps(self, forecast_id: str) -> dict[str, str | None]:
        """The steps done for a forecast, each with what it left (a path, a run id)."""
        return dict(self._connection.execute("SELECT step, ref FROM steps WHERE forecast_id = ?", (forecast_id,)))

    def step_done(self, forecast_id: str, step: str, ref: str, at: datetime) -> None:
        """Note that a step was done and what it left."""
        self._connection.execute(
            "INSERT OR REPLACE INTO steps VALUES (?, ?, ?, ?)", (forecast_id, step, at.isoformat(), ref)
        )

    def _select(self, where: str, *values: object) -> list[Forecast]:
        rows = self._connection.execute(f"SELECT body FROM forecasts f WHERE {where}", values)
        return [FORECAST.validate_json(row[0]) for row in rows]
