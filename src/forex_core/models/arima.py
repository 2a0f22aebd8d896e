"""ARIMA on log rates: of the orders (0,1,0) to (1,1,1) without drift, the one with the lowest AICc."""

from dataclasses import dataclass
from typing import ClassVar

from forex_core.models.member import Heavy
from forex_core.models.statsforecast_member import gaussian_path, mean_and_sigma
from forex_core.values import Floats, QuantilePath, Series


@dataclass(frozen=True)
class Arima(Heavy):
    """More terms, or a drift, were worse than the random walk at every horizon."""

    window: int = 1500
    max_p: int = 1
    max_q: int = 1
    name: ClassVar[str] = "arima"
    revision: ClassVar[int] = 1

    def forecast(self, history: Series, steps: int) -> QuantilePath:
        """The mean of the model at every step, in its Gaussian spread."""
        return gaussian_path(self.name, history, self.window, steps, self._fit)

    def _fit(self, logs: Floats, steps: int) -> tuple[Floats, Floats]:
        from statsforecast.models import AutoARIMA

        # approximation: the orders are compared by sums of squares, and the best fitted by its full likelihood
        model = AutoARIMA(
            d=1, max_p=self.max_p, max_q=self.max_q, season_length=1, allowdrift=False, approximation=True
        )
        return mean_and_sigma(model, logs, steps)
