"""Shapes of a forecast around the last value: standard quantiles, and log moves turned into rates."""

from functools import cache

import numpy as np
from scipy.special import ndtri, stdtrit

from forex_core.values import LEVELS, Floats, QuantilePath

ABOVE = tuple(level for level in LEVELS if level > 0.5)


def around_last(last: float, log_moves: Floats) -> QuantilePath:
    """Turn log moves from the last value, [steps, levels], into a path of rates."""
    return QuantilePath(last * np.exp(log_moves))


@cache
def standard_normal() -> Floats:
    """Quantiles of the standard normal at LEVELS."""
    return np.asarray(ndtri(LEVELS), dtype=float)


@cache
def standard_student(dof: int) -> Floats:
    """Quantiles at LEVELS of Student's t with `dof` degrees of freedom, scaled to unit variance."""
    return np.asarray(stdtrit(dof, LEVELS) * np.sqrt((dof - 2) / dof), dtype=float)


def mirrored(errors: Floats) -> Floats:
    """Quantiles at LEVELS of errors and their negatives together: as likely too high as too low."""
    sizes = np.sort(np.abs(errors))
    # the distribution is |error| mirrored: its quantile at p above one half is that of |error| at 2p - 1
    above = np.interp([2 * level - 1 for level in ABOVE], np.linspace(0, 1, len(sizes)), sizes)
    return np.concatenate([-above[::-1], [0.0], above])
