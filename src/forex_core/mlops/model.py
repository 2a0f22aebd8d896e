"""Save a run's model: a few KB of configuration that any MLflow client can load and ask."""

import json
import warnings
from importlib.metadata import version
from pathlib import Path

from forex_core.mlops.quiet import mlflow
from forex_core.values import Forecast

LOADER = "forex_core.mlops.pyfunc_model"
CONFIG = "config.json"


def save_model(folder: Path, forecast: Forecast) -> None:
    """Write the pyfunc model of a forecast's version; loads by `runs:/<id>/model` where forex-core is installed.

    By MLflow's call for folders that exist: its `save_model` would look through every installed package each time.
    """
    pyfunc = mlflow().pyfunc
    from mlflow.models import Model, ModelSignature
    from mlflow.types import ColSpec, ParamSchema, ParamSpec, Schema

    config = {
        "pair": forecast.pair,
        "horizon": forecast.horizon,
        "version_id": forecast.version_id,
        "steps": forecast.steps,
        "weighting": forecast.weighting,
        "weights": {member.name: member.weight for member in forecast.members if member.state == "ok"},
    }
    signature = ModelSignature(
        inputs=Schema([ColSpec("datetime", "date"), ColSpec("double", "value")]),
        params=ParamSchema([ParamSpec("steps", "long", forecast.steps)]),
    )
    folder.mkdir(parents=True)
    (folder / CONFIG).write_text(json.dumps(config, indent=1), encoding="utf-8")
    (folder / "requirements.txt").write_text(f"mlflow=={version('mlflow')}\nforex-core\n", encoding="utf-8")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # on type hints of the loader's own
        model = Model(signature=signature)
        pyfunc.add_to_model(model, loader_module=LOADER, data=CONFIG)
        model.save(str(folder / "MLmodel"))
