"""A light gate for drivers: what is no number, comes from the future, or stands alone far from its neighbours.

It goes through the rows in the order in which they became known and never looks back, so that what it says as of a
moment does not change by what comes later.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, datetime
from statistics import median

from forex_core.values import Observation, Quarantined

WIDTH = 10.0  # a move below this many times the median move is never suspicious
SHARE = 0.3  # nor one below this share of the value it is compared with
POINT = 1.0  # nor, of what is told in percent, one below a percentage point
MEMORY = 60  # moves that the median is taken of; days without one don't count
SEED = 11  # the level to start from is the median of so many values
TIMES = 5.0  # a price so many times the one before is never confirmed: a wrong decimal point repeats itself


@dataclass(frozen=True, slots=True)
class Judged:
    """A row, the moment since which it is trusted (None: never), and what spoke against it ("": nothing)."""

    row: Observation
    since: datetime | None
    reason: str = ""

    def held_at(self, moment: datetime) -> bool:
        """Whether the row was known at a moment and not trusted."""
        return self.row.known_at <= moment and bool(self.reason) and (self.since is None or self.since > moment)

    @property
    def quarantined(self) -> Quarantined:
        """The refusal."""
        return Quarantined(self.row.observed_on, self.row.value, self.reason)


def judge(rows: Iterable[Observation], *, level: bool) -> list[Judged]:
    """Each row that was the newest when it became known, in that order, and whether it can be trusted.

    A row far off is held until the next one lies near it, and is trusted since then. level: as of a Driver.
    """
    in_time = sorted(rows, key=lambda row: (row.known_at, row.observed_on))
    gate = _Gate(in_time, level=level)
    for row in in_time:
        gate.take(row)
    return gate.judged


class _Gate:
    """Goes through the rows once."""

    def __init__(self, rows: list[Observation], *, level: bool) -> None:
        self.level = level
        self.judged: list[Judged] = []
        self.held: int | None = None  # where in `judged`
        self.moves: list[float] = []
        self.newest = date.min
        self.last = median([row.value for row in rows if not self._fault(row)][:SEED] or [math.nan])

    def take(self, row: Observation) -> None:
        """Judge the next row, and with it the one that is held."""
        if reason := self._fault(row):
            self.judged.append(Judged(row, None, reason))
            return
        if row.observed_on >= self.newest:
            self._release(row)
        if row.observed_on < self.newest:
            return  # an older value revised: the newest stays what it was
        if self._near(row.value, self.last):
            self.judged.append(Judged(row, row.known_at))
            self._follow(row)
        else:
            self.held = len(self.judged)
            self.judged.append(Judged(row, None, f"far from {self.last:g} before it, and nothing confirms that"))

    def _release(self, row: Observation) -> None:
        """Trust the row that is held if this one lies near it; otherwise never."""
        if self.held is None:
            return
        held = self.judged[self.held].row
        believable = not self.level or 1 / TIMES < held.value / self.last < TIMES
        if believable and self._near(held.value, row.value):
            self.judged[self.held] = replace(self.judged[self.held], since=row.known_at)
            self._follow(held)
        self.held = None

    def _fault(self, row: Observation) -> str:
        if not math.isfinite(row.value):
            return "not a finite number"
        if self.level and row.value <= 0:
            return "not positive"
        return "from the future" if row.observed_on > row.known_at.date() else ""

    def _near(self, value: float, neighbour: float) -> bool:
        """Whether a value may lie so far from a neighbour."""
        move = abs(value - neighbour)
        if move <= max(SHARE * abs(neighbour), 0.0 if self.level else POINT):
            return True
        return bool(self.moves) and move <= WIDTH * median(self.moves[-MEMORY:])

    def _follow(self, row: Observation) -> None:
        if row.value != self.last:
            self.moves.append(abs(row.value - self.last))
        self.last, self.newest = row.value, row.observed_on
