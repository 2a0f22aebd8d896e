"""The scoreboard: of each pair, horizon and role, how its issued forecasts did beside the random walk."""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from datetime import date
from itertools import groupby
from math import sqrt

from forex_core.horizons import HORIZONS
from forex_core.report.overlapping import CERTAIN, FEWEST, evidence
from forex_core.store.scoreboard import Scored
from forex_core.values import INTERVALS, Quantiles


@dataclass(frozen=True, slots=True)
class ScoreLine:
    """One line of the scoreboard. Errors in rate units, skill and coverage as fractions; walk_: the random walk's.

    overlap: the largest number of forecasts that share a day; independent: how many there would be without.
    coverage_error_: one standard error of the share, counting only the independent ones.
    From `skill_low` to `dm_p`, None where the forecasts are too few to say anything.
    """

    pair: str
    horizon: str
    role: str
    count: int
    overlap: int
    independent: int
    first: date
    last: date
    skill: float | None
    skill_low: float | None
    skill_high: float | None
    dm_t: float | None
    dm_p: float | None
    coverage_50: float
    coverage_80: float
    coverage_95: float
    coverage_error_50: float
    coverage_error_80: float
    coverage_error_95: float
    mae: float
    walk_mae: float
    interval_80: float
    walk_interval_80: float

    def as_object(self) -> dict[str, object]:
        """The same for machines."""
        return asdict(self) | {"first": self.first.isoformat(), "last": self.last.isoformat()}


COLUMNS = tuple(field.name for field in fields(ScoreLine))


def scoreboard(scored: Sequence[Scored]) -> list[ScoreLine]:
    """A line for each pair, horizon and role; `scored` is in the order of issue."""
    ranked = sorted(scored, key=_group)
    return [_line(list(found)) for _, found in groupby(ranked, key=_group)]


def _group(one: Scored) -> tuple[str, str, int]:
    return one.pair, one.role, HORIZONS[one.horizon].days


def _line(found: Sequence[Scored]) -> ScoreLine:
    n, overlap = len(found), _overlap(found)
    independent = max(n // overlap, 1)
    lost, walk = [one.loss for one in found], [one.yardstick_loss for one in found]
    shown = evidence(lost, walk, overlap)
    inside = {percent: _mean([_is_inside(one, percent) for one in found]) for percent in INTERVALS}
    error = {percent: sqrt(percent / 100 * (1 - percent / 100) / independent) for percent in INTERVALS}
    return ScoreLine(
        pair=found[0].pair,
        horizon=found[0].horizon,
        role=found[0].role,
        count=n,
        overlap=overlap,
        independent=independent,
        first=found[0].issued_on,
        last=found[-1].issued_on,
        skill=1 - sum(lost) / sum(walk) if sum(walk) else None,
        skill_low=shown.low if shown else None,
        skill_high=shown.high if shown else None,
        dm_t=shown.t if shown else None,
        dm_p=shown.p if shown else None,
        coverage_50=inside[50],
        coverage_80=inside[80],
        coverage_95=inside[95],
        coverage_error_50=error[50],
        coverage_error_80=error[80],
        coverage_error_95=error[95],
        mae=_mean([abs(one.said[0.5] - one.outcome) for one in found]),
        walk_mae=_mean([abs(one.walked[0.5] - one.outcome) for one in found]),
        interval_80=_mean([interval_score(one.said, one.outcome, 80) for one in found]),
        walk_interval_80=_mean([interval_score(one.walked, one.outcome, 80) for one in found]),
    )


def _overlap(found: Sequence[Scored]) -> int:
    """The largest number of these forecasts that were issued from one's issue date until before its target date."""
    issued = [one.issued_on for one in found]
    return max(bisect_left(issued, one.target_date) - bisect_right(issued, one.issued_on) + 1 for one in found)


def _is_inside(one: Scored, percent: int) -> float:
    low, high = (one.said[level] for level in INTERVALS[percent])
    return float(low <= one.outcome <= high)


def interval_score(said: Quantiles, outcome: float, percent: int) -> float:
    """Winkler's score, as `backtest.metrics` has it for arrays."""
    low, high = (said[level] for level in INTERVALS[percent])
    miss = max(low - outcome, 0.0) + max(outcome - high, 0.0)
    return high - low + 2 / (1 - percent / 100) * miss


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)


def verdict(line: ScoreLine) -> str:
    """What a line shows against the random walk, in words, and no more than its test carries."""
    if line.dm_p is None or line.skill is None:
        if line.count >= FEWEST * line.overlap:
            return f"{line.count} scored: they can't be told from the random walk's"
        some = "" if line.overlap == 1 else f", no more than {line.independent} of which don't overlap"
        return f"{line.count} scored{some}: nothing can be said yet"
    if line.dm_p >= CERTAIN:
        return "no difference shown"
    return "better than the walk" if line.skill > 0 else "worse than the walk"
