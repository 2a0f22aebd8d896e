"""The as-of view: what was known of a pair at a moment."""

from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from pathlib import Path
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conftest import business_days, walk
from forex_core.calendars import calendar, end_of, release_of
from forex_core.dataset.view import MINIMUM_ROWS, Rates, View
from forex_core.errors import DataError
from forex_core.store.store import Store
from forex_core.values import Observation

CHILE = calendar("chile")
RELEASE = release_of("USDCLP")
DAYS = business_days(date(2024, 4, 1), date(2024, 6, 28))
CALM = walk(DAYS)
FRIDAY, MONDAY = date(2024, 5, 31), date(2024, 6, 3)


def published(day: date, value: float, source: str = "bcch") -> Observation:
    """The observado of a day, out on the evening of the business day before."""
    return Observation(day, value, RELEASE.known_at(day, CHILE), source)


def rates_of(*rows: Observation) -> Rates:
    """Rows of the same date stay in the order given, as the store hands them over."""
    return Rates("USDCLP", tuple(sorted(rows, key=lambda row: row.observed_on)), CHILE, RELEASE)


def calm(*more: Observation) -> Rates:
    return rates_of(*(published(day, value) for day, value in CALM), *more)


def value_of(view: View, day: date) -> float | None:
    return {row.observed_on: row.value for row in view.rows}.get(day)


def at(day: date, hour: int, minute: int = 0) -> datetime:
    return datetime.combine(day, time(hour, minute), UTC)


# --- as of a moment


def test_a_value_is_seen_from_its_release_on() -> None:
    assert calm().as_of(at(FRIDAY, 21, 59)).spot.observed_on == FRIDAY
    assert calm().as_of(at(FRIDAY, 22)).spot.observed_on == MONDAY


def test_at_the_close_of_a_day_the_next_days_value_is_not_used_although_it_is_out() -> None:
    assert calm().as_of(end_of(FRIDAY)).spot.observed_on == MONDAY
    assert calm().at_close(FRIDAY).spot.observed_on == FRIDAY


def test_at_the_close_of_a_day_a_row_that_came_late_is_not_used() -> None:
    late = Observation(FRIDAY, 905.0, end_of(FRIDAY) + timedelta(seconds=1), "bcch")
    rates = rates_of(*(published(day, 900.0) for day in DAYS if day < FRIDAY), late)
    assert value_of(rates.at_close(FRIDAY), FRIDAY) is None
    assert value_of(rates.at_close(MONDAY), FRIDAY) == 905.0


def test_a_row_that_could_not_be_known_yet_is_from_the_future_however_it_is_stamped() -> None:
    hasty = Observation(MONDAY, 905.0, at(FRIDAY, 9), "csv")
    rates = rates_of(*(published(day, 900.0) for day in DAYS if day <= FRIDAY), hasty)
    seen = rates.as_of(at(FRIDAY, 21))
    assert seen.spot.observed_on == FRIDAY
    assert [str(q) for q in seen.quarantined] == [
        "2024-06-03 905: from the future: the newest rate that can be known is of 2024-05-31"
    ]


def test_when_a_value_is_revised_then_the_old_one_is_seen_until_the_revision_is_known() -> None:
    first, second = at(date(2024, 6, 5), 15), at(date(2024, 6, 12), 15)
    old = dict(CALM)[FRIDAY]
    revised = calm(Observation(FRIDAY, 815.5, first, "bcch"), Observation(FRIDAY, 817.5, second, "bcch"))
    moments = [first - timedelta(seconds=1), first, second - timedelta(seconds=1), second]
    assert [value_of(revised.as_of(moment), FRIDAY) for moment in moments] == [old, 815.5, 815.5, 817.5]


def test_when_a_value_is_revised_then_nothing_else_changes() -> None:
    revised = calm(Observation(FRIDAY, 815.5, at(date(2024, 6, 5), 15), "bcch"))
    before, after = (rates.as_of(end_of(DAYS[-1])).series for rates in (calm(), revised))
    assert (before.dates == after.dates).all()
    assert before.dates[before.values != after.values].tolist() == [FRIDAY]


def test_a_jump_is_trusted_from_the_moment_that_confirms_it() -> None:
    rates = rates_of(*(published(day, 900.0 if day < MONDAY else 1010.0) for day in DAYS))
    confirmed = at(MONDAY, 22)
    assert value_of(rates.as_of(confirmed - timedelta(seconds=1)), MONDAY) is None
    assert value_of(rates.as_of(confirmed), MONDAY) == 1010.0
    assert value_of(rates.at_close(MONDAY), MONDAY) is None


def test_a_view_never_changes_when_later_rows_arrive() -> None:
    short = rates_of(*(published(day, value) for day, value in CALM if day <= MONDAY))
    for day in (FRIDAY, MONDAY):
        assert short.at_close(day) == calm().at_close(day)


def test_of_two_sources_the_first_choice_wins_where_it_has_a_value(tmp_path: Path) -> None:
    rows = {"bcch": [published(FRIDAY, 901.0, "bcch")], "ecb": [published(d, 902.0, "ecb") for d in (FRIDAY, MONDAY)]}
    with Store.for_writing(tmp_path) as store:
        for source, answer in rows.items():
            store.observations.add("USDCLP", source, answer, at(MONDAY, 12))
        for chain, expected in ((("bcch", "ecb"), [901.0, 902.0]), (("ecb", "bcch"), [902.0, 902.0])):
            stored = store.observations.all_of("USDCLP", chain)
            seen = Rates("USDCLP", stored, CHILE, RELEASE).as_of(end_of(MONDAY))
            assert [row.value for row in seen.rows] == expected


def test_a_revision_by_the_second_choice_does_not_hide_the_first(tmp_path: Path) -> None:
    with Store.for_writing(tmp_path) as store:
        store.observations.add("USDCLP", "bcch", [published(FRIDAY, 901.0, "bcch")], at(FRIDAY, 12))
        for value, read in ((902.0, at(FRIDAY, 12)), (903.0, at(MONDAY, 12))):
            store.observations.add("USDCLP", "ecb", [published(FRIDAY, value, "ecb")], read)
        stored = store.observations.all_of("USDCLP", ("bcch", "ecb"))
    seen = Rates("USDCLP", stored, CHILE, RELEASE).as_of(end_of(MONDAY))
    assert [row.value for row in seen.rows] == [901.0]


# --- a view


def test_the_spot_is_the_newest_trusted_row() -> None:
    rates = calm(Observation(date(2024, 7, 1), -1.0, at(DAYS[-1], 22), "bcch"))
    day, value = CALM[-1]
    assert rates.as_of(end_of(date(2024, 7, 1))).spot == Observation(day, value, RELEASE.known_at(day, CHILE), "bcch")


def test_the_series_holds_the_trusted_rows_in_order() -> None:
    found = calm().as_of(end_of(DAYS[-1])).series
    assert list(zip(found.dates.tolist(), found.values.tolist(), strict=True)) == CALM


@pytest.mark.parametrize(("of", "day"), [(d, d) for d in (DAYS[0], FRIDAY, DAYS[-1])] + [(FRIDAY, date(2024, 6, 2))])
def test_in_force_is_the_value_of_the_last_row_not_after_the_day(of: date, day: date) -> None:
    assert calm().as_of(end_of(DAYS[-1])).in_force(day) == dict(CALM)[of]


def test_after_the_last_row_its_value_stays_in_force() -> None:
    assert calm().at_close(FRIDAY).in_force(date(2024, 12, 31)) == dict(CALM)[FRIDAY]


def test_before_the_first_row_no_value_is_in_force() -> None:
    with pytest.raises(LookupError, match="no rate is in force on 2024-03-31"):
        calm().at_close(FRIDAY).in_force(DAYS[0] - timedelta(days=1))


def test_a_view_with_rows_enough_is_handed_on() -> None:
    view = calm().at_close(FRIDAY)
    assert view.enough("USDCLP", len(view.rows)) is view


def test_when_rows_are_too_few_then_the_message_counts_them() -> None:
    with pytest.raises(DataError) as refusal:
        calm().at_close(DAYS[1]).enough("USDCLP")
    assert str(refusal.value) == (
        f"2 trusted rates of USDCLP, {MINIMUM_ROWS} needed; no forecast was issued; "
        "give a longer history, or store what the sources have with `forex data fetch`"
    )


def test_when_rows_are_too_few_then_the_message_names_the_first_refusal() -> None:
    bad = [published(day, value) for day, value in [(FRIDAY, -1.0), (MONDAY, float("nan"))]]
    rates = rates_of(*(published(day, value) for day, value in CALM if day < FRIDAY), *bad)
    with pytest.raises(DataError, match="250 needed; first refusal: 2024-05-31 -1: not positive; no forecast"):
        rates.at_close(MONDAY).enough("USDCLP")


def test_what_was_known_only_grows_with_time() -> None:
    views = [calm().at_close(day) for day in DAYS]
    assert all(before.rows == after.rows[:-1] for before, after in pairwise(views))


# --- the closes of past days are slices of one pass


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, len(DAYS) - 1), st.sampled_from([0.0, -1.0, 0.5, 0.8, 1.07, 1.2, 1.3, 10.0]))),
    st.lists(st.tuples(st.integers(0, len(DAYS) - 1), st.integers(0, 3)), max_size=2),
    st.sets(st.integers(0, len(DAYS) - 1), max_size=5),
)
def test_at_the_close_of_any_day_a_slice_of_one_pass_is_what_a_pass_of_its_own_would_be(
    jumps: list[tuple[int, float]], late: list[tuple[int, int]], missing: set[int]
) -> None:
    values = [value for _, value in CALM]
    for at, factor in jumps:
        values[at] *= factor
    rows = [published(day, value) for day, value in zip(DAYS, values, strict=True)]
    rows = [row for at, row in enumerate(rows) if at not in missing]
    for at, days in late:
        known = end_of(DAYS[at]) + timedelta(days=days)
        rows.append(Observation(DAYS[at], values[at] * 1.01, known, "bcch"))
    rates = rates_of(*rows)
    for day in DAYS:
        fast, slow = rates.at_close(day), rates.as_of(end_of(day), day)
        assert (fast.rows, fast.quarantined) == (slow.rows, slow.quarantined)
        assert fast.series.values.tolist() == slow.series.values.tolist()
        assert fast.series.dates.tolist() == slow.series.dates.tolist()


# --- whatever comes in besides, the trusted view is the one without it

SPOILT = {
    "nan": lambda value: float("nan"),
    "inf": lambda value: float("inf"),
    "zero": lambda value: 0.0,
    "negative": lambda value: -value,
    "tenfold": lambda value: value * 10,
    "a thousandth": lambda value: value / 1000,
}
positions = st.integers(11, len(DAYS) - 1)


@settings(max_examples=80, deadline=None)
@given(
    restated=st.dictionaries(positions, st.sampled_from(sorted(SPOILT)), max_size=20),
    gaps=st.dictionaries(positions, st.sampled_from(sorted(SPOILT)), max_size=8),
    again=st.sets(positions),
    ahead=st.lists(st.tuples(st.integers(4, 40), st.floats(800, 1000)), max_size=5),
    order=st.randoms(use_true_random=False),
)
def test_bad_rows_of_any_kind_in_any_order_leave_the_trusted_view_as_it_is_without_them(
    restated: dict[int, str], gaps: dict[int, str], again: set[int], ahead: list[tuple[int, float]], order: Random
) -> None:
    """Not a number, 0, negative, ten times or a thousandth; twice, out of order, from the future, history restated."""
    good = [published(day, value) for at, (day, value) in enumerate(CALM) if at not in gaps]
    spoilt = [published(DAYS[at], SPOILT[how](CALM[at][1])) for at, how in gaps.items()]
    spoilt += [published(DAYS[-1] + timedelta(days=days), value) for days, value in ahead]
    restatements = [published(DAYS[at], SPOILT[how](CALM[at][1])) for at, how in restated.items() if at not in gaps]
    repeated = [published(*CALM[at]) for at in again if at not in gaps]
    mixed = [*good, *spoilt]
    order.shuffle(mixed)
    fetched = at(DAYS[-1], 12)
    with Store.in_memory(Path("/nowhere")) as store:
        store.observations.add("USDCLP", "bcch", good, fetched)
        clean = store.observations.all_of("USDCLP", ("bcch",))
    with Store.in_memory(Path("/nowhere")) as store:
        for rows, hours in ((mixed, 0), (repeated, 1), (restatements, 2), (repeated, 3)):
            store.observations.add("USDCLP", "bcch", rows, fetched + timedelta(hours=hours))
        dirty = store.observations.all_of("USDCLP", ("bcch",))
    moment = end_of(DAYS[-1])
    expected, found = (Rates("USDCLP", rows, CHILE, RELEASE).as_of(moment) for rows in (clean, dirty))
    assert [(r.observed_on, r.value) for r in found.rows] == [(r.observed_on, r.value) for r in expected.rows]
