"""The model of a run as MLflow loads it: the configuration of a version, fitted anew on the rates it is given.

MLflow's generic loader calls `_load_pyfunc` with the saved configuration, so nothing is pickled.
"""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from forex_core.ensemble.combine import combine, middle
from forex_core.ensemble.weights import MEDIAN
from forex_core.models.member import Member
from forex_core.models.table import configured, members_named
from forex_core.settings import Settings
from forex_core.values import LEVELS, Series


@dataclass(frozen=True)
class ForecastModel:
    """weights: of the members by name; steps: business days ahead unless told otherwise.

    configured: the members that settings change, such as those whose weights lie in the data directory.
    """

    weights: dict[str, float]
    steps: int
    weighting: str = "equal"
    configured: Mapping[str, Member] = field(default_factory=dict)

    def predict(self, rates: Any, params: dict[str, Any] | None = None) -> Any:
        """DataFrame[date, value] to a DataFrame: a row a business day ahead, a column a level, in quote per base.

        Further columns are drivers by name, as each was known when the rate of its row was.
        `params={"steps": n}` looks another number of business days ahead.
        """
        import numpy as np
        import pandas as pd

        dates = rates["date"].to_numpy(dtype="datetime64[D]").copy()
        columns = {str(name): rates[name].to_numpy(dtype=float).copy() for name in rates.columns if name != "date"}
        history = Series(dates, columns.pop("value"), columns)
        steps = int((params or {}).get("steps", self.steps))
        members = members_named(tuple(self.weights), self.configured)
        paths = {member.name: member.forecast(history, steps) for member in members}
        path = middle(paths) if self.weighting == MEDIAN else combine(paths, self.weights)
        return pd.DataFrame(path.rates, index=np.arange(1, steps + 1), columns=[str(level) for level in LEVELS])


def _load_pyfunc(path: str) -> ForecastModel:
    """MLflow's entry; `path` is the configuration file beside the model."""
    config = json.loads(Path(path).read_text(encoding="utf-8"))
    settings = Settings.load({}, os.environ, Path.cwd())
    return ForecastModel(config["weights"], config["steps"], config["weighting"], configured(settings))
