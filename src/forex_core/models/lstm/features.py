"""What the network sees of a history: each day's move and volatilities, in units of that day's own volatility."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from forex_core.dataset.volatility import ewma_variances, rolling_variances
from forex_core.models.lstm.recipe import Recipe
from forex_core.values import Floats

COLUMNS = ("scaled_return", "fast_volatility", "volatility_250", "volatility_1000")
FAST, WINDOWS = 0.94, (250, 1000)
FLOOR = 0.1  # of the volatility of 1,000 days: a move out of a calm peg says nothing of other days
MEMORY = 1500  # returns before a row, beyond which nothing weighs in it
WIDEST_MOVE, WIDEST_RATIO = 6.0, 3.0  # beyond so many sigmas, or logs, a column says no more


@dataclass(frozen=True)
class Inputs:
    """A row a return; each sees only those up to itself. columns [n, len(COLUMNS)]; sigmas [n]: daily volatility."""

    columns: Floats
    sigmas: Floats


def inputs_of(returns: Floats, recipe: Recipe) -> Inputs:
    """The columns of daily log returns, [n]."""
    own = np.sqrt(ewma_variances(returns, recipe.decay))
    fast = np.sqrt(ewma_variances(returns, FAST))
    slow = [np.sqrt(rolling_variances(returns, window)) for window in WINDOWS]
    sigmas = np.maximum(own, FLOOR * slow[-1])
    moving = sigmas > 0
    unit = np.where(moving, sigmas, 1.0)
    moves = np.clip(returns / unit, -WIDEST_MOVE, WIDEST_MOVE)
    ratios = [np.clip(_logs(sd / unit), -WIDEST_RATIO, WIDEST_RATIO) for sd in (fast, *slow)]
    return Inputs(np.column_stack([moves, *ratios]), sigmas)


def _logs(ratios: Floats) -> Floats:
    """Logarithms, and 0 where nothing moved."""
    return np.log(np.where(ratios > 0, ratios, 1.0))


def feature_config(recipe: Recipe) -> dict[str, Any]:
    """What goes into the network, in the order of its columns; its input is (1, time_steps, n_features)."""
    return {
        "feature_cols": list(COLUMNS),
        "parameters": {"fast_decay": FAST, "windows": list(WINDOWS)},
        "scaler": {
            "kind": "ewma volatility of the same day",
            "decay": recipe.decay,
            "floor": FLOOR,
            "widest": {"move": WIDEST_MOVE, "log_ratio": WIDEST_RATIO},
        },
        "time_steps": recipe.time_steps,
    }
