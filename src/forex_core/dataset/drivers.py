"""Learn what the drivers did: ask for them, store what is new, and say how each one stands. They are never needed."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from forex_core.dataset.driver_asking import Said, ask
from forex_core.dataset.driver_series import DriverSeries, History, age
from forex_core.dataset.fetch import AGAIN
from forex_core.sources.drivers import Chain, Driver
from forex_core.store.store import Store

HISTORY = timedelta(days=8 * 366)  # asked for when nothing is stored: more than a regression's sample of a driver
ROUNDS = 2.0  # all drivers together may take so many times what one question may


@dataclass(frozen=True)
class DriverStanding:
    """One driver now. quarantined: rows that the gate does not trust; missing: why there is no value, or ""."""

    driver: Driver
    source: str
    newest: date | None
    age: int | None  # days from Monday to Friday
    quarantined: int
    failures: tuple[str, ...]  # why sources before the one in use, or all of them, do not serve
    missing: str
    fallback: bool  # whether another source than the first choice serves
    history: History

    @property
    def name(self) -> str:
        """The driver's."""
        return self.driver.name

    def __str__(self) -> str:
        """One line for people."""
        why = f" ({'; '.join(self.failures)})" if self.failures else ""
        if self.missing:
            return f"{self.name} is missing: {self.missing}{why}"
        rows = "row" if self.quarantined == 1 else "rows"
        refused = f", {self.quarantined} {rows} refused" if self.quarantined else ""
        return f"{self.name} of {self.newest} from {self.source}, {self.age} business days old{refused}{why}"


def learn(chains: Sequence[Chain], store: Store, now: datetime, *, replay: bool = False) -> tuple[DriverStanding, ...]:
    """Ask each driver's sources in turn, and keep what they say. No failing service raises, or takes long.

    A replay asks nobody; its `now` is the moment replayed.
    """
    said = {} if replay else _asked(chains, store, now)
    if any(source.rows for sources in said.values() for source in sources):
        with store.transaction():
            for name, sources in said.items():
                for source in sources:
                    store.observations.add(name, source.source, source.rows, now)
    return tuple(_standing(chain, store, now, said.get(chain.driver.name, [])) for chain in chains)


def history(chain: Chain, store: Store) -> History:
    """What is stored of a driver."""
    sources = tuple(feed.service for feed in chain.driver.feeds)  # those without a key now were asked once, perhaps
    return History(chain.driver, sources, store.observations.all_of(chain.driver.name, sources))


def _asked(chains: Sequence[Chain], store: Store, now: datetime) -> dict[str, list[Said]]:
    first_days = {}
    for chain in chains:
        for source in chain.sources:
            newest = store.observations.newest_day(chain.driver.name, source.name)
            first_days[chain.driver.name, source.name] = newest - AGAIN if newest else now.date() - HISTORY
    deadlines = [source.service.web.deadline for chain in chains for source in chain.sources]
    return ask(chains, first_days, now, ROUNDS * max(deadlines, default=0.0))


def _standing(chain: Chain, store: Store, now: datetime, said: Sequence[Said]) -> DriverStanding:
    known = history(chain, store)
    series = known.as_of(now)
    days = age(series.newest, now.date()) if series.newest else None
    return DriverStanding(
        chain.driver,
        series.source,
        series.newest,
        days,
        len(series.quarantined),
        tuple(one.failure for one in said if one.failure),
        _missing(chain, series, days),
        bool(series.source and chain.sources) and series.source != chain.sources[0].name,
        known,
    )


def _missing(chain: Chain, series: DriverSeries, days: int | None) -> str:
    limit = chain.driver.stale_after_days
    if days is not None and days <= limit:
        return ""
    if days is not None:
        return f"the newest value is of {series.newest}, {days} business days old; the limit is {limit}"
    if not chain.sources:
        return f"no source can be asked without credentials for {chain.driver.feeds[0].service}"
    return "no value of it is known"
