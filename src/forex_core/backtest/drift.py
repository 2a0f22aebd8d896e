"""Has a model stopped doing what it did? Rules on the scored forecasts of one pair and horizon, in the order of issue.

Error is judged relative to the yardstick's on the same outcomes: a wild market hits both, a broken model only itself.
The bounds were chosen with tests/benchmarks/drift.py, which simulates ten-year histories with heavy tails and regimes
of volatility and scores one forecast of each horizon a business day, so that those of 90 days overlap 63 deep: no p
value that supposes independent forecasts would hold there. Below, false alarms are those of four horizons together; on
the ECB's real rates of twelve currencies since 1999 they were 0.2, 0.4 and 0.3 a year.
"""

from collections.abc import Sequence
from functools import cache
from math import comb, log

import numpy as np

from forex_core.values import Floats

# Page-Hinkley: 0.1 false alarms a year; doubled errors are noticed after 8 forecasts (median), 18 in 9 of 10 cases
MEMORY = 250  # forecasts' worth of belief that the model does as well as the yardstick, before its own record speaks
LEEWAY = 0.2  # log ratio: errors a fifth larger than usual are no drift
LIMIT = 4.0  # of the sum of what goes beyond; it never counts more than twice this, so that a repair shows soon
LARGEST = log(4)  # of one log ratio: a single forecast proves nothing

# Kolmogorov-Smirnov: 0.3 false alarms a year; noticed after 11 forecasts (median), 15 in 9 of 10 cases
RECENT = 15
EARLIER = 250
FEWEST_EARLIER = 60
DISTANCE = 0.7

# Coverage: 0.2 false alarms a year
MOST_APART = 60  # forecasts that don't overlap: the latest ones, some five quarters of 7 days
UNLIKELY = 0.01  # two-sided


def relative_errors(losses: Floats, yardstick: Floats) -> Floats:
    """Log ratio of the losses to the yardstick's on the same outcomes, [n]; 0 where both are nothing."""
    least = np.finfo(float).tiny
    ratios = np.log(np.maximum(losses, least)) - np.log(np.maximum(yardstick, least))
    return np.asarray(np.clip(ratios, -LARGEST, LARGEST))


def page_hinkley(relative: Floats) -> Floats:
    """How far each relative error so far sums beyond the mean of those before it and LEEWAY (Page 1954; Hinkley 1971).

    The statistic after each forecast, [n]; the errors have risen where it is above LIMIT.
    """
    reached, total, statistic = [], 0.0, 0.0
    for count, error in enumerate(relative.tolist()):
        mean = total / (count + MEMORY)
        statistic = min(max(statistic + error - mean - LEEWAY, 0.0), 2 * LIMIT)
        total += error
        reached.append(statistic)
    return np.array(reached)


def distance(relative: Floats) -> float:
    """Kolmogorov's and Smirnov's one-sided distance: how far the RECENT errors lie above the EARLIER ones and LEEWAY.

    0 if there are too few to say; the errors have risen where it is DISTANCE or more.
    """
    recent, earlier = relative[-RECENT:], relative[:-RECENT][-EARLIER:]
    if len(earlier) < FEWEST_EARLIER:
        return 0.0
    below = np.searchsorted(np.sort(earlier), np.sort(recent) - LEEWAY) / len(earlier)
    return float(np.max(below - np.arange(RECENT) / RECENT))


def latest_apart(count: int, overlap: int) -> tuple[int, int]:
    """How many of the latest forecasts to look at, and how many of these don't overlap.

    The share inside is taken over all of them, and judged as one of the few that don't overlap: leaving out the others
    would waste what they say, counting them as independent would alarm at every quiet or wild quarter.
    """
    looked_at = min(count, MOST_APART * overlap)
    return looked_at, looked_at // overlap


def outside_band(inside: Sequence[float], percent: int, overlap: int) -> bool:
    """Has the share of outcomes inside the `percent` interval left its binomial band?

    inside: 1 or 0, [n]; overlap: the largest number of these forecasts that were open at once.
    """
    looked_at, apart = latest_apart(len(inside), overlap)
    if not apart:
        return False
    low, high = band(apart, percent)
    hits = sum(inside[-looked_at:]) / looked_at * apart
    return hits < low or hits > high


@cache
def band(apart: int, percent: int) -> tuple[int, int]:
    """The fewest and the most of `apart` independent outcomes that a true `percent` interval may well hold."""
    share = percent / 100
    chances = [comb(apart, k) * share**k * (1 - share) ** (apart - k) for k in range(apart + 1)]
    below = np.cumsum(chances)
    low = int(np.argmax(below >= UNLIKELY / 2))
    high = apart - int(np.argmax(np.cumsum(chances[::-1]) >= UNLIKELY / 2))
    return low, high
