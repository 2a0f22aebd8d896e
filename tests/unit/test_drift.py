"""The drift rules: their arithmetic, and on simulated histories what they cost and how soon they notice."""

from math import comb

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import ks_2samp

from drift_histories import RULES, STEPS, YEAR, History, alarms, delay, returns, scored, starts
from forex_core.backtest import drift

ratios = st.lists(st.floats(-1.0, 1.0), min_size=1, max_size=120).map(np.array)
PATHS, YEARS = 3, 8.0


@given(st.floats(1e-6, 1e6), st.floats(1e-6, 1e6))
def test_an_error_is_relative_to_the_yardsticks_whatever_the_unit(loss: float, walk: float) -> None:
    one = drift.relative_errors(np.array([loss]), np.array([walk]))[0]
    assert one == pytest.approx(-drift.relative_errors(np.array([walk]), np.array([loss]))[0])
    assert abs(one) <= drift.LARGEST
    assert drift.relative_errors(np.array([1e3 * loss]), np.array([1e3 * walk]))[0] == pytest.approx(one, abs=1e-9)


def test_where_both_errors_are_nothing_none_is_larger() -> None:
    found = drift.relative_errors(np.array([0.0, 0.0, 4.0]), np.array([0.0, 4.0, 0.0]))
    assert found.tolist() == [0.0, -drift.LARGEST, drift.LARGEST]


@given(ratios)
def test_page_hinkley_is_the_sum_beyond_the_mean_so_far_from_its_lowest_point(relative: np.ndarray) -> None:
    before = np.concatenate([[0.0], np.cumsum(relative)[:-1]])
    sums = np.cumsum(relative - before / (np.arange(len(relative)) + drift.MEMORY) - drift.LEEWAY)
    lowest = np.minimum.accumulate(np.concatenate([[0.0], sums]))[1:]
    ours, theirs = drift.page_hinkley(relative), sums - lowest
    within = np.maximum.accumulate(theirs) <= 2 * drift.LIMIT
    assert ours[within] == pytest.approx(theirs[within], abs=1e-9)
    assert ours.max() <= 2 * drift.LIMIT


@settings(max_examples=50)
@given(st.integers(0, 10_000), st.integers(75, 400))
def test_the_distance_is_that_of_kolmogorov_and_smirnov(seed: int, count: int) -> None:
    relative = np.random.default_rng(seed).normal(0, 0.3, count)
    recent, earlier = relative[-drift.RECENT :], relative[: -drift.RECENT][-drift.EARLIER :]
    theirs = ks_2samp(recent - drift.LEEWAY, earlier, alternative="less").statistic
    assert drift.distance(relative) == pytest.approx(max(theirs, 0.0))


def test_with_too_few_earlier_forecasts_the_distance_says_nothing() -> None:
    risen = np.concatenate([np.zeros(drift.FEWEST_EARLIER), np.full(drift.RECENT, 0.7)])
    assert (drift.distance(risen), drift.distance(risen[1:])) == (1.0, 0.0)


@given(st.integers(1, 60), st.sampled_from([80, 95]))
def test_a_true_interval_leaves_its_band_seldom(apart: int, percent: int) -> None:
    low, high = drift.band(apart, percent)
    chance = [comb(apart, k) * (percent / 100) ** k * (1 - percent / 100) ** (apart - k) for k in range(apart + 1)]
    assert sum(chance[:low]) < drift.UNLIKELY / 2 <= sum(chance[: low + 1])
    assert sum(chance[high + 1 :]) < drift.UNLIKELY / 2 <= sum(chance[high:])


def test_forecasts_that_overlap_count_as_those_that_do_not() -> None:
    misses = [0.0] * 6 + [1.0] * 4
    assert drift.outside_band(misses * 6, 80, overlap=1)
    assert not drift.outside_band(misses * 6, 80, overlap=10)
    assert drift.outside_band(misses * 60, 80, overlap=10)
    assert not drift.outside_band([], 80, overlap=1)
    assert not drift.outside_band([0.0] * 4, 80, overlap=5)


def test_only_the_latest_forecasts_are_looked_at() -> None:
    good = [1.0] * 48 + [0.0] * 12
    assert drift.outside_band([0.0] * 60, 80, overlap=1)
    assert not drift.outside_band([0.0] * 60 + good, 80, overlap=1)


@pytest.fixture(scope="module")
def histories() -> dict[str, list[History]]:
    """Three markets of eight years, as tests/benchmarks/drift.py has more and longer ones."""
    moves = [returns(seed, YEARS) for seed in range(100, 100 + PATHS)]
    return {key: [scored(one, steps) for one in moves] for key, steps in STEPS.items()}


@pytest.mark.parametrize("rule", RULES)
def test_a_good_model_is_falsely_called_broken_at_most_once_a_year(
    rule: str, histories: dict[str, list[History]]
) -> None:
    false = sum(alarms(RULES[rule](history)) for found in histories.values() for history in found)
    assert false / (PATHS * YEARS) <= 1


@pytest.mark.parametrize("key", STEPS)
@pytest.mark.parametrize("rule", ["Page-Hinkley", "Kolmogorov-Smirnov"])
def test_errors_that_double_are_noticed_within_twenty_scored_forecasts(
    rule: str, key: str, histories: dict[str, list[History]]
) -> None:
    waits = [
        delay(RULES[rule](history.worse_from(start, 2.0)[: start + 30]), start)
        for history in histories[key]
        for start in starts(len(history.losses), 4, YEAR)
    ]
    assert np.median(waits) <= 20


def test_a_wild_market_that_hits_both_is_no_drift() -> None:
    walk = np.random.default_rng(1).gamma(4, 1, 400) * np.where(np.arange(400) < 300, 1, 8)
    relative = drift.relative_errors(0.99 * walk, walk)
    assert drift.page_hinkley(relative).max() <= drift.LIMIT
    assert drift.distance(relative) < drift.DISTANCE


def test_after_a_repair_the_alarm_ends_within_two_months() -> None:
    relative = np.concatenate([np.zeros(100), np.full(300, 0.7), np.zeros(42)])
    reached = drift.page_hinkley(relative)
    assert reached[399] > drift.LIMIT > reached[-1]
