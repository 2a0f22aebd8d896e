"""When the value of a series that is no rate becomes known: days later, or at a date of a later month."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from forex_core.calendars import Calendar, Release


@dataclass(frozen=True, slots=True)
class After(Release):
    """At `at` (UTC) of the day itself, or of so many business days after it."""

    days: int = 0

    def known_at(self, day: date, calendar: Calendar) -> datetime:
        """The moment at which `day`'s value becomes known, UTC."""
        on = day
        for _ in range(self.days):
            on = calendar.next_open(on)
        return datetime.combine(on, self.at, UTC)


@dataclass(frozen=True, slots=True)
class Monthly(Release):
    """The value of a month, `months` later, on the first business day not before the `day`-th."""

    months: int = 1
    day: int = 1

    def known_at(self, day: date, calendar: Calendar) -> datetime:
        """The moment at which the value of `day`'s month becomes known, UTC."""
        years, month = divmod(day.month - 1 + self.months, 12)
        earliest = date(day.year + years, month + 1, self.day)
        return datetime.combine(calendar.next_open(earliest - timedelta(days=1)), self.at, UTC)
