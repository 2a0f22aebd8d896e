"""The model of a run as MLflow loads it: the configuration of a version, fitted anew on the rates it is given.

MLflow's generic loader calls `_load_pyfunc` with the saved configuration, so nothing is pickled.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from forex_core.ensemble.combine import combine
from forex_core.models.table import members_named
from forex_core.values import LEVELS, Series


@dataclass(frozen=True)
class ForecastModel:
    """weights: of the members by name; steps: business days ahead unless told otherwise."""

    weights: dict[str, float]
    steps: int

    def predict(self, rates: Any, params: dict[str, Any] | None = None) -> Any:
        """DataFrame[date, value] to a DataFrame: a row a business day ahead, a column a level, in quote per base.

        `params={"steps": n}` looks another number of business days ahead.
        """
        import numpy as np
        import pandas as pd

        dates = rates["date"].to_numpy(dtype="datetime64[D]").copy()
        history = Series(dates, rates["value"].to_numpy(dtype=float).copy())
        steps = int((params or {}).get("steps", self.steps))
        members = members_named(tuple(self.weights))
        path = combine({member.name: member.forecast(history, steps) for member in members}, self.weights)
        return pd.DataFrame(path.rates, index=np.arange(1, steps + 1), columns=[str(level) for level in LEVELS])


def _load_pyfunc(path: str) -> ForecastModel:
    """MLflow's entry; `path` is the configuration file beside the model."""
    config = json.loads(Path(path).read_text(encoding="utf-8"))
    return ForecastModel(config["weights"], config["steps"])
