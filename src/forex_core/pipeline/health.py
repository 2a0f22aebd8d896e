"""Is all well? What was forecast last, and what is late, open or failed. Reads forex.db alone, in milliseconds."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING

from forex_core.calendars import calendar_of, release_of
from forex_core.pipeline import upkeep
from forex_core.pipeline.alarm import Story, recent, standing
from forex_core.pipeline.order import STEPS
from forex_core.settings import Settings
from forex_core.store.events import Event
from forex_core.store.scoreboard import Outlook, Scoreboard
from forex_core.store.viewing import PUBLIC, behind
from forex_core.values import TRACK_RECORD

if TYPE_CHECKING:
    from forex_core.store.store import Store

LACKING = {"report": "no report", "track": "no MLflow run"}
SEEN_BY_RUNS = ("coverage", "drift", "spool", "rule")  # troubles that a look would have to wait for


@dataclass(frozen=True, slots=True)
class Feed:
    """The rates of one pair: the newest one stored, its age in business days, and when the next forecast is due.

    due: when the value that the next forecast begins with can be known; None for a pair that is not configured.
    """

    pair: str
    newest: date | None
    source: str
    age: int | None
    due: datetime | None


@dataclass(frozen=True)
class Health:
    """The newest forecast of each pair and horizon, what stands around them, and the troubles, in words.

    alarms: those that runs found and that stand; a rate that crossed a level is one, and no trouble.
    """

    newest: tuple[Outlook, ...]
    feeds: tuple[Feed, ...]
    last_run: Event | None  # how the last attempt ended
    backup_at: datetime | None
    open_steps: dict[str, int]
    troubles: tuple[str, ...]
    alarms: tuple[Story, ...] = ()

    def as_object(self) -> dict[str, object]:
        """The same for machines."""
        run = self.last_run
        return {
            "forecasts": [_described(outlook) for outlook in self.newest],
            "pairs": [
                {
                    "pair": feed.pair,
                    "newest_rate": feed.newest.isoformat() if feed.newest else None,
                    "source": feed.source,
                    "age_business_days": feed.age,
                    "next_due": feed.due.isoformat() if feed.due else None,
                }
                for feed in self.feeds
            ],
            "last_run": {"at": run.at.isoformat(), "pair": run.pair, "ended": run.kind} if run else None,
            "last_backup": self.backup_at.isoformat() if self.backup_at else None,
            "open_steps": self.open_steps,
            "troubles": list(self.troubles),
            "alarms": [
                {"key": one.alarm.key, "since": one.since.isoformat(), "message": one.alarm.message}
                for one in self.alarms
            ],
        }


def health(store: "Store", settings: Settings, now: datetime) -> Health:
    """Look at every pair that was ever forecast and every pair that should be."""
    return examine(Scoreboard.of(store), settings, now)


def examine(board: Scoreboard, settings: Settings, now: datetime) -> Health:
    """The same, for those who read and need no Store."""
    newest = tuple(sorted(board.outlooks(), key=lambda one: _rank(one.pair, settings)))
    ends = board.events.last_ends()
    backup, lacking = upkeep.last(board.events, "backup"), board.open_steps(STEPS)
    found = tuple(one for one in standing(recent(board.events)) if one.alarm.concerns(settings.pairs))
    seen = (
        *upkeep.failed(ends),
        *upkeep.backup(board.events, now),
        *upkeep.drill(board.events, now),
        *upkeep.disk(board.path.parent),
    )
    troubles = [
        *_late(newest, settings, now),
        *_unfinished(lacking),
        *_unended(board.events.unended()),
        *(alarm.message for alarm in seen),
        *upkeep.told_outside(board.path.parent),
        *(behind(board.path.parent / PUBLIC, ends[-1].at) if ends else ()),
        *(one.alarm.message for one in found if one.alarm.rule in SEEN_BY_RUNS),
    ]
    return Health(
        newest,
        feeds(board, newest, settings, now),
        ends[-1] if ends else None,
        backup.at if backup else None,
        lacking,
        (*troubles,),
        found,
    )


def _rank(pair: str, settings: Settings) -> int:
    """The configured pairs first, in their order."""
    return settings.pairs.index(pair) if pair in settings.pairs else len(settings.pairs)


def _last_live(pair: str, newest: Iterable[Outlook]) -> date | None:
    days = [one.issued_on for one in newest if one.pair == pair and one.role in TRACK_RECORD]
    return max(days, default=None)


def feeds(board: Scoreboard, newest: tuple[Outlook, ...], settings: Settings, now: datetime) -> tuple[Feed, ...]:
    """The rates of the configured pairs, and of those that were ever forecast."""
    found = []
    for pair in dict.fromkeys([*settings.pairs, *(one.pair for one in newest)]):
        calendar, due = calendar_of(pair), None
        day, source = board.newest_rate(pair) or (None, "")
        if pair in settings.pairs:
            live = _last_live(pair, newest)
            awaited = calendar.next_open(live) if live else release_of(pair).newest_due(now, calendar)
            due = release_of(pair).known_at(awaited, calendar)
        age = max(calendar.steps(day, now.date()), 0) if day else None  # tomorrow's value may be known
        found.append(Feed(pair, day, source, age, due))
    return tuple(found)


def _late(newest: tuple[Outlook, ...], settings: Settings, now: datetime) -> Iterator[str]:
    for pair in settings.pairs:
        live = _last_live(pair, newest)
        if not live:
            yield f"no live forecast of {pair} yet; `forex run` makes one"
        elif (age := calendar_of(pair).steps(live, now.date())) > settings.stale_after_days:
            yield f"{pair} was last issued on {live}, {age} business days ago"


def _unfinished(lacking: dict[str, int]) -> Iterator[str]:
    if lacking:
        said = ", ".join(
            f"{count} forecast{'' if count == 1 else 's'} {'has' if count == 1 else 'have'} {_lack(step)}"
            for step, count in lacking.items()
        )
        yield f"{said} yet; the next run completes that"


def _lack(step: str) -> str:
    return LACKING.get(step, f"no {step}")


def _unended(starts: list[Event]) -> Iterator[str]:
    begun: dict[tuple[str | None, datetime], list[str]] = {}
    for start in starts:
        begun.setdefault((start.pair, start.at), []).append(start.horizon or "")
    for (pair, at), horizons in begun.items():
        what = f"{pair} {', '.join(horizons)} begun {at:%Y-%m-%d %H:%M} UTC"
        yield f"{what} {'has' if len(horizons) == 1 else 'have'} not ended: running, or killed"


def _described(outlook: Outlook) -> dict[str, object]:
    return {
        "pair": outlook.pair,
        "horizon": outlook.horizon,
        "forecast_id": outlook.forecast_id,
        "role": outlook.role,
        "issued_on": outlook.issued_on.isoformat(),
        "target_date": outlook.target_date.isoformat(),
        "median": outlook.median,
        "interval_80": [outlook.quantiles[0.1], outlook.quantiles[0.9]],
        "version_id": outlook.version_id,
        "spot": {"value": outlook.spot.value, "observed_on": outlook.spot.observed_on.isoformat()},
        "source": outlook.spot.source,
    }
