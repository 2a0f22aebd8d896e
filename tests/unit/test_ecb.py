"""Crosses of the ECB's euro rates, as published: no weekend, no invented day, no currency it never had."""

import math
from datetime import UTC, date, datetime, timedelta

import pytest

from forex_core.errors import SourceUnavailable
from forex_core.sources.ecb import EmbeddedEcb

START, END = date(2024, 1, 1), date(2024, 6, 28)
NOW = datetime(2030, 1, 1, tzinfo=UTC)


def rates(pair: str, start: date = START, end: date = END) -> dict[date, float]:
    return {row.observed_on: row.value for row in EmbeddedEcb().fetch(pair, start, end, NOW)}


def test_a_euro_leg_is_the_published_rate() -> None:
    first = date(1999, 1, 4)

    assert rates("EURUSD", first, first) == {first: 1.1789}


@pytest.mark.parametrize(("base", "quote"), [("USD", "GBP"), ("JPY", "CHF"), ("USD", "EUR"), ("EUR", "SEK")])
def test_a_cross_is_the_ratio_of_two_euro_rates_of_the_same_day(base: str, quote: str) -> None:
    ones = dict.fromkeys(rates("EURUSD"), 1.0)
    of_base, of_quote = (ones if currency == "EUR" else rates(f"EUR{currency}") for currency in (base, quote))

    assert rates(base + quote) == {day: of_quote[day] / of_base[day] for day in ones}


def test_a_pair_and_its_inverse_are_reciprocal() -> None:
    there, back = rates("USDJPY"), rates("JPYUSD")

    assert all(math.isclose(there[day] * back[day], 1.0) for day in there.keys() | back.keys())


@pytest.mark.parametrize("pair", ["USDCLP", "CLPUSD", "USDCOP"])
def test_a_currency_that_the_ecb_never_published_has_no_source(pair: str) -> None:
    with pytest.raises(SourceUnavailable) as caught:
        EmbeddedEcb().fetch(pair, START, END, NOW)

    unknown = pair.replace("USD", "")
    assert caught.value.exit_code == 69
    assert str(caught.value) == (
        f"the ECB publishes no rate for {unknown}; "
        "give a file with --source csv:PATH, or try the program on EURUSD with `forex demo`"
    )


def test_no_row_falls_on_a_weekend_or_a_closed_day() -> None:
    days = list(rates("EURUSD"))

    assert {day.weekday() for day in days} == {0, 1, 2, 3, 4}
    assert days == sorted(days)
    assert date(2024, 3, 29) not in days  # Good Friday
    assert date(2024, 5, 1) not in days


def test_where_a_currency_was_not_quoted_no_rate_is_invented() -> None:
    gap = rates("EURISK", date(2008, 12, 1), date(2018, 3, 1))

    assert max(day for day in gap if day.year < 2018) == date(2008, 12, 9)
    assert min(day for day in gap if day.year > 2008) == date(2018, 2, 1)


def test_both_ends_of_the_asked_span_are_included() -> None:
    assert list(rates("EURUSD", date(2024, 6, 27), date(2024, 6, 28))) == [date(2024, 6, 27), date(2024, 6, 28)]


def test_a_weekend_has_no_rates() -> None:
    assert rates("EURUSD", date(2024, 6, 29), date(2024, 6, 30)) == {}


def test_a_rate_is_known_at_15_utc_of_its_day_from_this_source() -> None:
    rows = EmbeddedEcb().fetch("EURUSD", START, END, NOW)
    midnight = datetime(1970, 1, 1, tzinfo=UTC)

    assert {row.known_at - midnight - (row.observed_on - midnight.date()) for row in rows} == {timedelta(hours=15)}
    assert {row.source for row in rows} == {"ecb"}


def test_the_newest_date_is_that_of_the_last_row() -> None:
    newest = EmbeddedEcb().newest()

    assert list(rates("EURUSD", newest - timedelta(days=7), date(2079, 1, 1)))[-1] == newest
