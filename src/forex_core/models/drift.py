"""The random walk with half of its long-run drift: a challenger at 90 days, for a currency whose interest carries."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from forex_core.models.random_walk import RandomWalk
from forex_core.values import QuantilePath, Series


@dataclass(frozen=True)
class Drift(RandomWalk):
    """Half, since even the mean of all log returns is badly known; that of a recent year is worse than none."""

    share: float = 0.5
    name: ClassVar[str] = "drift"
    revision: ClassVar[int] = 1  # rises with that of RandomWalk as well

    def forecast(self, history: Series, steps: int) -> QuantilePath:
        """The random walk's path, moved by the drift of as many steps."""
        path = super().forecast(history, steps)
        daily = self.share * float(np.mean(history.log_returns()))
        return QuantilePath(path.rates * np.exp(daily * np.arange(1, steps + 1))[:, None])
