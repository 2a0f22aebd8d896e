"""Ask many services at once, each about one driver after another, until all have answered or the time is up."""

import time
from collections.abc import Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from datetime import date, datetime

from forex_core.dataset.driver_series import age
from forex_core.errors import SourceUnavailable
from forex_core.sources.drivers import Bound, Chain, silent
from forex_core.values import Observation


@dataclass(frozen=True)
class Said:
    """What one source said about a driver: rows, and why they do not serve if they don't."""

    source: str
    rows: tuple[Observation, ...] = ()
    failure: str = ""


FirstDays = Mapping[tuple[str, str], date]  # by driver and source: where to ask from


def ask(chains: Sequence[Chain], first_days: FirstDays, now: datetime, seconds: float) -> dict[str, list[Said]]:
    """By driver what its sources said, in turn, until one had values that are not stale; in `seconds` at the most."""
    asking = _Asking(first_days, now, time.monotonic() + seconds)
    for chain in chains:
        asking.queue(_Turn(chain, 0))
    try:
        asking.go_on()
    finally:
        asking.threads.shutdown(wait=False, cancel_futures=True)
    return asking.said


@dataclass(frozen=True)
class _Turn:
    """A source of a chain whose turn it is."""

    chain: Chain
    position: int

    @property
    def source(self) -> Bound:
        return self.chain.sources[self.position]


class _Asking:
    """One round. Of each service at most one question is open."""

    def __init__(self, first_days: FirstDays, now: datetime, until: float) -> None:
        self.first_days, self.now, self.until = first_days, now, until
        self.threads = ThreadPoolExecutor(max_workers=8)  # there are four services
        self.waiting: list[_Turn] = []
        self.open: dict[Future[list[Observation]], _Turn] = {}
        self.silent: dict[str, str] = {}
        self.said: dict[str, list[Said]] = {}

    @property
    def left(self) -> float:
        """Seconds."""
        return max(0.0, self.until - time.monotonic())

    def queue(self, turn: _Turn) -> None:
        """Let a source wait for its service; nothing if the chain has come to its end."""
        if turn.position < len(turn.chain.sources):
            self.waiting.append(turn)

    def go_on(self) -> None:
        """Ask until nothing is left to ask, or no time."""
        self._start()
        while self.open and self.left:
            done, _ = wait(self.open, timeout=self.left, return_when=FIRST_COMPLETED)
            for future in done:
                self._hear(self.open.pop(future), future)
            self._start()
        for turn in [*self.open.values(), *self.waiting]:
            self._note(turn, f"{turn.source.name} did not answer in the time for all drivers")

    def _start(self) -> None:
        """Open a question at each service that has none and is waited for."""
        while turn := self._next():
            name, driver = turn.source.name, turn.chain.driver.name
            if name in self.silent:
                self._pass_on(turn, self.silent[name])
                continue
            source, day = turn.source.within(self.left), self.first_days[driver, name]
            self.open[self.threads.submit(source.fetch, driver, day, date.max, self.now)] = turn

    def _next(self) -> _Turn | None:
        busy = {turn.source.name for turn in self.open.values()}
        free = (place for place, turn in enumerate(self.waiting) if turn.source.name not in busy)
        place = next(free, None)
        return None if place is None else self.waiting.pop(place)

    def _hear(self, turn: _Turn, future: Future[list[Observation]]) -> None:
        name, limit = turn.source.name, turn.chain.driver.stale_after_days
        try:
            rows = future.result()
        except SourceUnavailable as error:
            if silent(error):
                self.silent[name] = f"{name} was not asked again: {error.message}"
            self._pass_on(turn, error.message)
            return
        newest = max((row.observed_on for row in rows), default=None)
        if newest and age(newest, self.now.date()) <= limit:
            self._note(turn, "", rows)
        else:
            self._pass_on(turn, f"the newest value of {name} is of {newest}; the limit is {limit} business days", rows)

    def _pass_on(self, turn: _Turn, failure: str, rows: Sequence[Observation] = ()) -> None:
        self._note(turn, failure, rows)
        self.queue(_Turn(turn.chain, turn.position + 1))

    def _note(self, turn: _Turn, failure: str, rows: Sequence[Observation] = ()) -> None:
        self.said.setdefault(turn.chain.driver.name, []).append(Said(turn.source.name, tuple(rows), failure))
