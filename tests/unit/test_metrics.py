"""Metrics and the test of significance, against arithmetic by hand and loops in plain Python."""

from math import sqrt

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from forex_core.backtest import metrics
from forex_core.backtest.significance import LEVEL, MEASURED, DieboldMariano, diebold_mariano
from forex_core.values import DECILES, INTERVALS, LEVELS, Floats

# levels 0.025 .. 0.975 said as 1 .. 15, the median as 8; deciles are 3 4 6 7 8 9 10 12 13
ROW = [float(n) for n in range(1, len(LEVELS) + 1)]


def said(*rows: list[float]) -> Floats:
    return np.array(rows)


def came(*outcomes: float) -> Floats:
    return np.array(outcomes)


rates = st.floats(0.01, 1000)


@st.composite
def windows(draw: st.DrawFn) -> tuple[Floats, Floats]:
    count = draw(st.integers(1, 6))
    rows = [sorted(draw(st.lists(rates, min_size=len(LEVELS), max_size=len(LEVELS)))) for _ in range(count)]
    near = [draw(st.one_of(rates, st.sampled_from(row))) for row in rows]
    return np.array(rows), np.array(near)


# --- by hand


@pytest.mark.parametrize(
    ("outcome", "loss"),
    [
        # the distances 4 3 1 0 -1 -2 -3 -5 -6, times the level, or less one where the outcome lies below
        (7.0, 2 * (0.4 + 0.6 + 0.3 + 0 + 0.5 + 0.8 + 0.9 + 1.0 + 0.6) / 9),
        (20.0, 2 * (1.7 + 3.2 + 4.2 + 5.2 + 6.0 + 6.6 + 7.0 + 6.4 + 6.3) / 9),
        (0.0, 2 * (2.7 + 3.2 + 4.2 + 4.2 + 4.0 + 3.6 + 3.0 + 2.4 + 1.3) / 9),
    ],
)
def test_the_decile_loss_by_hand(outcome: float, loss: float) -> None:
    assert metrics.decile_loss(said(ROW), came(outcome)) == pytest.approx([loss])


def test_when_every_quantile_is_the_same_then_the_decile_loss_is_the_absolute_error() -> None:
    assert metrics.decile_loss(said([5.0] * 15, [5.0] * 15), came(8.0, 3.5)) == pytest.approx([3.0, 1.5])


@pytest.mark.parametrize(
    ("percent", "outcome", "score"),
    [
        (80, 8.0, 10.0),  # 3 to 13
        (80, 3.0, 10.0),
        (80, 2.0, 10 + 2 / 0.2 * 1),
        (80, 15.5, 10 + 2 / 0.2 * 2.5),
        (95, 16.0, 14 + 2 / 0.05 * 1),
        (50, 1.0, 6 + 2 / 0.5 * 4),  # 5 to 11
    ],
)
def test_the_interval_score_by_hand(percent: int, outcome: float, score: float) -> None:
    assert metrics.interval_score(said(ROW), came(outcome), percent) == pytest.approx([score])


def test_both_ends_lie_inside_an_interval() -> None:
    outcomes = came(2.999, 3.0, 13.0, 13.001)
    assert metrics.inside(said(*[ROW] * 4), outcomes, 80).tolist() == [0, 1, 1, 0]


def test_point_errors_by_hand() -> None:
    quantiles, outcomes = said(ROW, ROW, ROW), came(5.0, 8.0, 10.0)
    assert metrics.errors(quantiles, outcomes).tolist() == [3, 0, -2]
    assert metrics.rmse(quantiles, outcomes) == pytest.approx(sqrt(13 / 3))
    assert metrics.mae(quantiles, outcomes) == pytest.approx(5 / 3)
    assert metrics.mape(quantiles, outcomes) == pytest.approx((3 / 5 + 0 + 2 / 10) / 3)


@pytest.mark.parametrize(
    ("spot", "outcome", "share"),
    [
        (7.0, 9.0, 1.0),
        (7.0, 6.0, 0.0),
        (9.0, 6.0, 1.0),
        (7.0, 7.0, 0.0),
        (8.0, 9.0, 0.5),
        (8.0, 8.0, 0.5),
        (8.0 + 9e-10, 9.0, 0.5),
        (8.0 - 9e-10, 7.0, 0.5),
        (8.0 + 2e-9, 9.0, 0.0),
        (8.0 + 2e-9, 7.0, 1.0),
    ],
)
def test_the_direction_by_hand(spot: float, outcome: float, share: float) -> None:
    assert metrics.directional_accuracy(said(ROW), came(outcome), came(spot)) == share


@pytest.mark.parametrize(("percent", "n", "error"), [(80, 100, 0.04), (50, 1, 0.5), (95, 19, 0.05)])
def test_the_error_of_a_coverage_by_hand(percent: int, n: int, error: float) -> None:
    assert metrics.binomial_error(percent, n) == pytest.approx(error)


# --- against loops


@given(windows())
def test_the_decile_loss_is_the_mean_of_twice_the_pinball_losses(window: tuple[Floats, Floats]) -> None:
    naive = []
    for row, outcome in zip(*(part.tolist() for part in window), strict=True):
        pinball = []
        for level, quantile in zip(LEVELS, row, strict=True):
            if level in DECILES:
                share = level if outcome >= quantile else 1 - level
                pinball.append(2 * share * abs(outcome - quantile))
        naive.append(sum(pinball) / 9)
    assert metrics.decile_loss(*window) == pytest.approx(naive, rel=1e-12, abs=1e-12)


@given(windows(), st.sampled_from(sorted(INTERVALS)))
def test_the_interval_score_and_inside_follow_their_definitions(window: tuple[Floats, Floats], percent: int) -> None:
    scores, hits = [], []
    for row, outcome in zip(*(part.tolist() for part in window), strict=True):
        low, high = (dict(zip(LEVELS, row, strict=True))[level] for level in INTERVALS[percent])
        score = high - low
        if outcome < low:
            score += 2 / (1 - percent / 100) * (low - outcome)
        elif outcome > high:
            score += 2 / (1 - percent / 100) * (outcome - high)
        scores.append(score)
        hits.append(float(low <= outcome <= high))
    assert metrics.interval_score(*window, percent) == pytest.approx(scores, rel=1e-12, abs=1e-12)
    assert metrics.inside(*window, percent).tolist() == hits


@given(windows())
def test_mape_is_the_mean_share_of_the_outcome(window: tuple[Floats, Floats]) -> None:
    naive = [abs(row[7] - outcome) / outcome for row, outcome in zip(*(p.tolist() for p in window), strict=True)]
    assert metrics.mape(*window) == pytest.approx(sum(naive) / len(naive))


@given(windows(), st.data())
def test_the_directional_accuracy_counts_half_where_no_direction_is_claimed(
    window: tuple[Floats, Floats], data: st.DataObject
) -> None:
    quantiles, outcomes = window
    offset = st.sampled_from([0.0, 4e-10, -4e-10, 3e-9, -3e-9, 1.0, -1.0])
    spots = [float(row[7]) + data.draw(offset) for row in quantiles]
    points = 0.0
    for row, outcome, spot in zip(quantiles.tolist(), outcomes.tolist(), spots, strict=True):
        if abs(row[7] - spot) <= 1e-9:
            points += 0.5
        elif (row[7] > spot and outcome > spot) or (row[7] < spot and outcome < spot):
            points += 1
    assert metrics.directional_accuracy(quantiles, outcomes, np.array(spots)) == pytest.approx(points / len(spots))


# --- Diebold and Mariano


def naive_test(loss: list[float], other: list[float], overlap: int) -> tuple[float, float]:
    """The statistic and its p, with plain loops."""
    difference = [a - b for a, b in zip(loss, other, strict=True)]
    n = len(difference)
    mean = sum(difference) / n
    variance = 0.0
    for lag in range(-(overlap - 1), overlap):
        covariance = 0.0
        for t in range(abs(lag), n):
            covariance += (difference[t] - mean) * (difference[t - abs(lag)] - mean)
        variance += (1 - abs(lag) / overlap) * covariance / n
    uncorrected = mean / sqrt(variance / n)
    t = uncorrected * sqrt((n + 1 - 2 * overlap + overlap * (overlap - 1) / n) / n)
    return t, 2 * float(stats.t.sf(abs(t), n - 1))


def losses(seed: int, n: int = 60) -> tuple[Floats, Floats]:
    made = np.random.default_rng(seed).gamma(2.0, size=(2, n + 3))
    return tuple(np.convolve(row, np.ones(4) / 4, "valid") for row in made)  # type: ignore[return-value]


@pytest.mark.parametrize("overlap", [1, 2, 3, 4])
@pytest.mark.parametrize(("seed", "n"), [(0, 60), (1, 142), (2, 11), (3, 10)])
def test_the_statistic_is_that_of_the_naive_loops(overlap: int, seed: int, n: int) -> None:
    a, b = losses(seed, n)
    found = diebold_mariano(a, b, overlap)
    assert (found.t, found.p) == pytest.approx(naive_test(a.tolist(), b.tolist(), overlap), rel=1e-9)


def test_without_overlap_the_statistic_is_students() -> None:
    a, b = losses(4)
    students = stats.ttest_1samp(a - b, 0)
    found = diebold_mariano(a, b, 1)
    assert (found.t, found.p) == pytest.approx((float(students.statistic), float(students.pvalue)))


def test_the_smaller_loss_makes_the_statistic_negative() -> None:
    a, b = losses(5)
    better = diebold_mariano(a / 2, b, 3)
    assert better.t is not None
    assert better.t < -2
    assert better.p is not None
    assert better.p < 0.05


@pytest.mark.parametrize("overlap", [1, 3])
def test_exchanging_the_two_only_turns_the_sign(overlap: int) -> None:
    a, b = losses(6)
    there, back = diebold_mariano(a, b, overlap), diebold_mariano(b, a, overlap)
    assert there.t is not None
    assert back == DieboldMariano(-there.t, there.p)


@pytest.mark.parametrize("overlap", [1, 3])
@pytest.mark.parametrize("shift", [0.0, 0.1])
def test_identical_losses_cannot_be_tested(overlap: int, shift: float) -> None:
    a, _ = losses(7)
    assert diebold_mariano(a + shift, a, overlap) == DieboldMariano(None, None)


@pytest.mark.parametrize("overlap", [1, 3, 4])
def test_there_must_be_twice_the_overlap_and_two_more(overlap: int) -> None:
    a, b = losses(8)
    enough = 2 * overlap + 2
    assert diebold_mariano(a[:enough], b[:enough], overlap).t is not None
    assert diebold_mariano(a[: enough - 1], b[: enough - 1], overlap) == DieboldMariano(None, None)


def test_under_equal_skill_about_one_in_twenty_is_called_different() -> None:
    """Two forecasts of what moves over three windows at a time, each with its own equally large error."""
    rng, rejected = np.random.default_rng(0), 0

    def over_three_windows() -> Floats:
        return np.convolve(rng.normal(size=402), np.ones(3), "valid")

    for _ in range(400):
        outcome, mine, other = over_three_windows(), 0.3 * over_three_windows(), 0.3 * over_three_windows()
        p = diebold_mariano(np.abs(outcome - mine), np.abs(outcome - other), 3).p
        assert p is not None
        rejected += p < 0.05
    assert 0.02 <= rejected / 400 <= 0.09


@pytest.mark.parametrize(
    ("overlap", "first", "second"),
    [(1, 0.0, 0.0), (2, 0.175, 0.03), (3, 0.49, 0.1)],  # moving averages correlated as the panel's differences are
)
def test_equal_forecasts_are_called_different_as_often_as_was_measured(
    overlap: int, first: float, second: float
) -> None:
    noise = np.random.default_rng(overlap).standard_t(5, size=(3000, 146))
    differences = noise[:, 2:] + first * noise[:, 1:-1] + second * noise[:, :-2]
    found = [diebold_mariano(10 + row, np.full(144, 10.0), overlap).p for row in differences]
    assert np.mean([p is not None and p < LEVEL for p in found]) == pytest.approx(MEASURED[overlap], abs=0.0125)
