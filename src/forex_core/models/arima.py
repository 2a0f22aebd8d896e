"""ARIMA on log rates: of the orders (0,1,0) to (1,1,1) without drift, the one with the lowest AICc."""

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from forex_core.models.library import library_of
from forex_core.models.member import Heavy, need
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

    def fitted(self, history: Series) -> dict[str, Any]:
        """Its order (p, d, q) and coefficients on the log rates of the window."""
        need(history, 200, self.name)
        with library_of(self.name):
            model = self._model().fit(np.log(history.values[-self.window - 1 :])).model_
        p, q, *_, d, _ = model["arma"]
        coefficients = {name: float(value) for name, value in model["coef"].items()}
        return {"order": [int(p), int(d), int(q)], "coefficients": coefficients, "sigma2": float(model["sigma2"])}

    def described(self, fitted: dict[str, Any]) -> str:
        """Its order, in words."""
        return f"order {tuple(fitted['order'])}, daily volatility {fitted['sigma2'] ** 0.5:.2%}"

    def _fit(self, logs: Floats, steps: int) -> tuple[Floats, Floats]:
        return mean_and_sigma(self._model(), logs, steps)

    def _model(self) -> Any:
        from statsforecast.models import AutoARIMA

        # approximation: the orders are compared by sums of squares, and the best fitted by its full likelihood
        return AutoARIMA(d=1, max_p=self.max_p, max_q=self.max_q, season_length=1, allowdrift=False, approximation=True)
