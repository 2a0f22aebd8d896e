"""Mails on their way, one file each; its name says how far it came.

    <message-id>.eml        waiting: never handed over, or refused for now
    <message-id>.once       handed over, and the answer never came: it may have arrived
    <message-id>.twice      handed over again, with as little answer: never a third time
    <message-id>.sent       the server has taken it
    <message-id>.given-up   refused for good, too old, or unreadable

Every step is one durable rename, made before a mail is handed over and after the answer. So a mail that was taken goes
out again only if the program died, or the connection ended, between the server's 250 and the rename; it then goes out
once more and never a third time: at most one duplicate, whatever happens. The caller holds the writer lock.
"""

import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.message import EmailMessage
from email.parser import BytesParser
from email.policy import SMTP
from pathlib import Path

from forex_core.errors import SettingsError
from forex_core.notify.address import checked_address
from forex_core.store.files import move_durably, writing

WAITING, ONCE, TWICE, SENT, GIVEN_UP = ".eml", ".once", ".twice", ".sent", ".given-up"
UNSETTLED = (WAITING, ONCE, TWICE)
SETTLED = (SENT, GIVEN_UP)
GIVEN_UP_AFTER = timedelta(days=7)
FORGOTTEN_AFTER = timedelta(days=30)  # until then a settled mail is kept, so that it is never sent again


class Unreadable(ValueError):
    """A file in the spool that is no mail of ours."""


@dataclass(frozen=True, slots=True)
class Letter:
    """A mail that waits: who to, from when, and every byte of it."""

    path: Path
    sender: str
    recipient: str
    written_at: datetime
    content: bytes

    @property
    def identity(self) -> str:
        return self.path.stem

    @property
    def in_doubt(self) -> bool:
        """True if it may have arrived already."""
        return self.path.suffix == ONCE


class Spool:
    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def put(self, identity: str, message: EmailMessage) -> None:
        """Keep a mail to be sent, durably and for the owner's eyes only, unless one of this id was ever put in."""
        if self.state(identity) is None:
            _write_privately(self.folder / (identity + WAITING), message.as_bytes())

    def state(self, identity: str) -> str | None:
        """How far the mail of this id came: one of the suffixes, or None for an unknown one."""
        return next((s for s in (*SETTLED, *reversed(UNSETTLED)) if (self.folder / (identity + s)).exists()), None)

    def waiting(self) -> list[Path]:
        """The files of the mails that are neither sent nor given up, oldest first."""
        return sorted(self._with(UNSETTLED), key=lambda path: (path.stat().st_mtime, path.name))

    def read(self, path: Path) -> Letter:
        """A file as a mail; Unreadable if it is none."""
        content = path.read_bytes()
        message = BytesParser(policy=SMTP).parsebytes(content, headersonly=True)
        try:
            (sender,), (recipient,) = (message[name].addresses for name in ("From", "To"))
            who = checked_address(sender.addr_spec), checked_address(recipient.addr_spec)
            written_at = message["Date"].datetime.astimezone()
        except (AttributeError, TypeError, ValueError, SettingsError):
            raise Unreadable(f"{path} is no mail of ours") from None
        return Letter(path, *who, written_at, content)

    def handing_over(self, letter: Letter) -> None:
        """Note that from now on nobody knows whether it arrived."""
        self._now(letter.path, TWICE if letter.in_doubt else ONCE)

    def take_back(self, letter: Letter) -> None:
        """It was refused for now: what was known of it before holds again."""
        self._now(letter.path, letter.path.suffix)

    def sent(self, letter: Letter) -> None:
        """The server has taken it."""
        self._now(letter.path, SENT)

    def give_up(self, path: Path) -> None:
        """Never try it again; the file stays as a trace."""
        self._now(path, GIVEN_UP)

    def tidy(self, now: datetime) -> None:
        """Remove what was settled long ago, and what a crash left half written."""
        for path in self._with(SETTLED):
            if now.timestamp() - path.stat().st_mtime > FORGOTTEN_AFTER.total_seconds():
                path.unlink(missing_ok=True)
        for scratch in self.folder.glob(".*.new"):
            scratch.unlink(missing_ok=True)

    def _now(self, path: Path, suffix: str) -> None:
        """Rename, durably, wherever the mail stands."""
        target = path.with_suffix(suffix)
        current = next((file for s in UNSETTLED if (file := path.with_suffix(s)).exists()), path)
        if current != target:
            with writing(target):
                move_durably(current, target)

    def _with(self, suffixes: tuple[str, ...]) -> Iterator[Path]:
        if self.folder.is_dir():
            yield from (path for path in self.folder.iterdir() if path.suffix in suffixes and path.is_file())


def _write_privately(path: Path, content: bytes) -> None:
    with writing(path):
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        scratch = path.with_name(f".{path.name}.new")
        try:
            with open(scratch, "wb", opener=_private) as file:
                file.write(content)
            move_durably(scratch, path)
        finally:
            with suppress(OSError):
                scratch.unlink(missing_ok=True)  # there only if something failed


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, mode=0o600)
