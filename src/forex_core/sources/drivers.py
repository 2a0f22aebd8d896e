"""What moves a rate besides itself: named series, what each one means, and which services have it, in which order.

A new driver is one row of the table.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from functools import partial
from typing import Protocol

from forex_core.calendars import CalendarName, Release, calendar, currencies
from forex_core.errors import SettingsError, SourceUnavailable
from forex_core.sources.bcch import Denied
from forex_core.sources.fred import Weekly
from forex_core.sources.http import AGAIN, FAILURES, BadStatus, Web
from forex_core.sources.reading import QUIET
from forex_core.sources.releases import After, Monthly
from forex_core.values import Observation

PESO, DOLLAR = frozenset({"CLP"}), frozenset({"USD"})
YEAR = timedelta(days=366)
SURVEY_CODE = re.compile(r"[A-Z0-9]+(\.[A-Z0-9]+)+")


class Service(Protocol):
    """A place that has many series, each under a code."""

    @property
    def name(self) -> str: ...

    @property
    def web(self) -> Web: ...

    def values(self, code: str, start: date, end: date, now: datetime, web: Web) -> dict[date, float]:
        """The values from start to end, as they are published; SourceUnavailable if it can't. `now`: of reading."""
        ...


@dataclass(frozen=True, slots=True)
class Feed:
    """One series of one service, and when its values become known: rather too late than too early."""

    service: str
    code: str
    release: Release
    index: bool = False  # the driver is the change of it over twelve months, in percent


@dataclass(frozen=True, slots=True)
class Driver:
    """One row of the table. level: a price or an index, never 0 or below; otherwise a rate or a change, in percent."""

    name: str
    what: str
    unit: str
    feeds: tuple[Feed, ...]  # the first that answers serves
    stale_after_days: int  # Monday to Friday; an older value is no value
    meant_for: frozenset[str]  # pairs with one of these currencies
    level: bool = False
    calendar: CalendarName = "weekdays"  # of its releases


SAME_DAY, NEXT_DAY = After(time(22)), After(time(22), days=1)
FRED_DAILY = After(time(22), days=2)  # out the next business day, unless that is a holiday of the United States
FRED_OIL = After(time(22), days=7)  # out on Wednesdays, up to the Monday before
IPC, IMACEC = Monthly(time(22), months=1, day=8), Monthly(time(22), months=2, day=1)

DRIVERS = (
    Driver(
        "copper",
        "copper: COMEX's front month, or the Central Bank's price of about two days before",
        "USD/lb",
        (
            Feed("yahoo", "HG=F", SAME_DAY),
            Feed("bcch", "F019.PPB.PRE.100.D", NEXT_DAY),
            Feed("mindicador", "libra_cobre", NEXT_DAY),
        ),
        stale_after_days=5,
        meant_for=PESO,
        level=True,
    ),
    Driver(
        "vix",
        "Cboe's index of the volatility expected of US shares",
        "% a year",
        (Feed("fred", "VIXCLS", FRED_DAILY), Feed("yahoo", "^VIX", SAME_DAY)),
        stale_after_days=5,
        meant_for=DOLLAR,
        level=True,
    ),
    Driver("us10y", "ten-year US Treasury yield", "%", (Feed("fred", "DGS10", FRED_DAILY),), 5, DOLLAR),
    Driver("fed_funds", "effective federal funds rate", "%", (Feed("fred", "DFF", FRED_DAILY),), 6, DOLLAR),
    Driver(
        "dollar_index",
        "the Federal Reserve's broad dollar index, published by the week",
        "2006 = 100",
        (Feed("fred", "DTWEXBGS", Weekly(time(22))),),
        stale_after_days=10,
        meant_for=DOLLAR,
        level=True,
    ),
    Driver("wti", "WTI oil at Cushing", "USD/bbl", (Feed("fred", "DCOILWTICO", FRED_OIL),), 10, DOLLAR, level=True),
    Driver(
        "tpm",
        "the Central Bank of Chile's policy rate",
        "%",
        (Feed("bcch", "F022.TPM.TIN.D001.NO.Z.D", SAME_DAY), Feed("mindicador", "tpm", SAME_DAY)),
        stale_after_days=5,
        meant_for=PESO,
    ),
    Driver(
        "ipc",
        "consumer prices in Chile, change over a month",
        "%",
        (Feed("bcch", "F074.IPC.VAR.Z.EP23.C.M", IPC), Feed("mindicador", "ipc", IPC)),
        stale_after_days=60,
        meant_for=PESO,
        calendar="chile",
    ),
    Driver(
        "imacec",
        "monthly activity in Chile, change over twelve months",
        "%",
        (Feed("bcch", "F032.IMC.IND.Z.Z.EP18.Z.Z.0.M", IMACEC, index=True), Feed("mindicador", "imacec", IMACEC)),
        stale_after_days=75,
        meant_for=PESO,
        calendar="chile",
    ),
)


@dataclass(frozen=True)
class Bound:
    """One series at the service that has it: a source of a driver. seconds: what a question may take, if less."""

    feed: Feed
    service: Service
    calendar: CalendarName = "weekdays"
    seconds: float | None = None

    @property
    def name(self) -> str:
        """The service's."""
        return self.service.name

    def within(self, seconds: float) -> "Bound":
        """This source, with so much time for a question and no more."""
        return replace(self, seconds=seconds)

    def fetch(self, series: str, start: date, end: date, now: datetime) -> list[Observation]:
        """The driver's values with start <= observed_on <= end, ascending; SourceUnavailable if it can't.

        Known by the rule of the release, or on reading if that is earlier.
        """
        last = min(end, now.date())
        first = start - YEAR if self.feed.index else start
        answer = self.service.values(self.feed.code, first, last, now, self._web())
        values = {day: answer[day] for day in sorted(answer) if first <= day <= last}
        if self.feed.index:
            values = _over_twelve_months(values)
        wanted = {day: value for day, value in values.items() if day >= start}
        if not wanted and last - start > QUIET:
            raise SourceUnavailable(f"{self.name} has no value of {series} from {start} to {last}")
        known_at = partial(self.feed.release.known_at, calendar=calendar(self.calendar))
        return [Observation(day, value, min(known_at(day), now), self.name) for day, value in wanted.items()]

    def _web(self) -> Web:
        web = self.service.web

        def keep(source: str, good: bool, body: bytes) -> None:
            web.keep(f"{source}.{self.feed.code}", good, body)  # beside the replies about the pair, not in their place

        return replace(
            web, keep=keep, deadline=web.deadline if self.seconds is None else min(web.deadline, self.seconds)
        )


@dataclass(frozen=True)
class Chain:
    """A driver and the sources that can be asked for it here, in order."""

    driver: Driver
    sources: tuple[Bound, ...]

    def serves(self, pair: str) -> bool:
        """Whether the driver is meant for this pair."""
        return bool(self.driver.meant_for & set(currencies(pair)))


def chains(services: Sequence[Service], surveys: Sequence[str] = ()) -> tuple[Chain, ...]:
    """Every driver with those of its sources that are among the services.

    surveys: codes of the Central Bank's expectation surveys, each of which becomes a driver of the peso.
    """
    here = {service.name: service for service in services}
    return tuple(_chain(driver, here) for driver in (*DRIVERS, *map(_survey, surveys)))


def silent(error: SourceUnavailable) -> bool:
    """Whether the service itself is in trouble, or refuses us: then it is of no use to ask it for another series."""
    cause = error.__context__
    if isinstance(cause, BadStatus):
        return cause.code in AGAIN | {401, 403}
    return isinstance(cause, (*FAILURES, Denied))


def _chain(driver: Driver, here: Mapping[str, Service]) -> Chain:
    feeds = [feed for feed in driver.feeds if feed.service in here]
    return Chain(driver, tuple(Bound(feed, here[feed.service], driver.calendar) for feed in feeds))


def _survey(code: str) -> Driver:
    if not SURVEY_CODE.fullmatch(code):
        raise SettingsError(f"survey_series: {code!r} is no code of a series, like F073.TCO.PRE.Z.D")
    feed = Feed("bcch", code, After(time(22), days=23))  # dated within its month and out before the next month ends
    return Driver(f"survey:{code}", f"expectations survey {code}", "as published", (feed,), 60, PESO)


def _over_twelve_months(index: Mapping[date, float]) -> dict[date, float]:
    """Change in percent over the same month a year before, where both are there."""
    before = {month: index.get(month.replace(day=1, year=month.year - 1), 0.0) for month in index}
    return {month: 100 * (value / before[month] - 1) for month, value in index.items() if before[month] > 0}
