"""Linear regression: ridge on vol-scaled features, direct at each number of steps, its past errors as the spread."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from forex_core.dataset.features import NAMES, WIDEST, features
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
        seen = self._seen(history)
        if seen is None:
            return around_last(history.last, np.zeros((steps, len(LEVELS))))  # it does not move
        fitted = np.stack([self._scaled(seen, step) for step in FITTED])
        ahead = np.arange(1, steps + 1)
        scaled = np.column_stack([np.interp(ahead, FITTED, level) for level in fitted.T])
        return around_last(history.last, scaled * seen.sigmas[-1] * np.sqrt(ahead)[:, None])

    def fitted(self, history: Series) -> dict[str, dict[str, float]]:
        """The regressions' coefficients by number of steps and feature, in units of volatility."""
        need(history, 300 + LONGEST_PATH, self.name)
        if (seen := self._seen(history)) is None:
            return {}
        return {
            str(step): dict(zip(seen.names, map(float, self._weights(*seen.fit_data(step, self.sample))), strict=True))
            for step in FITTED
        }

    def described(self, fitted: dict[str, dict[str, float]]) -> str:
        """The strongest coefficient, in words."""
        sizes = [(abs(weight), name, step) for step, row in fitted.items() for name, weight in row.items()]
        if not sizes:
            return "the rate does not move"
        size, name, step = max(sizes)
        return f"the largest coefficient is {size:.4f}, of {name} at {step} days"

    def feature_config(self) -> dict[str, object]:
        """What it is fitted on."""
        return {"feature_cols": list(NAMES), "scaler": {"kind": "mean of four volatilities of the same day"}}

    def _seen(self, history: Series) -> "_Seen | None":
        table = features(history, self.drivers)
        usable = table.usable
        if not usable[-1]:
            return None
        sigmas = np.maximum(table.sigmas[usable], self.floor * np.std(history.log_returns()))
        return _Seen(table.names, table.values[usable], sigmas, np.log(history.values)[usable])

    def _weights(self, inputs: Floats, targets: Floats) -> Floats:
        gram = inputs.T @ inputs + self.shrink * np.eye(inputs.shape[1])
        return np.asarray(np.linalg.solve(gram, inputs.T @ targets))

    def _scaled(self, seen: "_Seen", step: int) -> Floats:
        """Log moves over `step` days at LEVELS, in units of today's volatility over so many days."""
        inputs, targets = seen.fit_data(step, self.sample)
        weights = self._weights(inputs, targets)
        centre = 0.0 if self.recentre else seen.inputs[-1] @ weights
        return np.asarray(centre + mirrored(targets - inputs @ weights))


@dataclass(frozen=True)
class _Seen:
    """The usable rows of a history. inputs [n, k]; sigmas, logs [n]."""

    names: tuple[str, ...]
    inputs: Floats
    sigmas: Floats
    logs: Floats

    def fit_data(self, step: int, sample: int) -> tuple[Floats, Floats]:
        """The last rows whose move over `step` days is known, and those moves in units of their day's volatility."""
        moves = (self.logs[step:] - self.logs[:-step]) / (self.sigmas[:-step] * np.sqrt(step))
        return self.inputs[:-step][-sample:], np.clip(moves, -WIDEST, WIDEST)[-sample:]
