"""Settings to the channels that alerts go through."""

from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from forex_core.bootstrap import notifier
from forex_core.calendars import utc_now
from forex_core.errors import SettingsError
from forex_core.notify.alerting import Alerting, Answer
from forex_core.notify.notice import Notice
from forex_core.notify.post import Post
from forex_core.settings import Settings


def alerting(settings: Settings) -> Alerting:
    """Every channel that is set; SettingsError if what is set can't work."""
    post = notifier(settings)
    return Alerting(settings, post if isinstance(post, Post) else None)


def send_test(settings: Settings) -> tuple[Answer, ...]:
    """Send one notice through every channel and wait for the answers; SettingsError if there is no channel.

    The mail goes past the spool, so that no run's lock is waited for and nothing is left to be sent later.
    """
    with TemporaryDirectory() as folder:
        channels = alerting(replace(settings, data_dir=Path(folder)))
        if channels.silent:
            raise SettingsError(
                "no channel is set for alerts", hint="set smtp_host, mail_from and mail_to, or notify_urls"
            )
        now = utc_now()
        notice = Notice("forex: a test of the alerts", (TEST,), now.isoformat())
        return channels.tell(notice, now)


TEST = "This is a test. If you can read it, alerts reach you here."
