"""Split conformal calibration of quantiles: each interval is moved by what past outcomes missed it by.

A guard for a bad base, after Romano, Patterson and Candès (2019), "Conformalized quantile regression". Misses are
logs in units of the yardstick's spread, so that those of calm and wild days, and of several pairs, can be pooled. The
median stays where it is.
"""

import numpy as np

from forex_core.values import LEVELS, Floats

LOWER = list(range(len(LEVELS) // 2))  # the columns of the intervals' lower ends, the widest interval first
UPPER = [len(LEVELS) - 1 - column for column in LOWER]
HELD = np.array([1 - 2 * LEVELS[column] for column in LOWER])  # what each interval is to hold
FEWEST = 40  # misses: from fewer the 95 % interval would be moved by the largest or second largest one
BETWEEN = 2.563  # standard deviations of a normal between its 10 and 90 % quantiles


def spreads(yardstick: Floats) -> Floats:
    """The standard deviation of the log move that the yardstick's quantiles, [n, levels], mean; [n]."""
    low, high = yardstick[:, LEVELS.index(0.1)], yardstick[:, LEVELS.index(0.9)]
    return np.asarray(np.log(high / low) / BETWEEN)


def misses(quantiles: Floats, outcomes: Floats, spread: Floats) -> Floats:
    """How far outcomes [n] lay outside each interval of quantiles [n, levels], or (below 0) inside; [n, intervals]."""
    said, came = np.log(quantiles), np.log(outcomes)[:, None]
    return np.asarray(np.maximum(said[:, LOWER] - came, came - said[:, UPPER]) / spread[:, None])


def calibrated(quantiles: Floats, spread: float, past: Floats) -> Floats:
    """One window's quantiles, [levels], moved so that `past` misses, [m, intervals], would have held what is promised.

    With fewer than FEWEST misses they stay as they are.
    """
    count = len(past)
    if count < FEWEST:
        return quantiles
    ranks = np.minimum(np.ceil((count + 1) * HELD), count).astype(int)
    moves = spread * np.take_along_axis(np.sort(past, axis=0), ranks[None, :] - 1, axis=0)[0]
    middle = quantiles[len(LOWER)]
    lower = np.minimum(quantiles[LOWER] * np.exp(-moves), middle)
    upper = np.maximum(quantiles[UPPER] * np.exp(moves), middle)
    return np.concatenate([np.sort(lower), [middle], np.sort(upper)])
