"""The dólar observado from the interface of the Comisión para el Mercado Financiero, formerly SBIF."""

import re
from dataclasses import dataclass, field
from datetime import date, datetime, time
from functools import partial
from typing import ClassVar

from forex_core.calendars import Release
from forex_core.errors import SourceUnavailable
from forex_core.sources.http import Web, strict_json
from forex_core.sources.reading import QUIET, by_day, decimal, iso_day, item, last_to_ask, observed, only
from forex_core.sources.source import Remote
from forex_core.values import Observation

CHILEAN = re.compile(r"[0-9]+(?:,[0-9]+)?|[0-9]{1,3}(?:\.[0-9]{3})+(?:,[0-9]+)?")


@dataclass(frozen=True)
class Cmf(Remote):
    """Pesos per dollar. The key, free of charge, goes into the query."""

    web: Web
    base_url: str
    key: str = field(default="", repr=False)
    name: ClassVar[str] = "cmf"
    release: ClassVar[Release] = Release(time(22), day_before=True)

    def fetch(self, pair: str, start: date, end: date, now: datetime) -> list[Observation]:
        """One question for the whole span; nothing in a short span is holidays, in a long one a fault."""
        only("USDCLP", pair, self)
        if not self.key:
            raise SourceUnavailable(f"{self.name} wants a key; it is free")
        last = last_to_ask(end, now)
        span = f"{start:%Y/%m}/dias_i/{start:%d}/{last:%Y/%m}/dias_f/{last:%d}"
        rates = self.web.read(
            self.name,
            f"{self.base_url}/dolar/periodo/{span}",
            {"apikey": self.key, "formato": "json"},
            partial(_rates, may_be_none=last - start <= QUIET),
            also=(404,),
        )
        return observed(self, pair, rates, start, last)


def _rates(body: bytes, *, may_be_none: bool) -> dict[date, float]:
    """Date to rate. A span without rates is answered 404 and `{"CodigoHTTP": 404, "Mensaje": ...}`."""
    reply = strict_json(body)
    if isinstance(reply, dict) and "CodigoHTTP" in reply:
        if may_be_none and item(reply, "CodigoHTTP", int) == 404:
            return {}
        raise ValueError(f"CodigoHTTP {item(reply, 'CodigoHTTP', int)}: {item(reply, 'Mensaje', str)}")
    return by_day(
        (iso_day(item(row, "Fecha", str)), _rate(item(row, "Valor", str))) for row in item(reply, "Dolares", list)
    )


def _rate(text: str) -> float:
    """1.234,56 is a thousand and more: points between thousands, a decimal comma."""
    if not CHILEAN.fullmatch(text):
        raise ValueError("a value is no number with a decimal comma")
    return decimal(text.replace(".", "").replace(",", "."))
