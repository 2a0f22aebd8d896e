"""Does a second source say the same? A wrong number that one source lets through rarely stands in two."""

import math
from collections.abc import Iterable, Sequence

from forex_core.calendars import calendar_of
from forex_core.values import Observation

WITHIN = 0.005  # of the rate, where two sources measure at different hours
EXACT = 1e-9


def agree(pair: str, one: float, other: float) -> bool:
    """Whether two values of one day are the same.

    The observado is one number, published once: sources that pass it on must be equal to the last digit.
    """
    allowed = EXACT if calendar_of(pair).name == "chile" else WITHIN
    return math.isclose(one, other, rel_tol=allowed)


def disagreement(pair: str, one: Iterable[Observation], other: Iterable[Observation]) -> str | None:
    """What differs on the newest day that both have; None if they agree or have no day in common."""
    mine, theirs = ({row.observed_on: row for row in rows} for rows in (one, other))
    if not (common := mine.keys() & theirs.keys()):
        return None
    first, second = mine[max(common)], theirs[max(common)]
    if agree(pair, first.value, second.value):
        return None
    return f"{first.source} and {second.source} differ on {max(common)}: {first.value:g} and {second.value:g}"


def seconded_by(pair: str, rows: Sequence[Observation]) -> set[str]:
    """The other sources whose newest value agrees with the last of one day's rows."""
    newest = {row.source: row for row in rows}
    chosen = rows[-1]
    return {s for s, row in newest.items() if s != chosen.source and agree(pair, chosen.value, row.value)}
