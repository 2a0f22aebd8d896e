"""Series of FRED, among them the Federal Reserve's dollars per euro: its interface with a key, its CSV without."""

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from functools import partial
from typing import ClassVar

from forex_core.calendars import Calendar, Release
from forex_core.sources.http import Web, strict_csv, strict_json
from forex_core.sources.reading import by_day, decimal, iso_day, item, observed, only
from forex_core.sources.source import Remote
from forex_core.values import Observation

DOLLARS_PER_EURO = "DEXUSEU"
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
        return observed(self, pair, self.values(DOLLARS_PER_EURO, start, last, now, self.web), start, last)

    def values(self, code: str, start: date, end: date, now: datetime, web: Web) -> dict[date, float]:
        """Any series of FRED, in its own unit; days without a value are no rows."""
        if not self.key:
            asked = {"id": code, "cosd": f"{start}", "coed": f"{end}"}
            return web.read(self.name, self.base_url, asked, partial(_csv_values, code=code))
        asked = {"series_id": code, "file_type": "json", "observation_start": f"{start}", "observation_end": f"{end}"}
        return web.read(self.name, f"{self.base_url}/series/observations", asked | {"api_key": self.key}, _json_values)


def _json_values(body: bytes) -> dict[date, float]:
    rows = item(strict_json(body), "observations", list)
    return _values([[item(row, "date", str), item(row, "value", str)] for row in rows])


def _csv_values(body: bytes, *, code: str) -> dict[date, float]:
    first = "DATE" if body.startswith(b"DATE,") else "observation_date"  # the older name
    return _values(strict_csv(body, [first, code]))


def _values(rows: list[list[str]]) -> dict[date, float]:
    return by_day((iso_day(day), decimal(value)) for day, value, *_ in rows if value not in MISSING)
