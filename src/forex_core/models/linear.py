"""Linear regression: ridge on vol-scaled features, direct at each number of steps, its past errors as the spread."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from forex_core.dataset.features import WIDEST, features
from forex_core.horizons import LONGEST_PATH
from forex_core.models.member import need
from forex_core.models.spread import around_last, mirrored
from forex_core.values import LEVELS, Floats, QuantilePath, Series

FITTED = (1, 2, 5, 11, 21, 42, LONGEST_PATH)  # steps ahead with a regression of their own; between them its quantiles


@dataclass(frozen=True)
class Linear:
    """Direct forecasts of the move over some numbers of steps, strongly shrunk to none.

    shrink: the ridge's penalty on features of unit size. recentre: keep only the spread, so that the median is the
    last value; over eleven years and twelve pairs the regression's own centre was no better. drivers: other series
    whose moves are features where the history carries them.
    """

    shrink: float = 1e4
    sample: int = 2500
    floor: float = 0.1  # of the volatility of all history: a move out of a calm peg says nothing of other days
    recentre: bool = True
    drivers: tuple[str, ...] = ("copper",)
    name: ClassVar[str] = "linear"
    revision: ClassVar[int] = 1

    def forecast(self, history: Series, steps: int) -> QuantilePath:
        """The move in units of today's volatility, its spread that of the fitted errors, mirrored."""
        need(history, 300 + LONGEST_PATH, self.name)
        table = features(history, self.drivers)
        usable = table.usable
        if not usable[-1]:
            return around_last(history.last, np.zeros((steps, len(LEVELS))))  # it does not move
        inputs = table.values[usable]
        sigmas = np.maximum(table.sigmas[usable], self.floor * np.std(history.log_returns()))
        logs = np.log(history.values)[usable]
        fitted = np.stack([self._scaled(inputs, sigmas, logs, step) for step in FITTED])
        ahead = np.arange(1, steps + 1)
        scaled = np.column_stack([np.interp(ahead, FITTED, level) for level in fitted.T])
        return around_last(history.last, scaled * sigmas[-1] * np.sqrt(ahead)[:, None])

    def _scaled(self, inputs: Floats, sigmas: Floats, logs: Floats, step: int) -> Floats:
        """Log moves over `step` days at LEVELS, in units of today's volatility over so many days."""
        moves = (logs[step:] - logs[:-step]) / (sigmas[:-step] * np.sqrt(step))
        targets = np.clip(moves, -WIDEST, WIDEST)[-self.sample :]
        seen = inputs[:-step][-self.sample :]
        weights = np.linalg.solve(seen.T @ seen + self.shrink * np.eye(seen.shape[1]), seen.T @ targets)
        centre = 0.0 if self.recentre else inputs[-1] @ weights
        return np.asarray(centre + mirrored(targets - seen @ weights))
