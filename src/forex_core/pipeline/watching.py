"""The last look of a run: what is wrong or worth knowing is recorded, and told to whoever is to be told.

Nothing here fails a run: a rule that breaks is an alarm itself, a channel that breaks is tried again by the next run.
"""

from collections.abc import Sequence
from hashlib import sha256

from loguru import logger

from forex_core.horizons import HORIZONS
from forex_core.notify.alerting import Alerting
from forex_core.notify.language import language_of
from forex_core.notify.notice import Notice
from forex_core.pipeline.alarm import RATES, News, recent
from forex_core.pipeline.alarms import Scene, alarms
from forex_core.pipeline.due import due, told
from forex_core.pipeline.request import Adapters, Request
from forex_core.report.png import fan_chart_png
from forex_core.store.scoreboard import Scoreboard

WORDS = {"raised": "", "reminded": "Still: ", "recovered": "Over: "}


def watch(request: Request, adapters: Adapters) -> None:
    """Judge, record, tell. Only a live run does; one that mails nobody records, and the next one tells."""
    if not request.live or not adapters.steps or not adapters.alerting:
        return
    try:
        _watch(request, adapters, adapters.alerting)
    except Exception as error:  # noqa: BLE001 - the forecast is issued, and stands
        logger.opt(exception=error).warning("the alerts were not looked at: {}", error)


def _watch(request: Request, adapters: Adapters, alerting: Alerting) -> None:
    store, now, settings = adapters.store, adapters.clock(), alerting.settings
    found, silent = alarms(Scene(Scoreboard.of(store), settings, now))
    new = due(found, recent(store.events), now, settings, silent)
    with store.transaction():
        for news in new.record:
            store.events.add(news.as_event())
    if not new.tell or request.skip_email:
        return
    answers = alerting.tell(notice(new.tell, _chart(new.tell, adapters)), now)
    if alerting.silent or any(answer.taken for answer in answers):
        with store.transaction():
            for news in new.tell:
                store.events.add(told(news, now))


def notice(news: Sequence[News], chart: bytes = b"") -> Notice:
    """All that is to be told now, in one message."""
    lines = [_line(one) for one in news]
    others = f" (and {len(lines) - 1} more)" if len(lines) > 1 else ""
    same = "\n".join(sorted(f"{one.at.isoformat()} {one.state} {one.alarm.key}" for one in news))
    return Notice(f"forex: {lines[0]}{others}", (*lines, HELP), sha256(same.encode()).hexdigest(), chart)


HELP = "`forex alerts list` shows all that stands; `forex status` the rest."


def _line(news: News) -> str:
    said = WORDS[news.state] + news.alarm.message
    return said[0].upper() + said[1:] + "."


def _chart(news: Sequence[News], adapters: Adapters) -> bytes:
    """The fan chart of the first pair whose rate is spoken of; none is missed."""
    pair = next((one.alarm.pair for one in news if one.alarm.rule in RATES and one.state == "raised"), None)
    if not pair:
        return b""
    newest = (adapters.store.forecasts.newest(pair, horizon) for horizon in HORIZONS)
    forecasts = [forecast for forecast in newest if forecast]
    words = language_of("en")
    try:
        return fan_chart_png(forecasts, words.rates_like(forecasts[0].spot.value), words.day)
    except (ImportError, OSError, RuntimeError, ValueError) as error:
        logger.warning("no chart in the alert: {}", error)
        return b""
