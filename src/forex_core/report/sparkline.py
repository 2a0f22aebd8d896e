"""Lines and bands of single characters: what a chart is where only text can be shown."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from forex_core.values import INTERVALS, Quantiles


@dataclass(frozen=True, slots=True)
class Ink:
    """ramp: from low to high; wide, narrow: the 95 and the 80 % interval."""

    ramp: str
    wide: str
    narrow: str
    median: str
    spot: str


BLOCKS = Ink("▁▂▃▄▅▆▇█", "╌", "━", "●", "┊")
ASCII = Ink("_.-^", ".", "=", "o", ":")


def sparkline(values: Sequence[float], width: int, ink: Ink) -> str:
    """At most `width` characters, each the mean of its share of the values, from the lowest to the highest."""
    if not values or width < 1:
        return ""
    count = min(width, len(values))
    edges = [len(values) * n // count for n in range(count + 1)]
    means = [sum(values[a:b]) / (b - a) for a, b in pairwise(edges)]
    low, high = min(means), max(means)
    if high == low:
        return ink.ramp[(len(ink.ramp) - 1) // 2] * count
    return "".join(ink.ramp[_place(mean, low, high, len(ink.ramp))] for mean in means)


def band(said: Quantiles, spot: float, scale: tuple[float, float], width: int, ink: Ink) -> str:
    """A forecast's intervals as `width` characters between the ends of the scale, the median and the spot on them."""
    row = [" "] * width
    for percent, mark in ((95, ink.wide), (80, ink.narrow)):
        first, last = (_place(said[level], *scale, width) for level in INTERVALS[percent])
        row[first : last + 1] = mark * (last + 1 - first)
    if scale[0] <= spot <= scale[1]:
        row[_place(spot, *scale, width)] = ink.spot
    row[_place(said[0.5], *scale, width)] = ink.median
    return "".join(row)


def _place(value: float, low: float, high: float, places: int) -> int:
    """Which of `places` marks, evenly from low to high, is the nearest to the value."""
    share = (value - low) / (high - low) if high > low else 0.5
    return min(max(int(share * (places - 1) + 0.5), 0), places - 1)
