"""Ask the sources of a pair in turn, store what is new, and hand on every row that a view may use."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Literal

from forex_core.calendars import Calendar, calendar_of, release_of
from forex_core.dataset.agreement import disagreement
from forex_core.dataset.view import Rates
from forex_core.errors import SourceUnavailable
from forex_core.sources.source import Source
from forex_core.store.store import Store
from forex_core.values import Observation

FIRST_DAY, LAST_DAY = date.min, date.max
HISTORY = timedelta(days=15 * 366)  # asked of a server when nothing is stored: more than any member looks back
AGAIN = timedelta(days=10)  # asked for anew each time, because rates are revised


@dataclass(frozen=True, slots=True)
class Answer:
    """What one source said: fresh has all that is due, behind lacks the newest, failed could not be read."""

    source: str
    state: Literal["fresh", "behind", "failed"]
    newest: date | None = None
    detail: str = ""


@dataclass(frozen=True)
class Fetched:
    """The rows of a chain of sources, what each of those asked answered, and whether a second one disagrees."""

    rates: Rates
    answers: tuple[Answer, ...]
    disagreement: str | None = None


def fetch(pair: str, chain: Sequence[Source], store: Store, now: datetime, *, replay: bool = False) -> Fetched:
    """Ask until one source is fresh; what is stored of the whole chain counts. The last failure if there is nothing.

    A replay asks no server: it reads files and what came with the program, and uses what is stored.
    """
    calendar = calendar_of(pair)
    answers: list[Answer] = []
    failure: SourceUnavailable | None = None
    whole: set[date] | None = None
    waiting = list(chain)
    while waiting:
        source = waiting.pop(0)
        if replay and source.offline() is None:
            continue
        try:
            rows = _local(source, pair, store, now, replay) or _asked(source, pair, store, now)
        except SourceUnavailable as error:
            failure = error
            answers.append(Answer(source.name, "failed", detail=error.message))
            continue
        whole = {row.observed_on for row in rows} if source.whole else whole
        answers.append(_judged(source, rows, calendar, now))
        if answers[-1].state == "fresh":
            break
    known = store.observations.all_of(pair, tuple(source.name for source in chain))
    if whole is not None:
        known = tuple(row for row in known if row.observed_on in whole)
    if not known and failure:
        raise failure if len(answers) == 1 else _silence(pair, answers)
    differs = None if replay else _second_opinion(pair, known, waiting, store, now)
    return Fetched(Rates(pair, known, calendar, release_of(pair)), tuple(answers), differs)


def _second_opinion(
    pair: str, known: Sequence[Observation], others: Sequence[Source], store: Store, now: datetime
) -> str | None:
    """Ask the next source that answers for its last days; what it says is kept too, for the day the first one fails."""
    for source in others:
        try:
            start = now.date() - AGAIN
            rows = source.fetch(pair, start, LAST_DAY, now)
        except SourceUnavailable:
            continue
        _keep(source, pair, rows, store, now)
        return disagreement(pair, [row for row in known if row.observed_on >= start], rows)
    return None


def _silence(pair: str, answers: Sequence[Answer]) -> SourceUnavailable:
    return SourceUnavailable(
        f"no source of {pair} answered and nothing is stored: {'; '.join(answer.detail for answer in answers)}",
        untouched="no forecast was issued",
        hint="try again later, give a file with --source csv:PATH, or see the program work with `forex demo`",
    )


def _local(source: Source, pair: str, store: Store, now: datetime, replay: bool) -> list[Observation]:
    """What is to be had without the network; nothing if a server must be asked as well."""
    local = source.offline()
    first = store.observations.newest_day(pair, source.name) is None
    if local is None or not (replay or first or local is source):
        return []
    rows = local.fetch(pair, FIRST_DAY, LAST_DAY, now)
    _keep(source, pair, rows, store, now)
    return rows if replay or local is source else []


def _asked(source: Source, pair: str, store: Store, now: datetime) -> list[Observation]:
    newest = store.observations.newest_day(pair, source.name)
    start = newest - AGAIN if newest else now.date() - HISTORY
    rows = source.fetch(pair, start, LAST_DAY, now)
    _keep(source, pair, rows, store, now)
    return rows


def _keep(source: Source, pair: str, rows: list[Observation], store: Store, now: datetime) -> None:
    with store.transaction():
        store.observations.add(pair, source.name, rows, now)


def _judged(source: Source, rows: list[Observation], calendar: Calendar, now: datetime) -> Answer:
    newest = max((row.observed_on for row in rows), default=None)
    due = source.release.newest_due(now, calendar)
    if newest is None or newest < due:
        return Answer(source.name, "behind", newest, f"the rate of {due} is due and not out")
    return Answer(source.name, "fresh", newest)
