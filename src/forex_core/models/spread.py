"""Shapes of a forecast around the last value: standard quantiles, and log moves turned into rates."""

from functools import cache

import numpy as np
from scipy.special import ndtri, stdtrit

from forex_core.values import LEVELS, Floats, QuantilePath


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
