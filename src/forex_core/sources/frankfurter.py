"""Rates as frankfurter.dev passes them on: the observado through its version 2, the ECB's rates through version 1."""

from dataclasses import dataclass
from datetime import date, datetime, time
from typing import ClassVar

from forex_core.calendars import ECB_CURRENCIES, Release, currencies
from forex_core.errors import SourceUnavailable
from forex_core.sources.http import Web, strict_json
from forex_core.sources.reading import by_day, iso_day, item, last_to_ask, number, observed, only
from forex_core.sources.source import Remote
from forex_core.values import Observation


@dataclass(frozen=True)
class FrankfurterObservado(Remote):
    """Pesos per dollar. Without `providers` it would answer a blend of many banks, which is another rate."""

    web: Web
    base_url: str
    name: ClassVar[str] = "frankfurter"
    release: ClassVar[Release] = Release(time(22), day_before=True)

    def fetch(self, pair: str, start: date, end: date, now: datetime) -> list[Observation]:
        """One question for the whole span."""
        only("USDCLP", pair, self)
        last = last_to_ask(end, now)
        asked = {"base": "USD", "quotes": "CLP", "providers": "BCCH", "from": f"{start}", "to": f"{last}"}
        rates = self.web.read(self.name, f"{self.base_url}/v2/rates", asked, _observado)
        return observed(self, pair, rates, start, last)


@dataclass(frozen=True)
class FrankfurterEcb(Remote):
    """Quote per base, the ratio of two rates per euro. Its own crosses are rounded to five digits: none is asked
    for. The first row may be dated before `start`: the business day before a weekend.
    """

    web: Web
    base_url: str
    name: ClassVar[str] = "frankfurter_ecb"
    release: ClassVar[Release] = Release(time(15))

    def fetch(self, pair: str, start: date, end: date, now: datetime) -> list[Observation]:
        """The days on which both currencies have a rate."""
        base, quote = currencies(pair)
        if not {base, quote} <= ECB_CURRENCIES:
            raise SourceUnavailable(f"{self.name} has no rates of {pair}: the ECB does not publish both currencies")
        last = min(end, now.date())
        symbols = ",".join(sorted({base, quote} - {"EUR"}))
        url = f"{self.base_url}/v1/{start}..{last}"
        table = self.web.read(self.name, url, {"base": "EUR", "symbols": symbols}, _per_euro)
        rates = {day: row[quote] / row[base] for day, row in table.items() if {base, quote} <= row.keys()}
        return observed(self, pair, rates, start, last)


def _observado(body: bytes) -> dict[date, float]:
    """Date to rate, without the rows of 1 that it adds for a base in terms of itself."""
    reply = strict_json(body)
    if not isinstance(reply, list):
        raise ValueError(f"{type(reply).__name__} where a list is due")
    crosses = [(item(row, "base", str), item(row, "quote", str), row) for row in reply]
    if wrong := [quote for base, quote, _ in crosses if base != "USD" or quote not in ("CLP", "USD")]:
        raise ValueError(f"{len(wrong)} of its rows are of another pair")
    return by_day(
        (iso_day(item(row, "date", str)), number(item(row, "rate", object)))
        for _, quote, row in crosses
        if quote == "CLP"
    )


def _per_euro(body: bytes) -> dict[date, dict[str, float]]:
    """Date to the units of each currency per euro; the euro itself stands in every row."""
    reply = strict_json(body)
    if item(reply, "base", str) != "EUR" or number(reply.get("amount", 1)) != 1:
        raise ValueError("the rates are not those of one euro")
    return {iso_day(day): _row(row) for day, row in item(reply, "rates", dict).items()}


def _row(row: object) -> dict[str, float]:
    if not isinstance(row, dict):
        raise ValueError(f"{type(row).__name__} where the rates of a day are due")
    rates = {currency: number(value) for currency, value in row.items()}
    if 0 in rates.values():
        raise ValueError("a rate is 0, and nothing can be divided by it")
    return rates | {"EUR": 1.0}
