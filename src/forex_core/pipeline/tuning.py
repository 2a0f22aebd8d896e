"""Search a member's parameters on one period, and judge the best beside today's on a later one.

No rate of the verdict's period is seen while searching, not even as the outcome of an origin before it.
"""

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from threadpoolctl import threadpool_limits

from forex_core.backtest.promotion import Verdict
from forex_core.calendars import utc_now
from forex_core.dataset.fetch import fetch
from forex_core.dataset.view import Rates
from forex_core.errors import DataError, ModelError, UsageError
from forex_core.horizons import HORIZONS
from forex_core.models.child import Ask, one_child
from forex_core.models.member import Member
from forex_core.models.search_space import Search, Values, ready, varied
from forex_core.pipeline.backtesting import with_drivers
from forex_core.pipeline.request import Adapters
from forex_core.pipeline.trials import BEST, Measured, Part, measured, parts_of, ratios, verdict_of

PAIRS = tuple("EURUSD USDMXN USDBRL USDZAR USDKRW USDNOK AUDUSD".split())
START, END, VERDICT = date(2006, 1, 1), date(2014, 12, 31), date(2015, 1, 1)
A_DAY = timedelta(days=1)

Progress = Callable[[str], None]


@dataclass(frozen=True)
class Task:
    """What is searched: origins in [start, end] for the search, from `verdict_from` on for the verdict."""

    member: Member
    panel: Sequence[Rates]
    start: date = START
    end: date = END
    verdict_from: date = VERDICT
    minutes: float = 10.0
    trials: int | None = None

    def __post_init__(self) -> None:
        if not self.start <= self.end < self.verdict_from:
            raise UsageError(f"--from {self.start}, --to {self.end} and --verdict-from {self.verdict_from} must ascend")


@dataclass(frozen=True)
class Trial:
    """Values that were tried. ratios: WQL beside the yardstick's by horizon, empty if the member could not speak."""

    values: Values
    ratios: dict[str, float]
    started: datetime
    ended: datetime

    @property
    def loss(self) -> float | None:
        """The geometric mean over horizons."""
        return float(np.exp(np.mean(np.log(list(self.ratios.values()))))) if self.ratios else None


@dataclass(frozen=True)
class Tuned:
    """What came of a search. verdict: None where nothing did better than today's, or it was interrupted."""

    task: Task
    trials: tuple[Trial, ...]
    best: Member
    verdict: Verdict | None
    stopped: str = ""

    @property
    def best_trial(self) -> Trial:
        """The one with the lowest loss; of equals the first, so that today's is left only for something better."""
        return min(self.trials, key=lambda trial: trial.loss or np.inf)

    @property
    def said(self) -> str:
        """The verdict in one sentence."""
        if self.verdict:
            return self.verdict.said(len(self.trials))
        if len(self.trials) == 1:
            return "No trial but today's own was finished: keep what you have."
        if self.best == self.task.member:
            return f"None of {len(self.trials)} trials did better than today's: keep what you have."
        return f"Best of {len(self.trials)} trials, interrupted before the verdict: keep what you have."


def rates_for(pairs: Iterable[str], source: str, member: Member, adapters: Adapters) -> list[Rates]:
    """The panel from files and from what is stored: a search asks no server."""
    now, found = adapters.clock(), []
    for pair in pairs:
        rates = fetch(pair, adapters.catalog.chain_for(pair, source), adapters.store, now, replay=True).rates
        found.append(with_drivers(rates, (member,), adapters))
    return found


def tune(task: Task, now: datetime, progress: Progress = lambda line: None) -> Tuned:
    """Search until the time is up, the trials are made, or Ctrl-C; then judge. DataError without a window."""
    search = Search(task.member)
    with TemporaryDirectory() as folder, threadpool_limits(1):  # its matrices are too small to be worth a second one
        held_out = verdict_parts(task, Path(folder), now)  # made first: without any there is nothing to search for
        trials, stopped = _searched(task, search, Path(folder), progress)
        found = Tuned(task, tuple(trials), task.member, None, stopped)
        if found.best_trial is trials[0]:
            return found
        found = replace(found, best=varied(task.member, found.best_trial.values))
        try:
            progress(f"the best has {found.best_trial.loss:.4f}; now the verdict from {task.verdict_from} on")
            return replace(found, verdict=_verdict(task, found.best, held_out, Path(folder)))
        except KeyboardInterrupt:
            return replace(found, stopped="by Ctrl-C")


def tuning_parts(task: Task, scratch: Path) -> list[Part]:
    """What the search may see: nothing of the verdict's period, be it known as an outcome only."""
    last_day = task.verdict_from - A_DAY
    return list(parts_of(task.panel, task.start, task.end, lambda rates: rates.at_close(last_day), scratch))


def verdict_parts(task: Task, scratch: Path, now: datetime) -> list[Part]:
    """What the verdict is taken on: the origins from `verdict_from` on; DataError if no outcome is known of any."""
    parts = list(parts_of(task.panel, task.verdict_from, now.date(), lambda rates: rates.as_of(now), scratch))
    farthest = max(horizon.days for horizon in HORIZONS.values())
    if not any(part.rates.calendar.target(part.seen[0].origin, farthest) <= part.newest for part in parts):
        raise DataError(f"no origin from {task.verdict_from} on has an outcome {farthest} days later")
    return parts


class _TimeIsUp(Exception):
    """The trial that is being made will not be finished."""


@dataclass
class _Bench:
    """Where trials are measured. origins: at how many today's member spoke, known after the first trial."""

    task: Task
    parts: Sequence[Part]
    scratch: Path
    ask: Ask
    until: float
    origins: int | None = None

    def try_out(self, values: Values) -> Trial:
        """Measure the member with these values; ModelError if not even today's can speak."""
        started = utc_now()
        member = varied(self.task.member, values)
        try:
            ready_one = ready(member, self.task.start - A_DAY, self.scratch)
            found = measured(ready_one, self.parts, self.ask, self.tick)
        except ModelError:
            if self.origins is None:
                raise
            return Trial(values, {}, started, utc_now())
        spoken = sum(len(of[member.name].origins) for of_pair in found for of in of_pair.values() if member.name in of)
        if spoken == 0 and self.origins is None:
            raise ModelError(f"{member.name} speaks at no origin between {self.task.start} and {self.task.end}")
        self.origins = self.origins or spoken
        same = spoken == self.origins  # a trial that is silent where today's is not can't be compared
        return Trial(values, ratios(found, member.name) if same else {}, started, utc_now())

    def tick(self) -> None:
        """Today's is finished whatever the time."""
        if self.origins is not None and time.monotonic() > self.until:
            raise _TimeIsUp


def _searched(task: Task, search: Search, scratch: Path, progress: Progress) -> tuple[list[Trial], str]:
    """The trials, today's values first, and what ended them."""
    if not (parts := tuning_parts(task, scratch)):
        raise DataError(f"no origin between {task.start} and {task.end} has 250 rates before it")
    trials: list[Trial] = []
    with one_child() as ask:
        bench = _Bench(task, parts, scratch, ask, time.monotonic() + 60 * task.minutes)
        try:
            while task.trials is None or len(trials) < task.trials:
                bench.tick()
                trial = bench.try_out(search.propose())
                search.learn(trial.loss)
                trials.append(trial)
                progress(f"trial {len(trials)}: {trial.loss:.4f}" if trial.loss else f"trial {len(trials)}: silent")
        except _TimeIsUp:
            return trials, "by the time limit"
        except KeyboardInterrupt:
            if not trials:
                raise
            return trials, "by Ctrl-C"
    return trials, ""


def _verdict(task: Task, chosen: Member, parts: Sequence[Part], scratch: Path) -> Verdict:
    day, name = task.verdict_from - A_DAY, task.member.name
    with one_child() as ask:
        today = measured(ready(task.member, day, scratch), parts, ask)
        best = measured(ready(chosen, day, scratch), parts, ask)
    both: Measured = [
        {key: {**of, BEST: better[key][name]} for key, of in of_pair.items() if name in of and name in better[key]}
        for of_pair, better in zip(today, best, strict=True)
    ]
    return verdict_of(both, name)
