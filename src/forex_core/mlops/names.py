"""How things are called in MLflow: experiments, their tags and folders."""

from pathlib import Path

DOCUMENTED_PAIR = "USDCLP"  # its experiments carry no pair in their names


def experiment_name(pair: str, horizon: str) -> str:
    """`forecaster_7d` for the documented pair, `forecaster_7d_EURUSD` for any other."""
    return f"forecaster_{horizon}" if pair == DOCUMENTED_PAIR else f"forecaster_{horizon}_{pair}"


def experiment_tags(pair: str, horizon: str) -> dict[str, str]:
    """What an experiment says of itself."""
    return {"service": f"forecaster_{horizon}", "pair": pair, "horizon": horizon, "model_family": "ensemble"}


def experiment_location(artifacts: Path, name: str) -> str:
    """The folder of an experiment's artifacts, absolute, as a URI: MLflow knows no portable relative form."""
    return (artifacts.absolute() / name).as_uri()
