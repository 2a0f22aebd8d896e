"""The yardstick: last value, Gaussian spread of constant volatility. Every skill and ratio is taken against it."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from forex_core.dataset.volatility import sd
from forex_core.models.member import need
from forex_core.models.spread import around_last, standard_normal
from forex_core.values import QuantilePath, Series


@dataclass(frozen=True)
class RandomWalkConstant:
    window: int = 1500
    name: ClassVar[str] = "rw_const"
    revision: ClassVar[int] = 1

    def forecast(self, history: Series, steps: int) -> QuantilePath:
        """The last value, with a spread that grows with the square root of the steps."""
        need(history, 20, self.name)
        sigma = sd(history.log_returns(), self.window)
        spread = sigma * np.sqrt(np.arange(1, steps + 1))
        return around_last(history.last, spread[:, None] * standard_normal()[None, :])
