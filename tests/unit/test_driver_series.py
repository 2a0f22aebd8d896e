"""What was known of a driver at a moment: the gate looks at nothing that came later, and a join at nothing unknown."""

from collections.abc import Iterable
from datetime import UTC, date, datetime, time, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from forex_core.calendars import calendar, end_of
from forex_core.dataset.driver_series import DriverSeries, History
from forex_core.sources.drivers import DRIVERS, Driver
from forex_core.values import Observation

COPPER, FED = (next(driver for driver in DRIVERS if driver.name == name) for name in ("copper", "fed_funds"))
MONDAY = date(2024, 1, 1)
SOURCES = ("yahoo", "bcch")


def row(day: date, value: float, known: datetime | None = None, source: str = "yahoo") -> Observation:
    return Observation(day, value, known or datetime.combine(day, time(22), UTC), source)


def weekdays(count: int) -> list[date]:
    days = calendar("weekdays").days
    return list(days[days.index(MONDAY) : days.index(MONDAY) + count])


def history(rows: list[Observation], driver: Driver = COPPER) -> History:
    return History(driver, SOURCES, tuple(rows))


def at_the_end_of(days: Iterable[date]) -> np.ndarray:
    return np.array([end_of(day).replace(tzinfo=None) for day in days], dtype="datetime64[s]")


def joined(series: DriverSeries, *days: date) -> list[float]:
    return series.join(at_the_end_of(days)).tolist()


def refused(series: DriverSeries) -> list[date]:
    return [quarantined.observed_on for quarantined in series.quarantined]


# joins


def test_at_a_moment_of_a_day_only_what_was_known_by_then_is_seen() -> None:
    days = weekdays(2)
    series = history([row(days[0], 4.0), row(days[1], 4.1)]).as_of(end_of(days[1]))
    moments = np.array([f"{days[1]}T21:59:59", f"{days[1]}T22:00:00"], dtype="datetime64[s]")
    assert series.join(moments).tolist() == [4.0, 4.1]


def test_a_value_released_late_is_not_seen_before() -> None:
    days = weekdays(12)
    rows = [row(day, 4.0 + n / 100, datetime.combine(days[7], time(22), UTC)) for n, day in enumerate(days[:5])]
    series = history(rows).as_of(end_of(days[11]))
    assert joined(series, days[4], days[6], days[7]) == [pytest.approx(np.nan, nan_ok=True)] * 2 + [4.04]
    assert len(history(rows).as_of(end_of(days[6]))) == 0


def test_a_revision_is_not_seen_before_it_was_fetched() -> None:
    days = weekdays(3)
    fetched = datetime.combine(days[2], time(9), UTC)
    series = history([row(days[0], 4.0), row(days[1], 4.1), row(days[1], 4.2, fetched)]).as_of(end_of(days[2]))
    assert joined(series, *days) == [4.0, 4.1, 4.2]
    assert history([row(days[1], 4.1), row(days[1], 4.2, fetched)]).as_of(fetched - timedelta(seconds=1)).values == [
        4.1
    ]


def test_when_an_older_value_is_revised_then_the_newest_stays() -> None:
    days = weekdays(3)
    late = datetime.combine(days[2], time(9), UTC)
    series = history([row(days[0], 4.0), row(days[1], 4.1), row(days[0], 3.9, late)]).as_of(end_of(days[2]))
    assert joined(series, *days) == [4.0, 4.1, 4.1]


def test_the_end_of_a_date_is_its_last_second() -> None:
    days = weekdays(2)
    last, next_morning = datetime.combine(days[0], time(23, 59, 59), UTC), datetime.combine(days[1], time(0), UTC)
    assert joined(history([row(days[0], 4.0, last)]).as_of(end_of(days[1])), *days) == [4.0, 4.0]
    assert np.isnan(joined(history([row(days[0], 4.0, next_morning)]).as_of(end_of(days[1])), days[0]))


def test_a_value_older_than_the_limit_is_no_value() -> None:
    days = weekdays(9)
    series = history([row(days[0], 4.0)]).as_of(end_of(days[8]))
    assert COPPER.stale_after_days == 5
    assert joined(series, days[5]) == [4.0]
    assert np.isnan(joined(series, days[6]))
    assert joined(series, days[4] + timedelta(days=2)) == [4.0]  # a Sunday: five days from Monday to Friday


def test_a_driver_without_a_row_joins_as_nothing() -> None:
    series = history([]).as_of(end_of(MONDAY))
    assert (series.source, series.newest, len(series)) == ("", None, 0)
    assert np.isnan(joined(series, MONDAY, MONDAY + timedelta(days=1))).all()
    assert History(COPPER, (), ()).as_of(end_of(MONDAY)).source == ""


MOMENTS = st.integers(0, 60)


@given(st.lists(st.tuples(st.integers(0, 30), MOMENTS, st.floats(3.5, 4.5)), max_size=20), MOMENTS)
def test_a_join_is_the_newest_value_that_was_known(told: list[tuple[int, int, float]], asked: int) -> None:
    """Against the rule, done slowly. Each value moves so little that the gate is silent."""
    begin = datetime(2024, 1, 1, 22, tzinfo=UTC)
    rows = [
        row(MONDAY + timedelta(days=day), value, begin + timedelta(days=max(day, known), seconds=n))
        for n, (day, known, value) in enumerate(told)
    ]
    day = MONDAY + timedelta(days=asked)
    seen = sorted((r for r in rows if r.known_at <= end_of(day)), key=lambda r: (r.observed_on, r.known_at))
    value = joined(history(rows).as_of(end_of(MONDAY + timedelta(days=99))), day)[0]
    if seen and np.busday_count(seen[-1].observed_on, day) <= COPPER.stale_after_days:
        assert value == seen[-1].value
    else:
        assert np.isnan(value)


# the gate


def test_a_tick_far_from_both_neighbours_is_refused_and_the_value_before_it_stays() -> None:
    days = weekdays(20)
    rows = [row(day, 420.0 if n == 12 else 4.2 + n / 100) for n, day in enumerate(days)]
    series = history(rows).as_of(end_of(days[-1]))
    assert refused(series) == [days[12]]
    assert joined(series, days[12], days[13]) == [rows[11].value, rows[13].value]
    assert str(series.quarantined[0]) == f"{days[12]} 420: far from 4.31 before it, and nothing confirms that"


def test_a_jump_counts_from_the_moment_at_which_the_next_value_confirms_it() -> None:
    days = weekdays(20)
    rows = [row(day, 4.2 + n / 100 if n < 12 else 6.0 + n / 100) for n, day in enumerate(days)]
    assert refused(history(rows).as_of(end_of(days[12]))) == [days[12]]
    later = history(rows).as_of(end_of(days[19]))
    assert refused(later) == []
    assert joined(later, days[12], days[13]) == [rows[11].value, rows[13].value]


def test_a_price_many_times_the_one_before_is_never_confirmed() -> None:
    days = weekdays(20)
    rows = [row(day, (4.2 + n / 100) * (1 if n < 12 else 100)) for n, day in enumerate(days)]
    assert refused(history(rows).as_of(end_of(days[-1]))) == days[12:]


def test_when_moves_are_large_then_a_large_move_is_not_suspicious() -> None:
    days = weekdays(40)
    rows = [row(day, 10.0 + n % 2) for n, day in enumerate(days[:-2])] + [row(days[-2], 20.0), row(days[-1], 11.0)]
    assert refused(history(rows).as_of(end_of(days[-1]))) == []


def test_a_rate_may_be_zero_or_negative_and_may_take_small_steps() -> None:
    days = weekdays(40)
    rows = [row(day, (0.25, 0.0, -0.25, 0.5)[n // 10], source="bcch") for n, day in enumerate(days)]
    assert joined(history(rows, FED).as_of(end_of(days[-1])), *days) == [told.value for told in rows]
    wrong = [row(day, 525.0 if n == 33 else 5.25) for n, day in enumerate(days)]
    assert refused(history(wrong, FED).as_of(end_of(days[-1]))) == [days[33]]


@pytest.mark.parametrize(
    ("value", "why"),
    [(float("nan"), "not a finite"), (float("inf"), "not a finite"), (0.0, "not pos"), (-1, "not pos")],
)
def test_what_is_no_price_is_refused(value: float, why: str) -> None:
    days = weekdays(3)
    series = history([row(days[0], 4.0), row(days[1], value), row(days[2], 4.1)]).as_of(end_of(days[2]))
    assert (len(series), refused(series)) == (2, [days[1]])
    assert series.quarantined[0].reason.startswith(why)


def test_a_value_dated_after_the_moment_at_which_it_is_known_is_refused() -> None:
    tomorrow = row(MONDAY + timedelta(days=1), 4.0, datetime.combine(MONDAY, time(22), UTC))
    series = history([row(MONDAY, 4.0), tomorrow]).as_of(end_of(MONDAY + timedelta(days=5)))
    assert [q.reason for q in series.quarantined] == ["from the future"]


def test_a_bad_first_value_does_not_become_the_measure() -> None:
    days = weekdays(15)
    rows = [row(day, 400.0 if n == 0 else 4.0 + n / 100) for n, day in enumerate(days)]
    assert refused(history(rows).as_of(end_of(days[-1]))) == [days[0]]


LOGS = st.lists(st.floats(-0.02, 0.02), min_size=30, max_size=60)


@given(LOGS, st.sets(st.integers(12, 28), max_size=4), st.sampled_from([100.0, 0.01, 7.0, 1 / 7]))
def test_every_wrong_tick_is_refused_and_nothing_else(moves: list[float], ticks: set[int], times: float) -> None:
    days = weekdays(len(moves))
    values = 4.0 * np.exp(np.cumsum(moves))
    rows = [row(d, float(v) * (times if n in ticks else 1)) for n, (d, v) in enumerate(zip(days, values, strict=True))]
    assert refused(history(rows).as_of(end_of(days[-1]))) == [days[n] for n in sorted(ticks)]


ANY = st.one_of(st.floats(0.01, 100.0), st.sampled_from([0.0, -1.0, float("nan"), float("inf"), 4.0, 4.1, 400.0]))


@given(st.lists(ANY, min_size=14, max_size=40), st.integers(0, 39), st.booleans())
def test_what_is_known_at_a_moment_does_not_depend_on_what_comes_later(
    values: list[float], at: int, level: bool
) -> None:
    days = weekdays(len(values))
    rows = [row(day, value) for day, value in zip(days, values, strict=True)]
    moment = end_of(days[11 + at % (len(values) - 11)])
    driver = COPPER if level else FED
    then = History(driver, ("yahoo",), tuple(r for r in rows if r.known_at <= moment)).as_of(moment)
    whole = History(driver, ("yahoo",), tuple(rows))
    if sum(bool(np.isfinite(v) and (v > 0 or not level)) for v in values[:12]) < 11:
        return  # the level to start from is not known yet
    now, later = whole.as_of(moment), whole.as_of(end_of(days[-1]))
    assert (then.values.tolist(), refused(then)) == (now.values.tolist(), refused(now))
    moments = at_the_end_of(d for d in days if d <= moment.date())
    np.testing.assert_array_equal(now.join(moments), later.join(moments))


# sources


def test_the_first_source_serves_while_it_is_not_stale_and_is_never_mixed_with_another() -> None:
    days = weekdays(20)
    rows = [row(day, 4.2) for day in days[:10]] + [row(day, 4.1, source="bcch") for day in days]
    both = history(rows)
    within, beyond = both.as_of(end_of(days[14])), both.as_of(end_of(days[15]))
    assert (within.source, set(within.values)) == ("yahoo", {4.2})
    assert (beyond.source, set(beyond.values)) == ("bcch", {4.1})


def test_when_all_sources_are_stale_then_the_one_with_the_newest_value_is_named() -> None:
    days = weekdays(30)
    rows = [row(days[0], 4.2), row(days[2], 4.1, source="bcch")]
    assert history(rows).as_of(end_of(days[-1])).source == "bcch"
