"""The gate: of the rows known at a moment, those that can be trusted, and why the others can't.

It judges each row by the rows before it and, where a jump is confirmed, by the next one; so what it says as of a
date never depends on what came later.
"""

import math
from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import date
from statistics import median

from forex_core.calendars import Calendar
from forex_core.values import Observation, Quarantined

SMALLEST = 1e-12  # quote per base; beyond this and its inverse arithmetic loses its meaning
FLOOR = 0.05  # a log move below this is never suspicious
WIDTH = 10.0  # nor one below this many times the median absolute move of ...
MEMORY = 20  # ... so many rows before it: a crisis widens the band within a month
LARGEST = 0.35  # a larger log move (+42 %, -30 %) is confirmed by a person only: a wrong decimal point repeats itself
SEED = 11  # the level to start from is the median of so many rows


@dataclass(frozen=True, slots=True)
class Trusted:
    """The admitted rows, ascending, one a date, and the refused. A confirmed jump is known since its confirmation.

    held: the dates of jumps, those that the next row confirmed among them.
    """

    rows: tuple[Observation, ...]
    quarantined: tuple[Quarantined, ...]
    held: frozenset[date] = frozenset()


def admit(
    rows: list[Observation],
    *,
    calendar: Calendar,
    newest: date,
    corroborated: Collection[date] = (),
    vouched: Collection[date] = (),
) -> Trusted:
    """Judge rows that ascend by date, one a date; `newest` is the last date that is not from the future.

    corroborated: the dates whose value a second source gives as well; a jump on such a date is believed at once.
    vouched: those that a person has confirmed besides, however large the jump.
    """
    plausible: list[Observation] = []
    refused: list[Quarantined] = []
    for row in rows:
        if reason := _fault(row, calendar, newest):
            refused.append(Quarantined(row.observed_on, row.value, reason))
        else:
            plausible.append(row)
    admitted, jumps, held = _without_jumps(plausible, corroborated, vouched)
    return Trusted(tuple(admitted), tuple(sorted(refused + jumps, key=lambda q: q.observed_on)), frozenset(held))


def _fault(row: Observation, calendar: Calendar, newest: date) -> str | None:
    """What is wrong with a row by itself."""
    if not math.isfinite(row.value):
        return "not a finite number"
    if row.value <= 0:
        return "not positive"
    if not SMALLEST <= row.value <= 1 / SMALLEST:
        return "no rate of any two currencies"
    if row.observed_on > newest:
        return f"from the future: the newest rate that can be known is of {newest}"
    if not calendar.is_open(row.observed_on):
        return f"a closed day of the calendar {calendar.name}"
    return None


class _Band:
    """How far the next row may lie from the last trusted one, in logs."""

    def __init__(self, rows: list[Observation]) -> None:
        self.level = math.log(median(row.value for row in rows[:SEED])) if rows else 0.0
        self.moves: list[float] = []

    def distance(self, row: Observation) -> float:
        """How far a row lies from the last trusted one, in logs."""
        return abs(math.log(row.value) - self.level)

    def holds(self, distance: float) -> bool:
        """True for a move that is no jump."""
        if distance <= FLOOR:
            return True
        recent = self.moves[-MEMORY:]
        return bool(recent) and distance <= WIDTH * median(recent)

    def follow(self, row: Observation) -> None:
        """Take a row as the new level."""
        self.moves.append(self.distance(row))
        self.level = math.log(row.value)


def _without_jumps(
    rows: list[Observation], corroborated: Collection[date], vouched: Collection[date]
) -> tuple[list[Observation], list[Quarantined], list[date]]:
    """Hold back each jump beyond the band until the next row, or a second source, either confirms it or does not."""
    band = _Band(rows)
    admitted: list[Observation] = []
    refused: list[Quarantined] = []
    held: Observation | None = None
    ever_held: list[date] = []
    for row in rows:
        if held is not None and _confirms(row, held, band):
            refused.pop()
            admitted.append(replace(held, known_at=max(held.known_at, row.known_at)))
            band.follow(held)
        held = None
        distance = band.distance(row)
        seconded = row.observed_on in vouched or (row.observed_on in corroborated and distance <= LARGEST)
        if band.holds(distance) or seconded:
            admitted.append(row)
            band.follow(row)
        else:
            held = row
            ever_held.append(row.observed_on)
            move = math.expm1(math.log(row.value) - band.level)
            refused.append(Quarantined(row.observed_on, row.value, f"a jump of {move:+.0%} that nothing confirms"))
    return admitted, refused, ever_held


def _confirms(row: Observation, jumped: Observation, band: _Band) -> bool:
    """True if `row` lies nearer to the jumped value than to the level before it, and the jump is believable."""
    apart = abs(math.log(row.value / jumped.value))
    return band.distance(jumped) <= LARGEST and apart < band.distance(row) and band.holds(apart)
