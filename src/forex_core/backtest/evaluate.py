"""From windows to numbers: what members said for a horizon, beside what came true."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date

import numpy as np

from forex_core.backtest import metrics
from forex_core.backtest.lessons import Lesson, lessons
from forex_core.backtest.significance import DieboldMariano, diebold_mariano
from forex_core.backtest.windows import EVERY, Window
from forex_core.dataset.view import Rates, View
from forex_core.ensemble.weights import EQUAL, INVERSE_RMSE, blend
from forex_core.horizons import Horizon
from forex_core.models.table import YARDSTICK
from forex_core.values import BacktestSummary, Floats, MemberScore, QuantilePath

ENSEMBLE = "ensemble"
NOTHING = 1e-12  # of spot: a loss below this is rounding
PAST = 60  # windows: what weights and calibration learn from
TRIED = 20  # windows: a member with fewer has no past error yet


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


@dataclass(frozen=True)
class _Due:
    """A window whose target has come, and that date's step and outcome."""

    window: Window
    step: int
    outcome: float

    def said(self, path: QuantilePath) -> QuantilePath:
        """The one row of a path that is scored."""
        return QuantilePath(path.rates[self.step - 1 : self.step])


def records(
    rates: Rates,
    seen: Iterable[Window],
    horizon: Horizon,
    outcomes: View,
    members: Iterable[str],
    weighting: str = EQUAL,
) -> dict[str, Record]:
    """A record for each member, the yardstick and the ensemble of `members`, over the windows whose target has come.

    `inverse_rmse` weighs at each origin by the earlier ones of `seen` whose outcomes were known there.
    """
    all_seen = list(seen)
    due = _due(rates, all_seen, horizon, outcomes)
    overlap = math.ceil(max((one.step for one in due), default=1) / EVERY)
    names = dict.fromkeys(name for one in due for name in one.window.paths)
    found = {name: _record(_rows(due, name), overlap) for name in names}
    taught = lessons(rates, all_seen, horizon) if weighting == INVERSE_RMSE else {}
    together = _ensemble(due, list(members), weighting, found, taught)
    return found | ({ENSEMBLE: _record(together, overlap)} if together else {})


def _due(rates: Rates, seen: Sequence[Window], horizon: Horizon, outcomes: View) -> list[_Due]:
    newest = outcomes.rows[-1].observed_on
    due = []
    for window in seen:
        target = rates.calendar.target(window.origin, horizon.days)
        if target <= newest:
            due.append(_Due(window, rates.calendar.steps(window.origin, target), outcomes.in_force(target)))
    return due


_Row = tuple[_Due, Floats]  # a window, and the quantiles at its target


def _rows(due: Sequence[_Due], name: str) -> list[_Row]:
    return [(one, one.said(one.window.paths[name]).rates[0]) for one in due if name in one.window.paths]


def _record(rows: Sequence[_Row], overlap: int) -> Record:
    return Record(
        tuple(one.window.origin for one, _ in rows),
        np.array([quantiles for _, quantiles in rows]),
        np.array([one.window.history.last for one, _ in rows]),
        np.array([one.outcome for one, _ in rows]),
        overlap,
    )


def _ensemble(
    due: Sequence[_Due],
    members: Sequence[str],
    weighting: str,
    found: Mapping[str, Record],
    taught: Mapping[date, Lesson],
) -> list[_Row]:
    """The ensemble of those of `members` that spoke, at each window where one did."""
    rows = []
    for one in due:
        spoke = {name: one.said(one.window.paths[name]) for name in members if name in one.window.paths}
        if not spoke:
            continue
        origin = one.window.origin
        errors = past_errors({name: learned(found[name], taught, origin) for name in found}) if taught else {}
        rows.append((one, blend(spoke, weighting, errors).path.rates[0]))
    return rows


def learned(record: Record, taught: Mapping[date, Lesson], origin: date) -> Record:
    """The windows whose outcome was known at the close of `origin`, with that outcome as it was first known."""
    known = [day for day in record.origins if day in taught and taught[day].learned_on <= origin]
    return replace(record.on(known), outcomes=np.array([taught[day].outcome for day in known]))


def past_errors(found: Mapping[str, Record]) -> dict[str, float]:
    """Each member's RMSE over its last windows, as a ratio to the yardstick's on the same ones: what weights go by."""
    errors = {}
    for name, record in found.items():
        last = record.on(record.origins[-PAST:])
        if name not in (ENSEMBLE, YARDSTICK.name) and len(last.origins) >= TRIED:
            other = found[YARDSTICK.name].on(last.origins)
            errors[name] = ratio(
                metrics.rmse(last.quantiles, last.outcomes), metrics.rmse(other.quantiles, other.outcomes)
            )
    return errors


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
