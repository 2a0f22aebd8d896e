"""What a backtest shows, in plain sentences: no more than its tests carry."""

from collections.abc import Sequence

from forex_core.backtest.evaluate import ENSEMBLE
from forex_core.backtest.rows import Row
from forex_core.backtest.significance import LEVEL
from forex_core.models.table import YARDSTICK

NO_GAIN = 0.9995  # a ratio that rounds to 1.000 or more is no gain


def headline(rows: Sequence[Row]) -> str:
    """Of the panel's rows of all horizons: where the ensemble is better than the random walk."""
    ensemble = [row for row in rows if row.member == ENSEMBLE]
    better = [row.horizon for row in ensemble if _better(row.dm_t, row.dm_p)]
    open_yet = [row.horizon for row in ensemble if row.horizon not in better]
    if not better:
        return "The ensemble is not shown to be better than the random walk at any horizon."
    said = f"The ensemble is better than the random walk at {_listed(better)}"
    return f"{said}; not shown to be at {_listed(open_yet)}." if open_yet else f"{said}."


def sentences(rows: Sequence[Row]) -> list[str]:
    """Of one horizon's rows, of a pair or of the panel."""
    others = [row for row in rows if row.member != YARDSTICK.name]
    said = [_against_the_walk(others), _of_the_centre(others), _against_the_ensemble(others), _confidence_set(rows)]
    return [sentence for sentence in said if sentence]


def _against_the_walk(rows: Sequence[Row]) -> str:
    if all(row.dm_t is None for row in rows):
        return "Too few windows to test anything against the random walk."
    better = [row.member for row in rows if _better(row.dm_t, row.dm_p)]
    worse = [row.member for row in rows if _worse(row.dm_t, row.dm_p)]
    said = f"Better than the random walk: {_listed(better)}." if better else "No member beats the random walk."
    return f"{said} Worse: {_listed(worse)}." if worse else said


def _of_the_centre(rows: Sequence[Row]) -> str:
    best = min(rows, key=lambda row: row.rmse_ratio)
    if best.rmse_ratio >= NO_GAIN:
        return "No median comes closer than the last value."
    return f"The closest median is that of {best.member}: RMSE {best.rmse_ratio:.3f} of the last value's, not tested."


def _against_the_ensemble(rows: Sequence[Row]) -> str:
    if all(row.dm_ensemble_t is None for row in rows):
        return ""
    better = [row.member for row in rows if _better(row.dm_ensemble_t, row.dm_ensemble_p)]
    return f"Better than the ensemble: {_listed(better)}." if better else "No member beats the ensemble."


def _confidence_set(rows: Sequence[Row]) -> str:
    if all(row.in_confidence_set is None for row in rows):
        return ""
    out = [row.member for row in rows if row.in_confidence_set is False]
    return f"Told apart from the best: {_listed(out)}." if out else "None can be told apart from the best."


def _better(t: float | None, p: float | None) -> bool:
    return t is not None and p is not None and p < LEVEL and t < 0


def _worse(t: float | None, p: float | None) -> bool:
    return t is not None and _better(-t, p)


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names)
