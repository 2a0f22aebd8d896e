"""The audit of leakage: the pipeline that backtests use, seen again at a few origins without their future."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from forex_core.backtest.leakage import (
    Dated,
    Leak,
    changed_windows,
    early_features,
    early_rows,
    late_drivers,
    past_of,
    spoilt,
    young_weights,
)
from forex_core.backtest.windows import Window, origins, windows
from forex_core.dataset.features import features
from forex_core.dataset.fetch import fetch
from forex_core.dataset.view import MINIMUM_ROWS, Rates
from forex_core.errors import DataError
from forex_core.horizons import LONGEST_PATH
from forex_core.models.child import Ask, one_child
from forex_core.models.member import Member, Weighted
from forex_core.pipeline.backtesting import with_drivers
from forex_core.pipeline.request import Adapters
from forex_core.store.store import Store
from forex_core.values import Floats, Series

ORIGINS = 5  # looked at, from the middle of the history to the last one that has a future
FUTURE = LONGEST_PATH + 1  # rows that must come after the last of them
NAMED = 5  # culprits, in the message


@dataclass(frozen=True)
class Audited:
    """One pair: the origins looked at, how many rows and features, how often each member spoke, what was found."""

    pair: str
    origins: tuple[date, ...]
    rows: int
    features: tuple[str, ...]
    spoke: dict[str, int]
    undated: tuple[str, ...]  # members trained beforehand that do not say until when
    leaks: tuple[Leak, ...]


def run_audit(pairs: Sequence[str], source: str, members: tuple[Member, ...], adapters: Adapters) -> list[Audited]:
    """Audit each pair on what is stored of it; asks no server."""
    now, audited = adapters.clock(), []
    for pair in pairs:
        chain = adapters.catalog.chain_for(pair, source)
        rates = with_drivers(fetch(pair, chain, adapters.store, now, replay=True).rates, members, adapters)
        rates.as_of(now).enough(pair)
        audited.append(audit(rates, members))
    return audited


def audit(rates: Rates, members: tuple[Member, ...]) -> Audited:
    """Look at one pair's pipeline as the backtest uses it; DataError if its history is too short to have a future."""
    days = _origins(rates)
    with one_child() as ask:
        honest = {day: window for day in days for window in _windows(past_of(rates, day), [day], members, ask)}
        # the newest first: whoever keeps something of what he saw knows the future at the earlier ones
        whole = {window.origin: window for window in _windows(rates, days[::-1], members, ask)}
        garbage = {day: window for day in days for window in _windows(spoilt(rates, day), [day], members, ask)}
    history = rates.at_close(days[-1]).series
    leaks = [
        *(leak for day in days for leak in early_rows(rates, day)),
        *changed_windows(honest, whole, "once the future is known"),
        *changed_windows(honest, garbage, "with garbage for a future"),
        *(leak for day, later in pairwise(days) for leak in late_drivers(rates, day, later)),
        *_of_features(history, days[:-1]),
        *(leak for member in members for leak in young_weights(member, days)),
    ]
    return Audited(
        rates.pair,
        tuple(days),
        len(history),
        features(history, tuple(history.drivers)).names,
        {member.name: sum(member.name in window.paths for window in honest.values()) for member in members},
        tuple(member.name for member in members if isinstance(member, Weighted) and not isinstance(member, Dated)),
        tuple(leaks),
    )


def refuse_leaks(audited: Sequence[Audited]) -> None:
    """DataError if anything was found, naming the first culprits, each once."""
    found: dict[str, str] = {}
    for one in audited:
        for leak in one.leaks:
            found.setdefault(f"{one.pair} {leak.culprit}", f"{one.pair}: {leak}")
    if found:
        more = f"; and {len(found) - NAMED} more" if len(found) > NAMED else ""
        raise DataError(
            f"the future leaks in: {'; '.join(list(found.values())[:NAMED])}{more}",
            hint="trust no backtest until this is mended",
        )


def _origins(rates: Rates) -> list[date]:
    """ORIGINS days of the grid, evenly spread over the later half of what has a future."""
    days = sorted({row.observed_on for row in rates.rows})
    first = max(MINIMUM_ROWS, len(days) // 2)
    grid = origins(rates, days[first], days[-FUTURE]) if len(days) > first + FUTURE else []
    eligible = [day for day in grid if day in set(days)]
    if not eligible:
        needed = f"{MINIMUM_ROWS} rates before an origin and {FUTURE} after it"
        raise DataError(f"too few rates of {rates.pair} to audit: {needed} are needed, there are {len(days)} in all")
    return [eligible[int(n)] for n in np.unique(np.linspace(0, len(eligible) - 1, ORIGINS).round())]


def _windows(rates: Rates, days: list[date], members: tuple[Member, ...], ask: Ask) -> Iterator[Window]:
    """The windows as a backtest makes them, in a store that knows none yet."""
    with TemporaryDirectory() as nothing, Store.in_memory(Path(nothing)) as store:
        yield from windows(rates, days, members, store, ask=ask)


def _of_features(history: Series, days: Sequence[date]) -> Iterator[Leak]:
    """The features that members are fitted on, tried at the rows of these days."""
    drivers = tuple(history.drivers)

    def compute(seen: Series) -> Floats:
        return features(seen, drivers).values

    rows = [int(np.searchsorted(history.dates, np.datetime64(day, "D"))) for day in days]
    yield from early_features(compute, features(history, drivers).names, history, rows)
