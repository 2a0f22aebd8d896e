"""The heartbeat: tell a monitor on another machine that a job began, and how it ended (the protocol of healthchecks).

URL/start, URL, URL/fail and URL/log with one run id; what the job said goes along. No trouble of the monitor's is an
error of the job's: it is a warning, and takes 10 seconds at most, of all pings together.
"""

import logging
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import CancelledError, Future
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from threading import Thread
from typing import Any, TextIO
from uuid import UUID, uuid4

import httpx2
from loguru import logger

from forex_core.settings import Settings
from forex_core.sources.http import Web

SECONDS = 10.0  # for all pings of a run together
TRIES = 3
KEPT = 10_000  # bytes of what was said: what healthchecks keeps
GONE = (404, 410)
FAILURES = (httpx2.HTTPError, httpx2.InvalidURL, OSError, ValueError)  # ValueError: an address that can't be one
INVOCATION = "INVOCATION_ID"  # set by systemd and by deploy/cron-job, whose alert program outlives the job


class Heartbeat:
    """The pings of one run. said: everything heard of it so far, of which the end is sent along."""

    def __init__(self, url: str, invocation: str = "", clean: Callable[[str], str] = str) -> None:
        self._url = url
        self.rid = str(UUID(invocation) if invocation else uuid4())
        self._clean = clean
        self._left = SECONDS
        self.said = ""

    def hear(self, text: str) -> None:
        """Keep the end of what was said; more than is sent, because cleaning may shorten it."""
        self.said = (self.said + text)[-4 * KEPT :]

    def start(self) -> None:
        """The job begins. A monitor that knows plain addresses only may well not know this one."""
        self._ping("/start", self._left / 2, known=False)

    def success(self) -> None:
        """It has done what it should."""
        self._ping("", self._left)

    def fail(self) -> None:
        """It has not."""
        self._ping("/fail", self._left)

    def log(self) -> str:
        """What was said so far, which changes no state; return what went wrong, if anything did."""
        return self._ping("/log", self._left / 2, known=False)

    def _ping(self, signal: str, seconds: float, *, known: bool = True) -> str:
        """Ping in a thread that is left behind when the time is up: looking up a name can't be stopped."""
        began, answer = time.monotonic(), Future[str]()
        Thread(target=self._tried, args=(signal, began + seconds, answer), daemon=True).start()
        try:
            trouble = answer.result(timeout=max(0.0, seconds))
        except (TimeoutError, CancelledError):
            trouble = f"no answer within {seconds:.0f} s"
        self._left -= time.monotonic() - began
        if trouble and (known or not trouble.startswith(("HTTP 2", "HTTP 4"))):
            logger.warning("the monitor was not told{}: {}", f" ({signal[1:]})" if signal else "", trouble)
        return trouble

    def _tried(self, signal: str, until: float, answer: Future[str]) -> None:
        """Try while it may help; the answer is the trouble, if there was any."""
        logging.getLogger("httpx2").setLevel(logging.WARNING)  # below that it writes addresses, and ours is a secret
        body, trouble = self._clean(self.said).encode(errors="replace")[-KEPT:], "no time left"
        try:
            for tried in range(TRIES):
                if (left := until - time.monotonic()) <= 0:
                    break
                trouble, again = self._once(signal, body, left / (TRIES - tried))
                if not again:
                    break
                time.sleep(left / 20)
            answer.set_result(trouble)
        finally:
            answer.cancel()  # after a bug, whose traceback the thread shows; otherwise it does nothing

    def _once(self, signal: str, body: bytes, patience: float) -> tuple[str, bool]:
        """What went wrong, and whether to try again."""
        try:
            url = httpx2.URL(self._url)
            url = url.copy_with(path=url.path.rstrip("/") + signal).copy_merge_params({"rid": self.rid})
            with (
                httpx2.Client(timeout=patience, trust_env=False) as client,
                client.stream("POST", url, content=body) as reply,
            ):
                status, words = reply.status_code, next(reply.iter_text(), "")
        except FAILURES as error:
            return type(error).__name__, not isinstance(error, httpx2.InvalidURL | ValueError)
        if status in GONE or "(not found)" in words:
            return f"HTTP {status}, it knows no such address; correct heartbeat_url", False
        return "" if reply.is_success else f"HTTP {status}", status == 429 or status >= 500


def address_of(url: str | None, job: str, *, main: bool) -> str | None:
    """The address of a job. {job} in it makes a check of each; without, it is that of the main job, the forecast."""
    return url.replace("{job}", job) if url and (main or "{job}" in url) else None


@contextmanager
def beating(
    settings: Settings, job: str, environ: Mapping[str, str], *, main: bool = False, silent: bool = False
) -> Iterator[None]:
    """Tell the monitor of what is done in the block: begun, done, or failed; an `exit_code` of 0 is no failure.

    silent: nobody is told. Under systemd and deploy/cron-job a failure is told by deploy/alert instead, which can tell
    of a job that was killed, too.
    """
    url = None if silent else address_of(settings.heartbeat_url, job, main=main)
    if url is None:
        yield
        return
    heart = Heartbeat(url, _invocation(environ), Web(secrets=(*settings.secrets(), url)).scrub)
    heart.start()
    try:
        with _heard(heart):
            yield
    except BaseException as error:
        if getattr(error, "exit_code", 1) == 0:
            heart.success()
        elif not environ.get(INVOCATION):
            heart.hear(f"{type(error).__name__}: {error}\n")
            heart.fail()
        raise
    heart.success()


def _invocation(environ: Mapping[str, str]) -> str:
    try:
        return UUID(environ.get(INVOCATION, "")).hex
    except ValueError:
        return ""


@contextmanager
def _heard(heart: Heartbeat) -> Iterator[None]:
    """Hear what is printed and logged in the block."""
    sink = logger.add(heart.hear, level="INFO", format="{level.name: <7} {message}", diagnose=False, backtrace=False)
    try:
        with redirect_stdout(_overheard(sys.stdout, heart)), redirect_stderr(_overheard(sys.stderr, heart)):
            yield
    finally:
        logger.remove(sink)


def _overheard(stream: TextIO | None, heart: Heartbeat) -> Any:
    return _Overheard(stream, heart) if stream else None


class _Overheard:
    """A stream that is also heard; what it is asked for it has from the one it stands for."""

    def __init__(self, stream: TextIO, heart: Heartbeat) -> None:
        self._stream = stream
        self._heart = heart

    def write(self, text: str) -> int:
        written = self._stream.write(text)
        self._heart.hear(text)
        return written

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)
