"""From windows to numbers: what members said for a horizon, beside what came true."""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

import numpy as np

from forex_core.backtest import metrics
from forex_core.backtest.significance import DieboldMariano, diebold_mariano
from forex_core.backtest.windows import EVERY, Window
from forex_core.dataset.view import Rates, View
from forex_core.ensemble.combine import combine, equal_weights
from forex_core.horizons import Horizon
from forex_core.models.table import YARDSTICK
from forex_core.values import BacktestSummary, Floats, MemberScore, QuantilePath

ENSEMBLE = "ensemble"
NOTHING = 1e-12  # of spot: a loss below this is rounding


@dataclass(frozen=True)
class Record:
    """What one member said for one horizon. quantiles [n, levels]; spots, outcomes [n], all in rate units."""

    origins: tuple[date, ...]
    quantiles: Floats
    spots: Floats
    outcomes: Floats
    overlap: int  # how many windows of the grid the horizon spans

    def of_spot(self) -> "Record":
        """The same as fractions of each origin's spot, so that windows and pairs weigh alike."""
        spots = self.spots
        return Record(
            self.origins, self.quantiles / spots[:, None], np.ones_like(spots), self.outcomes / spots, self.overlap
        )

    def on(self, origins: Iterable[date]) -> "Record":
        """The windows at these origins only."""
        wanted = set(origins)
        keep = np.array([origin in wanted for origin in self.origins], dtype=bool)
        kept = tuple(origin for origin in self.origins if origin in wanted)
        return Record(kept, self.quantiles[keep], self.spots[keep], self.outcomes[keep], self.overlap)


def records(
    rates: Rates, seen: Iterable[Window], horizon: Horizon, outcomes: View, members: Iterable[str]
) -> dict[str, Record]:
    """A record for each member, the yardstick and the ensemble of `members`, over the windows whose target has come."""
    newest = outcomes.rows[-1].observed_on
    rows: dict[str, list[tuple[date, list[float], float, float]]] = {}
    most = 1
    for window in seen:
        target = rates.calendar.target(window.origin, horizon.days)
        if target > newest:
            continue
        step = rates.calendar.steps(window.origin, target)
        most = max(most, step)
        for name, path in with_ensemble(window.paths, members).items():
            row = (window.origin, list(path.at(step).values()), window.history.last, outcomes.in_force(target))
            rows.setdefault(name, []).append(row)
    return {name: _record(found, math.ceil(most / EVERY)) for name, found in rows.items()}


def with_ensemble(paths: dict[str, QuantilePath], members: Iterable[str]) -> dict[str, QuantilePath]:
    """The paths and the equal-weight ensemble of those of `members` that spoke."""
    spoke = {name: paths[name] for name in members if name in paths}
    return paths | ({ENSEMBLE: combine(spoke, equal_weights(list(spoke)))} if spoke else {})


def _record(rows: list[tuple[date, list[float], float, float]], overlap: int) -> Record:
    days, quantiles, spots, outcomes = zip(*rows, strict=True)
    return Record(days, np.array(quantiles), np.array(spots), np.array(outcomes), overlap)


def losses(record: Record) -> Floats:
    """Decile loss of each window as a fraction of its origin's spot, [n]."""
    in_spots = record.of_spot()
    return metrics.decile_loss(in_spots.quantiles, in_spots.outcomes)


def wql(record: Record) -> float:
    """Weighted quantile loss: the mean of `losses`."""
    return float(losses(record).mean())


def ratio(loss: float, yardstick: float) -> float:
    """`loss` beside the yardstick's; where both lost nothing, as on a rate that never moves, neither is better."""
    return max(loss, NOTHING) / max(yardstick, NOTHING)


def against(record: Record, yardstick: Record) -> DieboldMariano:
    """Test the losses of two records of the same origins."""
    return diebold_mariano(losses(record), losses(yardstick), record.overlap)


def summary(found: dict[str, Record]) -> BacktestSummary | None:
    """The ensemble's figures for a run's report and tracking; None before the first target has come."""
    if ENSEMBLE not in found or YARDSTICK.name not in found:
        return None
    record = found[ENSEMBLE]
    yardstick = found[YARDSTICK.name].on(record.origins)
    n, score, test = len(record.origins), member_score(record), against(record, yardstick)
    return BacktestSummary(
        origins=n,
        rmse=score.rmse,
        mae=score.mae,
        mape=score.mape,
        directional_accuracy=metrics.directional_accuracy(record.quantiles, record.outcomes, record.spots),
        wql_ratio=ratio(wql(record), wql(yardstick)),
        coverage_80=float(metrics.inside(record.quantiles, record.outcomes, 80).mean()),
        coverage_se=metrics.binomial_error(80, n),
        dm_t=test.t,
        dm_p=test.p,
    )


def member_score(record: Record) -> MemberScore:
    """rmse and mae in rate units, mape in percent."""
    said, came = record.quantiles, record.outcomes
    return MemberScore(metrics.rmse(said, came), metrics.mae(said, came), 100 * metrics.mape(said, came))
