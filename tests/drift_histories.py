"""Simulated markets and the forecasts scored on them: what the drift rules are calibrated and tested with."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from scipy.signal import lfilter

from forex_core.backtest import drift, metrics
from forex_core.models.random_walk import RandomWalk
from forex_core.models.rw_const import RandomWalkConstant
from forex_core.models.spread import standard_normal, standard_student
from forex_core.values import Floats

STEPS = {"7d": 5, "15d": 11, "30d": 21, "90d": 63}
YEAR = 250  # business days
BURN_IN = 1500  # the yardstick's window


@dataclass(frozen=True)
class History:
    """What was scored of one horizon, one forecast a business day (or every `every`-th); overlap as drift has it."""

    losses: Floats
    yardstick: Floats
    inside: dict[int, Floats]
    overlap: int

    def __getitem__(self, part: slice) -> "History":
        inside = {percent: came[part] for percent, came in self.inside.items()}
        return replace(self, losses=self.losses[part], yardstick=self.yardstick[part], inside=inside)

    @property
    def relative(self) -> Floats:
        return drift.relative_errors(self.losses, self.yardstick)

    def worse_from(self, start: int, factor: float) -> "History":
        """The model's losses multiplied from one forecast on."""
        return replace(self, losses=np.where(np.arange(len(self.losses)) < start, 1, factor) * self.losses)

    def then(self, start: int, other: "History") -> "History":
        """Another model's from one forecast on."""

        def joined(mine: Floats, theirs: Floats) -> Floats:
            return np.concatenate([mine[:start], theirs[start:]])

        inside = {percent: joined(mine, other.inside[percent]) for percent, mine in self.inside.items()}
        return replace(self, losses=joined(self.losses, other.losses), inside=inside)


def returns(seed: int, years: float) -> Floats:
    """Daily log returns: Student's t4, a volatility that wanders for months, and wild regimes of a quarter."""
    rng = np.random.default_rng(seed)
    days = BURN_IN + round(years * YEAR) + max(STEPS.values())
    calm_or_wild = 0.006 * np.exp(lfilter([1], [1, -0.985], rng.normal(0, 0.055, days)))
    wild, lot = False, rng.random(days)
    for day in range(days):
        wild = bool(lot[day] > 1 / 60) if wild else bool(lot[day] < 1 / 400)
        calm_or_wild[day] *= 2.2 if wild else 1.0
    return np.asarray(calm_or_wild * rng.standard_t(4, days) * 0.5**0.5)


def scored(moves: Floats, steps: int, *, wider: float = 1.0, off: float = 0.0, every: int = 1) -> History:
    """The members random_walk and rw_const on these returns; wider, off: how the first one is broken.

    wider multiplies its spread; off moves its median by so many of the yardstick's standard deviations.
    """
    member, yardstick = RandomWalk(), RandomWalkConstant()
    spreads = [_ewma(moves, decay) for decay in member.decays] + [_rolling(moves, window) for window in member.windows]
    at = np.arange(BURN_IN, len(moves) - steps, every)
    own = np.mean(spreads, axis=0)[at] * steps**0.5
    walk = _rolling(moves, yardstick.window)[at] * steps**0.5
    log_rates = np.cumsum(moves)
    came = np.exp(log_rates[at + steps] - log_rates[at])
    said = np.exp(wider * own[:, None] * standard_student(member.dof) + off * walk[:, None])
    walked = np.exp(walk[:, None] * standard_normal())
    inside = {percent: metrics.inside(said, came, percent) for percent in (80, 95)}
    return History(metrics.decile_loss(said, came), metrics.decile_loss(walked, came), inside, -(-steps // every))


def _ewma(moves: Floats, decay: float) -> Floats:
    start = [decay * moves[:50].var()]
    return np.sqrt(lfilter([1 - decay], [1, -decay], moves**2, zi=start)[0])


def _rolling(moves: Floats, window: int) -> Floats:
    """Standard deviation of the last `window` returns."""
    sums, squares = (np.concatenate([[0.0], np.cumsum(moves**power)]) for power in (1, 2))
    end = np.arange(1, len(moves) + 1)
    start = np.maximum(end - window, 0)
    count = end - start
    mean = (sums[end] - sums[start]) / count
    return np.sqrt(np.maximum((squares[end] - squares[start]) / count - mean**2, 1e-12))


# the rules, after each forecast


def by_page_hinkley(history: History) -> "np.typing.NDArray[np.bool_]":
    return drift.page_hinkley(history.relative) > drift.LIMIT


def by_distance(history: History) -> "np.typing.NDArray[np.bool_]":
    relative, least = history.relative, drift.FEWEST_EARLIER + drift.RECENT
    window = drift.EARLIER + drift.RECENT
    ends = range(least, len(relative) + 1)
    apart = [drift.distance(relative[max(end - window, 0) : end]) for end in ends]
    return np.concatenate([np.zeros(least - 1, bool), np.array(apart) >= drift.DISTANCE])


def by_coverage(history: History) -> "np.typing.NDArray[np.bool_]":
    outside = np.zeros(len(history.losses), bool)
    for percent, inside in history.inside.items():
        held = np.concatenate([[0.0], np.cumsum(inside)])
        for count in range(1, len(inside) + 1):
            looked_at, apart = drift.latest_apart(count, history.overlap)
            if apart:
                low, high = drift.band(apart, percent)
                hits = (held[count] - held[count - looked_at]) / looked_at * apart
                outside[count - 1] |= not low <= hits <= high
    return outside


RULES = {"Page-Hinkley": by_page_hinkley, "Kolmogorov-Smirnov": by_distance, "coverage": by_coverage}


def alarms(raised: "np.typing.NDArray[np.bool_]") -> int:
    """How often a rule begins to alarm."""
    return int((raised[1:] & ~raised[:-1]).sum() + raised[0])


def delay(raised: "np.typing.NDArray[np.bool_]", start: int) -> float:
    """How many forecasts after `start` are scored until it alarms."""
    hits = np.flatnonzero(raised[start:])
    return float(hits[0] + 1) if len(hits) else np.inf


def starts(count: int, each: int, seed: int) -> Iterator[int]:
    """Moments at which something breaks: after 375 forecasts, or half of them, and 100 or a quarter before the end."""
    first, last = min(375, count // 2), count - min(100, count // 4)
    yield from map(int, np.random.default_rng(seed).integers(first, last, each))
