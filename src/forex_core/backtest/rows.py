"""A backtest's rows: one a pair, horizon and member, and the panel's over all pairs. Errors are fractions of spot."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from forex_core.backtest import metrics
from forex_core.backtest.calibration import shares_below
from forex_core.backtest.evaluate import ENSEMBLE, NOTHING, Record, losses, ratio, wql
from forex_core.backtest.significance import DieboldMariano, diebold_mariano
from forex_core.models.table import YARDSTICK
from forex_core.values import Floats

Found = Mapping[str, Record]  # of one pair and horizon, by member


@dataclass(frozen=True, slots=True)
class Row:
    """One member at one horizon, beside the yardstick on the same windows. `pair` is None in the panel.

    dm_: tested against the yardstick; dm_ensemble_: against the ensemble. below: the share of outcomes below each of
    LEVELS. in_confidence_set is known of the panel only, and of a pair that is alone.
    """

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
    dm_ensemble_t: float | None
    dm_ensemble_p: float | None
    below: tuple[float, ...]
    in_confidence_set: bool | None = None
    pairs: int = 1


def row_of(pair: str, horizon: str, member: str, found: Found) -> Row:
    """Measure one member's record against the others' on the same origins."""
    mine = found[member].of_spot()
    other = found[YARDSTICK.name].on(mine.origins).of_spot()
    said, came = mine.quantiles, mine.outcomes
    test, ensemble_test = _tests([found], member)
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
        dm_ensemble_t=ensemble_test.t,
        dm_ensemble_p=ensemble_test.p,
        below=tuple(map(float, shares_below(said, came))),
    )


AVERAGED = "wql rmse mae mape directional_accuracy interval_80 interval_95 coverage_50 coverage_80 coverage_95".split()
RATIOS = "wql_ratio rmse_ratio".split()


def panel_row(rows: Sequence[Row], found: Sequence[Found]) -> Row:
    """One member at one horizon over several pairs: geometric mean of ratios, mean of the rest, joint tests.

    found: for each pair the records of that horizon.
    """
    origins = sum(row.origins for row in rows)
    test, ensemble_test = _tests(found, rows[0].member)
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
        dm_ensemble_t=ensemble_test.t,
        dm_ensemble_p=ensemble_test.p,
        below=tuple(map(float, np.mean([row.below for row in rows], axis=0))),
        **means,
    )


def _tests(found: Sequence[Found], member: str) -> tuple[DieboldMariano, DieboldMariano]:
    """One member against the yardstick, and against the ensemble."""
    overlap = max(records[member].overlap for records in found)

    def against(other: str) -> DieboldMariano:
        if not all(other in records for records in found):
            return DieboldMariano(None, None)
        lost = joint_losses(found, (member, other))
        return diebold_mariano(lost[:, 0], lost[:, 1], overlap)

    return against(YARDSTICK.name), against(ENSEMBLE)


def joint_losses(found: Sequence[Found], members: Sequence[str]) -> Floats:
    """Mean over pairs of the members' losses by origin, on the windows where each of them spoke; [origins, members].

    Losses are relative to the pair's mean yardstick loss on those windows, so that pairs weigh alike; and currencies
    that move together count as one.
    """
    by_origin: dict[object, list[Floats]] = {}
    for records in found:
        common = set.intersection(*(set(records[name].origins) for name in (*members, YARDSTICK.name)))
        if common:
            scale = max(wql(records[YARDSTICK.name].on(common)), NOTHING)
            lost = np.stack([losses(records[name].on(common)) / scale for name in members], axis=1)
            for origin, row in zip(sorted(common), lost, strict=True):
                by_origin.setdefault(origin, []).append(row)
    return np.array([np.mean(by_origin[origin], axis=0) for origin in sorted(by_origin, key=str)]).reshape(
        -1, len(members)
    )
