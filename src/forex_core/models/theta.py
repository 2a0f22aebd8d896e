"""The dynamic optimised theta model on log rates: a smoothed level, and a part of the trend (Fiorucci et al. 2016)."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from forex_core.models.member import Heavy
from forex_core.models.statsforecast_member import gaussian_path
from forex_core.values import Floats, QuantilePath, Series


@dataclass(frozen=True)
class Theta(Heavy):
    """Of the four theta models and 250 to 1500 days, the best on 2006-2014."""

    window: int = 500
    model: str = "DOTM"
    name: ClassVar[str] = "theta"
    revision: ClassVar[int] = 1

    def forecast(self, history: Series, steps: int) -> QuantilePath:
        """The mean of the model at every step, in a Gaussian spread that grows as the level may wander."""
        return gaussian_path(self.name, history, self.window, steps, self._fit)

    def _fit(self, logs: Floats, steps: int) -> tuple[Floats, Floats]:
        from statsforecast.models import AutoTheta

        model = AutoTheta(season_length=1, model=self.model).fit(logs)
        alpha, residuals = model.model_["par"]["alpha"], model.model_["residuals"][3:]  # the first three start it up
        # The library's own interval is read off 200 draws. This is that of the smoothed level: what an error
        # does to the trend is of the order of one over the square of the days.
        sigma = np.std(residuals, ddof=1) * np.sqrt(1 + np.arange(steps) * alpha**2)
        return model.predict(steps)["mean"], sigma
