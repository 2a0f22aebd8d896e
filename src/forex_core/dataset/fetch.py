"""Ask the sources of a pair in turn, store what is new, and hand on every row that a view may use."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Literal

from forex_core.calendars import Calendar, calendar_of, release_of
from forex_core.dataset.agreement import disagreement
from forex_core.dataset.view import Rates
from forex_core.errors import SourceUnavailable
from forex_core.sources.imported import IMPORTED
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
    """The rows of a chain of sources, and what the asking brought to light."""

    rates: Rates
    answers: tuple[Answer, ...]
    disagreement: str | None = None  # with a second source, on the newest day that both have
    revised: tuple[str, ...] = ()  # values that were other ones when they were fetched before


def fetch(pair: str, chain: Sequence[Source], store: Store, now: datetime, *, replay: bool = False) -> Fetched:
    """Ask until one source is fresh; what is stored of the whole chain counts. The last failure if there is nothing.

    A replay asks no server: it reads files and what came with the program, and uses what is stored.
    """
    asking = _Asking(pair, store, now, replay)
    waiting = [source for source in chain if source.name != IMPORTED]  # its rows are stored
    failure: SourceUnavailable | None = None
    while waiting and not asking.satisfied:
        failure = asking.turn_to(waiting.pop(0)) or failure
    differs = asking.second_opinion(waiting)
    known = store.observations.all_of(pair, tuple(source.name for source in chain))
    if asking.whole is not None:
        known = tuple(row for row in known if row.observed_on in asking.whole)
    if not known and all(source.name == IMPORTED for source in chain):
        raise _unknown(pair)
    if not known and failure:
        raise failure if len(asking.answers) == 1 else _silence(pair, asking.answers)
    rates = Rates(pair, known, calendar_of(pair), release_of(pair))
    return Fetched(rates, tuple(asking.answers), differs, tuple(asking.revised))


@dataclass
class _Asking:
    """One round of questions about one pair."""

    pair: str
    store: Store
    now: datetime
    replay: bool
    answers: list[Answer] = field(default_factory=list)
    revised: list[str] = field(default_factory=list)
    rows: list[Observation] = field(default_factory=list)  # of the last one that answered
    whole: set[date] | None = None  # the days of an answer beside which nothing else counts

    @property
    def satisfied(self) -> bool:
        """True once a source had all that is due."""
        return bool(self.answers) and self.answers[-1].state == "fresh"

    def turn_to(self, source: Source) -> SourceUnavailable | None:
        """Ask one source and note its answer; its failure, if it was one."""
        if self.replay and source.offline() is None:
            return None
        try:
            self.rows = self._local(source) or self._asked(source)
        except SourceUnavailable as error:
            self.answers.append(Answer(source.name, "failed", detail=error.message))
            return error
        if source.whole:
            self.whole = {row.observed_on for row in self.rows}
        self.answers.append(_judged(source, self.rows, self.now, calendar_of(self.pair)))
        return None

    def second_opinion(self, others: Sequence[Source]) -> str | None:
        """Ask the next source that answers for its last days, and keep them: it seconds a jump, and serves when the
        first one fails. What it says of the newest common day, if that differs."""
        for source in others if not self.replay else ():
            start = self.now.date() - AGAIN
            try:
                rows = source.fetch(self.pair, start, LAST_DAY, self.now)
            except SourceUnavailable:
                continue
            self._keep(source, rows)
            return disagreement(self.pair, [row for row in self.rows if row.observed_on >= start], rows)
        return None

    def _local(self, source: Source) -> list[Observation]:
        """What is to be had without the network; nothing if a server must be asked as well."""
        local = source.offline()
        first = self.store.observations.newest_day(self.pair, source.name) is None
        if local is None or not (self.replay or first or local is source):
            return []
        rows = local.fetch(self.pair, FIRST_DAY, LAST_DAY, self.now)
        self._keep(source, rows)
        return rows if self.replay or local is source else []

    def _asked(self, source: Source) -> list[Observation]:
        newest = self.store.observations.newest_day(self.pair, source.name)
        start = newest - AGAIN if newest else self.now.date() - HISTORY
        rows = source.fetch(self.pair, start, LAST_DAY, self.now)
        self._keep(source, rows)
        return rows

    def _keep(self, source: Source, rows: list[Observation]) -> None:
        with self.store.transaction():
            revisions = self.store.observations.add(self.pair, source.name, rows, self.now)
        self.revised += [
            f"{row.source} changed {row.observed_on} from {before:g} to {row.value:g}" for before, row in revisions
        ]


def _unknown(pair: str) -> SourceUnavailable:
    return SourceUnavailable(
        f"no source is known for {pair}, and nothing of it is stored",
        untouched="no forecast was issued",
        hint="bring its rates with `forex data import FILE`, give them with --source csv:PATH, or see `forex demo`",
    )


def _silence(pair: str, answers: Sequence[Answer]) -> SourceUnavailable:
    return SourceUnavailable(
        f"no source of {pair} answered and nothing is stored: {'; '.join(answer.detail for answer in answers)}",
        untouched="no forecast was issued",
        hint="try again later, give a file with --source csv:PATH, or see the program work with `forex demo`",
    )


def _judged(source: Source, rows: list[Observation], now: datetime, calendar: Calendar) -> Answer:
    newest = max((row.observed_on for row in rows), default=None)
    due = source.release.newest_due(now, calendar)
    if newest is None or newest < due:
        return Answer(source.name, "behind", newest, f"the rate of {due} is due and not out")
    return Answer(source.name, "fresh", newest)
