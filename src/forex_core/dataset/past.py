"""The closes of past days, read off one pass of the gate: an origin of a backtest costs a slice instead of a pass."""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from itertools import groupby

import numpy as np

from forex_core.calendars import Calendar, end_of
from forex_core.dataset.gate import SEED, Trusted, admit
from forex_core.values import Observation, Series


@dataclass(frozen=True)
class Past:
    """The days from the first one on that have one row each, known by their end. Among them the gate looks only back,
    but for a jump that the next row confirms.
    """

    days: tuple[date, ...]
    trusted: Trusted
    trusted_days: tuple[date, ...]
    series: Series

    @classmethod
    def of(cls, rows: Sequence[Observation], calendar: Calendar) -> "Past":
        """rows ascend by date, perhaps several a date."""
        plain: list[Observation] = []
        for day, group in groupby(rows, key=lambda row: row.observed_on):
            first, *more = group
            if more or first.known_at > end_of(day):
                break
            plain.append(first)
        days = tuple(row.observed_on for row in plain)
        trusted = admit(plain, calendar=calendar, newest=days[-1] if days else date.min)
        trusted_days = tuple(row.observed_on for row in trusted.rows)
        dates = np.array(trusted_days, dtype="datetime64[D]")
        series = Series(dates, np.array([row.value for row in trusted.rows], dtype=float))
        return cls(days, trusted, trusted_days, series)

    def until(self, day: date) -> tuple[Trusted, Series] | None:
        """What the gate says at the close of a day; None where that takes a pass of its own."""
        rows = bisect_right(self.days, day)
        if rows == 0 or rows == len(self.days) or self.days[rows - 1] in self.trusted.held:
            return None
        count = bisect_right(self.trusted_days, day)
        if count < 2 * SEED:
            return None  # too young: the level to start from is not the same yet
        refused = tuple(q for q in self.trusted.quarantined if q.observed_on <= day)
        series = Series(self.series.dates[:count], self.series.values[:count])
        return Trusted(self.trusted.rows[:count], refused), series
