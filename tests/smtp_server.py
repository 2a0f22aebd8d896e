"""A real mail server on this machine: it takes mails, refuses or drops them as told, and keeps what it heard."""

import asyncio
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.message import EmailMessage
from email.parser import BytesParser
from email.policy import default
from pathlib import Path
from typing import Any

import trustme
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, Session

USER, PASSWORD = "forex", "a password, not to be told"


@dataclass
class MailServer:
    """What the server has and does. Scripted replies are used up first, one a command; then it says yes."""

    port: int = 0
    taken: list[tuple[str, bytes]] = field(default_factory=list)  # recipient and mail
    heard: bytes = b""  # every byte a client sent, decrypted
    logins: list[bool] = field(default_factory=list)
    replies: dict[str, list[str]] = field(default_factory=dict)  # by command: MAIL, RCPT, DATA
    refused: dict[str, str] = field(default_factory=dict)  # by recipient
    drops: int = 0  # so many connections end after DATA, the mail taken
    hangs_up_on: str = ""  # the connection ends when this recipient is named
    when_taken: Callable[[], None] = lambda: None  # before the answer

    def mails(self) -> list[EmailMessage]:
        """The mails taken, parsed."""
        parsed = [BytesParser(policy=default).parsebytes(mail) for _, mail in self.taken]
        assert all(isinstance(mail, EmailMessage) for mail in parsed)
        return parsed  # type: ignore[return-value]

    def reply(self, command: str) -> str | None:
        return self.replies[command].pop(0) if self.replies.get(command) else None


class _Handler:
    def __init__(self, told: MailServer) -> None:
        self._told = told

    async def handle_MAIL(self, server: SMTP, _: Session, envelope: Envelope, address: str, options: list[str]) -> str:
        if reply := self._told.reply("MAIL"):
            return reply
        envelope.mail_from = address
        return "250 OK"

    async def handle_RCPT(self, server: SMTP, _: Session, envelope: Envelope, address: str, options: list[str]) -> str:
        if address == self._told.hangs_up_on:
            server.transport.abort()
        if reply := self._told.refused.get(address) or self._told.reply("RCPT"):
            return reply
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, _: Session, envelope: Envelope) -> str:
        if reply := self._told.reply("DATA"):
            return reply
        self._told.taken += [(recipient, envelope.content) for recipient in envelope.rcpt_tos]
        self._told.when_taken()
        if self._told.drops:
            self._told.drops -= 1
            server.transport.abort()
        return "250 OK"


class _Wire(SMTP):
    told: MailServer

    def data_received(self, data: bytes) -> None:
        self.told.heard += data
        super().data_received(data)


@contextmanager
def running_mail_server(
    tls: ssl.SSLContext | None = None, *, implicit: bool = False, port: int = 0, auth_in_clear: bool = False
) -> Iterator[MailServer]:
    """Serve on a port of this machine. tls: offered by STARTTLS, or spoken from the first byte if `implicit`."""
    told = MailServer()

    def authenticate(*args: Any) -> AuthResult:
        right = (args[4].login, args[4].password) == (USER.encode(), PASSWORD.encode())
        told.logins.append(right)
        return AuthResult(success=right, handled=False)

    class Wire(_Wire): ...

    Wire.told = told
    loop = asyncio.new_event_loop()

    def protocol() -> SMTP:
        return Wire(
            _Handler(told),
            hostname="mail.test",
            loop=loop,
            tls_context=None if implicit else tls,
            require_starttls=bool(tls) and not implicit,
            auth_require_tls=not (auth_in_clear or implicit),
            authenticator=authenticate,
        )

    async def serve() -> asyncio.Server:
        return await loop.create_server(protocol, "127.0.0.1", port, ssl=tls if implicit else None)

    server = loop.run_until_complete(serve())
    told.port = server.sockets[0].getsockname()[1]
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    try:
        yield told
    finally:
        asyncio.run_coroutine_threadsafe(_stop(server), loop).result(10)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


async def _stop(server: asyncio.Server) -> None:
    server.close()
    await server.wait_closed()
    tasks = asyncio.all_tasks() - {asyncio.current_task()}
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    await asyncio.sleep(0.01)  # connections that were cut are closed in the next turns


def certificate(authority: trustme.CA, *names: str, **kwargs: Any) -> ssl.SSLContext:
    """What a server with a certificate for these names speaks TLS with."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(*names, **kwargs).configure_cert(context)
    return context


def trusted(authority: trustme.CA, folder: Path) -> Path:
    """The authority's own certificate as a file, which SSL_CERT_FILE may name."""
    path = folder / "authority.pem"
    authority.cert_pem.write_to_path(path)
    return path
