"""Daily closes of Yahoo's chart endpoint: futures and indices in dollars. Nobody documents it; never a target."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import partial
from typing import Any, ClassVar
from urllib.parse import quote
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from forex_core.sources.http import Web, strict_json
from forex_core.sources.plain_text import plain
from forex_core.sources.reading import by_day, item, number

SETTLED = time(22)  # UTC: by then a day's session has its last price, in New York's winter too
LAST = datetime(2100, 1, 1, tzinfo=UTC).timestamp()


@dataclass(frozen=True)
class Yahoo:
    """Closes in dollars by the exchange's own date."""

    web: Web
    base_url: str
    name: ClassVar[str] = "yahoo"

    def values(self, code: str, start: date, end: date, now: datetime, web: Web) -> dict[date, float]:
        """The sessions that are over; no weekend's partial bar, none without a price."""
        span = {"period1": f"{_seconds(start)}", "period2": f"{_seconds(end + timedelta(days=1))}"}
        address = f"{self.base_url}/{quote(code, safe='=')}"
        return web.read(self.name, address, span | {"interval": "1d"}, partial(_closes, code=code, now=now))


def _closes(body: bytes, *, code: str, now: datetime) -> dict[date, float]:
    chart = item(strict_json(body), "chart", dict)
    if chart.get("error") is not None:
        raise ValueError(f"it answers an error: {plain(item(chart['error'], 'description', str))}")
    result = _sole(chart, "result")
    for key, wanted in {"symbol": code, "currency": "USD", "dataGranularity": "1d"}.items():
        if item(item(result, "meta", dict), key, str) != wanted:
            raise ValueError(f"{key} is not {wanted}")
    if "timestamp" not in result:
        return {}  # what it says of a span without a session
    bars = _bars(result)
    if len(bars) > 1 and bars[-1][0] == bars[-2][0]:
        bars.pop()  # the price of this minute, which it may add to the bar of its day
    return by_day((day, close) for day, close in bars if close is not None and _over(day, now))


def _bars(result: dict[str, Any]) -> list[tuple[date, float | None]]:
    """Date and close of each bar, in the exchange's time."""
    zone = _zone(item(result["meta"], "exchangeTimezoneName", str))
    stamps, closes = (
        item(result, "timestamp", list),
        item(_sole(item(result, "indicators", dict), "quote"), "close", list),
    )
    if len(stamps) != len(closes):
        raise ValueError(f"there are {len(stamps)} times and {len(closes)} closes")
    return [
        (_day(stamp, zone), None if close is None else number(close))
        for stamp, close in zip(stamps, closes, strict=True)
    ]


def _over(day: date, now: datetime) -> bool:
    return day.weekday() < 5 and datetime.combine(day, SETTLED, UTC) <= now


def _sole(reply: dict[str, Any], key: str) -> dict[str, Any]:
    found = item(reply, key, list)
    if len(found) != 1 or not isinstance(found[0], dict):
        raise ValueError(f"{key} is not one object")
    return found[0]


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, OSError, ValueError):
        raise ValueError("the exchange's time zone is none") from None


def _day(stamp: object, zone: ZoneInfo) -> date:
    if not 0 <= (seconds := number(stamp)) < LAST:
        raise ValueError("a time is none of this century")
    return datetime.fromtimestamp(seconds, zone).date()


def _seconds(day: date) -> int:
    return max(0, int(datetime.combine(day, time(0), UTC).timestamp()))
