"""Does a second source say the same? A wrong number that one source lets through rarely stands in two."""

from collections.abc import Iterable
from datetime import date

from forex_core.calendars import calendar_of
from forex_core.values import Observation

WITHIN = 0.005  # of the rate, where two sources measure at different hours
EXACT = 1e-9


def disagreement(pair: str, one: Iterable[Observation], other: Iterable[Observation]) -> str | None:
    """What differs on the newest day that both have; None if they agree or have no day in common.

    The observado is one number, published once: sources that pass it on must be equal to the last digit.
    """
    mine, theirs = _by_day(one), _by_day(other)
    common = mine.keys() & theirs.keys()
    if not common:
        return None
    day = max(common)
    allowed = EXACT if calendar_of(pair).name == "chile" else WITHIN
    if abs(theirs[day].value / mine[day].value - 1) <= allowed:
        return None
    first, second = mine[day], theirs[day]
    return f"{first.source} and {second.source} differ on {day}: {first.value:g} and {second.value:g}"


def _by_day(rows: Iterable[Observation]) -> dict[date, Observation]:
    return {row.observed_on: row for row in rows}
