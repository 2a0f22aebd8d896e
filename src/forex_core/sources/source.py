"""What a source is."""

from datetime import date, datetime
from typing import Protocol

from forex_core.calendars import Release
from forex_core.values import Observation


class Source(Protocol):
    """One place to ask for rates. `name` is stored with every observation; `release` says when a value is due."""

    @property
    def name(self) -> str: ...

    @property
    def release(self) -> Release: ...

    @property
    def whole(self) -> bool:
        """True if the answer is all there is to see: rows stored from earlier answers are then left aside."""
        ...

    def offline(self) -> "Source | None":
        """The part of this source that needs no network, for replays and first runs; itself if it never does."""
        ...

    def fetch(self, pair: str, start: date, end: date, now: datetime) -> list[Observation]:
        """The observations with start <= observed_on <= end, ascending; SourceUnavailable or DataError if it can't.

        `now` is the time of reading; a source whose values become known on reading uses it.
        """
        ...


class Remote:
    """A source that is nothing without the network."""

    whole = False

    def offline(self) -> None:
        """Nothing."""
