"""Is a challenger enough better than what speaks today? The gate that it must pass, and the verdict in words."""

from dataclasses import dataclass
from datetime import date

import numpy as np

from forex_core.backtest.significance import diebold_mariano
from forex_core.values import Floats

LEAST_GAIN, LEVEL, FEWEST = 1.0, 0.05, 60  # of the gate: percent, one-sided p, origins
BANDS = {80: 5.0, 95: 3.0}  # points by which an interval's coverage may be off
DRAWS, SEED = 2000, 20_150_101


@dataclass(frozen=True)
class Verdict:
    """The best beside today's on days that the search never saw.

    gain: by how many percent its loss is lower, in [low, high] in 95 of 100 cases; p: one-sided, None if there is
    nothing to test; coverage: percent by horizon for each of BANDS.
    """

    first: date
    last: date
    origins: int
    gain: float
    low: float
    high: float
    p: float | None
    coverage: dict[int, dict[str, float]]

    @property
    def failings(self) -> tuple[str, ...]:
        """What keeps it from passing the gate, in words."""
        off = [
            f"its {percent} % interval held {held:.0f} % at {key}"
            for percent, by_horizon in self.coverage.items()
            for key, held in by_horizon.items()
            if abs(held - percent) > BANDS[percent]
        ]
        found = {
            "not significant": self.p is None or self.p >= LEVEL,
            f"less than the {LEAST_GAIN:g} % that a change must bring": self.gain < LEAST_GAIN,
            f"fewer than {FEWEST} origins": self.origins < FEWEST,
        }
        return (*(words for words, fails in found.items() if fails), *off)

    def said(self, trials: int) -> str:
        """It in one sentence."""
        size = f"{abs(self.gain):.1f} % {'lower' if self.gain >= 0 else 'higher'} loss than today's"
        where = f"on {self.first.year}-{self.last.year} (95 % between {self.low:.1f} and {self.high:.1f} %)"
        end = f"{self.failings[0]}: keep what you have" if self.failings else "significant: worth a trial as challenger"
        return f"Best of {trials} trials: {size} {where}, {end}."


def judged(best: Floats, today: Floats, overlap: int) -> tuple[float, float, float, float | None]:
    """Gain in percent, its 95 % interval, and one-sided p, of two series of losses [n] in time order.

    The interval is that of a moving-block bootstrap (Künsch 1989) of both together, in blocks longer than the overlap.
    """
    count = len(best)
    block = min(count, max(2 * overlap, round(count ** (1 / 3))))
    starts = np.random.default_rng(SEED).integers(count - block + 1, size=(DRAWS, -(-count // block)))
    drawn = (starts[:, :, None] + np.arange(block)).reshape(DRAWS, -1)[:, :count]
    gains = 100 * (1 - best[drawn].mean(axis=1) / today[drawn].mean(axis=1))
    low, high = np.percentile(gains, [2.5, 97.5])
    test = diebold_mariano(best, today, overlap)
    p = None if test.p is None or test.t is None else test.p / 2 if test.t < 0 else 1 - test.p / 2
    return float(100 * (1 - best.mean() / today.mean())), float(low), float(high), p
