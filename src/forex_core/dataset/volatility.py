"""Daily volatility (standard deviation of log returns) as features and members estimate it."""

import numpy as np

from forex_core.values import Floats


def sd(returns: Floats, window: int) -> float:
    """Standard deviation of the last `window` returns, or of all when there are fewer."""
    return float(np.std(returns[-window:], ddof=1))


def ewma_variances(returns: Floats, decay: float) -> Floats:
    """Exponentially weighted mean square up to and including each return, [n] (RiskMetrics 1996; mean taken as 0).

    Started from the mean square of the first 60 returns, whose weight fades as decay ** n.
    """
    variance = float(np.mean(returns[:60] ** 2))
    variances = np.empty(len(returns))
    for day, square in enumerate((returns**2).tolist()):
        variance = decay * variance + (1 - decay) * square
        variances[day] = variance
    return variances


def rolling_variances(returns: Floats, window: int) -> Floats:
    """Variance of the last `window` returns (all, while there are fewer) up to and including each return, [n]."""
    sums = np.concatenate([[0.0], np.cumsum(returns)])
    squares = np.concatenate([[0.0], np.cumsum(returns**2)])
    end = np.arange(1, len(returns) + 1)
    start = np.maximum(end - window, 0)
    count = end - start
    mean = (sums[end] - sums[start]) / count
    return np.asarray(np.maximum((squares[end] - squares[start]) / count - mean**2, 0.0))


def mixed_sigmas(returns: Floats) -> Floats:
    """The mean of four sds up to and including each return, [n]: EWMA .94 and .97, and the last 250 and 1,000 days."""
    variances = [ewma_variances(returns, decay) for decay in (0.94, 0.97)]
    variances += [rolling_variances(returns, window) for window in (250, 1000)]
    return np.asarray(np.mean([np.sqrt(variance) for variance in variances], axis=0))
