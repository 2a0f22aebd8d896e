"""What the members from statsforecast share: log rates in units of a daily move, and Gaussian quantiles."""

from collections.abc import Callable
from typing import Any

import numpy as np

from forex_core.errors import ModelError
from forex_core.models.library import library_of, rounded
from forex_core.models.member import need
from forex_core.models.spread import around_last, standard_normal
from forex_core.values import LEVELS, Floats, QuantilePath, Series

TAIL = max(LEVELS)
AWAY = 3.0  # sigmas

Fit = Callable[[Floats, int], tuple[Floats, Floats]]  # logs [n] and steps -> mean and sigma, [steps] each


def gaussian_path(name: str, history: Series, window: int, steps: int, fit: Fit) -> QuantilePath:
    """The path of a model that `fit` puts on the log rates of the last `window` days.

    The model sees them from the last one and in units of their root mean square move, so that neither the currency
    nor its calm decides where an optimiser stops. ModelError if it fails, or if it takes the last value itself for an
    outlier, as a smoothed level does on the day after a peg broke.
    """
    need(history, 200, name)
    logs = np.log(history.values[-window - 1 :])
    unit = float(np.sqrt(np.mean(np.diff(logs) ** 2)))
    if unit == 0:
        return around_last(history.last, np.zeros((steps, len(LEVELS))))
    with library_of(name):
        mean, sigma = fit(rounded((logs - logs[-1]) / unit), steps)
    if not (np.abs(mean) <= AWAY * sigma).all():  # nor is NaN
        raise ModelError(f"{name} does not believe the last rate, {history.last:g}")
    return around_last(history.last, unit * (mean[:, None] + sigma[:, None] * standard_normal()))


def mean_and_sigma(model: Any, logs: Floats, steps: int) -> tuple[Floats, Floats]:
    """What a model of statsforecast says: its mean, and its sigma as read off the interval that it gives."""
    percent = round(200 * TAIL - 100)
    said = model.forecast(y=logs, h=steps, level=[percent])
    mean, high = np.asarray(said["mean"]), np.asarray(said[f"hi-{percent}"])
    return mean, (high - mean) / standard_normal()[LEVELS.index(TAIL)]
