"""What surrounds a pair: drivers, headlines, events. What can't be had is named, and no forecast waits for it long."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime

from forex_core.dataset.driver_series import History
from forex_core.dataset.drivers import DriverStanding, learn
from forex_core.sources.agenda import Ahead, ahead
from forex_core.sources.drivers import Chain
from forex_core.sources.events import ForexFactory
from forex_core.sources.headlines import News, Press
from forex_core.store.store import Store
from forex_core.values import Context, Part

HEADLINES, EVENTS = "headlines", "events"


@dataclass(frozen=True)
class Surroundings:
    """Who can be asked about what surrounds a pair; as made, nobody."""

    chains: tuple[Chain, ...] = ()
    press: Press | None = None
    factory: ForexFactory | None = None


@dataclass(frozen=True)
class Gathered:
    """What came of it, and the history of each driver for those members that use it."""

    context: Context
    drivers: tuple[History, ...]


def gather(pair: str, around: Surroundings, store: Store, now: datetime, *, replay: bool = False) -> Gathered:
    """Ask all at the same time. A replay asks nobody and sees what was stored of the drivers; `now` is its moment."""
    chains = [chain for chain in around.chains if chain.serves(pair)]
    if replay:
        return _gathered(learn(chains, store, now, replay=True))
    with ThreadPoolExecutor(2) as threads:
        news = threads.submit(around.press.about, pair, now) if around.press else None
        events = threads.submit(ahead, pair, around.factory, now) if around.factory else None
        standings = learn(chains, store, now)
        return _gathered(standings, news.result() if news else None, events.result() if events else None)


def _gathered(standings: Sequence[DriverStanding], news: News | None = None, coming: Ahead | None = None) -> Gathered:
    parts = [_driver(standing) for standing in standings]
    parts += [_headlines(news)] if news else []
    parts += [_calendar(coming)] if coming else []
    context = Context(tuple(parts), news.headlines if news else (), coming.events if coming else ())
    return Gathered(context, tuple(standing.history for standing in standings))


def missing(context: Context) -> str | None:
    """One sentence on what could not be had; None if all was."""
    gone = [part.name for part in context.parts if not part.source]
    return f"Made without {', '.join(gone)}: the report's table of sources says why." if gone else None


def _driver(standing: DriverStanding) -> Part:
    why = (standing.missing, *standing.failures)
    source = "" if standing.missing else standing.source
    note = "; ".join(filter(None, why))
    return Part(standing.name, source, standing.newest, standing.age, standing.quarantined, note)


def _headlines(news: News) -> Part:
    outlets = ", ".join(dict.fromkeys(headline.outlet for headline in news.headlines))
    newest = news.headlines[0].published_at.date() if news.headlines else None
    note = "; ".join(news.notes) or ("" if news.headlines else "none of the last days is about the pair")
    return Part(HEADLINES, outlets, newest, note=note)


def _calendar(coming: Ahead) -> Part:
    sources = ", ".join(dict.fromkeys(event.source for event in coming.events))
    note = "; ".join(coming.notes) or ("" if coming.events else "none is due")
    return Part(EVENTS, sources, coming.events[0].at.date() if coming.events else None, note=note)
