"""An ensemble as split conformal calibration would have issued it: from all that was known then, of every pair.

All of it, because a guard must have met a crisis: on 2015-2026 the misses of the last five years left the random walk
of constant volatility, whose 80 % range holds 85, at 77 to 80 %; those since 2000 at 78 to 83 %, with a smaller loss.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date

import numpy as np

from forex_core.backtest.evaluate import Record
from forex_core.backtest.lessons import Lesson
from forex_core.ensemble import conformal
from forex_core.models.table import YARDSTICK
from forex_core.values import Floats


@dataclass(frozen=True)
class Base:
    """One pair's records by member, and what was learned of their windows when."""

    found: Mapping[str, Record]
    taught: Mapping[date, Lesson]


def guarded(bases: Mapping[str, Base], member: str) -> dict[str, Record]:
    """By pair, the member's calibrated record; each window learns from the earlier ones of every pair."""
    spoke = {pair: base for pair, base in bases.items() if member in base.found}
    pools = [_pool(base, member) for base in spoke.values()]
    return {pair: _calibrated(base.found, member, pools) for pair, base in spoke.items()}


@dataclass(frozen=True)
class _Pool:
    """misses [m, intervals], and the day on which each was known, ascending."""

    days: "np.typing.NDArray[np.datetime64]"
    misses: Floats

    def by(self, day: date) -> Floats:
        """Those that were known on a day."""
        return self.misses[: np.searchsorted(self.days, np.datetime64(day, "D"), side="right")]


def _pool(base: Base, member: str) -> _Pool:
    known = [day for day in base.found[member].origins if day in base.taught]
    said, spread = base.found[member].on(known), conformal.spreads(base.found[YARDSTICK.name].on(known).quantiles)
    outcomes = np.array([base.taught[day].outcome for day in known])
    moves = spread > 0  # where a rate has stood still no miss can be counted in its spread
    days = np.array([base.taught[day].learned_on for day in known], dtype="datetime64[D]")
    return _Pool(days[moves], conformal.misses(said.quantiles[moves], outcomes[moves], spread[moves]))


def _calibrated(found: Mapping[str, Record], member: str, pools: Sequence[_Pool]) -> Record:
    record = found[member]
    spread = conformal.spreads(found[YARDSTICK.name].on(record.origins).quantiles)
    rows = [
        conformal.calibrated(said, float(width), np.concatenate([pool.by(origin) for pool in pools]))
        for origin, said, width in zip(record.origins, record.quantiles, spread, strict=True)
    ]
    return replace(record, quantiles=np.array(rows))
