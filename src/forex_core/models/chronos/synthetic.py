"""Synthetic log prices that the embedded checkpoint learns from: no real rate is among them.

Every path draws its own law: volatility constant, GARCH(1,1), stochastic, or both; t innovations; and, on some paths,
regimes of volatility, jumps, a weak memory, drift or pull to the start, stale days, coarse rounding, days of a peg.
"""

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

Paths = NDArray[np.float32]
BURN_IN = 60  # days dropped, in which the volatility forgets where it started


def log_prices(draw: Generator, count: int, days: int) -> Paths:
    """`count` paths of `days` log prices, in units of a typical daily move, [count, days]."""
    length = days + BURN_IN
    spread = _levels(draw, count, length) * _stochastic(draw, count, length)  # [days, count]
    prices = _prices(draw, spread, _innovations(draw, count, length))[BURN_IN:]
    return np.ascontiguousarray(_blemished(draw, prices).T)


def _uniform(draw: Generator, low: float, high: float, count: int) -> Paths:
    return draw.uniform(low, high, count).astype(np.float32)


def _log_uniform(draw: Generator, low: float, high: float, count: int) -> Paths:
    return np.exp(draw.uniform(np.log(low), np.log(high), count)).astype(np.float32)


def _normal(draw: Generator, sd: float, count: int) -> Paths:
    return np.asarray(sd * draw.standard_normal(count, dtype=np.float32))


def _some(draw: Generator, share: float, values: Paths) -> Paths:
    """The values on this share of the paths, 0 on the others."""
    return np.where(draw.random(len(values)) < share, values, 0).astype(np.float32)


def _innovations(draw: Generator, count: int, length: int) -> Paths:
    """Student's t of unit variance, 4 to 12 degrees of freedom, a fifth of the paths normal, [length, count]."""
    normal = draw.standard_normal((length, count), dtype=np.float32)
    dof = _log_uniform(draw, 4.0, 12.0, count)
    chi = draw.standard_gamma(np.broadcast_to(dof / 2, (length, count))).astype(np.float32)
    student = normal * np.sqrt((dof - 2) / (2 * chi))
    return np.where(draw.random(count) < 0.2, normal, student)


def _levels(draw: Generator, count: int, length: int) -> Paths:
    """Regimes: on 40 % of the paths the volatility is drawn anew now and then, [length, count]."""
    rate = _some(draw, 0.4, _log_uniform(draw, 1 / 400, 1 / 60, count))
    change = draw.random((length, count), dtype=np.float32) < rate
    change[0] = True
    drawn = np.exp(0.45 * draw.standard_normal((length, count), dtype=np.float32))
    since = np.maximum.accumulate(np.where(change, np.arange(length)[:, None], 0), axis=0)
    return np.take_along_axis(drawn, since, axis=0)


def _stochastic(draw: Generator, count: int, length: int) -> Paths:
    """Log volatility as an AR(1) on half of the paths, [length, count]."""
    size = _some(draw, 0.5, _uniform(draw, 0.1, 0.7, count))
    memory = 1 - _log_uniform(draw, 0.003, 0.1, count)
    shocks = draw.standard_normal((length, count), dtype=np.float32) * np.sqrt(1 - memory**2)
    state = draw.standard_normal(count, dtype=np.float32)
    states = np.empty((length, count), dtype=np.float32)
    for day in range(length):
        state = memory * state + shocks[day]
        states[day] = state
    return np.asarray(np.exp(size * states))


def _prices(draw: Generator, spread: Paths, innovations: Paths) -> Paths:
    """Log prices from volatility and innovations, GARCH(1,1) on half of the paths, [length, count]."""
    length, count = spread.shape
    reaction = _some(draw, 0.5, _uniform(draw, 0.02, 0.12, count))
    memory = np.where(reaction > 0, 1 - reaction - _log_uniform(draw, 0.002, 0.08, count), 0)
    drift = _some(draw, 0.5, _normal(draw, 0.02, count))
    echo = _some(draw, 0.5, _normal(draw, 0.04, count))
    pull = _some(draw, 0.25, _log_uniform(draw, 0.0005, 0.01, count))
    sizes = _uniform(draw, 2.0, 6.0, count) * draw.standard_normal((length, count), dtype=np.float32)
    jumps = draw.random((length, count), dtype=np.float32) < _some(draw, 0.25, _log_uniform(draw, 0.001, 0.02, count))
    noise = innovations + np.where(jumps, sizes, 0)
    variance, move, price = np.ones((3, count), dtype=np.float32) * np.array([[1], [0], [0]], dtype=np.float32)
    prices = np.empty_like(spread)
    for day in range(length):
        deviation = np.sqrt(variance)
        move = spread[day] * deviation * noise[day] + drift + echo * move - pull * price
        price = price + move
        prices[day] = price
        variance = (1 - reaction - memory) + (reaction * innovations[day] ** 2 + memory) * variance
    return prices


def _blemished(draw: Generator, prices: Paths) -> Paths:
    """Stale days, a peg, and rounding, as fixings and thin markets have them, [days, count]."""
    days, count = prices.shape
    stale = draw.random((days, count), dtype=np.float32) < _some(draw, 0.12, _uniform(draw, 0.02, 0.3, count))
    since = np.maximum.accumulate(np.where(stale, 0, np.arange(days)[:, None]), axis=0)
    shown = np.take_along_axis(prices, since, axis=0)
    begin = draw.integers(0, days, count)
    end = begin + _some(draw, 0.04, _log_uniform(draw, 10, 300, count))
    day = np.arange(days)[:, None]
    moves = np.where((day > begin) & (day < end), 0, np.diff(shown, axis=0, prepend=shown[:1]))
    shown = np.cumsum(moves, axis=0, dtype=np.float32)
    grid = _some(draw, 0.1, _log_uniform(draw, 0.02, 0.7, count))
    return np.where(grid > 0, np.round(shown / np.maximum(grid, 1e-6)) * grid, shown).astype(np.float32)
