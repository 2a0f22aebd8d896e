"""From a reply to observations: values picked strictly by key and kind, dates and numbers read in one way only."""

import re
from collections.abc import Iterable, Mapping
from contextlib import suppress
from datetime import date, datetime, timedelta
from typing import TypeVar

from forex_core.calendars import calendar_of
from forex_core.errors import SourceUnavailable
from forex_core.sources.http import finite, shown
from forex_core.sources.source import Source
from forex_core.values import Observation

T = TypeVar("T")

AHEAD = timedelta(days=7)  # no rate is dated further ahead: an observado is out the business day before
QUIET = timedelta(days=10)  # holidays explain no longer silence
ISO_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
DECIMAL = re.compile(r"[+-]?(?:[0-9]+|[0-9]{1,3}(?:,[0-9]{3})+(?=\.))(?:\.[0-9]+)?")


def item(reply: object, key: str, kind: type[T]) -> T:
    """The value of a key, if it is there and of this kind; ValueError otherwise. True is no int."""
    if not isinstance(reply, dict):
        raise ValueError(f"{type(reply).__name__} where an object with {key} is due")
    value = reply.get(key)
    if not isinstance(value, kind) or isinstance(value, bool):
        raise ValueError(f"{key} is {type(value).__name__ if key in reply else 'missing'}, not {kind.__name__}")
    return value


def number(value: object) -> float:
    """A JSON number as a float; ValueError for anything else, and for what no float can hold."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError(f"{type(value).__name__} where a number is due")
    return finite(value)


def decimal(text: str) -> float:
    """A number written with a decimal point, thousands perhaps apart by commas; ValueError for nan, 1e3, 1,5 or 1_0."""
    if not DECIMAL.fullmatch(text):
        raise ValueError(f"{shown(text)} is no number with a decimal point")
    return finite(text.replace(",", ""))


def iso_day(text: str) -> date:
    """A date written YYYY-MM-DD and in no other way; ValueError otherwise."""
    with suppress(ValueError):
        if ISO_DAY.fullmatch(text):
            return date.fromisoformat(text)
    raise ValueError(f"{shown(text)} is no date like 2024-06-28")


def by_day(rows: Iterable[tuple[date, float]]) -> dict[date, float]:
    """The rows as a table; ValueError if a date has two values."""
    rates: dict[date, float] = {}
    for day, value in rows:
        if rates.setdefault(day, value) != value:
            raise ValueError(f"{day} has two values, {rates[day]:g} and {value:g}")
    return rates


def last_to_ask(end: date, now: datetime) -> date:
    """`end`, but no day so far ahead that no rate can be there."""
    return min(end, now.date() + AHEAD)


def only(wanted: str, pair: str, source: Source) -> None:
    """SourceUnavailable unless the pair is the one that the source has."""
    if pair != wanted:
        raise SourceUnavailable(f"{source.name} has no rates of {pair}, only of {wanted}")


def observed(source: Source, pair: str, rates: Mapping[date, float], start: date, end: date) -> list[Observation]:
    """The rates from start to end, each with its release; SourceUnavailable if there is none in a long span."""
    days = calendar_of(pair)
    rows = [
        Observation(day, rates[day], source.release.known_at(day, days), source.name)
        for day in sorted(rates)
        if start <= day <= end
    ]
    if not rows and end - start > QUIET:
        raise SourceUnavailable(f"{source.name} has no rate of {pair} from {start} to {end}")
    return rows
