"""What is wrong, or worth knowing, and what was told of it: read from the `alert` events of forex.db.

A row is appended when an alarm is raised and when it has recovered, whether or not anybody can be told just then; when
people were told (`told`); and when they were told again (`reminded`). So the rows alone say what is still to be told.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from forex_core.store.events import Event, Events

Severity = Literal["urgent", "notable"]
State = Literal["raised", "reminded", "recovered"]

KIND = "alert"
TOLD = "told"
READ = 5_000  # rows, the last ones: years of them
RATES = ("level", "chance")  # rules that speak of the market: no trouble, and a picture of the forecast explains them


@dataclass(frozen=True, slots=True)
class Alarm:
    """One thing that is so now. key: what it is about, whatever its numbers are; its first word names the rule."""

    key: str
    severity: Severity
    message: str
    pair: str | None = None
    horizon: str | None = None

    @property
    def rule(self) -> str:
        """Which rule says so."""
        return self.key.partition(" ")[0]

    def concerns(self, pairs: Collection[str]) -> bool:
        """True unless it is about another pair than these."""
        return self.pair is None or self.pair in pairs


@dataclass(frozen=True, slots=True)
class News:
    """Something to be told: that an alarm began, still stands, or is over."""

    at: datetime
    state: State
    alarm: Alarm

    def as_event(self, state: str = "") -> Event:
        """The row that records it; state: another one than its own."""
        alarm = self.alarm
        detail = {"key": alarm.key, "state": state or self.state, "severity": alarm.severity, "message": alarm.message}
        return Event(self.at, KIND, None, alarm.pair, alarm.horizon, detail)


@dataclass
class Story:
    """One alarm from its rows: whether it stands, since when, when people last heard of it, and what they haven't."""

    alarm: Alarm
    since: datetime
    stands: bool = True
    told_at: datetime | None = None
    untold: list[News] = field(default_factory=list)


def recent(events: Events) -> list[Event]:
    """The last rows of alerts, the oldest first."""
    return events.of_kind(KIND, READ)[::-1]


def stories(past: Iterable[Event]) -> dict[str, Story]:
    """Every alarm that the rows tell of, by its key."""
    found: dict[str, Story] = {}
    for row in past:
        said = row.detail
        alarm = Alarm(
            said["key"],
            "urgent" if said["severity"] == "urgent" else "notable",
            said["message"],
            row.pair,
            row.horizon,
        )
        story = found.setdefault(alarm.key, Story(alarm, row.at))
        match said["state"]:
            case "raised":
                story.alarm, story.since, story.stands = alarm, row.at, True
                story.untold.append(News(row.at, "raised", alarm))
            case "recovered":
                story.stands = False
                story.untold.append(News(row.at, "recovered", alarm))
            case "reminded":
                story.alarm, story.told_at = alarm, row.at
            case "told":
                story.told_at = row.at
                story.untold.clear()
    return found


def standing(past: Iterable[Event]) -> tuple[Story, ...]:
    """The alarms that stand, the urgent ones first, then the oldest."""
    found = [story for story in stories(past).values() if story.stands]
    return tuple(sorted(found, key=lambda story: (story.alarm.severity != "urgent", story.since, story.alarm.key)))
