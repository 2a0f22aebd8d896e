"""The dashboard's lines: every pair and horizon, what stands around them, and the troubles. The moment is passed in."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from textwrap import wrap

from forex_cli.figures import ago, ink, megabytes, packed, percent, rate, span
from forex_cli.terminal import WIDEST, Line, Terminal
from forex_core.pipeline.alarm import RATES
from forex_core.pipeline.health import Feed, Health
from forex_core.report.numbers import digits_for
from forex_core.report.sparkline import Ink, band, sparkline
from forex_core.store.scoreboard import Outlook, Tally
from forex_core.values import TRACK_RECORD

SHORTEST_BAR, SHORTEST_CURVE = 8, 12
WIDE = 110  # columns from which the model stands beside its forecast
TROUBLE = 230  # characters of one trouble: three lines


@dataclass(frozen=True)
class Board:
    """What the dashboard shows. free and databases: bytes."""

    at: datetime
    environment: str
    health: Health
    tallies: dict[tuple[str, str, str], Tally]
    free: int
    databases: dict[str, int]

    def tally(self, one: Outlook) -> Tally | None:
        """The track record in this forecast's role; failing that, its backtest."""
        return self.live(one) or one.backtest

    def live(self, one: Outlook) -> Tally | None:
        """What came of the forecasts that were issued in this role."""
        return self.tallies.get((one.pair, one.horizon, one.role))


@dataclass(frozen=True, slots=True)
class _Columns:
    """How wide the rates and the bar are, and what there is room for."""

    rate: int
    bar: int
    ends: bool
    model: int

    @classmethod
    def within(cls, width: int, newest: Sequence[Outlook]) -> "_Columns":
        shown = [rate(one.quantiles[level], digits_for(one.spot.value)) for one in newest for level in (0.1, 0.5, 0.9)]
        longest = max(map(len, shown), default=6)
        model = 7 + max((len(one.version_id) for one in newest), default=0) if width >= WIDE else 0
        left = min(width, WIDEST) - 41 - longest - model
        ends = left - 2 * (longest + 1) >= SHORTEST_BAR
        bar = max(left - 2 * (longest + 1) if ends else left, SHORTEST_BAR)
        return cls(longest, bar - 1 + bar % 2, ends, model)  # an odd number has a middle


def lines(board: Board, terminal: Terminal) -> list[Line]:
    """The whole dashboard, top to bottom; on a low screen without what can be done without."""
    newest = board.health.newest
    columns = _Columns.within(terminal.width, newest)
    feeds = {feed.pair: feed for feed in board.health.feeds}
    shown = [_title(board, terminal), ((_heading(columns), "dim"),)]
    for pair, found in groupby(newest, key=lambda one: one.pair):
        shown += _block(list(found), feeds[pair], board, columns, terminal)
    if not newest:
        shown.append((("Nothing was forecast yet.", ""),))
    sizes = ", ".join(f"{name} {megabytes(size)}" for name, size in board.databases.items())
    around = [
        *surroundings(board.health, board.at, terminal),
        (("disk      ", "dim"), (f"{megabytes(board.free)} free, {sizes}", "")),
        *troubles(board.health.troubles, terminal),
    ]
    if terminal.moves and len(shown) + len(around) + 2 >= terminal.height:
        return [*shown, *around]
    return [*shown, (), *around, ((_legend(board, ink(terminal)), "dim"),)]


def _title(board: Board, terminal: Terminal) -> Line:
    title, moment = f"FOREX {terminal.legible(board.environment, 20)}", f"{board.at:%Y-%m-%d %H:%M:%S} UTC"
    return (title, "bold"), (moment.rjust(min(terminal.width, WIDEST) - len(title)), "")


def surroundings(found: Health, now: datetime, terminal: Terminal) -> Iterator[Line]:
    """When it last ran, what comes next, the last backup, and the rates that were to be watched."""
    if run := found.last_run:
        said = f"{run.at:%Y-%m-%d %H:%M} UTC, {span(now - run.at)} ago, {run.kind} ({run.pair} {run.horizon})"
        yield ("last run  ", "dim"), (terminal.legible(said, terminal.width - 10), "")
    awaited = sorted((feed.due, feed.pair) for feed in found.feeds if feed.due)
    for due, pairs in groupby(awaited, key=lambda one: one[0]):
        moment = f"{due:%Y-%m-%d %H:%M} UTC"
        said = f"now, since {moment}, {span(now - due)} ago" if due <= now else f"{moment}, in {span(due - now)}"
        names = ", ".join(pair for _, pair in pairs)
        yield ("next due  ", "dim"), (terminal.legible(f"{said} ({names})", terminal.width - 10), "")
    if found.backup_at:
        yield ("backup    ", "dim"), (f"{found.backup_at:%Y-%m-%d %H:%M} UTC, {span(now - found.backup_at)} ago", "")
    for one in (story for story in found.alarms if story.alarm.rule in RATES):
        said = f"{one.since:%Y-%m-%d %H:%M} UTC: {one.alarm.message}"
        yield ("alert     ", "dim"), (terminal.legible(said, terminal.width - 10), "")


def troubles(found: Sequence[str], terminal: Terminal) -> Iterator[Line]:
    """Each trouble in as many lines as it needs."""
    for trouble in found:
        for number, part in enumerate(wrap(terminal.legible(trouble, TROUBLE), terminal.width - 2)):
            yield (("! " if number == 0 else "  ", "red"), (part, "red"))


def freshness(one: Outlook, feed: Feed) -> list[str]:
    """How old the newest rate is, and which one that is if the forecast began with an older one."""
    newer = [f"{feed.newest} is known"] if feed.newest and feed.newest > one.spot.observed_on else []
    return newer if feed.age is None else [*newer, ago(feed.age)]


def _heading(columns: _Columns) -> str:
    ends = f" {'from':>{columns.rate}} {'80 %':^{columns.bar}} {'to':<{columns.rate}}"
    model = f"  {'model':<{columns.model - 7}} {'days':>4}" if columns.model else ""
    bar = ends if columns.ends else f" {'80 %':^{columns.bar}}"
    return f"      {'for':<10} {'median':>{columns.rate}}{bar}  {'skill':>7} {'inside':>6} {'n':>5}{model}"


def _block(found: list[Outlook], feed: Feed, board: Board, columns: _Columns, terminal: Terminal) -> Iterator[Line]:
    """One pair: its spot, a line a horizon, and which model speaks."""
    yield _spot(found[0], feed, terminal, sorted({one.role for one in found} - {TRACK_RECORD[0]}))
    scale = min(one.quantiles[0.025] for one in found), max(one.quantiles[0.975] for one in found)
    for one in found:
        yield _row(one, board, columns, terminal, scale)
    if not columns.model:
        for part in packed(_models(found, board.at), terminal.width - 2):
            yield ((f"  {part}", "dim"),)


def _spot(one: Outlook, feed: Feed, terminal: Terminal, roles: list[str]) -> Line:
    """The rate that the forecasts start from, and its last months."""
    value, width = rate(one.spot.value, digits_for(one.spot.value)), min(terminal.width, WIDEST)
    after = "".join(f", {word}" for word in (*freshness(one, feed), *roles))
    before = f" of {one.spot.observed_on} from "
    room = width - len(one.pair) - 2 - len(value) - len(before) - len(after) - SHORTEST_CURVE - 2
    said = f"{before}{terminal.legible(one.spot.source, max(room, 4))}{after}  "
    left = width - len(one.pair) - 2 - len(value) - len(said)
    curve = sparkline(one.history, left, ink(terminal))
    return (f"{one.pair}  {value}", "bold"), (said, ""), (curve.rjust(left), "")


def _row(one: Outlook, board: Board, columns: _Columns, terminal: Terminal, scale: tuple[float, float]) -> Line:
    digits = digits_for(one.spot.value)
    low, middle, high = (rate(one.quantiles[level], digits) for level in (0.1, 0.5, 0.9))
    bar = band(one.quantiles, one.spot.value, scale, columns.bar, ink(terminal))
    drawn = f" {low:>{columns.rate}} {bar} {high:<{columns.rate}}" if columns.ends else f" {bar}"
    tally = board.tally(one)
    mark = " " if board.live(one) or not tally else "*"
    inside = f"{100 * tally.coverage_80:.0f}%" if tally else "-"
    count = f"{tally.count if tally else 0}{mark}"
    model = f" {one.version_id:<{columns.model - 7}} {(board.at - one.version_since).days:>5}" if columns.model else ""
    return (
        (f"  {one.horizon:<3} {one.target_date} ", ""),
        (f"{middle:>{columns.rate}}", "bold"),
        (drawn, ""),
        (f"  {percent(tally.skill if tally else None):>7} {inside:>6} {count:>6}", ""),
        (model, "dim"),
    )


def _models(found: list[Outlook], now: datetime) -> list[str]:
    """`model`, `7d v2026-11-20--14h15,`, `15d -2 (0 days old)`: of an id made in the same minute only its ending."""
    said = ["model"]
    for days, group in groupby(found, key=lambda one: (now - one.version_since).days):
        first = ""
        for one in group:
            ending = one.version_id.removeprefix(first) if first else ""
            if not ending.startswith("-"):
                first = ending = one.version_id
            said.append(f"{one.horizon} {ending},")
        said[-1] = f"{said[-1][:-1]} ({days} day{'' if days == 1 else 's'} old);"
    return [*said[:-1], said[-1][:-1]]


def _legend(board: Board, drawn: Ink) -> str:
    marked = any(one.backtest and not board.live(one) for one in board.health.newest)
    marks = f"{drawn.narrow} 80 % {drawn.wide} 95 % {drawn.median} median {drawn.spot} spot"
    return f"{marks}; skill against the random walk{'; * of the backtest' if marked else ''}"
