"""The rules: what, of all that is known, is wrong or worth knowing just now. Each one may fail alone."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from itertools import groupby

import numpy as np
from loguru import logger

from forex_core.backtest import drift
from forex_core.pipeline import upkeep
from forex_core.pipeline.alarm import Alarm
from forex_core.pipeline.health import feeds
from forex_core.pipeline.levels import Level, levels_of
from forex_core.report.track_record_table import scoreboard
from forex_core.settings import Settings
from forex_core.store.scoreboard import Outlook, Scoreboard, Scored
from forex_core.values import INTERVALS, TRACK_RECORD, Floats

JUDGED = (80, 95)  # intervals, in percent, whose coverage is watched


@dataclass(frozen=True)
class Scene:
    """What the rules look at, each part read once."""

    board: Scoreboard
    settings: Settings
    now: datetime

    @cached_property
    def outlooks(self) -> list[Outlook]:
        """The newest forecasts of the configured pairs that are track record."""
        found = self.board.outlooks()
        return [one for one in found if one.pair in self.settings.pairs and one.role in TRACK_RECORD]

    @cached_property
    def levels(self) -> list[Level]:
        """The rates to watch."""
        return list(levels_of(self.settings.alert_levels, self.outlooks, self.now.date()))

    @cached_property
    def records(self) -> list[list[Scored]]:
        """What came of the champions' forecasts: a list for each pair and horizon, the oldest first."""
        found = self.board.scored(self.settings.pairs, TRACK_RECORD[:1])
        ranked = sorted(found, key=lambda one: (one.pair, one.horizon))
        return [list(group) for _, group in groupby(ranked, key=lambda one: (one.pair, one.horizon))]


Rule = Callable[[Scene], Iterator[Alarm]]


def alarms(scene: Scene) -> tuple[list[Alarm], set[str]]:
    """All that is so now, and the rules that could give no answer; that they could not is an alarm, too."""
    found, silent = list[Alarm](), set[str]()
    for name, rule in RULES.items():
        try:
            found += rule(scene)
        except Exception as error:  # noqa: BLE001 - a rule that breaks costs neither the others nor the run
            logger.opt(exception=error).warning("the alert rule {} gave no answer: {}", name, error)
            silent.add(name)
            found.append(Alarm(f"rule {name}", "notable", f"the alert rule {name} gave no answer: {error}"))
    return found, silent


def _failed(scene: Scene) -> Iterator[Alarm]:
    return (one for one in upkeep.failed(scene.board.events.last_ends()) if one.pair in scene.settings.pairs)


def _stale(scene: Scene) -> Iterator[Alarm]:
    for feed in feeds(scene.board, (), scene.settings, scene.now):
        if feed.age is not None and feed.age > scene.settings.stale_after_days:
            said = f"the newest rate of {feed.pair} is of {feed.newest}, {feed.age} business days ago"
            yield Alarm(f"stale {feed.pair}", "urgent", said, feed.pair)


def _coverage(scene: Scene) -> Iterator[Alarm]:
    for record in scene.records:
        pair, horizon, overlap = record[0].pair, record[0].horizon, scoreboard(record)[0].overlap
        looked_at, apart = drift.latest_apart(len(record), overlap)
        for percent in JUDGED:
            inside = [_inside(one, percent) for one in record]
            if not drift.outside_band(inside, percent, overlap):
                continue
            said = (
                f"of the last {looked_at} forecasts of {pair} {horizon} ({apart} that don't overlap) "
                f"{sum(inside[-looked_at:]) / looked_at:.0%} came inside the {percent} % interval"
            )
            yield Alarm(f"coverage {pair} {horizon} {percent}", "notable", said, pair, horizon)


def _inside(one: Scored, percent: int) -> float:
    low, high = (one.said[level] for level in INTERVALS[percent])
    return float(low <= one.outcome <= high)


def _drift(scene: Scene) -> Iterator[Alarm]:
    for record in scene.records:
        pair, horizon = record[0].pair, record[0].horizon
        losses, walk = np.array([one.loss for one in record]), np.array([one.yardstick_loss for one in record])
        relative = drift.relative_errors(losses, walk)
        tests = {
            "Page-Hinkley": drift.page_hinkley(relative)[-1] > drift.LIMIT,
            "Kolmogorov-Smirnov": drift.distance(relative) >= drift.DISTANCE,
        }
        if any(tests.values()):
            lately = slice(-drift.RECENT, None)
            said = (
                f"the errors of {pair} {horizon} have grown beside the random walk's: over the last "
                f"{min(len(record), drift.RECENT)} scored forecasts they are {_times(losses[lately], walk[lately])} of "
                f"them, {_times(losses, walk)} over all {len(record)} ({' and '.join(filter(tests.get, tests))})"
            )
            yield Alarm(f"drift {pair} {horizon}", "notable", said, pair, horizon)


def _times(losses: Floats, walk: Floats) -> str:
    return f"{losses.sum() / walk.sum():.0%}" if walk.sum() else "a multiple"


def _level(scene: Scene) -> Iterator[Alarm]:
    """A spot or a median that is beyond a level."""
    for level in scene.levels:
        spot = max(level.outlooks, key=lambda one: one.spot.observed_on).spot
        beyond = [one for one in level.outlooks if level.passed_by(one.median)]
        said = [f"its {one.horizon} forecast at {level.shown(one.median)} ({one.target_date})" for one in beyond]
        if level.passed_by(spot.value):
            said.insert(0, f"it is at {level.shown(spot.value)} ({spot.observed_on})")
        if said:
            text = f"{level.pair} {level.words}: {', '.join(said)}"
            yield Alarm(f"level {level.name}", "notable", text, level.pair, beyond[0].horizon if beyond else None)


def _chance(scene: Scene) -> Iterator[Alarm]:
    """A level that is likely enough to be passed."""
    for level in scene.levels:
        chances = [(one, level.chance(one)) for one in level.outlooks]
        likely = [(one, chance) for one, chance in chances if chance >= scene.settings.alert_probability]
        if likely:
            said = ", ".join(f"{chance:.0%} on {one.target_date} ({one.horizon})" for one, chance in likely)
            text = f"the chance of {level.pair} {level.words} is {said}"
            yield Alarm(f"chance {level.name}", "notable", text, level.pair, likely[0][0].horizon)


RULES: dict[str, Rule] = {
    "failed": _failed,
    "stale": _stale,
    "coverage": _coverage,
    "drift": _drift,
    "level": _level,
    "chance": _chance,
    "spool": lambda scene: upkeep.spool(scene.board.path.parent, scene.now),
    "disk": lambda scene: upkeep.disk(scene.board.path.parent),
    "backup": lambda scene: upkeep.backup(scene.board.events, scene.now),
    "drill": lambda scene: upkeep.drill(scene.board.events, scene.now),
}
