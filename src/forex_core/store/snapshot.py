"""Copies for others: a live SQLite database, or any file, under its name only when it is whole and durable."""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from forex_core.errors import CorruptStore
from forex_core.store.database import BUSY_MS, RESTORE, damage_named
from forex_core.store.files import move_durably, writing

FILES = ("", "-journal", "-wal", "-shm")  # what SQLite may leave of one database
OF_THE_SOURCE = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_BUSY)


def snapshot(source: Path, target: Path, mode: int = 0o600) -> None:
    """Copy a database as it is at one moment to `target`, which is replaced or left as it was.

    Writers of `source` go on meanwhile; two copies to one target at once are the caller's fault. Whoever may read the
    copy can, without write access: it has no write-ahead log. CannotWrite if the disk is full, CorruptStore if `source`
    is missing, empty or damaged.
    """
    if not source.is_file() or source.stat().st_size == 0:
        raise CorruptStore(f"{source} is missing, empty or no file", hint=RESTORE)
    with renewed(target, mode) as scratch:
        _copy(source, scratch, target)
        _check(scratch, source)


@contextmanager
def renewed(target: Path, mode: int) -> Iterator[Path]:
    """An empty scratch file of this mode, which takes the place of `target` when the block has ended well."""
    scratch = target.with_name(f".{target.name}.new")
    with writing(target):
        target.parent.mkdir(parents=True, exist_ok=True)
        _remove(scratch)  # of one that was killed
        try:
            _make_empty(scratch, mode)
            yield scratch
            move_durably(scratch, target)
        finally:
            _remove(scratch)


def _make_empty(path: Path, mode: int) -> None:
    """SQLite would make the file with the mode that the umask leaves."""
    descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, mode)
    try:
        os.fchmod(descriptor, mode)
    finally:
        os.close(descriptor)


def _copy(source: Path, scratch: Path, target: Path) -> None:
    # not read-only: the journal of a killed writer is rolled back first
    with damage_named(source):
        live = sqlite3.connect(f"{source.absolute().as_uri()}?mode=rw", uri=True, isolation_level=None)
    with closing(live), _blaming(source, target):
        live.execute(f"PRAGMA busy_timeout = {BUSY_MS}")
        live.execute("VACUUM INTO ?", (str(scratch),))


@contextmanager
def _blaming(source: Path, target: Path) -> Iterator[None]:
    """Damage and locks are the source's, what else goes wrong is the target's."""
    try:
        yield
    except sqlite3.DatabaseError as error:
        of_source = getattr(error, "sqlite_errorcode", 0) & 0xFF in OF_THE_SOURCE
        with damage_named(source if of_source else target):
            raise


def _check(scratch: Path, source: Path) -> None:
    # mode=ro would not look at constraints
    with damage_named(source), closing(sqlite3.connect(f"{scratch.absolute().as_uri()}?mode=rw", uri=True)) as copy:
        verdict = copy.execute("PRAGMA integrity_check(1)").fetchone()[0]
    if verdict != "ok":
        raise CorruptStore(f"a copy of {source} is damaged: {verdict}", hint=RESTORE)


def _remove(scratch: Path) -> None:
    for suffix in FILES:
        scratch.with_name(scratch.name + suffix).unlink(missing_ok=True)
