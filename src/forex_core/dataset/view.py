"""The as-of view: what was known of a pair at a moment, through the gate. Runs and backtests use this one."""

from dataclasses import dataclass, field
from datetime import date, datetime
from functools import cached_property

import numpy as np

from forex_core.calendars import Calendar, Release, end_of
from forex_core.dataset.agreement import seconded_by
from forex_core.dataset.driver_series import DriverSeries, History
from forex_core.dataset.gate import admit
from forex_core.dataset.past import Past
from forex_core.errors import DataError
from forex_core.sources.imported import IMPORTED
from forex_core.values import Observation, Quarantined, Series

MINIMUM_ROWS = 250


@dataclass(frozen=True)
class View:
    """The trusted rates of a pair as they were known at one moment."""

    rows: tuple[Observation, ...]
    quarantined: tuple[Quarantined, ...]
    drivers: tuple[DriverSeries, ...] = ()  # as of the same moment
    arrays: Series | None = field(default=None, compare=False)  # the rows, where they are at hand as such

    @cached_property
    def series(self) -> Series:
        """The rates as arrays, for the members, and beside each row what was known of the drivers when it was."""
        if self.arrays is not None:
            return self.arrays
        dates = np.array([row.observed_on for row in self.rows], dtype="datetime64[D]")
        values = np.array([row.value for row in self.rows], dtype=float)
        if not self.drivers:
            return Series(dates, values)
        known = np.array([row.known_at.replace(tzinfo=None) for row in self.rows], dtype="datetime64[s]")
        return Series(dates, values, {driver.name: driver.join(known) for driver in self.drivers})

    def on(self, day: date) -> float | None:
        """The rate of exactly this day, if there is a trusted one."""
        return next((row.value for row in reversed(self.rows) if row.observed_on == day), None)

    @property
    def spot(self) -> Observation:
        """The newest rate, which a forecast starts from."""
        newest = self.rows[-1]
        return Observation(newest.observed_on, newest.value, newest.known_at, newest.source)

    def in_force(self, day: date) -> float:
        """The value of the last row not after `day`; LookupError before the first row."""
        position = int(np.searchsorted(self.series.dates, np.datetime64(day, "D"), side="right"))
        if position == 0:
            raise LookupError(f"no rate is in force on {day}")
        return float(self.series.values[position - 1])

    def enough(self, pair: str, minimum: int = MINIMUM_ROWS) -> "View":
        """This view, or DataError if fewer than `minimum` rows are trusted."""
        if len(self.rows) >= minimum:
            return self
        first = f"; first refusal: {self.quarantined[0]}" if self.quarantined else ""
        raise DataError(
            f"{len(self.rows)} trusted rates of {pair}, {minimum} needed{first}",
            untouched="no forecast was issued",
            hint="give a longer history, or store what the sources have with `forex data fetch`",
        )


@dataclass(frozen=True)
class Rates:
    """Every stored row of a pair from one chain of sources, from which views at any moment are taken.

    rows ascend by date; of one date the later ones win: first choice of source last, then the newest revision.
    """

    pair: str
    rows: tuple[Observation, ...]
    calendar: Calendar
    release: Release  # the pair's earliest; rows beyond it come from the future
    drivers: tuple[History, ...] = ()

    @property
    def sources(self) -> frozenset[str]:
        """Where the rows come from."""
        return frozenset(row.source for row in self.rows)

    def as_of(self, moment: datetime, last_day: date | None = None) -> View:
        """What was known at `moment` of the dates up to `last_day`.

        Of a date the newest revision counts; where the gate refuses that, the newest one that it trusts.
        """
        revisions: dict[date, list[Observation]] = {}
        for row in self.rows:
            if row.known_at <= moment and (last_day is None or row.observed_on <= last_day):
                revisions.setdefault(row.observed_on, []).append(row)
        newest = self.release.newest_due(moment, self.calendar)
        seconds = {day: seconded_by(self.pair, rows) for day, rows in revisions.items() if len(rows) > 1}
        seconded = {day for day, by in seconds.items() if by}
        vouched = {day for day, by in seconds.items() if IMPORTED in by}
        refused: list[Quarantined] = []
        while True:
            rows = [known[-1] for known in revisions.values()]
            trusted = admit(rows, calendar=self.calendar, newest=newest, corroborated=seconded, vouched=vouched)
            revised = [q for q in trusted.quarantined if len(revisions[q.observed_on]) > 1]
            if not revised:
                quarantined = sorted([*refused, *trusted.quarantined], key=lambda q: q.observed_on)
                drivers = tuple(driver.as_of(moment) for driver in self.drivers)
                return View(trusted.rows, tuple(quarantined), drivers)
            refused += revised
            for quarantine in revised:
                revisions[quarantine.observed_on].pop()

    def at_close(self, day: date) -> View:
        """What was known at the end of `day`, of the dates up to it: the view of `--as-of` and of backtest origins."""
        if not self.drivers and (past := self._past.until(day)):
            trusted, series = past
            return View(trusted.rows, trusted.quarantined, arrays=series)
        return self.as_of(end_of(day), day)

    @cached_property
    def _past(self) -> Past:
        return Past.of(self.rows, self.calendar)
