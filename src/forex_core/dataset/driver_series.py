"""A driver's values as they were known at a moment: one source's, through a light gate."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from forex_core.dataset.driver_gate import Judged, judge
from forex_core.sources.drivers import Driver
from forex_core.values import Floats, Observation, Quarantined

Dates = NDArray[np.datetime64]


@dataclass(frozen=True)
class DriverSeries:
    """One driver as of a moment, from one source. known_at: datetime64[s] [n], ascending; observed_on: datetime64[D]
    [n], ascending; values [n], in the driver's unit: from known_at[i] on, values[i] was the newest.
    """

    name: str
    source: str  # "" if there is no value
    stale_after_days: int
    known_at: Dates
    observed_on: Dates
    values: Floats
    quarantined: tuple[Quarantined, ...] = ()

    def __len__(self) -> int:
        return len(self.values)

    @property
    def newest(self) -> date | None:
        """The date of the newest value."""
        return self.observed_on[-1].item() if len(self) else None

    def join(self, moments: Dates) -> Floats:
        """The newest value known at each moment (UTC); NaN before the first, and where that is too old by then."""
        position = np.searchsorted(self.known_at, moments.astype("datetime64[s]"), side="right") - 1
        joined = np.full(len(moments), np.nan)
        there = np.flatnonzero(position >= 0)
        at = position[there]
        days = moments[there].astype("datetime64[D]")
        fresh = np.busday_count(self.observed_on[at], days) <= self.stale_after_days
        joined[there[fresh]] = self.values[at[fresh]]
        return joined


@dataclass(frozen=True)
class History:
    """Every stored row of a driver; `sources` are those of its chain, in order. Sources are never mixed in a series:
    they measure at other hours and places.
    """

    driver: Driver
    sources: tuple[str, ...]
    rows: tuple[Observation, ...]

    def as_of(self, moment: datetime) -> DriverSeries:
        """What was known at a moment, from the first source that was not stale, else from the one with the newest."""
        found = [self._of(source, moment) for source in self.sources]
        fresh = [s for s in found if s.newest and age(s.newest, moment.date()) <= self.driver.stale_after_days]
        if fresh:
            return fresh[0]
        return max(found, key=lambda s: s.newest or date.min, default=self._series("", ()))

    def _of(self, source: str, moment: datetime) -> DriverSeries:
        series, doubts = self._judged[source]
        count = int(np.searchsorted(series.known_at, np.datetime64(_naive(moment), "s"), side="right"))
        return replace(
            series,
            source=source if count else "",
            known_at=series.known_at[:count],
            observed_on=series.observed_on[:count],
            values=series.values[:count],
            quarantined=tuple(doubt.quarantined for doubt in doubts if doubt.held_at(moment)),
        )

    def _series(self, source: str, trusted: Sequence[Judged]) -> DriverSeries:
        return DriverSeries(
            self.driver.name,
            source,
            self.driver.stale_after_days,
            np.array([_naive(j.since) for j in trusted if j.since], dtype="datetime64[s]"),
            np.array([j.row.observed_on for j in trusted], dtype="datetime64[D]"),
            np.array([j.row.value for j in trusted], dtype=float),
        )

    @cached_property
    def _judged(self) -> dict[str, tuple[DriverSeries, tuple[Judged, ...]]]:
        """Of each source what is ever trusted, and the rows that were ever in doubt."""
        found = {}
        for source in self.sources:
            judged = judge([row for row in self.rows if row.source == source], level=self.driver.level)
            trusted = [j for j in judged if j.since]
            found[source] = self._series(source, trusted), tuple(j for j in judged if j.reason)
        return found


def age(day: date, today: date) -> int:
    """Days from Monday to Friday since a date."""
    return int(np.busday_count(day, today))


def _naive(moment: datetime) -> datetime:
    return moment.astimezone(UTC).replace(tzinfo=None)
