"""The gate: which rows can be trusted, since when, and why the others can't."""

import math
from collections.abc import Iterable
from datetime import date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conftest import business_days, walk
from forex_core.calendars import calendar, end_of
from forex_core.dataset.gate import Trusted, admit
from forex_core.values import Observation

CHILE = calendar("chile")
DAYS = business_days(date(2024, 1, 2), date(2024, 6, 28))
NEWEST = DAYS[-1]
CALM = walk(DAYS)
MONDAY = date(2024, 4, 8)  # followed by four more business days
WEEK = [MONDAY + timedelta(n) for n in range(5)]


def observed(rows: Iterable[tuple[date, float]]) -> list[Observation]:
    return [Observation(day, value, end_of(day), "test") for day, value in sorted(rows)]


def judged(rows: Iterable[tuple[date, float]], newest: date = NEWEST) -> Trusted:
    return admit(observed(rows), calendar=CHILE, newest=newest)


def trusted(rows: Iterable[tuple[date, float]], newest: date = NEWEST) -> list[tuple[date, float]]:
    return [(row.observed_on, row.value) for row in judged(rows, newest).rows]


def known(rows: Iterable[tuple[date, float]], day: date) -> datetime | None:
    """Since when the row of `day` is trusted."""
    return next((row.known_at for row in judged(rows).rows if row.observed_on == day), None)


def shifted(by: float, days: Iterable[date], rows: Iterable[tuple[date, float]] = CALM) -> list[tuple[date, float]]:
    moved = set(days)
    return [(day, value * by if day in moved else value) for day, value in rows]


def flat_but(moves: dict[date, float], level: float = 900.0) -> list[tuple[date, float]]:
    return [(day, level * moves.get(day, 1.0)) for day in DAYS]


# --- refusals


@pytest.mark.parametrize(
    ("day", "value", "reason"),
    [
        (MONDAY, math.nan, "not a finite number"),
        (MONDAY, math.inf, "not a finite number"),
        (MONDAY, -math.inf, "not a finite number"),
        (MONDAY, 0.0, "not positive"),
        (MONDAY, -900.0, "not positive"),
        (date(2024, 4, 7), 900.0, "a closed day of the calendar chile"),
        (date(2024, 5, 1), 900.0, "a closed day of the calendar chile"),
        (date(2024, 7, 1), 900.0, "from the future: the newest rate that can be known is of 2024-06-28"),
        (MONDAY, 9000.0, "a jump of +900% that nothing confirms"),
        (MONDAY, 0.9, "a jump of -100% that nothing confirms"),
        (MONDAY, 1008.0, "a jump of +12% that nothing confirms"),
    ],
)
def test_a_bad_row_is_refused_with_its_reason_and_nothing_else_is(day: date, value: float, reason: str) -> None:
    rest = [(d, v) for d, v in flat_but({}) if d != day]
    verdict = judged([*rest, (day, value)])
    assert [(q.observed_on, q.reason) for q in verdict.quarantined] == [(day, reason)]
    assert [(row.observed_on, row.value) for row in verdict.rows] == rest


def test_a_refusal_reads_as_one_line() -> None:
    (refusal,) = judged(flat_but({MONDAY: 10})).quarantined
    assert str(refusal) == "2024-04-08 9000: a jump of +900% that nothing confirms"


def test_refusals_of_every_kind_come_in_the_order_of_their_dates() -> None:
    rows = [*flat_but({WEEK[0]: 10, WEEK[2]: math.nan, WEEK[4]: -1}), (date(2024, 4, 14), 900.0)]
    assert [q.observed_on for q in judged(rows).quarantined] == [WEEK[0], WEEK[2], WEEK[4], date(2024, 4, 14)]


def test_the_newest_day_that_can_be_known_is_not_from_the_future() -> None:
    assert trusted(CALM, newest=WEEK[2])[-1][0] == WEEK[2]


@pytest.mark.parametrize("factor", [10, 1 / 1000])
def test_when_the_first_row_is_wrong_then_only_it_is_refused(factor: float) -> None:
    assert trusted(shifted(factor, DAYS[:1])) == CALM[1:]


def test_no_rows_are_no_error() -> None:
    assert judged([]) == Trusted((), ())


# --- jumps


@pytest.mark.parametrize("by", [1.12, 0.88, 1.41, 0.71])
def test_when_the_next_row_stays_then_a_jump_is_trusted_since_that_row(by: float) -> None:
    rows = flat_but(dict.fromkeys((day for day in DAYS if day >= MONDAY), by))
    assert trusted(rows) == rows
    assert known(rows, MONDAY) == end_of(WEEK[1])
    assert known(rows, WEEK[1]) == end_of(WEEK[1])


def test_when_the_jumped_row_became_known_after_its_confirmation_then_it_is_trusted_since_its_own_time() -> None:
    late = end_of(date(2024, 5, 30))
    rows = observed(shifted(1.12, [day for day in DAYS if day >= MONDAY]))
    rows = [Observation(MONDAY, row.value, late, "test") if row.observed_on == MONDAY else row for row in rows]
    admitted = admit(rows, calendar=CHILE, newest=NEWEST).rows
    assert {row.observed_on: row.known_at for row in admitted}[MONDAY] == late


def test_when_a_jump_is_the_last_row_then_it_waits() -> None:
    rows = shifted(1.12, [MONDAY])[: DAYS.index(MONDAY) + 1]
    assert trusted(rows) == rows[:-1]


@pytest.mark.parametrize("by", [1.12, 0.88])
def test_when_the_next_row_returns_then_the_jump_is_refused(by: float) -> None:
    assert trusted(shifted(by, [MONDAY])) == [row for row in CALM if row[0] != MONDAY]


def test_when_the_next_row_returns_most_of_the_way_then_the_jump_is_refused() -> None:
    rows = flat_but({MONDAY: 1.06} | {day: 1.02 for day in DAYS if day > MONDAY})
    assert trusted(rows) == [row for row in rows if row[0] != MONDAY]


def test_when_the_confirming_row_is_itself_bad_then_the_row_after_it_confirms() -> None:
    rows = shifted(1.12, [day for day in DAYS if day >= MONDAY])
    rows = [(day, math.nan if day == WEEK[1] else value) for day, value in rows]
    assert known(rows, MONDAY) == end_of(WEEK[2])


@pytest.mark.parametrize("by", [10, 1 / 1000, 1.42, 0.704])
def test_when_a_jump_is_beyond_belief_then_nothing_confirms_it(by: float) -> None:
    rows = flat_but(dict.fromkeys((day for day in DAYS if day >= MONDAY), by))
    assert trusted(rows) == [row for row in rows if row[0] < MONDAY]


def test_when_a_series_leaps_twice_then_the_second_leap_is_confirmed_and_the_first_is_not() -> None:
    rows = flat_but({day: 1.12 if day == WEEK[0] else 1.3 for day in DAYS if day >= MONDAY})
    assert [q.observed_on for q in judged(rows).quarantined] == [MONDAY]
    assert known(rows, WEEK[1]) == end_of(WEEK[2])


@pytest.mark.parametrize(("sd", "held_back"), [(0.001, True), (0.02, False)])
def test_in_a_crisis_a_large_move_is_no_jump(sd: float, held_back: bool) -> None:
    rows = walk(DAYS, sd=sd, seed=3)[: DAYS.index(MONDAY)]
    leap = (MONDAY, rows[-1][1] * 1.12)
    assert (leap not in trusted([*rows, leap])) is held_back


def test_after_a_month_of_calm_the_band_is_narrow_again() -> None:
    wild, calm = walk(DAYS[:70], sd=0.018), walk(DAYS[70:92], sd=0.001)
    level = wild[-1][1] / calm[0][1]
    rows = wild + [(day, value * level) for day, value in calm]
    leap = (DAYS[92], rows[-1][1] * 1.06)
    assert trusted([*rows, leap]) == rows


def test_a_flat_series_is_trusted_whole_and_still_moves_by_less_than_the_floor() -> None:
    rows = flat_but({day: 1.05 for day in DAYS if day >= MONDAY})
    assert trusted(rows) == rows
    assert known(rows, MONDAY) == end_of(MONDAY)


# --- properties

FREE = [*DAYS[:5], *DAYS[20:60:4], *DAYS[70:75], DAYS[-2]]  # runs of free days too, and the very first ones
TAKEN = [row for row in CALM if row[0] not in FREE]
WEEKENDS = [day for day in (DAYS[0] + timedelta(n) for n in range(170)) if day.weekday() >= 5]
FUTURE = business_days(date(2024, 7, 1), date(2024, 7, 31))
SPOILS = {
    "nan": lambda value: math.nan,
    "inf": lambda value: math.inf,
    "zero": lambda value: 0.0,
    "negative": lambda value: -value,
    "tenfold": lambda value: value * 10,
    "a thousandth": lambda value: value / 1000,
}
spoiled = st.dictionaries(st.sampled_from(FREE), st.sampled_from(sorted(SPOILS)))
misplaced = st.dictionaries(st.sampled_from(WEEKENDS + FUTURE), st.floats(1.0, 1e6))


@given(spoiled, misplaced)
def test_bad_rows_on_free_days_change_nothing_that_is_trusted(bad: dict[date, str], away: dict[date, float]) -> None:
    values = dict(CALM)
    rows = [*TAKEN, *((day, SPOILS[how](values[day])) for day, how in bad.items()), *away.items()]
    verdict = judged(rows)
    assert [(row.observed_on, row.value) for row in verdict.rows] == trusted(TAKEN)
    assert {q.observed_on for q in verdict.quarantined} == bad.keys() | away.keys()


leaps = st.dictionaries(st.sampled_from(range(11, len(DAYS))), st.floats(0.5, 2.0), max_size=12)


@given(leaps, st.booleans(), st.sampled_from(range(11, len(DAYS))))
def test_what_is_trusted_at_a_cut_is_what_is_trusted_later_and_known_by_then(
    factors: dict[int, float], stay: bool, cut: int
) -> None:
    """Exactly, with the confirmation times: the level to start from is settled once eleven rows are in."""
    level, rows = 1.0, []
    for position, (day, value) in enumerate(CALM):
        factor = factors.get(position, 1.0)
        level *= factor if stay else 1
        rows.append((day, value * (level if stay else factor)))
    whole = judged(rows).rows
    at_the_cut = judged(rows[: cut + 1], newest=DAYS[cut]).rows
    assert at_the_cut == tuple(row for row in whole if row.known_at <= end_of(DAYS[cut]))
