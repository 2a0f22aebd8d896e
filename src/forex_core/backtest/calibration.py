"""Is a level reached as often as it says? The share of outcomes below each quantile (the PIT, level by level)."""

import numpy as np

from forex_core.values import LEVELS, Floats


def shares_below(quantiles: Floats, outcomes: Floats) -> Floats:
    """Of quantiles [n, levels], the share of outcomes [n] below each level; one that meets it counts half; [levels]."""
    below = outcomes[:, None] < quantiles
    meets = outcomes[:, None] == quantiles
    return np.asarray((below + meets / 2).mean(axis=0))


def share_errors(count: int) -> Floats:
    """Standard error of each level's share under perfect calibration, if `count` outcomes were independent; [levels].

    Windows that overlap and pairs that move together are not, so the true error is somewhat larger.
    """
    levels = np.array(LEVELS)
    return np.asarray(np.sqrt(levels * (1 - levels) / count))


def furthest(below: Floats, count: int) -> tuple[float, float, float]:
    """The level whose share is off by the most standard errors: the level, its share, and how many."""
    off = np.abs(np.asarray(below) - LEVELS) / share_errors(count)
    worst = int(np.argmax(off))
    return LEVELS[worst], float(below[worst]), float(off[worst])
