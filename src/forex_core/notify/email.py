"""Talking to the mail server: verified TLS before any password, one deadline, and every refusal told apart."""

import re
import smtplib
import ssl
from base64 import b64encode
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from ipaddress import ip_address
from socket import socket
from typing import Literal

from forex_core.errors import SettingsError
from forex_core.notify.deadline import Deadline
from forex_core.sources.plain_text import plain

Security = Literal["starttls", "tls", "none"]
FAILURES = (smtplib.SMTPException, OSError, ValueError)  # ValueError: a name or a password that no wire can carry
CLOSING = 421  # the server ends the connection after saying so
US = "[127.0.0.1]"  # how we greet: our own name would be looked up, and is nobody's business


class Unreachable(Exception):
    """The server can't be talked to."""


class Lost(Exception):
    """The connection ended before the mail was handed over."""


class Refused(Exception):
    """The server took the connection and not this mail."""

    def __init__(self, reason: str, *, for_good: bool) -> None:
        super().__init__(reason)
        self.for_good = for_good


class NoAnswer(Exception):
    """The mail was handed over and the connection ended before the answer: it may have been taken, or not."""


@dataclass(frozen=True)
class Server:
    """The mail server as it is set. A certificate is always verified; only on this very machine TLS may be left out."""

    host: str
    port: int = 587
    security: Security = "starttls"
    user: str = ""
    password: str = field(default="", repr=False)
    deadline_seconds: float = 60.0  # for all that is sent in a run

    def __post_init__(self) -> None:
        if self.security == "none" and not _is_loopback(self.host):
            raise SettingsError(
                f"smtp_security none would send the mail to {self.host} in clear", hint="set it to starttls or tls"
            )
        if bool(self.user) != bool(self.password):
            raise SettingsError("smtp_user and smtp_password go together", hint="set both or neither")

    def deadline(self) -> Deadline:
        """The time there is, from now, for everything that is to be sent."""
        return Deadline(self.deadline_seconds)

    @contextmanager
    def session(self, deadline: Deadline) -> Iterator["Session"]:
        """A connection, encrypted and logged in; Unreachable, and no password sent unless TLS stands."""
        smtp = None
        try:
            try:
                smtp = _Connection(self, deadline)
                self._log_in(smtp)
            except FAILURES as error:
                raise Unreachable(self.told(error, deadline)) from None
            yield Session(self, smtp, deadline)
        finally:
            if smtp is not None:
                with suppress(*FAILURES):
                    smtp.quit()
                smtp.close()

    def told(self, error: Exception, deadline: Deadline) -> str:
        """Why it failed, in one line that never holds the password, whatever the server answered."""
        return f"{self.host}:{self.port}: {self._why(error, deadline)}"

    def clean(self, code: int, reply: bytes | str) -> str:
        """A reply as one harmless line."""
        text = reply.decode("utf-8", "replace") if isinstance(reply, bytes) else str(reply)
        return f"{code} {plain(self._scrubbed(text))}"

    def _log_in(self, smtp: smtplib.SMTP) -> None:
        if self.security == "starttls":
            smtp.starttls(context=ssl.create_default_context())  # raises if the server offers none
        smtp.ehlo_or_helo_if_needed()
        if self.user:
            smtp.login(self.user, self.password)

    def _why(self, error: Exception, deadline: Deadline) -> str:
        if deadline.over or isinstance(error, TimeoutError):
            return f"no answer in time ({self.deadline_seconds:g} s in all)"
        if isinstance(error, ssl.SSLCertVerificationError):
            return f"its certificate is not to be trusted: {error.verify_message}"
        if isinstance(error, smtplib.SMTPResponseException):
            return self.clean(error.smtp_code, error.smtp_error)
        if isinstance(error, UnicodeError):
            return "the host, user or password has a letter that can't be sent; only ASCII can"
        return plain(self._scrubbed(str(error) or type(error).__name__))

    def _scrubbed(self, text: str) -> str:
        """Without the password, plain or as the ways of logging in write it."""
        if not self.password:
            return text
        forms = [self.password, f"\0{self.user}\0{self.password}"]
        forms += [b64encode(form.encode()).decode() for form in forms]
        return re.sub("|".join(map(re.escape, sorted(forms, key=len, reverse=True))), "***", text)


class Session:
    """An open connection, over which one mail after the other goes."""

    def __init__(self, server: Server, smtp: smtplib.SMTP, deadline: Deadline) -> None:
        self._server = server
        self._smtp = smtp
        self._deadline = deadline
        self.alive = True

    def hand_over(self, sender: str, recipient: str, mail: bytes, about_to: Callable[[], None]) -> None:
        """Return when the server has taken the mail; Refused, Lost or NoAnswer otherwise.

        about_to: called when sender and recipient are agreed, just before the text is handed over.
        """
        try:
            self._agree(sender, recipient)
        except FAILURES as error:
            raise Lost(self._ended(error)) from None
        about_to()
        reply: bytes | str
        try:
            code, reply = self._smtp.data(mail)
        except smtplib.SMTPDataError as error:  # it was ready for the recipient and not for the text
            code, reply = error.smtp_code, error.smtp_error
        except FAILURES as error:
            raise NoAnswer(self._ended(error)) from None
        self._check(code, reply, permanent=code >= 500)

    def _ended(self, error: Exception) -> str:
        self.alive = False
        return self._server.told(error, self._deadline)

    def _agree(self, sender: str, recipient: str) -> None:
        """Sender and recipient. A sender that is refused is a matter of settings, so never for good."""
        self._smtp.rset()
        self._check(*self._smtp.mail(sender), permanent=False)
        code, reply = self._smtp.rcpt(recipient)
        self._check(code, reply, permanent=code >= 500)

    def _check(self, code: int, reply: bytes | str, *, permanent: bool) -> None:
        if code not in (250, 251):
            self.alive = code != CLOSING
            raise Refused(self._server.clean(code, reply), for_good=permanent)


class _Connection(smtplib.SMTP):
    """smtplib's, over a socket that the deadline watches; for `tls` encrypted from the first byte."""

    def __init__(self, server: Server, deadline: Deadline) -> None:
        self._deadline = deadline
        self._encrypted = server.security == "tls"
        super().__init__(server.host, server.port, local_hostname=US)

    def _get_socket(self, host: str, port: int, timeout: float | None) -> socket:
        plainly = self._deadline.connect(host, port)
        return ssl.create_default_context().wrap_socket(plainly, server_hostname=host) if self._encrypted else plainly


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
