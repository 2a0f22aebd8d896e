"""Honest exchange-rate forecasts: known-at data, frozen forecasts, every number beside the random walk's."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from forex_core.bootstrap.engine import ForecastEngine
    from forex_core.bootstrap.loading import DataLoader

__all__ = ["DataLoader", "ForecastEngine"]


def __getattr__(name: str) -> Any:
    """The two names for notebooks, loaded when they are asked for: `import forex_core` stays instant."""
    if name == "DataLoader":
        from forex_core.bootstrap.loading import DataLoader

        return DataLoader
    if name == "ForecastEngine":
        from forex_core.bootstrap.engine import ForecastEngine

        return ForecastEngine
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
