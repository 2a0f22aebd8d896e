"""Chilean indicators as mindicador.cl passes them on, and findic.cl, which answers in the same shapes. No key."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from functools import partial
from typing import ClassVar

from forex_core.calendars import Release
from forex_core.sources.http import Web, strict_json
from forex_core.sources.reading import by_day, iso_day, item, last_to_ask, number, observed, only
from forex_core.sources.source import Remote
from forex_core.values import Observation

OBSERVADO = "dolar"
UNITS = {"tpm": "Porcentaje", "ipc": "Porcentaje", "imacec": "Porcentaje", "libra_cobre": "Dólar"}
RECENT = timedelta(days=28)  # the address without a year answers with about the last month


@dataclass(frozen=True)
class Mindicador(Remote):
    """Pesos per dollar. `name` tells the two private sites apart; neither promises anything."""

    web: Web
    base_url: str
    name: str = "mindicador"
    release: ClassVar[Release] = Release(time(22), day_before=True)

    def fetch(self, pair: str, start: date, end: date, now: datetime) -> list[Observation]:
        """The observado of each trading day."""
        only("USDCLP", pair, self)
        last = last_to_ask(end, now)
        return observed(self, pair, self.values(OBSERVADO, start, last, now, self.web), start, last)

    def values(self, code: str, start: date, end: date, now: datetime, web: Web) -> dict[date, float]:
        """One question for the last month, otherwise one a year, all within one deadline. More days than were asked
        for may come.
        """
        found: dict[date, float] = {}
        until = web.clock() + web.deadline
        for path in _paths(code, start, end, now.date()):
            hurried = replace(web, deadline=until - web.clock())
            found |= hurried.read(self.name, self.base_url + path, {}, partial(_values, code=code))
        return found


def _paths(code: str, start: date, end: date, today: date) -> Iterator[str]:
    if start >= today - RECENT:
        yield f"/{code}"
    else:
        yield from (f"/{code}/{year}" for year in range(start.year, end.year + 1))


def _values(body: bytes, *, code: str) -> dict[date, float]:
    """Date to value; none for a year that has not begun. `fecha` is midnight in Chile, told in UTC."""
    reply = strict_json(body)
    if item(reply, "codigo", str) != code:
        raise ValueError(f"the indicator is not {code}")
    if code in UNITS and item(reply, "unidad_medida", str) != UNITS[code]:
        raise ValueError(f"the unit is not {UNITS[code]}")
    return by_day(
        (iso_day(item(row, "fecha", str)[:10]), number(item(row, "valor", object)))
        for row in item(reply, "serie", list)
    )
