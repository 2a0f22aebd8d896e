"""A backtest from settings to table: fetch the pairs, choose the range, measure, record."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from datetime import date

from forex_core.backtest.panel import Plan, backtest, window_count
from forex_core.backtest.rows import Row
from forex_core.dataset.drivers import history
from forex_core.dataset.fetch import fetch
from forex_core.dataset.view import Rates
from forex_core.ensemble.weights import EQUAL
from forex_core.mlops.experiments import Pass, record
from forex_core.mlops.tracker import MlflowTracker
from forex_core.models.member import Member, drivers_of
from forex_core.models.table import with_yardstick
from forex_core.pipeline.request import Adapters

YEARS = 10  # looked back on unless told otherwise
Progress = Callable[[int], AbstractContextManager[Callable[[], None]]]


@dataclass(frozen=True)
class Asked:
    """What a backtest is asked for; without a start or an end, the last YEARS up to the newest rate."""

    pairs: tuple[str, ...]
    source: str
    members: tuple[Member, ...]
    start: date | None = None
    end: date | None = None
    weighting: str = EQUAL
    conformal: bool = False


@dataclass(frozen=True)
class Backtested:
    """What was measured, and the rows: of each pair, and of the panel."""

    plan: Plan
    rows: list[Row]
    panel: list[Row]


def run_backtest(asked: Asked, adapters: Adapters, progress: Progress) -> Backtested:
    """Measure the members on these pairs; `progress` is given the number of windows and yields a tick for each."""
    adapters.store.check_integrity()
    now = adapters.clock()
    chains = {pair: adapters.catalog.chain_for(pair, asked.source) for pair in asked.pairs}
    fetched = [fetch(pair, chain, adapters.store, now).rates for pair, chain in chains.items()]
    panel = [with_drivers(rates, asked.members, adapters) for rates in fetched]
    newest = max(rates.as_of(now).enough(rates.pair).spot.observed_on for rates in panel)
    end = asked.end or newest
    start = asked.start or date(end.year - YEARS, end.month, 1)
    plan = Plan(asked.members, start, end, asked.weighting, asked.conformal)
    with progress(window_count(panel, plan)) as tick:
        rows, joint = backtest(panel, plan, adapters.store, now, tick)
    return Backtested(plan, rows, joint)


def with_drivers(rates: Rates, members: tuple[Member, ...], adapters: Adapters) -> Rates:
    """The rates beside what is stored of the drivers that these members use."""
    wanted = {name for member in members for name in drivers_of(member)}
    chains = [chain for chain in adapters.around.chains if chain.serves(rates.pair) and chain.driver.name in wanted]
    return replace(rates, drivers=tuple(history(chain, adapters.store) for chain in chains))


def track(found: Backtested, adapters: Adapters) -> int:
    """Record every pair's rows in MLflow, under the lock; how many runs there are. A dry run leaves no trace."""
    if not isinstance(adapters.tracker, MlflowTracker):
        return 0
    adapters.tracker.prepare(adapters.store)
    plan, at, count = found.plan, adapters.clock(), 0
    for pair in dict.fromkeys(row.pair or "" for row in found.rows):
        rows = [row for row in found.rows if row.pair == pair]
        one = Pass(pair, rows, with_yardstick(plan.members), plan.start, plan.end, plan.weighting, at)
        count += len(record(one, adapters.tracker))
    return count
