"""Split conformal calibration: its arithmetic, and that a bad base comes to hold what it promises, from the past."""

from datetime import date, timedelta
from math import exp, log

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import ndtri

from forex_core.backtest.evaluate import ENSEMBLE, Record
from forex_core.backtest.guard import Base, guarded
from forex_core.backtest.lessons import Lesson
from forex_core.ensemble import conformal
from forex_core.values import INTERVALS, LEVELS, Floats

MIDDLE = LEVELS.index(0.5)


def quantiles(spot: float, sd: float) -> list[float]:
    return [float(spot * exp(sd * z)) for z in ndtri(LEVELS)]


def inside(said: Floats, came: Floats, percent: int) -> float:
    low, high = (said[:, LEVELS.index(level)] for level in INTERVALS[percent])
    return float(((low <= came) & (came <= high)).mean())


# --- arithmetic


def test_a_spread_is_the_standard_deviation_of_the_log_move() -> None:
    said = np.array([quantiles(900, 0.01), quantiles(1.1, 0.3), [5.0] * 15])
    assert conformal.spreads(said) == pytest.approx([0.01, 0.3, 0.0], rel=1e-4)


def test_a_miss_is_the_log_distance_outside_an_interval_in_units_of_the_spread() -> None:
    said = np.array([quantiles(900, 0.01)] * 3)
    low, high = said[0][LEVELS.index(0.1)], said[0][LEVELS.index(0.9)]
    came = np.array([high * exp(0.02), low * exp(-0.005), 900.0])
    eighty = conformal.LOWER[LEVELS.index(0.1)]
    found = conformal.misses(said, came, np.array([0.01, 0.02, 0.01]))[:, eighty]
    assert found == pytest.approx([2.0, 0.25, -log(high / 900) / 0.01])


def test_the_intervals_are_those_of_the_levels() -> None:
    held = {round(100 * share): (LEVELS[low], LEVELS[high]) for low, high, share in intervals()}
    assert {percent: held[percent] for percent in INTERVALS} == INTERVALS
    assert len(held) == 7


def intervals() -> list[tuple[int, int, float]]:
    return list(zip(conformal.LOWER, conformal.UPPER, map(float, conformal.HELD), strict=True))


@pytest.mark.parametrize("count", [40, 99, 500])
def test_each_interval_is_moved_by_the_miss_of_the_conformal_rank(count: int) -> None:
    """Of n past misses it takes the ceil((n + 1) share)-th smallest: so many would then have been inside."""
    rng = np.random.default_rng(count)
    past = np.sort(rng.normal(size=(count, 7)), axis=0)
    said = np.array(quantiles(900, 0.3))  # so wide that nothing crosses
    found = conformal.calibrated(said, 0.001, past[rng.permutation(count)])
    for column, (low, high, share) in enumerate(intervals()):
        rank = min(int(np.ceil((count + 1) * share)), count)
        move = 0.001 * past[rank - 1, column]
        assert found[low] == pytest.approx(said[low] * exp(-move))
        assert found[high] == pytest.approx(said[high] * exp(move))
    assert found[MIDDLE] == said[MIDDLE]


def test_from_too_few_misses_nothing_is_learned() -> None:
    said = np.array(quantiles(900, 0.01))
    assert conformal.calibrated(said, 0.01, np.full((conformal.FEWEST - 1, 7), 5.0)).tolist() == said.tolist()
    assert conformal.calibrated(said, 0.01, np.full((conformal.FEWEST, 7), 5.0))[0] < said[0]


@given(st.floats(1e-4, 1e6), st.floats(1e-4, 0.5), st.floats(1e-4, 0.5), st.floats(-5, 5), st.integers(0, 99))
def test_calibrated_quantiles_are_positive_ordered_and_scale_with_the_rate(
    spot: float, sd: float, spread: float, shift: float, seed: int
) -> None:
    past = np.random.default_rng(seed).normal(shift, 1, (60, 7))
    found = conformal.calibrated(np.array(quantiles(spot, sd)), spread, past)
    assert (found > 0).all()
    assert (np.diff(found) >= 0).all()
    thousand = conformal.calibrated(np.array(quantiles(1000 * spot, sd)), spread, past)
    np.testing.assert_allclose(thousand, 1000 * found, rtol=1e-9)


# --- over windows


def base(factor: float, count: int, *, seed: int, known_after: int = 1, spoilt: int | None = None) -> Base:
    """Windows whose said spread is `factor` times the true one; from `spoilt` on, outcomes are absurd."""
    days = [date(2000, 1, 3) + timedelta(30 * n) for n in range(count)]
    came = 900 * np.exp(0.02 * np.random.default_rng(seed).normal(size=count))
    if spoilt is not None:
        came[spoilt:] *= 100
    said = np.array([quantiles(900, 0.02 * factor)] * count)
    spots = np.full(count, 900.0)
    yardstick = Record(tuple(days), np.array([quantiles(900, 0.02)] * count), spots, came, 1)
    taught = {
        day: Lesson(days[n + known_after], float(came[n])) for n, day in enumerate(days) if n + known_after < count
    }
    return Base({ENSEMBLE: Record(tuple(days), said, spots, came, 1), "rw_const": yardstick}, taught)


@pytest.mark.parametrize("factor", [0.5, 1.0, 1.4])
def test_whatever_the_base_says_its_intervals_come_to_hold_what_they_promise(factor: float) -> None:
    """The yardstick here says the true spread, so what it holds of this sample is what is to be held."""
    bases = {"A": base(factor, 1500, seed=1), "B": base(factor, 1500, seed=2)}
    for pair, record in guarded(bases, ENSEMBLE).items():
        later = record.on(record.origins[200:])
        truth = bases[pair].found["rw_const"].on(later.origins)
        for percent in INTERVALS:
            held = inside(truth.quantiles, truth.outcomes, percent)
            assert inside(later.quantiles, later.outcomes, percent) == pytest.approx(held, abs=0.015)


def test_a_window_learns_only_from_outcomes_known_at_its_origin_and_from_every_pair() -> None:
    count, spoilt, known_after = 120, 80, 3
    honest, other = base(1.2, count, seed=1, known_after=known_after), base(0.8, count, seed=2)
    before = guarded({"A": honest, "B": other}, ENSEMBLE)["A"]
    after = guarded({"A": base(1.2, count, seed=1, known_after=known_after, spoilt=spoilt), "B": other}, ENSEMBLE)["A"]
    same = (before.quantiles == after.quantiles).all(axis=1)
    assert same.tolist() == [n < spoilt + known_after for n in range(count)]
    alone = guarded({"A": honest}, ENSEMBLE)["A"]
    assert not (alone.quantiles[60:] == before.quantiles[60:]).all(axis=1).any()


def test_a_rate_that_never_moves_is_left_as_it_is() -> None:
    days = tuple(date(2000, 1, 3) + timedelta(n) for n in range(60))
    still = Record(days, np.full((60, 15), 5.0), np.full(60, 5.0), np.full(60, 5.0), 1)
    taught = {day: Lesson(day, 5.0) for day in days}
    assert (guarded({"A": Base({ENSEMBLE: still, "rw_const": still}, taught)}, ENSEMBLE)["A"].quantiles == 5).all()
