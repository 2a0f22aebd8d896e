"""What changed since the last forecast and why: each cause is named when it is one, and only then."""

import re
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from math import exp
from typing import Any

import pytest

from forex_core.report.changes import reasons, regime, table
from forex_core.report.language import ENGLISH
from forex_core.report.render import render
from forex_core.report.track_record import TrackRecord
from forex_core.values import LEVELS, Context, MemberView, Observation, Part
from report_text import Page
from samples import sample_forecast

FRIDAY, MONDAY = date(2024, 6, 28), date(2024, 7, 1)
NOON = datetime(2024, 7, 1, 12, tzinfo=UTC)


def spot(value: float, day: date = MONDAY, source: str = "bcch") -> Observation:
    return Observation(day, value, NOON, source)


def fan(median: float, half: float) -> tuple[tuple[float, ...], ...]:
    """Five steps of a fan whose 80 % range is `half` to each side at the last one."""
    return tuple(
        tuple(median + half * (step / 5) ** 0.5 * (level - 0.5) / 0.4 for level in LEVELS) for step in range(1, 6)
    )


def history(*sizes: float, start: float = 900.0) -> tuple[tuple[date, float], ...]:
    """Rates that move up and down by these log returns in turn."""
    rates = [start]
    for n, size in enumerate(sizes):
        rates.append(rates[-1] * exp(size * (-1) ** n))
    return tuple((date(2024, 1, 1) + timedelta(days=n), rate) for n, rate in enumerate(rates))


PREVIOUS = sample_forecast(
    issued_on=FRIDAY, target_date=date(2024, 7, 5), spot=spot(950.0, FRIDAY), path=fan(950, 10), history_length=1099
)
SAME = {"issued_on": MONDAY, "spot": spot(950.0), "path": fan(950, 10), "history_length": 1100}


def why(previous: dict[str, Any] | None = None, **changes: Any) -> list[str]:
    return reasons(sample_forecast(**SAME | changes), replace(PREVIOUS, **previous or {}), ENGLISH)


QUIET = [
    "In 1 business day the rate did not move (0.00%), inside the 50% range that was given for it.",
    "The median moved by 0.00: 0.00 came with the spot, 0.00 from the members.",
    "The members and their weights are the same.",
    "It was made from 1,100 trusted rates; before, 1,099.",
]


def test_when_nothing_changed_then_no_cause_is_named() -> None:
    assert why() == QUIET


GIVEN = "range that was given for it."
LATELY = "a day over the last 20 business days"
MEMBERS = (MemberView("a", 0.5, {0.5: 950}), MemberView("b", 0.5, {0.5: 950}))
HEAVY = (replace(MEMBERS[0], weight=0.75), replace(MEMBERS[1], weight=0.25))
GONE = (replace(MEMBERS[0], weight=1.0), MemberView("b", 0.0, None, "no"))
COPPER, NO_COPPER = Context((Part("copper", "yahoo"),)), Context((Part("copper", note="no answer"),))


@pytest.mark.parametrize(
    ("previous", "changes", "sentence"),
    [
        ({}, {"spot": spot(951.9)}, f"In 1 business day the rate rose by 0.20%, inside the 50% {GIVEN}"),
        ({}, {"spot": spot(946.2)}, f"In 1 business day the rate fell by 0.40%, inside the 80% {GIVEN}"),
        ({}, {"spot": spot(955.2)}, f"In 1 business day the rate rose by 0.55%, inside the 95% {GIVEN}"),
        ({}, {"spot": spot(990.0)}, f"In 1 business day the rate rose by 4.21%, outside even the 95% {GIVEN}"),
        (
            {"issued_on": date(2024, 6, 26)},
            {"spot": spot(951)},
            f"In 3 business days the rate rose by 0.11%, inside the 50% {GIVEN}",
        ),
        (
            {"issued_on": date(2024, 6, 24)},
            {"spot": spot(951)},
            f"In 5 business days the rate rose by 0.11%, inside the 50% {GIVEN}",
        ),
        (
            {"issued_on": date(2024, 6, 3)},
            {"spot": spot(951)},
            "In 19 business days the rate rose by 0.11%, further than the last forecast looked.",
        ),
        (
            {},
            {"spot": spot(951.9), "path": fan(952.4, 10)},
            "The median moved by +2.40: +1.90 came with the spot, +0.50 from the members.",
        ),
        (
            {},
            {"path": fan(950, 12)},
            "The 80% range is 20.0% wider: 0.0% from the level of the rate, 0.0% from the number of business days, "
            "+20.0% from volatility and weights.",
        ),
        (
            {"steps": 4},
            {"path": fan(950, 9)},
            "The 80% range is 10.0% narrower: 0.0% from the level of the rate, +11.8% from the number of business "
            "days, −19.5% from volatility and weights.",
        ),
        ({"members": MEMBERS}, {"members": HEAVY}, "Weights changed: a 50.0% → 75.0%, b 50.0% → 25.0%."),
        ({"members": MEMBERS}, {"members": GONE}, "Now without b."),
        ({"members": GONE}, {"members": MEMBERS}, "Now with b."),
        (
            {},
            {"weighting": "median"},
            "The members are combined by the median of the members, no longer by the mean with equal weights.",
        ),
        ({}, {"spot": spot(950, source="findic")}, "The rate comes from findic, no longer from bcch."),
        ({"context": COPPER}, {"context": NO_COPPER}, "This time made without copper."),
        ({"context": NO_COPPER}, {"context": COPPER}, "This time made with copper."),
        ({}, {"history_length": 1102}, "It was made from 1,102 trusted rates; before, 1,099."),
        ({"version_id": "v1"}, {"version_id": "v2"}, "Version v2, before v1."),
        ({"code_version": "0.1"}, {"code_version": "0.2"}, "Code 0.2, before 0.1."),
        ({}, {"history": history(*[0.005] * 60)}, f"Volatility is usual: 0.51% {LATELY}, 0.50% over 60 days."),
        (
            {},
            {"history": history(*[0.005] * 40, *[0.02] * 20)},
            f"Volatility is high: 2.05% {LATELY}, 1.24% over 60 days.",
        ),
        (
            {},
            {"history": history(*[0.02] * 40, *[0.005] * 20)},
            f"Volatility is low: 0.51% {LATELY}, 1.67% over 60 days.",
        ),
    ],
)
def test_a_change_is_named_with_its_cause(previous: dict[str, Any], changes: dict[str, Any], sentence: str) -> None:
    said = why(previous, **changes)
    assert sentence in said
    assert sentence not in QUIET


def test_the_same_members_in_another_order_are_the_same() -> None:
    assert "The members and their weights are the same." in why({"members": MEMBERS}, members=MEMBERS[::-1])


def test_a_predecessor_of_the_same_day_moved_nothing() -> None:
    assert not [line for line in why({"issued_on": MONDAY}) if line.startswith("In ")]


def test_the_parts_of_a_wider_range_multiply_to_the_whole() -> None:
    forecast = sample_forecast(**SAME | {"spot": spot(960.0), "path": fan(960, 13), "steps": 4})
    line = next(line for line in reasons(forecast, PREVIOUS, ENGLISH) if "wider" in line)
    shown = [float(part.replace("−", "-")) / 100 for part in re.findall(r"([+−]?[\d.]+)%", line)[1:]]
    whole, level, time, rest = (1 + part for part in shown)
    assert level * time * rest == pytest.approx(whole, abs=0.002)


def test_volatility_needs_more_than_a_month_to_be_called_anything() -> None:
    assert regime(sample_forecast(history=history(*[0.005] * 20)), ENGLISH) == []
    assert len(regime(sample_forecast(history=history(*[0.005] * 21)), ENGLISH)) == 1


def test_the_table_shows_both_forecasts() -> None:
    forecast = sample_forecast(
        **SAME | {"spot": spot(951.5), "path": fan(952, 12), "steps": 6, "history": history(*[0.01] * 30)}
    )
    previous = replace(PREVIOUS, history=history(*[0.005] * 30))
    lines = [(line.name, line.before, line.now, line.change) for line in table(forecast, previous, ENGLISH)]
    assert lines == [
        ("issued on", "2024-06-28", "2024-07-01", ""),
        ("on", "2024-07-05", "2024-07-08", ""),
        ("business days", "5", "6", ""),
        ("spot", "950.00", "951.50", "+1.50"),
        ("median", "950.00", "952.00", "+2.00"),
        ("width of the 80% range", "20.00", "24.00", "+4.00"),
        ("the random walk's", "17.60", "17.60", "0.00"),
        ("volatility a day", "0.51%", "1.03%", "+100.0%"),
    ]


def test_the_page_shows_them_or_says_that_it_is_the_first() -> None:
    first, second = (
        Page(render(sample_forecast(**SAME), TrackRecord(()), previous=previous)).lines for previous in (None, PREVIOUS)
    )
    assert "This is the first forecast of this horizon: there is none to compare it with." in first
    assert not set(QUIET) & set(first)
    assert set(QUIET) <= set(second)
    assert "spot | 950.00 | 950.00 | 0.00" in second
