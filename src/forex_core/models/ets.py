"""Simple exponential smoothing of log rates, ETS(A,N,N): the level is a weighted mean of the past, and stays."""

from dataclasses import dataclass
from typing import ClassVar

from forex_core.models.member import Heavy
from forex_core.models.statsforecast_member import gaussian_path, mean_and_sigma
from forex_core.values import Floats, QuantilePath, Series


@dataclass(frozen=True)
class Ets(Heavy):
    """A trend costs accuracy. Two years: of 500, 1000 and 1500 days the best on 2006-2014."""

    window: int = 500
    model: str = "ANN"
    name: ClassVar[str] = "ets"
    revision: ClassVar[int] = 1

    def forecast(self, history: Series, steps: int) -> QuantilePath:
        """The last level at every step, in a Gaussian spread that grows as the level may wander."""
        return gaussian_path(self.name, history, self.window, steps, self._fit)

    def _fit(self, logs: Floats, steps: int) -> tuple[Floats, Floats]:
        from statsforecast.models import AutoETS

        return mean_and_sigma(AutoETS(season_length=1, model=self.model), logs, steps)
