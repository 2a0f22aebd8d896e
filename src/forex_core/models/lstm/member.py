"""LSTM as a member: one network for every pair, trained beforehand, says how wide the days ahead are."""

from dataclasses import dataclass, field, fields
from datetime import date
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from forex_core.models.lstm import snapshots
from forex_core.models.lstm.features import MEMORY, feature_config, inputs_of
from forex_core.models.lstm.recipe import REVISION, SETTLED, Recipe
from forex_core.models.member import NO_PARAMETER, Retrained, need
from forex_core.models.spread import around_last
from forex_core.values import LEVELS, QuantilePath, Series


@dataclass(frozen=True)
class Lstm(Recipe, Retrained):
    """Its recipe, and where the weights are. A forecast takes the youngest that saw nothing of its last day or later.

    recentre: the median is the last value; otherwise where the network puts it, which is noise.
    """

    recentre: bool = True
    folder: Path | None = field(default=None, metadata=NO_PARAMETER)
    name: ClassVar[str] = "lstm"
    revision: ClassVar[int] = REVISION

    @property
    def recipe(self) -> Recipe:
        """What decides its weights."""
        return Recipe(**{each.name: getattr(self, each.name) for each in fields(Recipe)})

    def forecast(self, history: Series, steps: int) -> QuantilePath:
        """The network's quantiles, in units of today's volatility, around the last value."""
        need(history, SETTLED + self.time_steps, self.name)
        recipe = self.recipe
        path = snapshots.newest(self.folder, recipe, before=history.dates[-1].astype(object))
        network = snapshots.read(path, recipe).network
        inputs = inputs_of(history.log_returns()[-MEMORY:], recipe)
        sigma = inputs.sigmas[-1]
        if sigma == 0:  # no move in sight: nothing to scale by
            return around_last(history.last, np.zeros((steps, len(LEVELS))))
        moves = network.moves(inputs.columns[-self.time_steps :], steps, recentre=self.recentre)
        return around_last(history.last, sigma * moves)

    def weights_on(self, day: date) -> str:
        """The sha256 of the file that a forecast issued on `day` uses; ModelError if all are younger, or none."""
        return snapshots.fingerprint(snapshots.newest(self.folder, self.recipe, before=day))

    def cut_off_on(self, day: date) -> date:
        """What the weights that a forecast issued on `day` uses have seen at most."""
        return snapshots.read(snapshots.newest(self.folder, self.recipe, before=day), self.recipe).cut_off

    def feature_config(self) -> dict[str, Any]:
        """What goes into the network."""
        return feature_config(self.recipe)
