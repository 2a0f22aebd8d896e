"""What an MLflow run says of a forecast: its tags, params and metrics under their documented names."""

from datetime import datetime
from typing import Any

from forex_core.mlops.names import DOCUMENTED_PAIR
from forex_core.values import Forecast, Part

LONGEST_VALUE = 5000  # MLflow cuts or refuses longer params and tags


def tags_of(forecast: Forecast, *, skip_email: bool) -> dict[str, str]:
    """The documented tags, and those that find a run again."""
    return {
        "environment": forecast.environment,
        "skip_email": str(skip_email),
        "forecast_id": forecast.forecast_id,
        "pair": forecast.pair,
        "horizon": forecast.horizon,
        "role": forecast.role,
        "issued_on": forecast.issued_on.isoformat(),
        "source": forecast.spot.source,
        "sources": _sources(forecast),
        "version_id": forecast.version_id,
        "content_hash": forecast.content_hash,
        "data_hash": forecast.data_hash,
        "code_version": forecast.code_version,
        "model_type": "Ensemble",
        "mlflow.note.content": (
            f"{forecast.pair} on {forecast.target_date}, {forecast.horizon} after {forecast.issued_on}, "
            f"from {forecast.spot.value:g} ({forecast.spot.source})"
        ),
    } | {f"weights_{name}": hashed for name, hashed in forecast.weights_hashes.items()}


def params_of(forecast: Forecast) -> dict[str, str]:
    """The documented params; what this forecast does not use is logged as such."""
    quantiles = forecast.quantiles
    copper = forecast.context.part("copper")
    deciles = [quantiles[level / 10] for level in range(1, 10)]
    params: dict[str, Any] = {
        "num_sources": max(1, len(forecast.context.sources)),
        "num_news": len(forecast.context.headlines),
        "num_events": len(forecast.context.events),
        "series_length": forecast.history_length,
        "copper_features_available": bool(copper and copper.source),
        "forecast_mean": sum(deciles) / len(deciles),
        "forecast_std": (quantiles[0.9] - quantiles[0.1]) / 2.563,
        "spot": forecast.spot.value,
        "target_date": forecast.target_date,
        "steps": forecast.steps,
        "members": ", ".join(member.name for member in forecast.members),
        "weighting": forecast.weighting,
    }
    if forecast.pair == DOCUMENTED_PAIR:
        params["usdclp_series_length"] = forecast.history_length
    return {name: str(value) for name, value in params.items()}


def metrics_of(forecast: Forecast) -> dict[str, float]:
    """rmse and mae in quote currency, mape in percent, the rest fractions; none of them before a target has come."""
    metrics: dict[str, float] = {}
    if backtest := forecast.backtest:
        named = {
            "rmse": backtest.rmse,
            "mae": backtest.mae,
            "mape": backtest.mape,
            "directional_accuracy": backtest.directional_accuracy,
            "wql_ratio": backtest.wql_ratio,
            "coverage_80": backtest.coverage_80,
        }
        metrics |= {f"{forecast.horizon}_{name}": value for name, value in named.items()}
    for member in forecast.members:
        metrics[f"{member.name}_weight"] = member.weight
        if score := member.score:
            metrics |= {
                f"{member.name}_rmse": score.rmse,
                f"{member.name}_mae": score.mae,
                f"{member.name}_mape": score.mape,
            }
    return metrics


def run_name(prefix: str, moment: datetime) -> str:
    """`forecast_20250706_185100`."""
    return f"{prefix}_{moment:%Y%m%d_%H%M%S}"


def _sources(forecast: Forecast) -> str:
    """`USDCLP bcch, copper yahoo`: where each part came from."""
    parts = forecast.context.parts or (Part(forecast.pair, forecast.spot.source),)
    return ", ".join(f"{part.name} {part.source}" for part in parts if part.source)[:LONGEST_VALUE]
