"""Ask the sources of a pair in turn, store what is new, and hand on every row that a view may use."""

from collections.abc import Sequence
from datetime import UTC, date, datetime

from forex_core.calendars import calendar_of, release_of
from forex_core.dataset.view import Rates
from forex_core.errors import SourceUnavailable
from forex_core.sources.source import Source
from forex_core.store.store import Store

FIRST_DAY, LAST_DAY = date(1990, 1, 1), date(2079, 12, 31)


def fetch(pair: str, chain: Sequence[Source], store: Store, now: datetime) -> Rates:
    """The rates of a pair from the first source that answers; the error of the last one if none does."""
    failure: SourceUnavailable | None = None
    for source in chain:
        try:
            return _from(source, pair, store, now)
        except SourceUnavailable as error:
            failure = error
    raise failure or SourceUnavailable(f"no source is set for {pair}")


def _from(source: Source, pair: str, store: Store, now: datetime) -> Rates:
    answer = source.fetch(pair, FIRST_DAY, LAST_DAY, now)
    with store.transaction():
        store.observations.add(pair, source.name, answer, now)
    rows = store.observations.all_of(pair, (source.name,))
    if source.whole:
        days = {row.observed_on for row in answer}
        rows = tuple(row for row in rows if row.observed_on in days)
    return Rates(pair, rows, calendar_of(pair), release_of(pair))


def utc_now() -> datetime:
    """The wall clock, in UTC to the second."""
    return datetime.now(UTC).replace(microsecond=0)
