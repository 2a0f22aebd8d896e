"""Dollars per euro from the Federal Reserve's H.10 release, through FRED: its interface with a key, its CSV without."""

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import ClassVar

from forex_core.calendars import Calendar, Release
from forex_core.sources.http import Web, strict_csv, strict_json
from forex_core.sources.reading import by_day, decimal, iso_day, item, observed, only
from forex_core.sources.source import Remote
from forex_core.values import Observation

SERIES = "DEXUSEU"
MISSING = frozenset({".", ""})


@dataclass(frozen=True, slots=True)
class Weekly(Release):
    """A week's values become known together, at `at` (UTC) on the Tuesday after.

    H.10 is out on Monday about 21:00 UTC, and on Tuesday if Monday is a holiday of the United States; a day too late is
    the mistake that lets nothing from the future into a replay.
    """

    def known_at(self, day: date, calendar: Calendar) -> datetime:
        """The moment at which `day`'s value becomes known, UTC."""
        return datetime.combine(day + timedelta(days=8 - day.weekday()), self.at, UTC)


@dataclass(frozen=True)
class Fred(Remote):
    """The noon rate of New York, not the ECB's of 14:15 CET: near it, and never equal to it.

    base_url: with a key that of the interface, without one that of fredgraph.csv, which nobody documents.
    """

    web: Web
    base_url: str
    key: str = field(default="", repr=False)
    name: ClassVar[str] = "fred"
    release: ClassVar[Release] = Weekly(time(22))

    def fetch(self, pair: str, start: date, end: date, now: datetime) -> list[Observation]:
        """One question for the whole span; holidays of the United States are no rows."""
        only("EURUSD", pair, self)
        last = min(end, now.date())
        rates = self._from_interface(start, last) if self.key else self._from_csv(start, last)
        return observed(self, pair, rates, start, last)

    def _from_interface(self, start: date, end: date) -> dict[date, float]:
        asked = {"series_id": SERIES, "file_type": "json", "observation_start": f"{start}", "observation_end": f"{end}"}
        return self.web.read(
            self.name, f"{self.base_url}/series/observations", asked | {"api_key": self.key}, _json_rates
        )

    def _from_csv(self, start: date, end: date) -> dict[date, float]:
        return self.web.read(self.name, self.base_url, {"id": SERIES, "cosd": f"{start}", "coed": f"{end}"}, _csv_rates)


def _json_rates(body: bytes) -> dict[date, float]:
    rows = item(strict_json(body), "observations", list)
    return _rates([[item(row, "date", str), item(row, "value", str)] for row in rows])


def _csv_rates(body: bytes) -> dict[date, float]:
    first = "DATE" if body.startswith(b"DATE,") else "observation_date"  # the older name
    return _rates(strict_csv(body, [first, SERIES]))


def _rates(rows: list[list[str]]) -> dict[date, float]:
    return by_day((iso_day(day), decimal(value)) for day, value, *_ in rows if value not in MISSING)
