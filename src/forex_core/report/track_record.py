"""The live track record of a pair and horizon: what was issued, what came, and the random walk's loss beside it."""

from dataclasses import dataclass

from forex_core.values import Forecast, Score


@dataclass(frozen=True, slots=True)
class TrackRecord:
    """Scored forecasts, newest target date first."""

    scored: tuple[tuple[Forecast, Score], ...]

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

    def coverage(self, percent: int) -> float | None:
        """Share of outcomes inside the interval."""
        return sum(score.inside[percent] for _, score in self.scored) / self.count if self.scored else None
