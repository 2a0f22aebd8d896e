"""The honest first sentence: is the forecast better than the random walk, and how do we know?"""

from forex_core.values import BacktestSummary

CERTAIN = 0.05  # two-sided p below which a difference is called shown


def verdict(backtest: BacktestSummary | None) -> str:
    """One sentence from the backtest; without evidence it claims nothing."""
    if backtest is None:
        return "No better than the random walk as far as anyone knows: no past window could be scored yet."
    over = f"over the last {backtest.origins} windows"
    change = abs(1 - backtest.wql_ratio)
    if backtest.wql_ratio >= 1:
        return f"No better than the random walk: its loss was {change:.1%} higher {over}."
    if backtest.dm_p is None or backtest.dm_p >= CERTAIN:
        return (
            f"Not shown to be better than the random walk: its loss was {change:.1%} lower {over}, which may be chance."
        )
    return f"Better than the random walk: its loss was {change:.1%} lower {over}."
