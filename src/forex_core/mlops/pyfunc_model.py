"""The model of a run as MLflow loads it: the configuration of a version, fitted anew on the rates it is given.

MLflow copies this file beside the configuration (models from code), so nothing is pickled.
"""

from typing import Any

import mlflow
import numpy as np
import pandas as pd
from mlflow.pyfunc import PythonModel

from forex_core.ensemble.combine import combine
from forex_core.models.table import members_named
from forex_core.values import LEVELS, Series


class ForecastModel(PythonModel):  # type: ignore[misc]  # mlflow comes without types
    """predict(DataFrame[date, value]) -> DataFrame, a row a business day ahead, a column a level, in quote per base."""

    def load_context(self, context: Any) -> None:
        """Take the configuration that was saved with the model."""
        self.config = context.model_config

    # without a type on model_input: MLflow would take one for a schema of its own, and warns; the signature says it
    def predict(self, context, model_input, params: dict[str, Any] | None = None):  # type: ignore[no-untyped-def]
        """Forecast from the last row; `params={"steps": n}` looks another number of business days ahead."""
        dates = model_input["date"].to_numpy(dtype="datetime64[D]").copy()
        history = Series(dates, model_input["value"].to_numpy(dtype=float).copy())
        steps = int((params or {}).get("steps", self.config["steps"]))
        weights = dict(self.config["weights"])
        paths = {member.name: member.forecast(history, steps) for member in members_named(tuple(weights))}
        path = combine(paths, weights)
        return pd.DataFrame(path.rates, index=np.arange(1, steps + 1), columns=[str(level) for level in LEVELS])


mlflow.models.set_model(ForecastModel())
