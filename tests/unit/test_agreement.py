"""When two sources say the same, and what that is worth."""

import math
from datetime import date, timedelta

import pytest

from conftest import business_days, walk
from forex_core.calendars import calendar_of, end_of, release_of
from forex_core.dataset.agreement import agree, disagreement, seconded_by
from forex_core.dataset.view import Rates
from forex_core.values import Observation

DAYS = business_days(date(2024, 1, 2), date(2024, 6, 28))
LAST = DAYS[-1]


def said(source: str, value: float, day: date = LAST) -> Observation:
    return Observation(day, value, end_of(day), source)


@pytest.mark.parametrize(
    ("pair", "one", "other", "same"),
    [
        ("USDCLP", 951.02, 951.02, True),
        ("USDCLP", 951.02, 951.03, False),  # the observado is one number
        ("EURUSD", 1.0804, 1.0850, True),
        ("EURUSD", 1.0804, 1.0870, False),
        ("USDCLP", math.nan, math.nan, False),
    ],
)
def test_two_values_of_a_day_agree_exactly_or_within_half_a_percent(
    pair: str, one: float, other: float, same: bool
) -> None:
    assert agree(pair, one, other) is same


def test_the_newest_day_that_both_have_is_compared() -> None:
    before = LAST - timedelta(days=1)
    one = [said("bcch", 900.0, before), said("bcch", 910.0)]
    assert (
        disagreement("USDCLP", one, [said("findic", 901.0, before)])
        == f"bcch and findic differ on {before}: 900 and 901"
    )
    assert disagreement("USDCLP", one, [said("findic", 901.0, before), said("findic", 910.0)]) is None
    assert disagreement("USDCLP", one, []) is None


def test_a_value_is_seconded_only_by_what_another_source_says_now() -> None:
    assert seconded_by("USDCLP", [said("findic", 910.0), said("bcch", 910.0)]) == {"findic"}
    assert not seconded_by("USDCLP", [said("bcch", 910.0), said("bcch", 910.0)])
    assert not seconded_by("USDCLP", [said("findic", 910.0), said("findic", 911.0), said("bcch", 910.0)])


def view(*newest: Observation) -> list[tuple[date, float]]:
    calm = [said("bcch", value, day) for day, value in walk(DAYS, sd=0.003) if day < LAST]
    rates = Rates("USDCLP", (*calm, *newest), calendar_of("USDCLP"), release_of("USDCLP"))
    return [(row.observed_on, row.value) for row in rates.at_close(LAST).rows]


def test_a_jump_that_a_second_source_gives_too_is_believed_at_once() -> None:
    jumped = round(walk(DAYS, sd=0.003)[-2][1] * 1.12, 2)
    assert view(said("bcch", jumped))[-1][0] < LAST
    assert view(said("findic", jumped - 1), said("bcch", jumped))[-1][0] < LAST
    assert view(said("findic", jumped), said("bcch", jumped))[-1] == (LAST, jumped)


def test_a_wrong_decimal_point_is_not_believed_even_from_two() -> None:
    wrong = walk(DAYS)[-1][1] * 10
    assert view(said("findic", wrong), said("bcch", wrong))[-1][0] < LAST


@pytest.mark.parametrize("second", ["findic", "import"])
def test_a_move_beyond_belief_is_believed_only_when_a_person_brought_the_same_rate(second: str) -> None:
    doubled = view(said(second, 1800.0), said("bcch", 1800.0))
    assert ((LAST, 1800.0) in doubled) == (second == "import")


def test_what_a_person_brought_alone_is_judged_like_any_row() -> None:
    assert (LAST, 1800.0) not in view(said("import", 1800.0))
    near = view()[-1][1] * 1.001
    assert (LAST, near) in view(said("import", near))
