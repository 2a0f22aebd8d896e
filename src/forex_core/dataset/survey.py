"""Ask every source of a pair for its last days, store nothing, and say how each one stands."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal

from forex_core.calendars import calendar_of
from forex_core.dataset.agreement import disagreement
from forex_core.dataset.fetch import AGAIN, LAST_DAY
from forex_core.errors import DataError
from forex_core.sources.imported import IMPORTED
from forex_core.sources.source import Source
from forex_core.values import Observation


@dataclass(frozen=True, slots=True)
class Standing:
    """One source now. due: the newest day that it should have; next_release: when the day after that is due, UTC."""

    source: str
    state: Literal["fresh", "behind", "failed"]
    newest: date | None
    due: date
    next_release: datetime
    detail: str = ""


def survey(pair: str, chain: Sequence[Source], now: datetime) -> list[Standing]:
    """How each source of the chain stands; the first one that answers is what the others are compared with."""
    calendar = calendar_of(pair)
    first: list[Observation] = []
    found = []
    for source in (source for source in chain if source.name != IMPORTED):
        due = source.release.newest_due(now, calendar)
        following = source.release.known_at(calendar.next_open(due), calendar)
        try:
            rows = source.fetch(pair, now.date() - AGAIN, LAST_DAY, now)
        except DataError as error:
            found.append(Standing(source.name, "failed", None, due, following, error.message))
            continue
        newest = max((row.observed_on for row in rows), default=None)
        state: Literal["fresh", "behind"] = "fresh" if newest and newest >= due else "behind"
        differs = disagreement(pair, first, rows) if first else None
        found.append(Standing(source.name, state, newest, due, following, differs or ""))
        first = first or rows
    return found
