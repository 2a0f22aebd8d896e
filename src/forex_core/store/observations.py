"""Observations: what was known of a series, append-only, a revision being another row."""

import math
import sqlite3
from collections.abc import Iterable
from datetime import date, datetime

from forex_core.values import Observation


class Observations:
    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def add(
        self, series: str, source: str, rows: Iterable[Observation], fetched_at: datetime
    ) -> list[tuple[float, Observation]]:
        """Store the rows whose value is new. A changed one is a revision, known since `fetched_at`.

        Return the revisions, each with the value before.
        """
        newest = {row.observed_on: row.value for row in self.all_of(series, (source,))}
        fresh, revisions = [], []
        for row in rows:
            before = newest.get(row.observed_on)
            if before is None:
                fresh.append(_row(series, row, row.known_at, fetched_at))
            elif not _same(before, row.value):
                fresh.append(_row(series, row, fetched_at, fetched_at))
                revisions.append((before, row))
        self._connection.executemany("INSERT OR IGNORE INTO observations VALUES (?, ?, ?, ?, ?, ?)", fresh)
        return revisions

    def all_of(self, series: str, sources: tuple[str, ...]) -> tuple[Observation, ...]:
        """Every row of the series from these sources, ascending by date; of one date the first source's newest last."""
        rows = self._connection.execute(
            "SELECT source, observed_on, known_at, value FROM observations WHERE series = ? "
            "ORDER BY observed_on, fetched_at, known_at",
            (series,),
        )
        rank = {source: -position for position, source in enumerate(sources)}
        found = [
            Observation(
                date.fromisoformat(day), math.nan if value is None else value, datetime.fromisoformat(known), source
            )
            for source, day, known, value in rows
            if source in rank
        ]
        found.sort(key=lambda row: (row.observed_on, rank[row.source]))  # stable: revisions stay in their order
        return tuple(found)

    def newest_day(self, series: str, source: str) -> date | None:
        """The newest date that this source has given."""
        row = self._connection.execute(
            "SELECT max(observed_on) FROM observations WHERE series = ? AND source = ?", (series, source)
        ).fetchone()
        return date.fromisoformat(row[0]) if row[0] else None

    def revisions(self, series: str, source: str, day: date) -> list[Observation]:
        """Each value that this date has had, oldest first."""
        return [row for row in self.all_of(series, (source,)) if row.observed_on == day]


def _row(series: str, row: Observation, known_at: datetime, fetched_at: datetime) -> tuple[object, ...]:
    value = row.value if math.isfinite(row.value) else None
    return series, row.source, row.observed_on.isoformat(), _utc(known_at), _utc(fetched_at), value


def _utc(moment: datetime) -> str:
    return moment.isoformat(timespec="microseconds")


def _same(a: float, b: float) -> bool:
    return a == b or (math.isnan(a) and not math.isfinite(b))
