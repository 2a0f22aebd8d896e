"""The dates that events.yaml keeps, because no free service has them."""

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from importlib.resources import files
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from forex_core.calendars import calendar
from forex_core.errors import DataError
from forex_core.sources.events import CURRENCY, IMPACTS, KEPT
from forex_core.sources.reading import iso_day
from forex_core.values import Event

KEYS = {"title", "currency", "impact", "time", "zone"}
SOON = timedelta(days=30)


@dataclass(frozen=True)
class Rule:
    """A day of each month, or Chile's business day before it, or after it, where it is none."""

    day: int
    before: bool

    def dates(self, start: date, end: date) -> Iterator[date]:
        """The dates within [start, end]; one may fall into the month beside the one that it belongs to."""
        days = calendar("chile")
        month = (start.replace(day=1) - timedelta(days=1)).replace(day=1)
        while month <= end + timedelta(days=31):
            due = month.replace(day=self.day)
            on = days.last_open(due) if self.before else days.next_open(due - timedelta(days=1))
            if start <= on <= end:
                yield on
            month = (month + timedelta(days=31)).replace(day=1)


@dataclass(frozen=True)
class Entry:
    """One kind of event: its dates, or the rule that they follow."""

    title: str
    currency: str
    impact: str
    at: time
    zone: ZoneInfo
    days: tuple[date, ...] = ()
    rule: Rule | None = None

    def within(self, start: date, end: date) -> Iterator[Event]:
        """Its events in the dates of its own zone from start to end."""
        on = self.rule.dates(start, end) if self.rule else (day for day in self.days if start <= day <= end)
        for day in on:
            at = datetime.combine(day, self.at, self.zone).astimezone(UTC)
            yield Event(at, self.currency, self.title, self.impact, KEPT, approximate=self.rule is not None)


@dataclass(frozen=True)
class KeptEvents:
    """All entries of the file."""

    entries: tuple[Entry, ...]

    @property
    def ends_on(self) -> date | None:
        """The first date after which a list of dates has no more; None if all entries follow rules."""
        return min((entry.days[-1] for entry in self.entries if entry.days), default=None)

    def within(self, start: datetime, end: datetime) -> list[Event]:
        """The events from start to end."""
        first, last = start.date() - timedelta(days=1), end.date() + timedelta(days=1)  # zones differ by up to a day
        return [event for entry in self.entries for event in entry.within(first, last) if start <= event.at <= end]

    def ending(self, now: datetime, currencies: Collection[str]) -> tuple[str, ...]:
        """What a person should add, because a list of one of these currencies is at its end or near it."""
        return tuple(
            f"{KEPT} knows {entry.title} up to {entry.days[-1]} only: add the dates that follow"
            for entry in self.entries
            if entry.currency in currencies and entry.days and entry.days[-1] < (now + SOON).date()
        )


@cache
def kept_events() -> KeptEvents:
    """The file that comes with the program."""
    return parse((files("forex_core.sources") / KEPT).read_text(encoding="utf-8"))


def parse(text: str) -> KeptEvents:
    """Read the file strictly; DataError names the entry that is wrong."""
    import yaml

    try:
        entries = [
            _entry(number, node) for number, node in enumerate(_items(yaml.compose(text, yaml.SafeLoader)), start=1)
        ]
    except yaml.YAMLError as error:
        raise DataError(f"{KEPT} is no YAML: {' '.join(str(error).split())}") from None
    except ValueError as error:
        raise DataError(f"{KEPT}, {error}") from None
    if len({entry.title for entry in entries}) < len(entries):
        raise DataError(f"{KEPT}: two entries have the same title")
    return KeptEvents(tuple(entries))


def _entry(number: int, node: Any) -> Entry:
    name = f"entry {number}"
    try:
        fields = _fields(node)
        name += f" ({_text(fields['title'])})" if "title" in fields else ""
        if fields.keys() not in (KEYS | {"days"}, KEYS | {"rule"}):
            raise ValueError(f"it has {', '.join(fields)}; it needs {', '.join(sorted(KEYS))}, and days or a rule")
        return _read(fields)
    except ValueError as error:
        raise ValueError(f"{name}: {error}") from None


def _read(fields: dict[str, Any]) -> Entry:
    currency, impact = _text(fields["currency"]), _text(fields["impact"])
    if not CURRENCY.fullmatch(currency):
        raise ValueError(f"currency is {currency!r}, not three capital letters")
    if impact not in IMPACTS:
        raise ValueError(f"impact is {impact!r}, not one of {', '.join(IMPACTS)}")
    days = _days(fields["days"]) if "days" in fields else ()
    rule = _rule(fields["rule"]) if "rule" in fields else None
    at, zone = _time(_text(fields["time"])), _zone(_text(fields["zone"]))
    return Entry(_text(fields["title"]), currency, impact, at, zone, days, rule)


def _days(node: Any) -> tuple[date, ...]:
    days = [iso_day(_text(day)) for day in _items(node)]
    if not days or any(later <= earlier for earlier, later in pairwise(days)):
        raise ValueError("days are none, or do not ascend")
    return tuple(days)


def _rule(node: Any) -> Rule:
    fields = {key: _text(value) for key, value in _fields(node).items()}
    day, side = fields.get("day", ""), fields.get("business_day")
    sensible = len(fields) == 2 and re.fullmatch("[0-9]{1,2}", day) and 1 <= int(day) <= 28
    if not sensible or side not in ("before", "after"):
        raise ValueError("a rule is a day from 1 to 28, and the business_day before or after")
    return Rule(int(day), before=side == "before")


def _time(text: str) -> time:
    if not re.fullmatch("[0-2][0-9]:[0-5][0-9]", text):
        raise ValueError(f"time is {text!r}, not like 14:00")
    return time.fromisoformat(text)


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, OSError, ValueError):
        raise ValueError(f"there is no zone {name!r}") from None


# A YAML text as nodes, not as values: no 2026-02-30 that becomes an error without a place, no 14:00 that becomes 840,
# and no key that stands there twice.


def _text(node: Any) -> str:
    if node.id != "scalar" or not node.value.strip():
        raise ValueError("a text is missing")
    return str(node.value)


def _items(node: Any) -> list[Any]:
    if node is None or node.id != "sequence":
        raise ValueError("a list is missing")
    return list(node.value)


def _fields(node: Any) -> dict[str, Any]:
    if node.id != "mapping":
        raise ValueError("it is no mapping")
    fields = {_text(key): value for key, value in node.value}
    if len(fields) < len(node.value):
        raise ValueError("a key stands there twice")
    return fields
