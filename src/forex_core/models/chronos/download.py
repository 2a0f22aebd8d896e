"""Ask a model hub: small answers whole, large files piece by piece into a .part that a later try goes on with."""

import logging
import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import file_digest, sha1
from pathlib import Path
from typing import Any, NoReturn
from urllib.parse import urlsplit

import httpx2
import stamina

from forex_core.errors import DataError, SourceUnavailable, UsageError
from forex_core.sources.http import AGAIN, BadStatus, strict_json

TRIES = 5
PATIENCE = 30.0  # seconds without a byte after which the hub is given up
LARGEST_ANSWER = 5_000_000  # bytes
FAILURES = (httpx2.HTTPError, httpx2.InvalidURL, BadStatus)
Progress = Callable[[str, int, int], None]  # file, bytes so far, bytes in all


@dataclass(frozen=True)
class File:
    """One file as the hub lists it. sha256: of large ones; blob: git's sha1 of small ones; either may be missing."""

    name: str
    size: int
    sha256: str | None
    blob: str | None


def ask(address: str, what: str) -> Any:
    """The JSON at an address; UsageError if the hub doesn't know or doesn't give `what`, SourceUnavailable else."""
    with _asking(address, what):
        for attempt in stamina.retry_context(on=_again, attempts=TRIES, timeout=None):
            with attempt, _reply(address, {}) as reply:
                _refuse_status(reply)
                body = bytearray()
                for chunk in reply.iter_bytes():
                    body += chunk
                    if len(body) > LARGEST_ANSWER:
                        raise httpx2.DecodingError(f"more than {LARGEST_ANSWER / 1e6:.0f} MB")
    try:
        return strict_json(bytes(body))
    except ValueError as error:
        raise SourceUnavailable(f"the hub answered what can't be used of {what}: {error}") from None


def download(address: str, file: File, part: Path, progress: Progress) -> None:
    """Complete `part`, and check it against what the hub listed; DataError, and no `part`, if it is something else."""
    with _asking(address, file.name):
        for attempt in stamina.retry_context(on=_again, attempts=TRIES, timeout=None):
            with attempt:
                _go_on(address, file, part, progress)
    if wrong := _differences(file, part):
        part.unlink()
        raise DataError(
            f"{file.name} arrived {wrong}",
            untouched="it was thrown away",
            hint="try again; if it stays so, the hub or a proxy before it changes files",
        )


def _go_on(address: str, file: File, part: Path, progress: Progress) -> None:
    have = part.stat().st_size if part.exists() else 0
    if have > file.size:
        part.unlink()
        have = 0
    if have == file.size and part.exists():
        return
    with _reply(address, {"Range": f"bytes={have}-"} if have else {}) as reply:
        goes_on = reply.headers.get("Content-Range", "").startswith(f"bytes {have}-")
        if not goes_on:
            _refuse_status(reply)
            have = 0
        with part.open("ab" if goes_on else "wb") as opened:
            for chunk in reply.iter_raw():
                have += len(chunk)
                if have > file.size:
                    raise httpx2.DecodingError(f"more than the {file.size} bytes listed")
                opened.write(chunk)
                progress(file.name, have, file.size)
    if have < file.size:
        raise httpx2.ReadError(f"cut off after {have} of {file.size} bytes")


def _differences(file: File, part: Path) -> str:
    """How the file differs from its listing, or nothing."""
    if (size := part.stat().st_size) != file.size:
        return f"with {size} bytes, not the {file.size} listed"
    with part.open("rb") as opened:
        if file.sha256 and file_digest(opened, "sha256").hexdigest() != file.sha256:
            return "with another sha256 than the one listed"
    if file.blob and not file.sha256:
        with part.open("rb") as opened:
            if file_digest(opened, lambda: sha1(f"blob {size}\0".encode())).hexdigest() != file.blob:
                return "with another git blob id than the one listed"
    return ""


@contextmanager
def _reply(address: str, headers: dict[str, str]) -> Iterator[httpx2.Response]:
    """One request; redirects to where the files lie are followed."""
    logging.getLogger("httpx2").setLevel(logging.WARNING)
    asked = {"Accept-Encoding": "identity", **headers}  # ranges count the bytes of the file
    with (
        httpx2.Client(timeout=PATIENCE, follow_redirects=True, max_redirects=5, trust_env=False) as client,
        client.stream("GET", address, headers=asked) as reply,
    ):
        yield reply


def _refuse_status(reply: httpx2.Response) -> None:
    if reply.status_code != 200:
        raise BadStatus(reply.status_code, reply.headers.get("Retry-After", ""))


def _again(error: Exception) -> bool | float:
    """Whether to try again, and after how many seconds."""
    if isinstance(error, BadStatus):
        passing = error.code in AGAIN
    else:
        passing = isinstance(error, httpx2.TimeoutException | httpx2.NetworkError | httpx2.RemoteProtocolError)
    return passing and random.uniform(0.3, 1.5)


@contextmanager
def _asking(address: str, what: str) -> Iterator[None]:
    """Turn what can go wrong on the way into what an operator can act on."""
    try:
        yield
    except BadStatus as error:
        _explain(error.code, what)
    except FAILURES as error:
        why = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise SourceUnavailable(
            f"the hub ({urlsplit(address).netloc}) did not give {what}: {why}",
            untouched="what arrived is kept, and the next try goes on from there",
            hint="try again; hub_url names another hub",
        ) from None


def _explain(status: int, what: str) -> NoReturn:
    if status == 404:
        raise UsageError(f"the hub has no {what}", hint="check its name and revision") from None
    if status in (401, 403):
        raise UsageError(
            f"the hub does not give {what} to everybody (HTTP {status}): it does not exist, is private or gated",
            hint="check its name; for a gated model, download it yourself and set chronos_model to its directory",
        ) from None
    raise SourceUnavailable(f"the hub answered HTTP {status} for {what}", hint="try again later") from None
