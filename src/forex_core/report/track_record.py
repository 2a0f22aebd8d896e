"""The live track record of a pair and horizon: what was issued, what came, and the random walk beside it."""

from bisect import bisect_left, bisect_right
from dataclasses import dataclass

import numpy as np

from forex_core.backtest import metrics
from forex_core.report.overlapping import Evidence, evidence
from forex_core.values import LEVELS, Floats, Forecast, Quantiles, Score


@dataclass(frozen=True, slots=True)
class TrackRecord:
    """Scored forecasts, newest target date first."""

    scored: tuple[tuple[Forecast, Score], ...]

    def of(self, role: str) -> "TrackRecord":
        """Those of one role: champion and challenger speak of the same days, and would count them twice."""
        return TrackRecord(tuple(one for one in self.scored if one[0].role == role))

    @property
    def count(self) -> int:
        """How many forecasts were scored."""
        return len(self.scored)

    @property
    def skill(self) -> float | None:
        """1 - loss / the random walk's loss, on the same forecasts."""
        yardstick = sum(score.yardstick_loss for _, score in self.scored)
        return 1 - sum(score.loss for _, score in self.scored) / yardstick if yardstick else None

    @property
    def mae(self) -> float | None:
        """Mean absolute error of the median, in rate units."""
        return sum(abs(score.error) for _, score in self.scored) / self.count if self.scored else None

    @property
    def walk_mae(self) -> float | None:
        """The random walk's."""
        return metrics.mae(self._walk, self._outcomes) if self.scored else None

    @property
    def direction(self) -> float | None:
        """Share of medians that moved the way the outcome did; one that stays at the spot counts one half."""
        spots = np.array([forecast.spot.value for forecast, _ in self.scored])
        return metrics.directional_accuracy(self._said, self._outcomes, spots) if self.scored else None

    @property
    def overlap(self) -> int:
        """The largest number of these forecasts that were issued from one's issue date until before its target date."""
        issued = sorted(forecast.issued_on for forecast, _ in self.scored)
        spans = ((forecast.issued_on, forecast.target_date) for forecast, _ in self.scored)
        return max((bisect_left(issued, end) - bisect_right(issued, start) + 1 for start, end in spans), default=0)

    @property
    def independent(self) -> int:
        """How many there would be if none overlapped."""
        return max(self.count // self.overlap, 1) if self.scored else 0

    @property
    def evidence(self) -> Evidence | None:
        """What the losses show against the random walk's; None where they are too few to show anything."""
        inorder = sorted(self.scored, key=lambda one: one[0].issued_on)
        losses, walk = [score.loss for _, score in inorder], [score.yardstick_loss for _, score in inorder]
        return evidence(losses, walk, self.overlap) if inorder else None

    def coverage(self, percent: int) -> float | None:
        """Share of outcomes inside the interval."""
        return sum(score.inside[percent] for _, score in self.scored) / self.count if self.scored else None

    def interval_scores(self, percent: int) -> tuple[float, float] | None:
        """The mean interval score, and the random walk's beside it, in rate units."""
        if not self.scored:
            return None
        ours, walk = (metrics.interval_score(q, self._outcomes, percent).mean() for q in (self._said, self._walk))
        return float(ours), float(walk)

    def worst(self, n: int) -> tuple[tuple[Forecast, Score], ...]:
        """The n forecasts whose median missed most, the worst first."""
        return tuple(sorted(self.scored, key=lambda one: -abs(one[1].error))[:n])

    @property
    def _said(self) -> Floats:
        return _rows([forecast.quantiles for forecast, _ in self.scored])

    @property
    def _walk(self) -> Floats:
        return _rows([forecast.random_walk for forecast, _ in self.scored])

    @property
    def _outcomes(self) -> Floats:
        return np.array([score.outcome for _, score in self.scored])


def _rows(said: list[Quantiles]) -> Floats:
    """[n, levels]."""
    return np.array([[quantiles[level] for level in LEVELS] for quantiles in said])
