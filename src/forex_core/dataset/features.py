"""Features of a history, made in one place for training, backtest and the daily run. A row sees only rows up to itself.

All are free of scale: moves are taken in units of their day's volatility, so that one set of coefficients serves calm
and wild days, and any currency.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from forex_core.dataset.volatility import mixed_sigmas
from forex_core.values import Floats, Series

MOMENTA = (5, 10, 21, 63, 126, 252)  # business days
LAGS = (1, 2, 3, 5)
GAPS = (5, 20, 60, 250)  # windows of the means that the rate is compared with
SHORT, RSI, LONG = 10, 14, 60
DRIVER_MOMENTA = (5, 21)
NAMES = (
    "Return",
    *(f"Lag_{lag}" for lag in LAGS),
    *(f"MA_{window}" for window in GAPS),
    *(f"Momentum_{days}" for days in MOMENTA),
    "Volatility",
    f"Volatility_{LONG}",
    f"RSI_{RSI}",
    f"Z_{LONG}",
)  # of the rates alone
WIDEST = 8.0  # beyond so many sigmas a feature says no more


@dataclass(frozen=True)
class FeatureTable:
    """values [n, k]: a row a date of the history; NaN where a row is too young. sigmas [n]: daily volatility there."""

    names: tuple[str, ...]
    values: Floats
    sigmas: Floats

    @property
    def usable(self) -> "np.typing.NDArray[np.bool_]":
        """The rows without NaN, [n]."""
        return np.asarray(np.isfinite(self.values).all(axis=1) & (self.sigmas > 0))


def features(history: Series, drivers: tuple[str, ...] = ()) -> FeatureTable:
    """The documented features and those of the rates' past; a driver the history does not carry is left out."""
    returns = history.log_returns()
    sigmas = np.concatenate([[np.nan], mixed_sigmas(returns)])
    columns = dict(_of_rates(np.log(history.values), np.concatenate([[np.nan], returns]), sigmas))
    for name in drivers:
        if name in history.drivers:
            columns |= dict(_of_driver(name, history.drivers[name]))
    table = np.clip(np.column_stack(list(columns.values())), -WIDEST, WIDEST)
    return FeatureTable(tuple(columns), table, sigmas)


def _of_rates(logs: Floats, returns: Floats, sigmas: Floats) -> Iterator[tuple[str, Floats]]:
    yield "Return", _per(returns, sigmas)
    for lag in LAGS:
        yield f"Lag_{lag}", _per(_back(returns, lag), sigmas)
    for window in GAPS:
        yield f"MA_{window}", _per(logs - _rolling(np.mean, logs, window), sigmas * np.sqrt(window))
    for days in MOMENTA:
        yield f"Momentum_{days}", _per(logs - _back(logs, days), sigmas * np.sqrt(days))
    yield "Volatility", _log_ratio(_rolling(np.std, returns, SHORT), sigmas)
    yield f"Volatility_{LONG}", _log_ratio(_rolling(np.std, returns, LONG), sigmas)
    ups, moves = _rolling(np.mean, np.maximum(returns, 0), RSI), _rolling(np.mean, np.abs(returns), RSI)
    yield f"RSI_{RSI}", 2 * _per(ups, moves) - 1
    yield f"Z_{LONG}", _per(logs - _rolling(np.mean, logs, LONG), _rolling(np.std, logs, LONG))


def _of_driver(name: str, values: Floats) -> Iterator[tuple[str, Floats]]:
    """Its moves, each in units of what such moves were over the last year; where nothing is known, none is assumed."""
    for days in DRIVER_MOMENTA:
        moves = np.nan_to_num(values - _back(values, days))
        yield f"{name}_Momentum_{days}", np.nan_to_num(_per(moves, _rolling(np.std, moves, 252)))


def _back(values: Floats, days: int) -> Floats:
    """Each row's value `days` rows before it."""
    return np.concatenate([np.full(min(days, len(values)), np.nan), values[:-days]])


def _rolling(of: Callable[..., Floats], values: Floats, window: int) -> Floats:
    """`of` over the last `window` rows up to and including each; NaN while there are fewer."""
    if len(values) < window:
        return np.full(len(values), np.nan)
    seen = of(np.lib.stride_tricks.sliding_window_view(values, window), axis=1)
    return np.concatenate([np.full(window - 1, np.nan), seen])


def _per(values: Floats, scale: Floats) -> Floats:
    """values / scale, and 0 where nothing moved."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(scale == 0, 0.0, values / scale)


def _log_ratio(one: Floats, other: Floats) -> Floats:
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where((one == 0) | (other == 0), 0.0, np.log(one / other))
