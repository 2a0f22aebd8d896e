"""The share of outcomes below each level."""

from math import sqrt

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import ndtri

from forex_core.backtest.calibration import furthest, share_errors, shares_below
from forex_core.values import LEVELS


def test_an_outcome_counts_below_the_levels_above_it_and_half_where_it_meets_one() -> None:
    said = np.array([[float(n) for n in range(1, 16)]] * 2)
    shares = shares_below(said, np.array([8.0, 3.5])).tolist()
    assert shares == [0] * 3 + [0.5] * 4 + [0.75] + [1] * 7


@given(st.lists(st.floats(0.01, 100), min_size=15, max_size=15), st.lists(st.floats(0.01, 100), min_size=1, max_size=9))
def test_shares_rise_with_the_level_and_lie_between_0_and_1(row: list[float], came: list[float]) -> None:
    shares = shares_below(np.array([sorted(row)] * len(came)), np.array(came))
    assert (np.diff(shares) >= 0).all()
    assert shares.min() >= 0
    assert shares.max() <= 1


def test_the_shares_of_a_calibrated_forecast_are_its_levels() -> None:
    said = np.tile(ndtri(LEVELS), (4000, 1))
    shares = shares_below(said, np.random.default_rng(1).normal(size=4000))
    assert (np.abs(shares - LEVELS) < 4 * share_errors(4000)).all()


def test_a_rate_that_never_moves_counts_half_at_every_level() -> None:
    assert shares_below(np.full((3, 15), 5.0), np.full(3, 5.0)).tolist() == [0.5] * 15


def test_the_error_is_the_binomial_one() -> None:
    assert share_errors(100)[LEVELS.index(0.1)] == pytest.approx(sqrt(0.1 * 0.9 / 100))


def test_the_furthest_level_is_that_of_the_most_errors_not_of_the_most_points() -> None:
    below = np.array(LEVELS)
    below[LEVELS.index(0.5)] += 0.05  # 1 error of 100 outcomes
    below[LEVELS.index(0.025)] += 0.04  # 2.6 of them
    level, share, errors = furthest(below, 100)
    assert (level, share) == (0.025, pytest.approx(0.065))
    assert errors == pytest.approx(0.04 / sqrt(0.025 * 0.975 / 100))
