"""From what a checkpoint says, at the levels and steps it was trained on, to log moves at ours."""

import numpy as np

from forex_core.models.random_walk import RandomWalk
from forex_core.models.student import t_quantile
from forex_core.values import LEVELS, Floats

MIDDLE = LEVELS.index(0.5)


def at_our_levels(said: Floats, trained: tuple[float, ...]) -> Floats:
    """Quantiles at LEVELS, [steps, levels], from those at the trained levels, [steps, trained].

    Sorted; between trained levels a straight line; beyond the outermost, the distance from the median grows as it does
    in the random walk's Student t.
    """
    ordered = np.sort(said, axis=1)
    inside = np.stack([np.interp(LEVELS, trained, row) for row in ordered])
    median = inside[:, [MIDDLE]]
    widening = np.array([_widening(level, trained) for level in LEVELS])
    return np.asarray(median + (inside - median) * widening)


def _widening(level: float, trained: tuple[float, ...]) -> float:
    """By how much the distance of the outermost trained level from the median is to grow; 1 within them."""
    outermost = min(max(level, trained[0]), trained[-1])
    if outermost in (level, 0.5):
        return 1.0
    dof = RandomWalk.dof
    return t_quantile(level, dof) / t_quantile(outermost, dof)


def extended(moves: Floats, steps: int) -> Floats:
    """The first `steps` rows; past the last trained one the median stays, and the spread grows with the root of time.

    Feeding the answer back in, as chronos-forecasting does, lets the intervals shrink at every seam.
    """
    native, median = len(moves), moves[-1, MIDDLE]
    later = np.sqrt(np.arange(native + 1, steps + 1) / native)
    return np.concatenate([moves, median + (moves[-1] - median) * later[:, None]])[:steps]
