"""The three weightings of an ensemble, the same for a forecast that is issued and for a window of a backtest."""

from collections.abc import Mapping
from dataclasses import dataclass

from forex_core.ensemble.combine import combine, equal_weights, middle
from forex_core.values import QuantilePath

EQUAL, MEDIAN, INVERSE_RMSE = WEIGHTINGS = "equal", "median", "inverse_rmse"
UNTRIED = 1.0  # the error of a member without a record: it is taken to be as good as the yardstick


@dataclass(frozen=True)
class Blend:
    """An ensemble's path, and how much each member counted."""

    path: QuantilePath
    weights: dict[str, float]


def blend(paths: Mapping[str, QuantilePath], weighting: str, errors: Mapping[str, float]) -> Blend:
    """Combine the paths (all equally long, at least one).

    errors: of each member, the RMSE of its past medians as a ratio to the yardstick's on the same windows; only
    `inverse_rmse` looks at them. `median` takes the median of the quantiles, level by level, and shows equal weights.
    """
    if weighting not in WEIGHTINGS:
        raise ValueError(f"no weighting {weighting!r}; there are {', '.join(WEIGHTINGS)}")
    weights = _inverse(paths, errors) if weighting == INVERSE_RMSE else equal_weights(list(paths))
    return Blend(middle(paths) if weighting == MEDIAN else combine(paths, weights), weights)


def _inverse(paths: Mapping[str, QuantilePath], errors: Mapping[str, float]) -> dict[str, float]:
    """The more the smaller the error."""
    shares = {name: 1 / errors.get(name, UNTRIED) for name in paths}
    whole = sum(shares.values())
    return {name: share / whole for name, share in shares.items()}
