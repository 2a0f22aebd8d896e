"""Save a run's model: a few KB of configuration that any MLflow client can load and ask."""

import warnings
from pathlib import Path

from forex_core.mlops.quiet import mlflow
from forex_core.values import Forecast

CODE = Path(__file__).with_name("pyfunc_model.py")


def save_model(folder: Path, forecast: Forecast) -> None:
    """Write the pyfunc model of a forecast's version; loads by `runs:/<id>/model` where forex-core is installed."""
    pyfunc = mlflow().pyfunc
    from mlflow.models import ModelSignature
    from mlflow.types import ColSpec, ParamSchema, ParamSpec, Schema

    signature = ModelSignature(
        inputs=Schema([ColSpec("datetime", "date"), ColSpec("double", "value")]),
        params=ParamSchema([ParamSpec("steps", "long", forecast.steps)]),
    )
    config = {
        "pair": forecast.pair,
        "horizon": forecast.horizon,
        "steps": forecast.steps,
        "version_id": forecast.version_id,
        "weights": {member.name: member.weight for member in forecast.members if member.state == "ok"},
    }
    with warnings.catch_warnings():
        # MLflow advises type hints and an input example, to infer the signature that is given here
        warnings.simplefilter("ignore", UserWarning)
        pyfunc.save_model(
            folder,
            python_model=str(CODE),
            model_config=config,
            signature=signature,
            pip_requirements=["forex-core"],  # given, never inferred: inferring starts a process and takes seconds
        )
