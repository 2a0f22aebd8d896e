"""Databases for people who may only look: reading a journaled one makes files beside it, which they can't."""

import sqlite3
from collections.abc import Callable
from pathlib import Path

from forex_core.errors import NotOwner


def open_to_view(path: Path, opened: Callable[[Path], sqlite3.Connection]) -> sqlite3.Connection:
    """What `opened` opens; where that may not be, the file as it lies. NotOwner if a journal holds a part of it."""
    try:
        return opened(path)
    except NotOwner:
        if path.with_name(f"{path.name}-wal").exists():
            raise
        # without a journal nobody has it open, and it is whole; a run that begins just now is a risk of milliseconds
        return sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro&immutable=1", uri=True, isolation_level=None)
