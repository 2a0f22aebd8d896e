"""The post: a mail goes to the spool first and from there to the server; what can't go waits for the next run."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from email.message import EmailMessage
from typing import Protocol, TypeAlias

from loguru import logger

from forex_core.errors import ForexError
from forex_core.notify.address import checked_address
from forex_core.notify.content import Morning
from forex_core.notify.email import Lost, NoAnswer, Refused, Server, Session, Unreachable
from forex_core.notify.message import Letterhead, addressed, compose, message_id
from forex_core.notify.notice import Notice
from forex_core.notify.spool import GIVEN_UP_AFTER, SENT, TWICE, Letter, Spool, Unreadable
from forex_core.store.files import writing


@dataclass(frozen=True, slots=True)
class Sent:
    """Every recipient's mail was taken by the server, now or before."""


@dataclass(frozen=True, slots=True)
class Spooled:
    """Some mail waits in the spool, and the next run sends it."""

    reason: str


@dataclass(frozen=True, slots=True)
class GivenUp:
    """Some mail is not sent and won't be."""

    reason: str


@dataclass(frozen=True, slots=True)
class Unsent:
    """The spool can't be written: ask again. What went out all the same does not go out twice."""

    reason: str


@dataclass(frozen=True, slots=True)
class Skipped:
    """Nobody is to be told."""


Delivery: TypeAlias = Sent | Spooled | GivenUp | Unsent | Skipped
WORST_FIRST = (Unsent, GivenUp, Spooled, Sent)

TOO_OLD = f"not sent within {GIVEN_UP_AFTER.days} days"
NO_ANSWER = "handed over twice without an answer; it may have arrived"


class Notifier(Protocol):
    """Who tells people. No failure of theirs is an error: it is an answer."""

    def send(self, morning: Morning, now: datetime) -> Delivery:
        """Tell it once, however often this is asked."""
        ...

    def retry(self, now: datetime) -> dict[str, Delivery]:
        """Try once more what waits; what became of each mail, by its id."""
        ...


class Silent:
    """Tells nobody: mail is not set up, or a run was asked to skip it."""

    def send(self, morning: Morning, now: datetime) -> Delivery:
        return Skipped()

    def retry(self, now: datetime) -> dict[str, Delivery]:
        return {}


class Post:
    """One mail a recipient, so that nobody's trouble is another's. The caller holds the writer lock."""

    def __init__(self, server: Server, spool: Spool, head: Letterhead, recipients: tuple[str, ...]) -> None:
        self._server = server
        self._spool = spool
        self._head = head
        self._recipients = tuple(map(checked_address, recipients))

    def send(self, morning: Morning, now: datetime) -> Delivery:
        """Spool the mail of each recipient who never had it, then send all that waits; the worst of the answers."""
        identities = {recipient: message_id(morning, recipient, self._head) for recipient in self._recipients}
        answers = self._post(lambda: compose(morning, self._head, now), identities, now)
        worst = next(kind for kind in WORST_FIRST if any(isinstance(answer, kind) for answer in answers))
        return next(answer for answer in answers if isinstance(answer, worst))

    def announce(self, notice: Notice, now: datetime) -> dict[str, Delivery]:
        """Send a notice the same way; what became of each recipient's."""
        identities = {recipient: notice.message_id(recipient, self._head) for recipient in self._recipients}
        answers = self._post(lambda: notice.message(self._head, now), identities, now)
        return dict(zip(self._recipients, answers, strict=True))

    def retry(self, now: datetime) -> dict[str, Delivery]:
        try:
            with writing(self._spool.folder):
                return self._delivered(now)
        except ForexError as error:
            logger.warning("the spooled mails stay where they are: {}", error)
            return {}

    def _post(
        self, compose: Callable[[], EmailMessage], identities: Mapping[str, str], now: datetime
    ) -> list[Delivery]:
        """One answer for each of `identities`, which are by recipient."""
        try:
            with writing(self._spool.folder):
                self._put(compose, identities)
                became = self._delivered(now)
                return [became.get(identity) or self._settled(identity) for identity in identities.values()]
        except ForexError as error:
            logger.warning("no mail: {}", error)
            return [Unsent(str(error))] * len(identities)

    def _put(self, compose: Callable[[], EmailMessage], identities: Mapping[str, str]) -> None:
        new = {who: identity for who, identity in identities.items() if self._spool.state(identity) is None}
        if new:
            message = compose()
            for recipient, identity in new.items():
                self._spool.put(identity, addressed(message, recipient, identity))

    def _settled(self, identity: str) -> Delivery:
        """What became of a mail that no longer waits."""
        return Sent() if self._spool.state(identity) == SENT else GivenUp("given up before")

    def _delivered(self, now: datetime) -> dict[str, Delivery]:
        """Send all that waits, the oldest first, and say what became of each."""
        self._spool.tidy(now)
        letters, became = self._sorted(now)
        became |= self._all_tried(letters)
        for identity, answer in became.items():
            if isinstance(answer, Spooled | GivenUp):
                logger.warning(
                    "mail {} {}: {}", identity, "waits" if isinstance(answer, Spooled) else "given up", answer.reason
                )
        return became

    def _sorted(self, now: datetime) -> tuple[list[Letter], dict[str, Delivery]]:
        """The letters that may be tried, and those that are given up at a glance."""
        letters, became = [], dict[str, Delivery]()
        for path in self._spool.waiting():
            try:
                letter = self._spool.read(path)
                hopeless = (
                    TOO_OLD if now - letter.written_at > GIVEN_UP_AFTER else NO_ANSWER if path.suffix == TWICE else ""
                )
            except Unreadable as error:
                hopeless = str(error)
            if hopeless:
                self._spool.give_up(path)
                became[path.stem] = GivenUp(hopeless)
            else:
                letters.append(letter)
        return letters, became

    def _all_tried(self, letters: list[Letter]) -> dict[str, Delivery]:
        """Over one connection as long as it lasts: a letter at which it ends does not keep the others from going."""
        became: dict[str, Delivery] = {}
        rest = list(letters)
        with self._server.deadline() as deadline:
            while rest:
                try:
                    with self._server.session(deadline) as session:
                        while rest and session.alive:
                            letter = rest.pop(0)
                            became[letter.identity] = self._tried(session, letter)
                except Unreachable as error:
                    return became | {letter.identity: Spooled(str(error)) for letter in rest}
        return became

    def _tried(self, session: Session, letter: Letter) -> Delivery:
        """Hand one letter over, and note in the spool what is known of it before and after."""
        try:
            session.hand_over(
                letter.sender, letter.recipient, letter.content, about_to=lambda: self._spool.handing_over(letter)
            )
        except Refused as error:
            if not error.for_good:
                self._spool.take_back(letter)
                return Spooled(f"{letter.recipient}: {error}")
            self._spool.give_up(letter.path)
            return GivenUp(f"{letter.recipient}: {error}")
        except Lost as error:
            return Spooled(f"{letter.recipient}: {error}")
        except NoAnswer as error:
            if not letter.in_doubt:
                return Spooled(f"{letter.recipient}: {error}, after the mail was handed over")
            self._spool.give_up(letter.path)
            return GivenUp(f"{letter.recipient}: {NO_ANSWER}")
        self._spool.sent(letter)
        return Sent()
