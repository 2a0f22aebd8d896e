"""The random walk as a member: last value, Student-t spread, volatility the mean of two EWMAs and two windows."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from forex_core.dataset.volatility import ewma_variances, sd
from forex_core.models.member import need
from forex_core.models.spread import around_last, standard_student
from forex_core.values import QuantilePath, Series


@dataclass(frozen=True)
class RandomWalk:
    """Fast and slow volatility in equal parts: the best of about 55 mixes on 2006-2014, kept since."""

    dof: int = 5
    decays: tuple[float, ...] = (0.94, 0.97)
    windows: tuple[int, ...] = (250, 1000)
    name: ClassVar[str] = "random_walk"
    revision: ClassVar[int] = 1

    def forecast(self, history: Series, steps: int) -> QuantilePath:
        """The last value, with a spread that grows with the square root of the steps."""
        need(history, 60, self.name)
        returns = history.log_returns()
        fast = [float(np.sqrt(ewma_variances(returns, decay)[-1])) for decay in self.decays]
        slow = [sd(returns, window) for window in self.windows]
        spread = np.mean(fast + slow) * np.sqrt(np.arange(1, steps + 1))
        return around_last(history.last, spread[:, None] * standard_student(self.dof)[None, :])
