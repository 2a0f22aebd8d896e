"""All that is ahead for a pair: the week of Forex Factory and the kept dates. What fails is a note."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from forex_core.calendars import currencies
from forex_core.errors import DataError
from forex_core.sources.events import DAYS, ForexFactory, upcoming
from forex_core.sources.kept_events import kept_events
from forex_core.values import Event


@dataclass(frozen=True, slots=True)
class Ahead:
    """Events in time, and what could not be read or wants a person."""

    events: tuple[Event, ...]
    notes: tuple[str, ...] = ()


def ahead(pair: str, factory: ForexFactory, now: datetime, days: int = DAYS) -> Ahead:
    """The events of the pair's currencies in the days to come."""
    found: list[Event] = []
    notes: list[str] = []
    try:
        found += factory.week()
    except DataError as error:
        notes.append(error.message)
    try:
        kept = kept_events()
        found += kept.within(now, now + timedelta(days=days))
        notes += kept.ending(now, currencies(pair))
    except DataError as error:
        notes.append(error.message)
    return Ahead(tuple(upcoming(found, now, currencies=currencies(pair), days=days)), tuple(notes))
