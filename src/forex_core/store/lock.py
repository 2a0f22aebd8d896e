"""The one writer lock of a data directory: flock, so that death frees it, and a note that names the holder."""

import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

from filelock import FileLock, Timeout

from forex_core.errors import LockBusy
from forex_core.store.files import writing


@contextmanager
def writer_lock(data_dir: Path, wait_seconds: float) -> Iterator[None]:
    """Hold the lock, waiting up to `wait_seconds`; LockBusy names the holder. The file is never deleted."""
    with writing(data_dir):
        data_dir.mkdir(parents=True, exist_ok=True)
    note = data_dir / "lock.holder"
    lock = FileLock(data_dir / "lock", mode=0o600)  # filelock keeps the descriptor from children, forked or spawned
    with writing(data_dir / "lock"):
        try:
            lock.acquire(timeout=wait_seconds, poll_interval=0.1)
        except Timeout:  # an OSError, which must not be taken for one of the disk's
            raise LockBusy(
                f"{_holder(note)} holds the lock of {data_dir}, waited {wait_seconds:g} s",
                untouched="nothing was changed",
                hint="run again when it has ended",
            ) from None
    try:
        with writing(note):
            note.write_text(json.dumps({"pid": os.getpid(), "command": _command(), "since": _now()}), encoding="utf-8")
        yield
    finally:
        with suppress(OSError):
            note.unlink()
        lock.release()


def _holder(note: Path) -> str:
    try:
        holder = json.loads(note.read_text(encoding="utf-8"))
        return f"process {holder['pid']} ({holder['command']}, since {holder['since']})"
    except (OSError, ValueError, KeyError, TypeError):
        return "another process"


def _command() -> str:
    return " ".join([Path(sys.argv[0]).name, *sys.argv[1:]])[:120]


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
