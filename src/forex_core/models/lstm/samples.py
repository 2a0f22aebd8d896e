"""What the network learns from: windows of inputs, and what came of each, none of it known later than the cut-off."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
from numpy.typing import NDArray

from forex_core.dataset.view import Rates
from forex_core.errors import ModelError
from forex_core.models.lstm.features import inputs_of
from forex_core.models.lstm.recipe import SETTLED, Recipe
from forex_core.values import Series

FEWEST = 100  # samples on either side of the split, below which nothing is learned


@dataclass(frozen=True)
class Samples:
    """windows [n, time_steps, features]; outcomes [n, knots]: moves in sigmas of the origin times the root of steps.

    training, validation: positions. No outcome of training reaches into the dates of validation.
    """

    windows: NDArray[np.float32]
    outcomes: NDArray[np.float32]
    training: NDArray[np.int64]
    validation: NDArray[np.int64]


@dataclass(frozen=True)
class _Of:
    """One pair's: origins [n] and the dates [n] on which the farthest outcome came."""

    windows: NDArray[np.float32]
    outcomes: NDArray[np.float32]
    origins: NDArray[np.datetime64]
    realised: NDArray[np.datetime64]


def samples_of(panel: Sequence[Rates], cut_off: date, recipe: Recipe) -> Samples:
    """Every pair's samples as known at the end of `cut_off`; ModelError if they are too few."""
    histories = [rates.at_close(cut_off).series for rates in panel]
    long = SETTLED + recipe.time_steps + recipe.knots[-1] + 1
    found = [_of(history, recipe) for history in histories if len(history) > long]
    if not found:
        raise _too_few(cut_off)
    origins = np.concatenate([each.origins for each in found])
    realised = np.concatenate([each.realised for each in found])
    days = np.unique(origins)
    split = days[int(len(days) * (1 - recipe.validation))]
    training, validation = np.flatnonzero(realised < split), np.flatnonzero(origins >= split)
    if min(len(training), len(validation)) < FEWEST:
        raise _too_few(cut_off)
    return Samples(
        np.concatenate([each.windows for each in found]),
        np.concatenate([each.outcomes for each in found]),
        training,
        validation,
    )


def _too_few(cut_off: date) -> ModelError:
    return ModelError(f"the panel has too little history up to {cut_off} to train lstm on")


def _of(series: Series, recipe: Recipe) -> _Of:
    returns, logs = series.log_returns(), np.log(series.values)[1:]
    inputs = inputs_of(returns, recipe)
    knots = np.array(recipe.knots)
    origins = np.arange(SETTLED + recipe.time_steps - 1, len(returns) - knots[-1], recipe.stride)
    origins = origins[inputs.sigmas[origins] > 0]
    seen = origins[:, None] - np.arange(recipe.time_steps)[::-1]
    moves = logs[origins[:, None] + knots] - logs[origins][:, None]
    scale = inputs.sigmas[origins][:, None] * np.sqrt(knots)
    dates = series.dates[1:]
    return _Of(
        inputs.columns[seen].astype(np.float32),
        (moves / scale).astype(np.float32),
        dates[origins],
        dates[origins + knots[-1]],
    )
