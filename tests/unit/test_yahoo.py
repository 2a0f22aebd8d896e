"""Yahoo's chart endpoint: only sessions that are over, and no shape but the one that is known."""

import json
import random
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import stamina
from hypothesis import given
from hypothesis import strategies as st

from conftest import business_days, walk
from forex_core.calendars import calendar
from forex_core.errors import SourceUnavailable
from forex_core.sources.http import Web
from forex_core.sources.yahoo import Yahoo
from rate_services import Services, running_services

COPPER = dict(walk(business_days(date(2024, 1, 2), date(2024, 7, 2), calendar("weekdays")), start=4.2))
RATES = {"HG=F": COPPER, "^VIX": {date(2024, 6, 27): 12.24, date(2024, 6, 28): 12.44}}
NIGHT = datetime(2024, 7, 1, 23, tzinfo=UTC)  # of a Monday, after the settlement
START, END = date(2024, 6, 1), date(2024, 7, 2)
NEW_YORK = ZoneInfo("America/New_York")


@pytest.fixture(autouse=True)
def _quick_and_quiet(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(random, "uniform", lambda low, high: 0.05)
    stamina.instrumentation.set_on_retry_hooks(())
    yield
    stamina.instrumentation.set_on_retry_hooks(None)


@pytest.fixture
def services() -> Iterator[Services]:
    with running_services(RATES) as services:
        yield services


def chart(**changes: Any) -> dict[str, Any]:
    """A reply with the bars of Thursday and Friday; what is changed in its one result."""
    days = [datetime(2024, 6, 27, tzinfo=NEW_YORK), datetime(2024, 6, 28, tzinfo=NEW_YORK)]
    result = {
        "meta": {"symbol": "HG=F", "currency": "USD", "dataGranularity": "1d", "exchangeTimezoneName": str(NEW_YORK)},
        "timestamp": [int(day.timestamp()) for day in days],
        "indicators": {"quote": [{"close": [4.39, 4.41]}]},
    }
    return {"chart": {"result": [result | changes], "error": None}}


def read(reply: object, now: datetime = NIGHT, code: str = "HG=F") -> dict[date, float]:
    """What becomes of a reply."""

    class Given(Web):
        def get(self, *_: object, **__: object) -> bytes:
            return reply if isinstance(reply, bytes) else json.dumps(reply).encode()

    return Yahoo(Given(), "").values(code, START, END, now, Given())


def test_a_session_is_told_under_the_date_of_its_exchange_in_summer_and_in_winter(services: Services) -> None:
    yahoo = Yahoo(Web(), services.url("yahoo"))
    found = yahoo.values("HG=F", date(2024, 1, 2), END, NIGHT, Web())
    assert found == {day: value for day, value in COPPER.items() if day <= date(2024, 7, 1)}


def test_the_symbol_and_the_span_are_asked_for(services: Services) -> None:
    found = Yahoo(Web(), services.url("yahoo")).values("^VIX", date(2024, 6, 28), date(2024, 6, 28), NIGHT, Web())
    assert found == {date(2024, 6, 28): 12.44}
    assert services.asked == ["/yahoo/%5EVIX?period1=1719532800&period2=1719619200&interval=1d"]


def test_a_bar_of_the_evening_belongs_to_the_day_in_new_york() -> None:
    evening = int(datetime(2024, 6, 28, 21, tzinfo=NEW_YORK).timestamp())
    assert read(chart(timestamp=[evening], indicators={"quote": [{"close": [4.4]}]})) == {date(2024, 6, 28): 4.4}


@pytest.mark.parametrize(("hour", "newest"), [(21, date(2024, 6, 27)), (22, date(2024, 6, 28))])
def test_todays_bar_counts_only_after_the_settlement(hour: int, newest: date) -> None:
    assert max(read(chart(), datetime(2024, 6, 28, hour, tzinfo=UTC))) == newest


def test_the_price_of_this_minute_in_a_row_of_its_own_is_dropped() -> None:
    stamps = [
        *chart()["chart"]["result"][0]["timestamp"],
        int(datetime(2024, 6, 28, 16, 3, tzinfo=NEW_YORK).timestamp()),
    ]
    reply = chart(timestamp=stamps, indicators={"quote": [{"close": [4.39, 4.41, 4.47]}]})
    assert read(reply) == {date(2024, 6, 27): 4.39, date(2024, 6, 28): 4.41}


def test_bars_of_a_weekend_and_bars_without_a_price_are_no_values() -> None:
    stamps = chart()["chart"]["result"][0]["timestamp"]
    stamps += [int(datetime(2024, 6, day, 18, tzinfo=NEW_YORK).timestamp()) for day in (29, 30)]
    reply = chart(timestamp=stamps, indicators={"quote": [{"close": [4.39, None, 4.4, 4.45]}]})
    assert read(reply) == {date(2024, 6, 27): 4.39}


def test_a_span_without_a_session_is_no_fault() -> None:
    reply = chart(indicators={"quote": [{}]})
    del reply["chart"]["result"][0]["timestamp"]
    assert read(reply) == {}


META = chart()["chart"]["result"][0]["meta"]
BAD = {
    "symbol is not HG=F": chart(meta=META | {"symbol": "SI=F"}),
    "currency is not USD": chart(meta=META | {"currency": "USX"}),
    "dataGranularity is not 1d": chart(meta=META | {"dataGranularity": "1wk"}),
    "time zone is none": chart(meta=META | {"exchangeTimezoneName": "America/Nowhere"}),
    "time zone is none ": chart(meta=META | {"exchangeTimezoneName": ""}),
    "time zone is none  ": chart(meta=META | {"exchangeTimezoneName": "../../etc/passwd"}),
    "exchangeTimezoneName is missing": chart(meta={k: v for k, v in META.items() if k != "exchangeTimezoneName"}),
    "2 times and 3 closes": chart(indicators={"quote": [{"close": [1, 2, 3]}]}),
    "str where a number is due": chart(indicators={"quote": [{"close": [1, "2"]}]}),
    "quote is not one object": chart(indicators={"quote": []}),
    "close is missing": chart(indicators={"quote": [{"open": [1, 2]}]}),
    "none of this century": chart(timestamp=[1, 10**15]),
    "too large to be meant": chart(timestamp=[1, 10**400]),
    "bool where a number is due": chart(timestamp=[True, 2]),
    "has two values": chart(
        timestamp=[1719460800, 1719460801, 1719547200], indicators={"quote": [{"close": [1, 2, 3]}]}
    ),
    "result is not one object": {"chart": {"result": [], "error": None}},
    "result is NoneType": {"chart": {"result": None, "error": None}},
    "answers an error: Data doesn't exist": {
        "chart": {"result": None, "error": {"code": "Bad Request", "description": "Data doesn't exist"}}
    },
    "chart is missing": {"finance": {}},
}


@pytest.mark.parametrize(("why", "reply"), BAD.items(), ids=BAD.keys())
def test_another_shape_is_refused_and_the_reason_told(why: str, reply: object) -> None:
    with pytest.raises(SourceUnavailable, match=f"yahoo answered what can't be used: .*{why.strip()}"):
        read(reply)


@given(
    st.lists(st.one_of(st.none(), st.floats(allow_nan=False, allow_infinity=False), st.integers()), max_size=8),
    st.lists(st.one_of(st.integers(-(10**20), 10**20), st.floats(allow_nan=False), st.none()), max_size=8),
)
def test_whatever_the_bars_are_only_weekdays_before_now_come_out(closes: list[object], stamps: list[object]) -> None:
    try:
        found = read(chart(timestamp=stamps, indicators={"quote": [{"close": closes}]}))
    except SourceUnavailable:
        return
    assert all(day.weekday() < 5 and day <= NIGHT.date() for day in found)
    assert len(found) <= sum(close is not None for close in closes)


@given(st.binary(max_size=200))
def test_whatever_comes_it_is_read_or_refused(body: bytes) -> None:
    with pytest.raises(SourceUnavailable):
        read(body)


def test_a_symbol_that_is_not_there_is_unavailable(services: Services) -> None:
    with pytest.raises(SourceUnavailable, match=r"yahoo .* did not answer: HTTP 404"):
        Yahoo(Web(), services.url("yahoo")).values("XX=F", START, END, NIGHT, Web())


def test_the_future_is_no_session() -> None:
    ahead = [int((NIGHT + timedelta(days=n)).timestamp()) for n in (1, 2)]
    assert read(chart(timestamp=ahead)) == {}
