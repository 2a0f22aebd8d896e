"""One way to ask a server: an overall deadline, a size cap, three tries, and nothing secret in any message."""

import json
import logging
import math
import random
import re
import ssl
import threading
import time
from collections.abc import Callable, Collection, Mapping
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache
from typing import Any, NoReturn, TypeVar
from urllib.parse import quote, quote_plus

import httpx2
import stamina

from forex_core.errors import SourceUnavailable

T = TypeVar("T")

TRIES = 3
LARGEST = 20_000_000  # bytes, decompressed
AGAIN = frozenset({429, 500, 502, 503, 504})
PATIENCE = 5.0  # seconds without a byte after which a server is given up
WHO = {"User-Agent": "Mozilla/5.0 (compatible; forex-core)"}  # some refuse what does not begin like a browser
HINT = "see `forex data check`"

HOST = re.compile(r"[a-z]+://(?:[^/?#]*@)?([^/?#]+)", re.IGNORECASE)


def nothing_kept(source: str, good: bool, body: bytes) -> None:
    """Keep no reply."""


class BadStatus(Exception):
    """A reply that is not 200. It knows no address: what retries write into the log must not hold one."""

    def __init__(self, code: int, retry_after: str) -> None:
        super().__init__(f"HTTP {code}")
        self.code = code
        self.retry_after = retry_after


FAILURES = (httpx2.HTTPError, httpx2.InvalidURL, OSError, BadStatus)


@cache
def _authorities() -> ssl.SSLContext:
    """Whose certificates are trusted; read once, because that takes 20 ms."""
    return httpx2.create_ssl_context(trust_env=False)


@dataclass(frozen=True)
class Web:
    """The fetch layer. deadline: seconds that one question may take in all, waiting and retrying included.

    keep: called with each reply, good or bad, secrets removed.
    """

    deadline: float = 20.0
    secrets: tuple[str, ...] = field(default=(), repr=False)
    keep: Callable[[str, bool, bytes], None] = nothing_kept
    clock: Callable[[], float] = field(default=time.monotonic)

    def get(
        self, source: str, url: str, params: Mapping[str, str] | None = None, *, also: Collection[int] = ()
    ) -> bytes:
        """The body of a 200 (or of a status in `also`); SourceUnavailable for anything else, within the deadline."""
        until = self.clock() + self.deadline
        try:
            for attempt in stamina.retry_context(
                on=lambda error: _again(error, until - self.clock()), attempts=TRIES, timeout=None
            ):
                with attempt:
                    return self._once(
                        source, httpx2.URL(url).copy_merge_params(dict(params or {})), until, {200, *also}
                    )
        except FAILURES as error:
            self._fail(source, url, error)
        raise AssertionError("a retry context returns or raises")

    def read(
        self,
        source: str,
        url: str,
        params: Mapping[str, str],
        parse: Callable[[bytes], T],
        *,
        also: Collection[int] = (),
    ) -> T:
        """What `parse` makes of the body of `get`; a ValueError of its refuses the reply."""
        body = self.get(source, url, params, also=also)
        try:
            parsed = parse(body)
        except ValueError as error:
            self.refuse(source, body, str(error))
        self.keep(source, True, self._scrubbed(body))
        return parsed

    def scrub(self, text: str) -> str:
        """The text without any secret, plain or as it stands in an address or in JSON."""
        forms = {
            form
            for secret in filter(None, self.secrets)
            for form in (secret, quote(secret), quote(secret, safe=""), quote_plus(secret), json.dumps(secret)[1:-1])
        }
        longest_first = sorted(forms, key=len, reverse=True)  # a secret may be part of another
        return re.sub("|".join(map(re.escape, longest_first)), "***", text, flags=re.IGNORECASE) if forms else text

    def refuse(self, source: str, body: bytes, why: str) -> NoReturn:
        """Keep a reply that could not be read, and say why."""
        self.keep(source, False, self._scrubbed(body))
        raise SourceUnavailable(self.scrub(f"{source} answered what can't be used: {why}"), hint=HINT) from None

    def _once(self, source: str, url: httpx2.URL, until: float, wanted: set[int]) -> bytes:
        left = until - self.clock()
        try:
            status, retry_after, body = _apart(lambda: self._ask(url, until), left)
        except TimeoutError:
            raise httpx2.ReadTimeout(f"not done within {self.deadline:g} s") from None
        if status in wanted and body.strip():
            return body
        self.keep(source, False, self._scrubbed(body))
        if status not in wanted:
            raise BadStatus(status, retry_after)
        raise httpx2.ReadError("an empty answer")

    def _ask(self, url: httpx2.URL, until: float) -> tuple[int, str, bytes]:
        """Status, Retry-After and body of one request."""
        logging.getLogger("httpx2").setLevel(logging.WARNING)  # below that it writes addresses, which hold secrets
        patience = max(0.1, min(PATIENCE, (until - self.clock()) / 2))
        with (
            httpx2.Client(
                timeout=patience,
                follow_redirects=True,
                max_redirects=3,
                trust_env=False,
                headers=WHO,
                verify=_authorities(),
            ) as client,
            client.stream("GET", url) as response,
        ):
            body = bytearray()
            for chunk in response.iter_bytes():
                body += chunk
                if len(body) > LARGEST:
                    raise httpx2.DecodingError(f"more than {LARGEST / 1e6:.0f} MB")
                if self.clock() > until:
                    raise httpx2.ReadTimeout(f"not done within {self.deadline:g} s")
            return response.status_code, response.headers.get("Retry-After", ""), bytes(body)

    def _scrubbed(self, body: bytes) -> bytes:
        return self.scrub(body.decode("utf-8", "replace")).encode() if self.secrets else body

    def _fail(self, source: str, url: str, error: Exception) -> NoReturn:
        why = str(error).splitlines()[0] if str(error) else type(error).__name__
        host = match[1] if (match := HOST.match(url)) else "no address"
        raise SourceUnavailable(self.scrub(f"{source} ({host}) did not answer: {why}"), hint=HINT) from None


def _apart(ask: Callable[[], T], seconds: float) -> T:
    """Ask in a thread, and leave it behind when the time is up: TimeoutError.

    A socket's timeouts bound each silence, not the sum; looking up a name, and a reply whose header drips, have no end.
    """
    answer: Future[T] = Future()

    def work() -> None:
        try:
            answer.set_result(ask())
        except FAILURES as error:
            answer.set_exception(error)
        finally:
            answer.cancel()  # after a bug, whose traceback the thread shows; otherwise it does nothing

    threading.Thread(target=work, daemon=True).start()
    return answer.result(timeout=max(0.0, seconds))


def _again(error: Exception, left: float) -> bool | float:
    """How long to wait before another try, or False; a server's own Retry-After is honoured if there is time for it."""
    jitter = random.uniform(0.3, 1.5)
    if isinstance(error, BadStatus):
        if error.code not in AGAIN:
            return False
        with suppress(ValueError):
            asked = float(error.retry_after)
            return asked if 0 <= asked < left - jitter else False
    elif not isinstance(error, httpx2.TimeoutException | httpx2.NetworkError | httpx2.RemoteProtocolError):
        return False
    return jitter if jitter < left / 2 else False


def strict_json(body: bytes) -> Any:
    """Parse JSON; ValueError for NaN, Infinity, 1e999, a key twice, a byte-order mark, or what is no UTF-8."""
    try:
        return json.loads(
            body.decode("utf-8"), parse_constant=_refuse_constant, parse_float=finite, object_pairs_hook=_unique
        )
    except json.JSONDecodeError as error:
        raise ValueError(f"it is no JSON: {error.msg} at line {error.lineno}") from None
    except RecursionError:
        raise ValueError("it is no JSON that could be meant: nested too deep") from None


def strict_csv(body: bytes, header: list[str]) -> list[list[str]]:
    """The rows under a header that begins so; ValueError if the last line is cut short or a row has other columns."""
    text = body.decode("utf-8").replace("\r\n", "\n")
    if not text.endswith("\n"):
        raise ValueError("the last line has no newline: it was cut short")
    first, *rows = [line.split(",") for line in text[:-1].split("\n")]
    if first[: len(header)] != header:
        raise ValueError(f"the header is {shown(','.join(first))}, not {','.join(header)}")
    if wrong := next((row for row in rows if len(row) != len(first)), None):
        raise ValueError(f"a row has {len(wrong)} columns, the header {len(first)}")
    return rows


def finite(value: float | str) -> float:
    """The float; ValueError for nan and for what no float can hold."""
    with suppress(OverflowError):
        if math.isfinite(number := float(value)):
            return number
    raise ValueError("a number too large to be meant")


def shown(text: str) -> str:
    """The whole text or none of it: of a secret that is cut in two, a half could not be recognised."""
    return repr(text) if len(text) <= 60 else f"a text of {len(text)} characters"


def _refuse_constant(word: str) -> NoReturn:
    raise ValueError(f"{word} is no JSON")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len({key for key, _ in pairs}) < len(pairs):
        raise ValueError("a key appears twice")
    return dict(pairs)
