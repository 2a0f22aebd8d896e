"""Quantiles of several members made one, level by level (Vincentisation): sharper than pooling the distributions."""

from collections.abc import Mapping

import numpy as np

from forex_core.values import QuantilePath


def equal_weights(names: list[str]) -> dict[str, float]:
    """The same weight for each, summing to 1."""
    return {name: 1 / len(names) for name in names}


def combine(paths: Mapping[str, QuantilePath], weights: Mapping[str, float]) -> QuantilePath:
    """Average the paths (all equally long) with non-negative weights that sum to 1."""
    if set(paths) != set(weights):
        raise ValueError(f"paths of {sorted(paths)} and weights of {sorted(weights)} do not match")
    if min(weights.values()) < 0 or not np.isclose(sum(weights.values()), 1):
        raise ValueError("weights are non-negative and sum to 1")
    first, *rest = (weights[name] * path.rates for name, path in paths.items())
    return QuantilePath(sum(rest, start=first))


def middle(paths: Mapping[str, QuantilePath]) -> QuantilePath:
    """The median of the paths (all equally long): a member that is far out moves it no further than one just beside."""
    return QuantilePath(np.median([path.rates for path in paths.values()], axis=0))
