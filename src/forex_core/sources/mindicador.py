"""The dólar observado as mindicador.cl passes it on, and findic.cl, which answers in the same shapes. No key."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from typing import ClassVar

from forex_core.calendars import Release
from forex_core.sources.http import Web, strict_json
from forex_core.sources.reading import by_day, iso_day, item, last_to_ask, number, observed, only
from forex_core.sources.source import Remote
from forex_core.values import Observation

RECENT = timedelta(days=28)  # the address without a year answers with about the last month


@dataclass(frozen=True)
class Mindicador(Remote):
    """Pesos per dollar. `name` tells the two private sites apart; neither promises anything."""

    web: Web
    base_url: str
    name: str = "mindicador"
    release: ClassVar[Release] = Release(time(22), day_before=True)

    def fetch(self, pair: str, start: date, end: date, now: datetime) -> list[Observation]:
        """One question for the last month, otherwise one a year, all within one deadline."""
        only("USDCLP", pair, self)
        last = last_to_ask(end, now)
        rates: dict[date, float] = {}
        until = self.web.clock() + self.web.deadline
        for path in _paths(start, last, now.date()):
            web = replace(self.web, deadline=until - self.web.clock())
            rates |= web.read(self.name, self.base_url + path, {}, _rates)
        return observed(self, pair, rates, start, last)


def _paths(start: date, end: date, today: date) -> Iterator[str]:
    if start >= today - RECENT:
        yield "/dolar"
    else:
        yield from (f"/dolar/{year}" for year in range(start.year, end.year + 1))


def _rates(body: bytes) -> dict[date, float]:
    """Date to rate; none for a year that has not begun. `fecha` is midnight in Chile, told in UTC."""
    reply = strict_json(body)
    if item(reply, "codigo", str) != "dolar":
        raise ValueError("the indicator is not dolar")
    return by_day(
        (iso_day(item(row, "fecha", str)[:10]), number(item(row, "valor", object)))
        for row in item(reply, "serie", list)
    )
