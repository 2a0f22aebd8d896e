"""A backtest from settings to table: fetch the pairs, choose the range, measure."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import date

from forex_core.backtest.panel import backtest, window_count
from forex_core.backtest.rows import Row
from forex_core.dataset.fetch import fetch
from forex_core.models.member import Member
from forex_core.pipeline.request import Adapters

YEARS = 10  # looked back on unless told otherwise
Progress = Callable[[int], AbstractContextManager[Callable[[], None]]]


@dataclass(frozen=True)
class Backtested:
    """The origins' range and the rows: of each pair, and of the panel."""

    start: date
    end: date
    rows: list[Row]
    panel: list[Row]


def run_backtest(
    pairs: tuple[str, ...],
    source: str,
    members: tuple[Member, ...],
    start: date | None,
    end: date | None,
    adapters: Adapters,
    progress: Progress,
) -> Backtested:
    """Measure the members on these pairs; `progress` is given the number of windows and yields a tick for each."""
    adapters.store.check_integrity()
    now = adapters.clock()
    panel = [fetch(pair, adapters.catalog.chain_for(pair, source), adapters.store, now).rates for pair in pairs]
    newest = max(rates.as_of(now).enough(rates.pair).spot.observed_on for rates in panel)
    end = end or newest
    start = start or date(end.year - YEARS, end.month, 1)
    with progress(window_count(panel, start, end)) as tick:
        rows, joint = backtest(panel, start, end, members, adapters.store, now, tick)
    return Backtested(start, end, rows, joint)
