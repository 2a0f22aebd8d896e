"""The track record and what is read off quantiles: arithmetic that a reader can check by hand."""

from datetime import date, timedelta
from itertools import pairwise
from math import exp, sqrt

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import stdtrit

from forex_core.report.language import ENGLISH
from forex_core.report.overlapping import evidence
from forex_core.report.reading import (
    MONTH,
    deviation,
    extremes,
    returns,
    share_below,
    skill_interval,
    tenths,
    volatility,
)
from forex_core.report.scenarios import scenarios
from forex_core.report.track_record import TrackRecord
from forex_core.values import LEVELS, Forecast, Score
from samples import sample_forecast, sample_score

NOTHING_YET = TrackRecord(())


def came(n: int, outcome: float, span: int = 7, **changes: object) -> tuple[Forecast, Score]:
    issued = date(2024, 6, 1) + timedelta(days=n)
    forecast = sample_forecast(forecast_id=f"f{n}", issued_on=issued, target_date=issued + timedelta(days=span))
    return forecast, sample_score(forecast_id=f"f{n}", outcome=outcome, **changes)


def test_an_empty_record_has_no_figures() -> None:
    assert NOTHING_YET.count == NOTHING_YET.overlap == NOTHING_YET.independent == 0
    figures = (
        NOTHING_YET.skill,
        NOTHING_YET.mae,
        NOTHING_YET.walk_mae,
        NOTHING_YET.direction,
        NOTHING_YET.coverage(80),
    )
    assert (*figures, NOTHING_YET.interval_scores(80)) == (None,) * 6
    assert NOTHING_YET.worst(3) == ()


def test_the_track_record_by_hand() -> None:
    record = TrackRecord(
        (
            came(1, 950, error=-2.0, loss=3.0, yardstick_loss=4.0, inside={50: False, 80: True, 95: True}),
            came(2, 951, error=4.5, loss=3.0, yardstick_loss=8.0, inside={50: False, 80: False, 95: True}),
        )
    )
    assert record.count == 2
    assert record.skill == pytest.approx(0.5)
    assert record.mae == pytest.approx(3.25)
    assert [record.coverage(percent) for percent in (50, 80, 95)] == [0, 0.5, 1]


def test_the_random_walk_is_measured_on_the_same_outcomes() -> None:
    record = TrackRecord((came(1, 953.5), came(2, 971.25)))
    assert record.walk_mae == pytest.approx((3.5 + 21.25) / 2)  # its median is 950
    # ours: 947 to 963; the walk's: 941.2 to 958.8; a miss costs ten times its distance
    assert record.interval_scores(80) == pytest.approx(((16 + 98.5) / 2, (17.6 + 142.1) / 2))


def test_the_direction_is_right_when_the_outcome_went_the_medians_way() -> None:
    assert TrackRecord((came(1, 960.0), came(2, 940.0))).direction == 0.5  # the median, 955, is above the spot, 951.02
    assert TrackRecord((came(1, 960.0),)).direction == 1


@pytest.mark.parametrize(("span", "overlap", "independent"), [(1, 1, 20), (3, 3, 6), (7, 7, 2), (40, 20, 1)])
def test_overlap_counts_the_forecasts_that_are_open_together(span: int, overlap: int, independent: int) -> None:
    record = TrackRecord(tuple(came(n, 950, span) for n in range(20, 0, -1)))
    assert (record.overlap, record.independent) == (overlap, independent)


def test_the_evidence_takes_losses_in_the_order_of_issue() -> None:
    losses = np.random.default_rng(3).uniform(1, 3, (2, 40)).cumsum(axis=1)
    scored = [came(n, 950, 2, loss=losses[0][n], yardstick_loss=losses[1][n]) for n in range(40)]
    expected = evidence(losses[0].tolist(), losses[1].tolist(), 2)
    assert expected is not None
    assert TrackRecord((*scored[15:], *scored[:15])).evidence == expected


def test_too_few_forecasts_that_do_not_overlap_are_no_evidence() -> None:
    losses = {"loss": 2.0, "yardstick_loss": 2.5}
    assert TrackRecord(tuple(came(n, 950, 3, **losses) for n in range(29))).evidence is None
    assert NOTHING_YET.evidence is None


def test_a_record_is_one_roles_and_the_worst_come_first() -> None:
    challenger = came(3, 950, error=-30.0)
    challenger = (sample_forecast(role="challenger"), challenger[1])
    record = TrackRecord((came(1, 950, error=2.0), challenger, came(2, 950, error=-7.0)))
    assert [score.error for _, score in record.of("champion").worst(5)] == [-7.0, 2.0]
    assert record.of("challenger").count == 1
    assert [score.error for _, score in record.worst(1)] == [-30.0]


# --- read off the quantiles


fans = st.lists(st.floats(1, 1000), min_size=len(LEVELS), max_size=len(LEVELS)).map(sorted)


@given(fans, st.floats(0.5, 1100), st.floats(0, 50))
def test_the_share_below_a_rate_grows_with_it_and_stays_within_the_levels(
    rates: list[float], rate: float, more: float
) -> None:
    quantiles = dict(zip(LEVELS, rates, strict=True))
    assert LEVELS[0] <= share_below(quantiles, rate) <= share_below(quantiles, rate + more) <= LEVELS[-1]


@given(st.floats(100, 1000), st.floats(1, 50))
def test_the_share_below_a_quantile_is_its_level(median: float, width: float) -> None:
    quantiles = {level: median + width * (level - 0.5) for level in LEVELS}
    for level, rate in quantiles.items():
        assert share_below(quantiles, rate) == pytest.approx(level)
    for (low, left), (high, right) in pairwise(quantiles.items()):
        assert share_below(quantiles, (left + right) / 2) == pytest.approx((low + high) / 2)


def test_of_a_fan_without_width_half_is_below() -> None:
    assert share_below(dict.fromkeys(LEVELS, 950.0), 950.0) == 0.5


def test_deviation_and_tenths_undo_each_other() -> None:
    assert deviation({0.1: 950 - 12.8155, 0.9: 950 + 12.8155}) == pytest.approx(10, abs=1e-4)
    low, high = tenths(950.0, 0.01, 4)
    assert (low, high) == pytest.approx((950 * exp(-0.025631), 950 * exp(0.025631)), rel=1e-6)


def test_volatility_is_the_standard_deviation_of_returns() -> None:
    assert returns([100, 101, 100]) == pytest.approx([0.00995033, -0.00995033])
    assert volatility([0.01, -0.01]) == pytest.approx(0.01 * sqrt(2))
    assert volatility([0.01]) is None


def test_the_calmest_and_the_wildest_month_are_found() -> None:
    calm, wild = [0.001, -0.001] * (MONTH // 2), [0.02, -0.02] * (MONTH // 2)
    assert extremes(calm + wild) == pytest.approx((volatility(calm), volatility(wild)))
    assert extremes(calm + wild[:-1]) is None


@pytest.mark.parametrize("n", [12, 60])
def test_the_interval_of_a_skill_leaves_out_zero_exactly_when_its_p_is_below_five_percent(n: int) -> None:
    edge = float(stdtrit(n - 1, 0.975))
    low, high = skill_interval(0.06, -edge * 1.001, n) or (0, 0)
    assert 0 < low < 0.06 < high
    assert (low + high) / 2 == pytest.approx(0.06)
    low, high = skill_interval(-0.06, edge * 0.999, n) or (0, 0)
    assert low < -0.06 < 0 < high


def test_without_a_test_a_skill_has_no_interval() -> None:
    assert skill_interval(0.06, None, 60) is None
    assert skill_interval(0.0, 0.0, 60) is None


# --- what if


def test_scenarios_of_volatility_need_two_months_of_rates() -> None:
    short = scenarios(sample_forecast(), ENGLISH)
    assert [line.condition for line in short] == [
        "it ends one standard deviation higher",
        "it ends one standard deviation lower",
    ]


def test_the_chance_of_a_scenario_is_that_of_going_beyond_it() -> None:
    level_of = {level: 940 + 20 * level**2 for level in LEVELS}  # steeper above the median than below
    higher, lower = scenarios(sample_forecast(path=(tuple(level_of.values()),)), ENGLISH)
    assert (higher.outcome, higher.chance) == ("951.24", "25% or beyond")
    assert (lower.outcome, lower.chance) == ("938.76", "<2.5% or beyond")


def test_scenarios_of_volatility_are_walks_from_the_spot() -> None:
    rates, day = [900.0], date(2024, 1, 1)
    for n in range(2 * MONTH):
        rates.append(rates[-1] * exp((0.002 if n < MONTH else 0.01) * (-1) ** n))
    history = tuple((day + timedelta(days=n), rate) for n, rate in enumerate(rates))
    calm, wild = scenarios(sample_forecast(history=history), ENGLISH)[2:]
    assert calm.condition == "volatility is that of the calmest 20 days since 2024-01-01, 0.21% a day: 80% range"
    assert wild.condition == "volatility is that of the wildest 20 days since 2024-01-01, 1.03% a day: 80% range"
    assert calm.outcome.replace("\N{NO-BREAK SPACE}", " ") == "945.44 – 956.63"
    assert (calm.change, wild.chance) == ("−0.6%\N{NO-BREAK SPACE}– +0.6%", "–")
