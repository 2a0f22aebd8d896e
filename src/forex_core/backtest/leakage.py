"""Does anything know the future? Each origin is seen again with the future cut off, and with garbage in its place."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Protocol, runtime_checkable

import numpy as np

from forex_core.backtest.windows import Window
from forex_core.calendars import end_of
from forex_core.dataset.view import Rates
from forex_core.errors import ModelError
from forex_core.models.member import Member
from forex_core.values import Floats, Observation, QuantilePath, Series

SAME = 1e-9  # relative: what an optimiser's arithmetic may differ by
Rows = tuple[Observation, ...]
Seen = Mapping[date, Window]  # by origin


@dataclass(frozen=True, slots=True)
class Leak:
    """What knows of the future: a row, a member, a feature or a member's weights, at which origin, and how it shows."""

    culprit: str
    origin: date
    shows: str

    def __str__(self) -> str:
        return f"{self.culprit} at {self.origin}: {self.shows}"


@runtime_checkable
class Dated(Protocol):
    """A member trained beforehand that knows until when."""

    def cut_off_on(self, day: date) -> date:
        """The last day whose rate the weights used on `day` have seen; ModelError if there are none."""
        ...


def past_of(rates: Rates, day: date) -> Rates:
    """The rates with nothing but what was known at the close of `day`."""
    return _with_future(rates, day, lambda future: ())


def spoilt(rates: Rates, day: date) -> Rates:
    """The rates with garbage in place of whatever was not known at the close of `day`."""
    return _with_future(rates, day, lambda future: (replace(future, value=7 * future.value),))


def _with_future(rates: Rates, day: date, instead: Callable[[Observation], Rows]) -> Rates:
    def changed(rows: Rows, known: Callable[[Observation, date], bool]) -> Rows:
        return tuple(kept for row in rows for kept in ((row,) if known(row, day) else instead(row)))

    drivers = tuple(replace(driver, rows=changed(driver.rows, _out)) for driver in rates.drivers)
    return replace(rates, rows=changed(rates.rows, _known), drivers=drivers)


def _known(row: Observation, day: date) -> bool:
    """True for a rate of the dates up to `day` that was out at its close."""
    return row.observed_on <= day and _out(row, day)


def _out(row: Observation, day: date) -> bool:
    return row.known_at <= end_of(day)


def early_rows(rates: Rates, day: date) -> Iterator[Leak]:
    """Rows in the view of `day` that nobody knew at its close."""
    for row in rates.at_close(day).rows:
        if not _known(row, day):
            yield Leak(f"the row of {row.observed_on}", day, f"it became known {row.known_at:%Y-%m-%d %H:%M} UTC")


def changed_windows(honest: Seen, other: Seen, how: str) -> Iterator[Leak]:
    """Rows that members were shown, and what they said, that differ from the windows that had no future."""
    for day in sorted(set(honest) ^ set(other)):
        yield Leak("the view", day, f"it {'is gone' if day in honest else 'exists'} {how}")
    for day in sorted(set(honest) & set(other)):
        here, there = honest[day], other[day]
        if culprit := _changed_row(here.history, there.history):
            yield Leak(culprit, day, f"it differs {how}")
        for name in dict.fromkeys([*here.paths, *there.paths]):
            if not _alike(here.paths.get(name), there.paths.get(name)):
                yield Leak(f"member {name}", day, f"it says something else {how}")


def _changed_row(one: Series, other: Series) -> str | None:
    """The first row in which two histories of the same day differ."""
    if changed := _first_change(one.dates.astype(float), other.dates.astype(float)):
        return f"the row of {_day(one if len(one) >= len(other) else other, changed)}"
    columns = [("the row", one.values, other.values)]
    columns += [(f"driver {name}", one.drivers[name], other.drivers[name]) for name in one.drivers]
    for name, here, there in columns:
        if changed := _first_change(here, there):
            return f"{name} of {_day(one, changed)}"
    return None


def _first_change(one: Floats, other: Floats) -> int:
    """The position, counted from 1, of the first difference; 0 if there is none."""
    short = min(len(one), len(other))
    differs = ~np.isclose(one[:short], other[:short], rtol=SAME, atol=0, equal_nan=True)
    if differs.any():
        return int(np.argmax(differs)) + 1
    return short + 1 if len(one) != len(other) else 0


def _day(history: Series, position: int) -> date:
    found: date = history.dates[position - 1].item()
    return found


def _alike(one: QuantilePath | None, other: QuantilePath | None) -> bool:
    if one is None or other is None:
        return one is other
    return one.rates.shape == other.rates.shape and np.allclose(one.rates, other.rates, rtol=SAME, atol=0)


def late_drivers(rates: Rates, day: date, later: date) -> Iterator[Leak]:
    """Drivers whose values beside the rows up to `day` are other ones when they are seen at a later close.

    Each row carries what was known when its rate was; a value joined by its own date, known later, shows here.
    """
    then, now = rates.at_close(day), rates.at_close(later)
    sources = {driver.name: driver.source for driver in now.drivers}
    common, here, there = np.intersect1d(then.series.dates, now.series.dates, return_indices=True)
    for driver in then.drivers:
        if sources.get(driver.name) != driver.source:
            continue  # another source serves since: its values are other ones
        before, after = then.series.drivers[driver.name][here], now.series.drivers[driver.name][there]
        if changed := _first_change(before, after):
            yield Leak(f"driver {driver.name} of {common[changed - 1]}", day, f"it is another one as seen on {later}")


def early_features(
    compute: Callable[[Series], Floats], names: Sequence[str], history: Series, rows: Sequence[int]
) -> Iterator[Leak]:
    """Features, columns of compute(history) [n, k], of which a row up to one of `rows` depends on later rows."""
    whole = compute(history)
    for row in rows:
        for other in (_until(history, row), _spoilt_after(history, row)):
            differs = ~np.isclose(whole[: row + 1], compute(other)[: row + 1], rtol=SAME, atol=SAME, equal_nan=True)
            for column in np.flatnonzero(differs.any(axis=0)):
                first = int(np.argmax(differs[:, column]))
                day = history.dates[first].item()
                yield Leak(f"feature {names[int(column)]}", day, f"it changes with rates after {history.dates[row]}")


def _until(history: Series, row: int) -> Series:
    end = row + 1
    drivers = {name: column[:end] for name, column in history.drivers.items()}
    return Series(history.dates[:end].copy(), history.values[:end].copy(), drivers)


def _spoilt_after(history: Series, row: int) -> Series:
    later = np.arange(len(history)) > row
    drivers = {name: np.where(later, 7 * column, column) for name, column in history.drivers.items()}
    return Series(history.dates, np.where(later, 7 * history.values, history.values), drivers)


def young_weights(member: Member, days: Sequence[date]) -> Iterator[Leak]:
    """Weights that had seen the day on which they are used, or a later one."""
    for day in days:
        try:
            cut_off = member.cut_off_on(day) if isinstance(member, Dated) else None
        except ModelError:
            continue  # it has none, and says nothing on that day
        if cut_off and cut_off >= day:
            yield Leak(f"weights of {member.name}", day, f"they were trained on rates up to {cut_off}")
