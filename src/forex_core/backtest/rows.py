"""A backtest's rows: one a pair, horizon and member, and the panel's over all pairs. Errors are fractions of spot."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from forex_core.backtest import metrics
from forex_core.backtest.evaluate import NOTHING, Record, against, losses, ratio, wql
from forex_core.backtest.significance import diebold_mariano
from forex_core.values import Floats


@dataclass(frozen=True, slots=True)
class Row:
    """One member at one horizon, beside the yardstick on the same windows. `pair` is None in the panel."""

    pair: str | None
    horizon: str
    member: str
    origins: int
    wql_ratio: float
    wql: float
    rmse: float
    rmse_ratio: float
    mae: float
    mape: float
    directional_accuracy: float
    interval_80: float
    interval_95: float
    coverage_50: float
    coverage_80: float
    coverage_95: float
    coverage_se: float
    dm_t: float | None
    dm_p: float | None
    pairs: int = 1


def row_of(pair: str, horizon: str, member: str, record: Record, yardstick: Record) -> Row:
    """Measure one record against the yardstick's on the same origins."""
    mine, other = record.of_spot(), yardstick.on(record.origins).of_spot()
    said, came = mine.quantiles, mine.outcomes
    test = against(mine, other)
    return Row(
        pair,
        horizon,
        member,
        len(mine.origins),
        wql_ratio=ratio(wql(mine), wql(other)),
        wql=wql(mine),
        rmse=metrics.rmse(said, came),
        rmse_ratio=ratio(metrics.rmse(said, came), metrics.rmse(other.quantiles, other.outcomes)),
        mae=metrics.mae(said, came),
        mape=metrics.mape(said, came),
        directional_accuracy=metrics.directional_accuracy(said, came, mine.spots),
        interval_80=float(metrics.interval_score(said, came, 80).mean()),
        interval_95=float(metrics.interval_score(said, came, 95).mean()),
        coverage_50=float(metrics.inside(said, came, 50).mean()),
        coverage_80=float(metrics.inside(said, came, 80).mean()),
        coverage_95=float(metrics.inside(said, came, 95).mean()),
        coverage_se=metrics.binomial_error(80, len(mine.origins)),
        dm_t=test.t,
        dm_p=test.p,
    )


AVERAGED = "wql rmse mae mape directional_accuracy interval_80 interval_95 coverage_50 coverage_80 coverage_95".split()
RATIOS = "wql_ratio rmse_ratio".split()


def panel_row(rows: list[Row], found: list[tuple[Record, Record]]) -> Row:
    """One member at one horizon over several pairs: geometric mean of ratios, mean of the rest, one joint test.

    found: for each pair the member's record and the yardstick's. The test runs on the mean over pairs of each origin's
    loss relative to the pair's mean yardstick loss, so that currencies that move together count as one.
    """
    origins = sum(row.origins for row in rows)
    test = diebold_mariano(*_joint_losses(found), overlap=max(record.overlap for record, _ in found))
    means: dict[str, Any] = {name: float(np.mean([getattr(row, name) for row in rows])) for name in AVERAGED}
    means |= {name: float(np.exp(np.mean([np.log(getattr(row, name)) for row in rows]))) for name in RATIOS}
    return replace(
        rows[0],
        pair=None,
        pairs=len(rows),
        origins=origins,
        coverage_se=metrics.binomial_error(80, origins),
        dm_t=test.t,
        dm_p=test.p,
        **means,
    )


def _joint_losses(found: list[tuple[Record, Record]]) -> tuple[Floats, Floats]:
    """Mean over pairs, by origin, of the losses relative to the pair's mean yardstick loss."""
    by_origin: dict[object, list[tuple[float, float]]] = {}
    for record, yardstick in found:
        loss, other_loss = losses(record), losses(yardstick.on(record.origins))
        scale = max(float(other_loss.mean()), NOTHING)
        for origin, a, b in zip(record.origins, loss / scale, other_loss / scale, strict=True):
            by_origin.setdefault(origin, []).append((float(a), float(b)))
    means = np.array([np.mean(by_origin[origin], axis=0) for origin in sorted(by_origin, key=str)])
    return means[:, 0], means[:, 1]
