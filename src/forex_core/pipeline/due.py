"""What is to be recorded and told now, from the alarms that stand and from what was told before; pure, so proven.

An alarm is told once; an urgent one again every day while it stands; and that it is over, once. What is urgent is told
at any hour; what is notable waits for the end of the quiet hours and, with a daily digest, for the next day's.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from forex_core.pipeline.alarm import Alarm, News, Story, stories
from forex_core.settings import Settings
from forex_core.store.events import Event

REMINDER = timedelta(hours=23)  # a day; but the run of a later day may come some minutes earlier


@dataclass(frozen=True, slots=True)
class Due:
    """record: what began and ended since the last look; tell: what people are to hear now, the urgent first."""

    record: tuple[News, ...]
    tell: tuple[News, ...]


def due(
    alarms: Iterable[Alarm], past: Iterable[Event], now: datetime, settings: Settings, unknown: Collection[str] = ()
) -> Due:
    """Compare what is so now with what was known.

    unknown: the rules that gave no answer, so that nothing they said is over; nor is what was said of other pairs.
    """
    so = {alarm.key: alarm for alarm in alarms}
    known = stories(past)
    began = [News(now, "raised", alarm) for key, alarm in so.items() if not (key in known and known[key].stands)]
    over = [
        News(now, "recovered", story.alarm)
        for key, story in known.items()
        if story.stands and key not in so and story.alarm.rule not in unknown and story.alarm.concerns(settings.pairs)
    ]
    record = (*began, *over)
    untold = [news for story in known.values() for news in story.untold] + list(record)
    again = [News(now, "reminded", so[key]) for key, story in known.items() if key in so and _forgotten(story, now)]
    tell = [news for news in (*untold, *again) if news.alarm.severity == "urgent" or _may_speak(known, now, settings)]
    return Due(record, tuple(sorted(tell, key=lambda news: (news.alarm.severity != "urgent", news.at))))


def told(news: News, now: datetime) -> Event:
    """The row that records that people heard of it."""
    return News(now, news.state, news.alarm).as_event("reminded" if news.state == "reminded" else "told")


def _forgotten(story: Story, now: datetime) -> bool:
    """An urgent alarm that still stands, and people heard of it long ago."""
    if not story.stands or story.untold or story.alarm.severity != "urgent":
        return False
    return story.told_at is not None and now - story.told_at >= REMINDER


def _may_speak(known: dict[str, Story], now: datetime, settings: Settings) -> bool:
    """True when what is notable may be told: not in the quiet hours; as a digest, once a day."""
    here = now.astimezone(ZoneInfo(settings.time_zone))
    if settings.quiet_hours and _within(here.time(), settings.quiet_hours):
        return False
    if not settings.daily_digest:
        return True
    heard = [story.told_at for story in known.values() if story.alarm.severity == "notable" and story.told_at]
    return all(moment.astimezone(here.tzinfo).date() < here.date() for moment in heard)


def _within(hour: time, span: str) -> bool:
    """22:00-07:00 passes midnight; the end is outside. Equal ends are the whole day."""
    begin, end = map(time.fromisoformat, span.split("-"))
    return begin <= hour < end if begin < end else hour >= begin or hour < end
