"""Which days a pair has a rate, when that rate becomes known, and where a horizon lands."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from typing import Literal

from forex_core.calendars.closed import CHILE, ECB
from forex_core.errors import UsageError

CalendarName = Literal["chile", "ecb", "weekdays"]
FIRST_YEAR, LAST_YEAR = 1980, 2080

# The currencies of the ECB's euro reference rates, past and present (the pair EURUSD needs only one of them).
ECB_CURRENCIES = frozenset(
    "AUD BGN BRL CAD CHF CNY CYP CZK DKK EEK EUR GBP HKD HRK HUF IDR ILS INR ISK JPY KRW LTL LVL MTL MXN MYR NOK NZD "
    "PHP PLN ROL RON RUB SEK SGD SIT SKK THB TRL TRY USD ZAR".split()
)


@dataclass(frozen=True, slots=True)
class Calendar:
    """The business days of a pair, as a sorted tuple of dates from FIRST_YEAR to LAST_YEAR."""

    name: CalendarName
    days: tuple[date, ...]

    def is_open(self, day: date) -> bool:
        """True on a business day."""
        position = bisect_left(self.days, day)
        return position < len(self.days) and self.days[position] == day

    def last_open(self, day: date) -> date:
        """The last business day not after `day`."""
        if day < self.days[0]:
            raise ValueError(f"the calendar begins in {FIRST_YEAR}")
        return self.days[bisect_right(self.days, day) - 1]

    def next_open(self, day: date) -> date:
        """The first business day after `day`."""
        return self.days[bisect_right(self.days, day)]

    def steps(self, start: date, end: date) -> int:
        """Business days in (start, end]: how often the rate moves on the way."""
        return bisect_right(self.days, end) - bisect_right(self.days, start)

    def target(self, issued_on: date, days: int) -> date:
        """The last business day not after `issued_on` + `days` calendar days."""
        return self.last_open(issued_on + timedelta(days=days))

    def grid(self, start: date, end: date, *, every: int, anchor: date) -> Iterator[date]:
        """Every `every`-th business day counted from `anchor`, within [start, end]."""
        first = bisect_left(self.days, anchor)
        return (day for day in self.days[first::every] if start <= day <= end)


@cache
def calendar(name: CalendarName) -> Calendar:
    """Build a calendar once."""
    closed = {"chile": CHILE, "ecb": ECB, "weekdays": ""}[name]
    off = {_ordinal(line[:4], day) for line in closed.split("\n") for day in line[5:].split()}
    first, last = date(FIRST_YEAR, 1, 1).toordinal(), date(LAST_YEAR, 12, 31).toordinal()
    # the first day of the calendar of ordinals was a Monday
    working = (n for n in range(first, last + 1) if (n - 1) % 7 < 5 and n not in off)
    return Calendar(name, tuple(map(date.fromordinal, working)))


def _ordinal(year: str, day: str) -> int:
    return date(int(year), int(day[:2]), int(day[2:])).toordinal()


def calendar_of(pair: str) -> Calendar:
    """The pair's own calendar: Chile for CLP, the ECB's for two of its currencies, else Monday to Friday."""
    base, quote = currencies(pair)
    if "CLP" in (base, quote):
        return calendar("chile")
    return calendar("ecb" if {base, quote} <= ECB_CURRENCIES else "weekdays")


def currencies(pair: str) -> tuple[str, str]:
    """Split `USDCLP` into base and quote; a pair is six capital letters of two different currencies."""
    if not (len(pair) == 6 and pair.isascii() and pair.isalpha() and pair.isupper() and pair[:3] != pair[3:]):
        raise UsageError(f"{pair!r} is no currency pair; write base and quote as six capital letters, like USDCLP")
    return pair[:3], pair[3:]


@dataclass(frozen=True, slots=True)
class Release:
    """When a day's value becomes known: `at` (UTC) of that day, or of the business day before it."""

    at: time
    day_before: bool = False

    def known_at(self, day: date, calendar: Calendar) -> datetime:
        """The moment at which `day`'s value becomes known, UTC."""
        on = calendar.last_open(day - timedelta(days=1)) if self.day_before else day
        return datetime.combine(on, self.at, UTC)

    def newest_due(self, now: datetime, calendar: Calendar) -> date:
        """The newest business day whose value is known at `now`."""
        day = calendar.next_open(now.date())
        while self.known_at(day, calendar) > now:
            day = calendar.last_open(day - timedelta(days=1))
        return day


END_OF_DAY = Release(time(23, 59, 59))
_EARLIEST = {
    "chile": Release(time(22), day_before=True),  # the observado of a day is published the evening before
    "ecb": Release(time(15)),
    "weekdays": Release(time(0)),
}


def release_of(pair: str) -> Release:
    """The earliest moment at which a rate of the pair can be known; a row that is earlier comes from the future."""
    return _EARLIEST[calendar_of(pair).name]


def end_of(day: date) -> datetime:
    """The last second of `day`, UTC."""
    return datetime.combine(day, time(23, 59, 59), UTC)


def utc_now() -> datetime:
    """The wall clock, in UTC to the second."""
    return datetime.now(UTC).replace(microsecond=0)
