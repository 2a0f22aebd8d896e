"""From rates and business days to the pixels of a chart, and the lines and labels of its axes."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, floor, log10

WIDTH, HEIGHT = 480, 270  # small, so that the letters stay readable on a telephone
LEFT, RIGHT, TOP, BOTTOM = 66, 10, 10, 26
LINES = 7  # at most about so many lines across


@dataclass(frozen=True, slots=True)
class Scale:
    """Business-day positions and rates to pixels; position 0 is the spot."""

    first: int
    last: int
    low: float
    high: float

    def x(self, position: float) -> float:
        """Pixels from the left."""
        return LEFT + (position - self.first) / (self.last - self.first) * (WIDTH - LEFT - RIGHT)

    def y(self, rate: float) -> float:
        """Pixels from the top."""
        return HEIGHT - BOTTOM - (rate - self.low) / (self.high - self.low) * (HEIGHT - TOP - BOTTOM)

    def points(self, rates: Sequence[float], first: int) -> str:
        """The points of a line whose first rate stands at position `first`."""
        return " ".join(f"{self.x(first + n):.1f},{self.y(rate):.1f}" for n, rate in enumerate(rates))

    @property
    def marks(self) -> tuple[list[float], int]:
        """Round rates inside the frame, and the decimals that tell them apart."""
        step = _round_step((self.high - self.low) / LINES)
        marks = [n * step for n in range(ceil(self.low / step), floor(self.high / step) + 1)]
        return marks, max(0, -floor(log10(step)))


def fitting(first: int, last: int, rates: Sequence[float]) -> Scale:
    """A scale that shows all of `rates` with a margin."""
    low, high = min(rates), max(rates)
    margin = (high - low or abs(high) * 0.01) * 0.05
    return Scale(first, last, low - margin, high + margin)


def _round_step(rough: float) -> float:
    """The next of 1, 2, 5 times a power of ten."""
    power = float(10 ** floor(log10(rough)))
    return next(factor * power for factor in (1, 2, 5, 10) if factor * power >= rough)
