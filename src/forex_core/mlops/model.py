"""Save a run's model: a few KB of configuration that any MLflow client can load and ask."""

import json
import warnings
from pathlib import Path
from tempfile import TemporaryDirectory

from forex_core.mlops.quiet import mlflow
from forex_core.values import Forecast

LOADER = "forex_core.mlops.pyfunc_model"


def save_model(folder: Path, forecast: Forecast) -> None:
    """Write the pyfunc model of a forecast's version; loads by `runs:/<id>/model` where forex-core is installed."""
    pyfunc = mlflow().pyfunc
    from mlflow.models import ModelSignature
    from mlflow.types import ColSpec, ParamSchema, ParamSpec, Schema

    config = {
        "pair": forecast.pair,
        "horizon": forecast.horizon,
        "version_id": forecast.version_id,
        "steps": forecast.steps,
        "weighting": forecast.weighting,
        "weights": {member.name: member.weight for member in forecast.members if member.state == "ok"},
    }
    with TemporaryDirectory() as scratch, warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # it asks for an input example to infer the signature given here
        file = Path(scratch) / "config.json"
        file.write_text(json.dumps(config, indent=1), encoding="utf-8")
        pyfunc.save_model(
            folder,
            loader_module=LOADER,
            data_path=str(file),
            signature=ModelSignature(
                inputs=Schema([ColSpec("datetime", "date"), ColSpec("double", "value")]),
                params=ParamSchema([ParamSpec("steps", "long", forecast.steps)]),
            ),
            pip_requirements=["forex-core"],  # given, never inferred: inferring starts a process and takes seconds
        )
