"""What is about to be decided or published: this week's events from Forex Factory, and those that lie ahead."""

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import ClassVar

from forex_core.sources.http import Web, shown, strict_json
from forex_core.sources.plain_text import plain
from forex_core.sources.reading import item
from forex_core.values import Event

IMPACTS = ("high", "medium", "low", "holiday")
EVERYWHERE = "ALL"  # stands for a currency where an event moves all of them
KEPT = "events.yaml"
MOST = 2_000  # in a week
DAYS = 14
MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(Z|[+-]\d\d:\d\d)", re.ASCII)
CURRENCY = re.compile(r"[A-Z]{3}")


@dataclass(frozen=True)
class ForexFactory:
    """The week's events of the large currencies as JSON; Chile is not among them. HTML if it is asked too often."""

    web: Web
    url: str
    name: ClassVar[str] = "forex_factory"

    def week(self) -> list[Event]:
        """This week's events, past and to come; SourceUnavailable if they can't be had."""
        return self.web.read(self.name, self.url, {}, _events)


def upcoming(events: Iterable[Event], now: datetime, *, currencies: Collection[str], days: int = DAYS) -> list[Event]:
    """The events of these currencies in the days to come, in time; of one that is told twice the kept date goes."""
    near = {
        event
        for event in events
        if now <= event.at <= now + timedelta(days=days) and event.currency in {*currencies, EVERYWHERE}
    }
    told = {(event.at, event.currency) for event in near if event.source != KEPT and event.impact == "high"}
    kept = [event for event in near if event.source != KEPT or (event.at, event.currency) not in told]
    return sorted(kept, key=lambda event: (event.at, event.currency, event.title))


def _events(body: bytes) -> list[Event]:
    reply = strict_json(body)
    if not isinstance(reply, list) or len(reply) > MOST:
        raise ValueError("it is no list of a week's events")
    return [_event(number, row) for number, row in enumerate(reply, start=1)]


def _event(number: int, row: object) -> Event:
    try:
        impact, country = item(row, "impact", str), item(row, "country", str)
        if impact.lower() not in IMPACTS:
            raise ValueError(f"impact is {shown(impact)}, not one of {', '.join(IMPACTS)}")
        if not CURRENCY.fullmatch(country.upper()):
            raise ValueError(f"country is {shown(country)}, not a currency or All")
        if not (title := plain(item(row, "title", str))):
            raise ValueError("title is empty")
        return Event(_moment(item(row, "date", str)), country.upper(), title, impact.lower(), ForexFactory.name)
    except (ValueError, OverflowError) as error:  # the latter for a date at the end of time
        raise ValueError(f"entry {number}: {error}") from None


def _moment(text: str) -> datetime:
    if not MOMENT.fullmatch(text):
        raise ValueError(f"date is {shown(text)}, not like 2026-03-31T12:30:00-04:00")
    return datetime.fromisoformat(text).astimezone(UTC)
