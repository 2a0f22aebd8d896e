"""Which members cannot be told apart from the best: the model confidence set of Hansen, Lunde and Nason (2011)."""

import numpy as np

from forex_core.values import Floats

SIZE = 0.10  # meant; with ten equally good members some fall out in 17 of 100 cases, 23 if windows overlap threefold
FEWEST = 30  # origins: blocks of fewer say nothing
REPETITIONS, SEED = 2000, 20_000_103


def confidence_set(losses: Floats, overlap: int) -> list[bool] | None:
    """Of losses [n origins, k members], whether each member is in the set; None where there are too few origins.

    The bootstrap draws blocks longer than the overlap of the windows. Members whose losses are the same to the last
    digits, as an ensemble of one member and that member, count as one and share its fate.
    """
    count = len(losses)
    if count < FEWEST:
        return None
    first_like = [_first_like(losses, column) for column in range(losses.shape[1])]
    distinct = sorted(set(first_like))
    if len(distinct) == 1:
        return [True] * len(first_like)
    from arch.bootstrap import MCS  # brings pandas and statsmodels

    blocks = max(2 * overlap, round(count ** (1 / 3)))
    # the largest distance from the mean: the statistic of the largest distance between two errs half as often again
    test = MCS(losses[:, distinct], SIZE, REPETITIONS, block_size=blocks, method="max", seed=SEED)
    test.compute()
    inside = {distinct[int(str(position))] for position in test.included}
    return [first in inside for first in first_like]


def _first_like(losses: Floats, column: int) -> int:
    """The first column that holds the same losses."""
    same = np.isclose(losses, losses[:, [column]], rtol=1e-9, atol=0).all(axis=0)
    return int(np.argmax(same))
