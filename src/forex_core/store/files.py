"""Files that a power cut leaves whole: the old one or the new one, never a part."""

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from forex_core.errors import CannotWrite, CorruptStore, NotOwner

FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


def replace_durably(path: Path, content: bytes) -> None:
    """Write `content` beside `path`, make it durable, and put it in place of `path`."""
    with writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        scratch = path.with_name(f".{path.name}.new")
        try:
            with scratch.open("wb") as file:
                file.write(content)
            move_durably(scratch, path)
        finally:
            with suppress(OSError):
                scratch.unlink(missing_ok=True)  # there only if something failed


def move_durably(scratch: Path, path: Path) -> None:
    """Make a finished file durable under its final name."""
    sync(scratch)
    scratch.replace(path)
    sync(path.parent)


def sync(path: Path) -> None:
    """Have a file, or the names in a folder, on the disk; a failed sync is an OSError, never success."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def is_full(error: Exception) -> bool:
    """True if the disk, or what this user may take of it, is full; SQLite says it in words."""
    return getattr(error, "errno", None) in FULL or "is full" in str(error)


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Turn the operating system's refusals to write `path` into the errors an operator can act on."""
    try:
        yield
    except PermissionError as error:
        raise NotOwner(
            f"no permission to write {error.filename or path}", hint="run as the owner of the data"
        ) from error
    except OSError as error:
        if error.errno in (*FULL, errno.EROFS, errno.ENOTDIR, errno.EEXIST):
            raise CannotWrite(
                f"cannot write {path}: {error.strerror}", hint="free some space or fix the path"
            ) from error
        raise CorruptStore(f"cannot write {path}: {error.strerror or error}") from error
