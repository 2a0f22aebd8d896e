"""Series of the statistics database of the Central Bank of Chile, which computes the dólar observado."""

import re
from dataclasses import dataclass, field
from datetime import date, datetime, time
from functools import partial
from typing import ClassVar

from forex_core.calendars import Release
from forex_core.errors import SourceUnavailable
from forex_core.sources.http import Web, strict_json
from forex_core.sources.plain_text import plain
from forex_core.sources.reading import by_day, decimal, item, last_to_ask, observed, only
from forex_core.sources.source import Remote
from forex_core.values import Observation

OBSERVADO = "F073.TCO.PRE.Z.D"
CLOSED = frozenset({"", "NaN", "NeuN", "ND", "NA"})  # what stands for a value on a day without trading
DENIED = -5
MEANING = {
    DENIED: "the credentials are refused",
    -50: "it knows no series {code}",
    -1: "it can't read the dates that were asked for",
}
DAY = re.compile(r"([0-9]{2})-([0-9]{2})-([0-9]{4})")


class Denied(ValueError):
    """The credentials are refused, whatever is asked: asking on could lock the account."""


@dataclass(frozen=True)
class Bcch(Remote):
    """Pesos per dollar. A token, or a user and a password, go into the query, as its manual has it.

    Errors come as HTTP 200 with a `Codigo` that is not 0.
    """

    web: Web
    base_url: str
    token: str = field(default="", repr=False)
    user: str = field(default="", repr=False)
    password: str = field(default="", repr=False)
    name: ClassVar[str] = "bcch"
    release: ClassVar[Release] = Release(time(22), day_before=True)

    def fetch(self, pair: str, start: date, end: date, now: datetime) -> list[Observation]:
        """The observado of each trading day; days without one are no rows."""
        only("USDCLP", pair, self)
        last = last_to_ask(end, now)
        values = self.values(OBSERVADO, start, last, now, self.web)
        return observed(self, pair, {day: value for day, value in values.items() if value > 0}, start, last)

    def values(self, code: str, start: date, end: date, now: datetime, web: Web) -> dict[date, float]:
        """Any series of the database, in its own unit; days without a value are no rows."""
        asked = {"function": "GetSeries", "timeseries": code, "firstdate": f"{start}", "lastdate": f"{end}"}
        return web.read(self.name, self.base_url, self._login() | asked, partial(_values, code=code))

    def _login(self) -> dict[str, str]:
        if self.token:
            return {"token": self.token}
        if self.user and self.password:
            return {"user": self.user, "pass": self.password}
        raise SourceUnavailable(f"{self.name} wants a token, or a user and a password; an account there is free")


def _values(body: bytes, *, code: str) -> dict[date, float]:
    reply = strict_json(body)
    if problem := item(reply, "Codigo", int):
        meaning = MEANING.get(problem, "").format(code=code) or plain(item(reply, "Descripcion", str))
        raise (Denied if problem == DENIED else ValueError)(f"Codigo {problem}: {meaning}")
    series = item(reply, "Series", dict)
    if (answered := item(series, "seriesId", str)) != code:
        raise ValueError(f"the series is {plain(answered, 60)}, not {code}")
    rows = [_row(row) for row in item(series, "Obs", list)]
    return by_day((day, value) for day, value in rows if value is not None)


def _row(row: object) -> tuple[date, float | None]:
    """Date and value, None on a day without trading."""
    day, text, status = _day(item(row, "indexDateString", str)), item(row, "value", str), item(row, "statusCode", str)
    return day, None if status != "OK" or text in CLOSED else decimal(text)


def _day(text: str) -> date:
    if not (match := DAY.fullmatch(text)):
        raise ValueError("a date is not written DD-MM-YYYY")
    return date(int(match[3]), int(match[2]), int(match[1]))
