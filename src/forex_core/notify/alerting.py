"""Everybody who is told of alarms: the readers of the mail, and Apprise's addresses. Each channel fails alone."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from loguru import logger

from forex_core.notify.notice import Notice
from forex_core.notify.post import Post, Sent, Spooled
from forex_core.notify.push import push
from forex_core.settings import Settings


@dataclass(frozen=True, slots=True)
class Answer:
    """What one channel did: whether it took the notice, at least for later, and why it did not, or not yet."""

    channel: str
    taken: bool
    why: str = ""


@dataclass(frozen=True)
class Alerting:
    """What is to be told, by the settings, and the channels that are set. post: None if no mail server is."""

    settings: Settings
    post: Post | None = None

    @property
    def silent(self) -> bool:
        """True if nobody is to be told."""
        return self.post is None and not self.settings.notify_urls

    def tell(self, notice: Notice, now: datetime) -> tuple[Answer, ...]:
        """Tell everybody, and say what each channel answered; never raises for what a channel does."""
        answers = (*self._mail(notice, now), *self._push(notice))
        for answer in answers:
            if answer.why:
                logger.warning("alert by {}: {}", answer.channel, answer.why)
        return answers

    def _mail(self, notice: Notice, now: datetime) -> Iterator[Answer]:
        if self.post:
            for recipient, became in self.post.announce(notice, now).items():
                taken = isinstance(became, Sent | Spooled)
                yield Answer(f"mail to {recipient}", taken, getattr(became, "reason", ""))

    def _push(self, notice: Notice) -> Iterator[Answer]:
        if addresses := self.settings.notify_urls:
            for number, why in enumerate(push(addresses, notice)):
                scheme = addresses[number].partition(":")[0]  # all of the rest may be a token
                yield Answer(f"{scheme} (notify_urls {number + 1})", not why, why)
