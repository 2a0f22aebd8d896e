"""The network in NumPy: a window of inputs in, quantiles of the moves ahead out.

One LSTM layer (Hochreiter and Schmidhuber 1997; gates in torch's order: input, forget, cell, output) and one linear
layer on its last state. That one says, at each knot and for each level above the median, by what factor variance
grows compared with a random walk of Student's t. Summed over knots and levels, variances can't fall and quantiles
can't cross.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from forex_core.models.lstm.features import COLUMNS
from forex_core.models.lstm.recipe import Recipe
from forex_core.models.spread import ABOVE, standard_student
from forex_core.values import Floats

Tensors = Mapping[str, NDArray[np.float32]]


def shapes(recipe: Recipe) -> dict[str, tuple[int, ...]]:
    """The tensors that make a network of this recipe."""
    gates, knots = 4 * recipe.units, len(recipe.knots)
    said = knots * len(ABOVE) + knots
    return {
        "input_weight": (gates, len(COLUMNS)),
        "hidden_weight": (gates, recipe.units),
        "bias": (gates,),
        "head_weight": (said, recipe.units),
        "head_bias": (said,),
    }


def starting_variances(recipe: Recipe) -> Floats:
    """What each knot and level adds to a random walk's squared quantiles, in daily variances, [knots, levels above]."""
    squares = standard_student(recipe.dof)[-len(ABOVE) :] ** 2
    return np.outer(np.diff(recipe.knots, prepend=0), np.diff(squares, prepend=0))


@dataclass(frozen=True)
class Network:
    """A trained network. Arithmetic is in float64, whatever the weights are stored in."""

    recipe: Recipe
    tensors: Mapping[str, Floats]

    def at_knots(self, window: Floats) -> tuple[Floats, Floats]:
        """From inputs [time_steps, features] squared quantiles above the median [knots, levels above] in daily
        variances, and the median [knots] in daily sigmas."""
        said = self.tensors["head_weight"] @ self._last_state(window) + self.tensors["head_bias"]
        knots = len(self.recipe.knots)
        raw, median = said[:-knots].reshape(knots, len(ABOVE)), said[-knots:]
        widest = np.log(self.recipe.bound)
        added = starting_variances(self.recipe) * np.exp(widest * np.tanh(raw / widest))
        return added.cumsum(axis=0).cumsum(axis=1), median * np.sqrt(self.recipe.knots)

    def moves(self, window: Floats, steps: int, *, recentre: bool) -> Floats:
        """Quantiles at LEVELS of the move over each of the next `steps` days, in daily sigmas, [steps, levels]."""
        squares, medians = self.at_knots(window)
        spread = np.sqrt(np.column_stack([self._between(squares[:, level], steps) for level in range(len(ABOVE))]))
        mirrored = np.hstack([-spread[:, ::-1], np.zeros((steps, 1)), spread])
        return mirrored if recentre else mirrored + self._between(medians, steps)[:, None]

    def _between(self, at_knots: Floats, steps: int) -> Floats:
        """Straight lines from 0 today through the knots, the last one going on, [steps]: variance grows with time."""
        knots, values = np.array([0, *self.recipe.knots]), np.concatenate([[0.0], at_knots])
        slope = (values[-1] - values[-2]) / (knots[-1] - knots[-2])
        ahead = np.arange(1, steps + 1)
        return np.asarray(np.interp(ahead, knots, values) + slope * np.maximum(ahead - knots[-1], 0))

    def _last_state(self, window: Floats) -> Floats:
        """The hidden state after the last day, [units]."""
        driven = window @ self.tensors["input_weight"].T + self.tensors["bias"]  # [time_steps, 4 * units]
        # a sigmoid is half of one plus a tanh of half; the candidate's is a plain tanh
        halves = np.repeat([0.5, 0.5, 1.0, 0.5], self.recipe.units)
        state = cell = np.zeros(self.recipe.units)
        for day in driven:
            gates = np.tanh(halves * (day + self.tensors["hidden_weight"] @ state)).reshape(4, -1)
            entering, forgetting, leaving = 0.5 + 0.5 * gates[[0, 1, 3]]
            cell = forgetting * cell + entering * gates[2]
            state = leaving * np.tanh(cell)
        return state
