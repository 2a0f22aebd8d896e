"""Metrics of quantile forecasts: arithmetic on arrays, in whatever unit they come in.

Shapes: quantiles [n, len(LEVELS)], outcomes and spots [n]; a loss per window is [n].
"""

import numpy as np

from forex_core.values import DECILES, INTERVALS, LEVELS, Floats

MEDIAN = LEVELS.index(0.5)
DECILE_COLUMNS = [LEVELS.index(level) for level in DECILES]
SAME = 1e-9  # a median this near to the spot claims no direction


def decile_loss(quantiles: Floats, outcomes: Floats) -> Floats:
    """Twice the pinball loss, averaged over the nine deciles: a discrete CRPS (Gneiting and Raftery 2007), [n]."""
    levels = np.array(DECILES)
    errors = outcomes[:, None] - quantiles[:, DECILE_COLUMNS]
    return np.asarray(2 * np.maximum(levels * errors, (levels - 1) * errors).mean(axis=1))


def interval_score(quantiles: Floats, outcomes: Floats, percent: int) -> Floats:
    """Winkler's score of the `percent` interval: its width, plus 2/alpha times the distance of a miss, [n]."""
    low, high = bounds(quantiles, percent)
    alpha = 1 - percent / 100
    miss = np.maximum(low - outcomes, 0) + np.maximum(outcomes - high, 0)
    return high - low + 2 / alpha * miss


def inside(quantiles: Floats, outcomes: Floats, percent: int) -> Floats:
    """1 where the outcome lies inside the `percent` interval, else 0, [n]."""
    low, high = bounds(quantiles, percent)
    return ((low <= outcomes) & (outcomes <= high)).astype(float)


def bounds(quantiles: Floats, percent: int) -> tuple[Floats, Floats]:
    """Lower and upper end of the `percent` interval, [n] each."""
    low, high = INTERVALS[percent]
    return quantiles[:, LEVELS.index(low)], quantiles[:, LEVELS.index(high)]


def binomial_error(percent: int, n: int) -> float:
    """Standard error of the share of n independent outcomes inside a true `percent` interval."""
    return float(np.sqrt(percent / 100 * (1 - percent / 100) / n))


def errors(quantiles: Floats, outcomes: Floats) -> Floats:
    """Median minus outcome, [n]."""
    return quantiles[:, MEDIAN] - outcomes


def rmse(quantiles: Floats, outcomes: Floats) -> float:
    """Root mean squared error of the median."""
    return float(np.sqrt(np.mean(errors(quantiles, outcomes) ** 2)))


def mae(quantiles: Floats, outcomes: Floats) -> float:
    """Mean absolute error of the median."""
    return float(np.mean(np.abs(errors(quantiles, outcomes))))


def mape(quantiles: Floats, outcomes: Floats) -> float:
    """Mean absolute error as a fraction of the outcome."""
    return float(np.mean(np.abs(errors(quantiles, outcomes)) / outcomes))


def directional_accuracy(quantiles: Floats, outcomes: Floats, spots: Floats) -> float:
    """Share of windows whose median moved the way the outcome did; a median at the spot counts one half."""
    move = quantiles[:, MEDIAN] - spots
    right = np.sign(move) == np.sign(outcomes - spots)
    return float(np.mean(np.where(np.abs(move) <= SAME, 0.5, right)))
