"""Past moves over the same number of steps, each divided by its day's volatility, times today's volatility."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from forex_core.dataset.volatility import ewma_variances, rolling_variances
from forex_core.models.member import need
from forex_core.models.spread import around_last, mirrored
from forex_core.values import LEVELS, Floats, QuantilePath, Series


@dataclass(frozen=True)
class Empirical:
    """Filtered historical moves, mirrored, so that the median stays at the last value (no drift is claimed)."""

    decay: float = 0.97
    long_window: int = 1000
    sample: int = 2500
    floor: float = 0.1  # of the volatility of all history: a move out of a calm peg says nothing of other days
    name: ClassVar[str] = "empirical"
    revision: ClassVar[int] = 1

    def forecast(self, history: Series, steps: int) -> QuantilePath:
        """Today's volatility times past moves, each taken in units of its own day's volatility."""
        need(history, 2 * steps, self.name)
        returns = history.log_returns()
        variances = (ewma_variances(returns, self.decay) + rolling_variances(returns, self.long_window)) / 2
        # [n], sigma known at the close of each return's day
        sigmas = np.maximum(np.sqrt(variances), self.floor * np.std(returns))
        logs = np.log(history.values)[1:]  # the closes of those days
        return around_last(history.last, np.stack([self._spread(logs, sigmas, step) for step in range(1, steps + 1)]))

    def _spread(self, logs: Floats, sigmas: Floats, step: int) -> Floats:
        """Log moves over `step` days at LEVELS."""
        moves = np.abs(logs[step:] - logs[:-step])[-self.sample :]
        scale = (sigmas[:-step] * np.sqrt(step))[-self.sample :]
        moving = scale > 0
        if not moving.any():
            return np.zeros(len(LEVELS))
        return np.asarray(sigmas[-1] * np.sqrt(step) * mirrored(moves[moving] / scale[moving]))
