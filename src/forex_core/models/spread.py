"""Shapes of a forecast around the last value: standard quantiles, and log moves turned into rates."""

from functools import cache
from statistics import NormalDist

import numpy as np

from forex_core.models.student import t_quantile
from forex_core.values import LEVELS, Floats, QuantilePath

ABOVE = tuple(level for level in LEVELS if level > 0.5)


def around_last(last: float, log_moves: Floats) -> QuantilePath:
    """Turn log moves from the last value, [steps, levels], into a path of rates."""
    return QuantilePath(last * np.exp(log_moves))


@cache
def standard_normal() -> Floats:
    """Quantiles of the standard normal at LEVELS."""
    return np.array([NormalDist().inv_cdf(level) for level in LEVELS])


@cache
def standard_student(dof: int) -> Floats:
    """Quantiles at LEVELS of Student's t with `dof` degrees of freedom, scaled to unit variance."""
    return np.asarray([t_quantile(level, dof) * ((dof - 2) / dof) ** 0.5 for level in LEVELS])


def mirrored(errors: Floats) -> Floats:
    """Quantiles at LEVELS of errors and their negatives together: as likely too high as too low."""
    sizes = np.sort(np.abs(errors))
    # the distribution is |error| mirrored: its quantile at p above one half is that of |error| at 2p - 1
    above = np.interp([2 * level - 1 for level in ABOVE], np.linspace(0, 1, len(sizes)), sizes)
    return np.concatenate([-above[::-1], [0.0], above])
