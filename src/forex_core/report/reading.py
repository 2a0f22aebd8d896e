"""What can be read off the quantiles of a forecast and the rates before it: chances, spreads, volatility."""

from collections.abc import Sequence
from itertools import pairwise
from math import exp, log, sqrt
from statistics import NormalDist, stdev

from forex_core.models.student import t_quantile
from forex_core.values import Quantiles

TENTH = NormalDist().inv_cdf(0.9)  # standard deviations of a normal between its median and its 90 % quantile
MONTH = 20  # business days: what the recent volatility is taken over


def share_below(quantiles: Quantiles, rate: float) -> float:
    """The probability of ending below `rate`, a straight line between the levels; beyond them the outermost level."""
    below = [(level, value) for level, value in quantiles.items() if value < rate]
    above = [(level, value) for level, value in quantiles.items() if value > rate]
    same = [level for level, value in quantiles.items() if value == rate]
    if same:
        return (min(same) + max(same)) / 2
    if not below:
        return min(quantiles)
    if not above:
        return max(quantiles)
    (lower, left), (upper, right) = below[-1], above[0]
    return lower + (upper - lower) * (rate - left) / (right - left)


def deviation(quantiles: Quantiles) -> float:
    """The standard deviation that a normal with this 80 % range has, in rate units."""
    return (quantiles[0.9] - quantiles[0.1]) / (2 * TENTH)


def returns(rates: Sequence[float]) -> list[float]:
    """Daily log returns."""
    return [log(after / before) for before, after in pairwise(rates)]


def volatility(moves: Sequence[float]) -> float | None:
    """Standard deviation of daily returns; None for fewer than two of them."""
    return stdev(moves) if len(moves) > 1 else None


def extremes(moves: Sequence[float]) -> tuple[float, float] | None:
    """The volatility of the calmest and of the wildest month; None before there are two months to compare."""
    months = [stdev(moves[end - MONTH : end]) for end in range(MONTH, len(moves) + 1)]
    return (min(months), max(months)) if len(moves) >= 2 * MONTH else None


def tenths(spot: float, sigma: float, steps: int) -> tuple[float, float]:
    """The 80 % range of a walk from `spot` with this daily volatility, after `steps` business days."""
    reach = TENTH * sigma * sqrt(steps)
    return spot * exp(-reach), spot * exp(reach)


def skill_interval(skill: float, t: float | None, n: int) -> tuple[float, float] | None:
    """The 95 % interval of a skill over n windows that goes with its Diebold-Mariano t: t counts it in its errors."""
    if not t or n < 2:
        return None
    reach = t_quantile(0.975, n - 1) * abs(skill / t)
    return skill - reach, skill + reach
