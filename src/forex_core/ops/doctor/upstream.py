"""Whom we ask and whom we tell: sources, the mail server, the heartbeat's monitor."""

from collections.abc import Iterator

from loguru import logger

from forex_core.dataset.survey import survey
from forex_core.notify.email import Unreachable
from forex_core.notify.heartbeat import Heartbeat
from forex_core.ops.doctor.finding import Finding, Place
from forex_core.sources.imported import IMPORTED


def sources(place: Place) -> Iterator[Finding]:
    """Each pair needs one source that answers."""
    for pair in place.settings.pairs:
        chain = place.catalog.chain_for(pair, place.settings.source)
        found = survey(pair, chain, place.now)
        answering = [one.source for one in found if one.newest]
        silent = [one.source for one in found if not one.newest]
        if not found:
            said = f"{pair}: none is known but files"
            yield Finding("sources", "ok" if chain else "failed", said, "" if chain else f"forex data {IMPORTED}")
        elif not answering:
            said = f"{pair}: none answers ({found[0].detail})"
            yield Finding("sources", "failed", said, f"forex data check --pair {pair}")
        else:
            missing = f", {', '.join(silent)} don't" if silent else ""
            yield Finding("sources", "ok", f"{pair}: {', '.join(answering)} answer{missing}")


def mail(place: Place) -> Iterator[Finding]:
    """Connect and log in; no mail is sent."""
    if place.server is None:
        yield Finding("mail server", "ok", "none is set: nothing is mailed")
        return
    try:
        with place.server.deadline() as deadline, place.server.session(deadline):
            yield Finding("mail server", "ok", f"{place.settings.smtp_host} answers")
    except Unreachable as error:
        said = f"{place.settings.smtp_host}: {error}"
        yield Finding("mail server", "failed", said, "correct the smtp_ settings, then forex alerts test")


def heartbeat(place: Place) -> Iterator[Finding]:
    """The monitor takes a line of its log; that starts or ends nothing."""
    if place.settings.heartbeat_url is None:
        yield Finding("heartbeat", "ok", "no monitor is set: nobody notices when runs stop")
        return
    monitor = Heartbeat(place.settings.heartbeat_url.replace("{job}", "doctor"))
    monitor.hear("forex doctor\n")
    logger.disable(monitor.log.__module__)  # what is wrong becomes a finding
    trouble = monitor.log()
    logger.enable(monitor.log.__module__)
    if not trouble:
        yield Finding("heartbeat", "ok", "the monitor answers")
    elif trouble.startswith("HTTP 4"):
        yield Finding("heartbeat", "warning", f"the monitor answers {trouble}: a wrong address, or one without a log")
    else:
        yield Finding("heartbeat", "failed", f"the monitor: {trouble}", "correct heartbeat_url, then forex doctor")
