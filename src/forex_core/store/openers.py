"""Who has a database open: a program that goes on writing to a file that was moved away would lose what it writes."""

import fcntl
import os
import struct
import sys
from pathlib import Path

from forex_core.errors import LockBusy

# the bytes that SQLite locks: whoever has a database in WAL mode open holds one of them for as long
FIRST_BYTE, BYTES = 0x40000000, 512
FLOCK = "hhqqi4x"  # Linux: type, whence, start, length, pid


def refuse_opened(*paths: Path) -> None:
    """LockBusy, naming the process, if one has any of these SQLite databases open; this one must not."""
    for path in paths:
        if path.is_file() and not path.is_symlink() and (holder := _holder(path)) is not None:
            who = f"process {holder}" if holder > 0 else "another process"
            raise LockBusy(f"{who} has {path} open", untouched="nothing was changed", hint=f"end {who}, then try again")


def _holder(path: Path) -> int | None:
    """The process whose lock would be in the way of an exclusive one; asking takes no lock."""
    if sys.platform != "linux":
        return None  # where the question is put in another form
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
    try:
        question = struct.pack(FLOCK, fcntl.F_WRLCK, os.SEEK_SET, FIRST_BYTE, BYTES, 0)
        kind, _, _, _, holder = struct.unpack(FLOCK, fcntl.fcntl(descriptor, fcntl.F_GETLK, question))
    finally:
        os.close(descriptor)
    return None if kind == fcntl.F_UNLCK else int(holder)
