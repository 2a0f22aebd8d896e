"""Backtest windows: what each member would have said at each origin of the grid, fitted once and kept by key."""

import json
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from hashlib import sha256

import numpy as np

from forex_core.dataset.view import MINIMUM_ROWS, Rates
from forex_core.errors import ModelError
from forex_core.horizons import LONGEST_PATH
from forex_core.models.child import Ask
from forex_core.models.member import Member, ask, drivers_of, parameters, weights_of
from forex_core.store.store import Store
from forex_core.store.windows import StoredWindow
from forex_core.values import LEVELS, QuantilePath, Series

ANCHOR = date(2000, 1, 3)
EVERY = 21  # business days


@dataclass(frozen=True)
class Window:
    """One origin: the history that a model sees, and the path of each member that could speak."""

    origin: date
    history: Series
    paths: dict[str, QuantilePath]


def origins(rates: Rates, start: date, end: date) -> list[date]:
    """The grid's days within [start, end], anchored so that every later run meets the same ones."""
    return list(rates.calendar.grid(start, end, every=EVERY, anchor=ANCHOR))


def last_origins(rates: Rates, issued_on: date, days: int, count: int) -> list[date]:
    """The newest `count` origins whose target date, `days` ahead, has come by `issued_on`."""
    due = [day for day in origins(rates, ANCHOR, issued_on) if rates.calendar.target(day, days) <= issued_on]
    return due[-count:]


def windows(
    rates: Rates,
    days: list[date],
    members: tuple[Member, ...],
    store: Store,
    tick: Callable[[], None] = lambda: None,
    ask: Ask = ask,
) -> Iterator[Window]:
    """The windows at these origins; what was never fitted is fitted and stored, an origin at a time."""
    for day in days:
        view = rates.at_close(day)
        tick()
        if len(view.rows) < MINIMUM_ROWS or view.rows[-1].observed_on != day:
            continue  # too young, or no rate to start from on that day
        keys = dict(_keys(view.series, day, members))
        stored = store.windows.paths(keys.values())
        paths = {member.name: _decoded(stored[key]) for member, key in keys.items() if key in stored}
        fitted = dict(_fits(view.series, [member for member in keys if member.name not in paths], ask))
        if fitted:
            with store.transaction():
                store.windows.add(
                    StoredWindow(keys[member], rates.pair, day, member.name, path.rates.astype("<f8").tobytes())
                    for member, path in fitted.items()
                )
        yield Window(day, view.series, paths | {member.name: path for member, path in fitted.items()})


def series_hash(series: Series, drivers: tuple[str, ...] = ()) -> str:
    """Dates and values, and those of the drivers that are named and there, to the last bit."""
    digest = sha256(series.dates.astype("<i8").tobytes() + series.values.astype("<f8").tobytes())
    for name in drivers:
        if name in series.drivers:
            digest.update(name.encode() + series.drivers[name].astype("<f8").tobytes())
    return digest.hexdigest()


def window_key(history: str, origin: date, member: Member) -> str:
    """What decides a member's path: the data, the origin, the member, its revision, parameters and weights."""
    parts = [history, origin.isoformat(), member.name, member.revision, parameters(member), LONGEST_PATH]
    if weights := weights_of(member, origin):
        parts.append(weights)
    return sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def _keys(history: Series, origin: date, members: tuple[Member, ...]) -> Iterator[tuple[Member, str]]:
    for member in members:
        with suppress(ModelError):  # one whose weights are all younger has no window here
            yield member, window_key(series_hash(history, drivers_of(member)), origin, member)


def _fits(history: Series, members: list[Member], ask: Ask) -> Iterator[tuple[Member, QuantilePath]]:
    for member in members:
        with suppress(ModelError):  # nor has one that refuses; its row says how many it has
            yield member, ask(member, history, LONGEST_PATH)


def _decoded(path: bytes) -> QuantilePath:
    return QuantilePath(np.frombuffer(path, dtype="<f8").reshape(-1, len(LEVELS)))
