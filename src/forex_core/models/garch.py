"""GARCH(1,1) with Student-t errors, and filtered historical simulation of what comes (Barone-Adesi et al. 1999)."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from forex_core.errors import ModelError
from forex_core.models.library import library_of, rounded
from forex_core.models.member import Heavy, need
from forex_core.models.spread import around_last, mirrored
from forex_core.values import LEVELS, Floats, QuantilePath, Series


@dataclass(frozen=True)
class Garch(Heavy):
    """Past returns, each in units of its own day's volatility, drawn anew and mirrored: no drift is claimed.

    The window is the best of 1000, 1500 and 2500 days on 2006-2014.
    """

    window: int = 2500
    paths: int = 4000
    seed: int = 1
    name: ClassVar[str] = "garch"
    revision: ClassVar[int] = 1

    def forecast(self, history: Series, steps: int) -> QuantilePath:
        """Quantiles of simulated paths around the last value; ModelError if no fit converges."""
        need(history, 200, self.name)
        returns = history.log_returns()[-self.window :]
        unit = float(np.sqrt(np.mean(returns**2)))
        if unit == 0:
            return around_last(history.last, np.zeros((steps, len(LEVELS))))
        with library_of(self.name):
            fitted, sigmas = fit(rounded(returns / unit))
        moves = self._simulated(returns / unit / sigmas[:-1], sigmas[-1], fitted, steps)
        return around_last(history.last, unit * np.stack([mirrored(at_step) for at_step in moves]))

    def _simulated(self, shocks: Floats, sigma: float, fitted: tuple[float, float, float], steps: int) -> Floats:
        """Moves from the last value, [steps, paths], in the unit of `shocks` and `sigma`, tomorrow's."""
        omega, alpha, beta = fitted
        either_way = np.concatenate([shocks, -shocks])
        drawn = np.random.default_rng(self.seed).integers(len(either_way), size=(steps, self.paths))
        variances = np.full(self.paths, sigma**2)
        returns = np.empty(drawn.shape)
        for step, picked in enumerate(drawn):
            returns[step] = np.sqrt(variances) * either_way[picked]
            variances = omega + alpha * returns[step] ** 2 + beta * variances
        return np.cumsum(returns, axis=0)


def fit(returns: Floats) -> tuple[tuple[float, float, float], Floats]:
    """Omega, alpha and beta, and the volatility of each day and of tomorrow, [n + 1]; returns of variance about 1.

    Student's likelihood has no top where the same rate runs on for weeks; there the normal one stands in, whose
    estimates are consistent whatever the errors (Bollerslev and Wooldridge 1992).
    """
    from arch.univariate import GARCH, Normal, StudentsT, ZeroMean

    for errors in (StudentsT(), Normal()):
        model = ZeroMean(returns, volatility=GARCH(), distribution=errors, rescale=False)
        found = model.fit(disp="off", show_warning=False)
        if found.convergence_flag == 0:
            omega, alpha, beta, *_ = found.params.tolist()
            sigmas = np.asarray(found.conditional_volatility)
            tomorrow = np.sqrt(omega + alpha * returns[-1] ** 2 + beta * sigmas[-1] ** 2)
            return (omega, alpha, beta), np.append(sigmas, tomorrow)
    raise ModelError(f"no convergence: {found.optimization_result.message}")
