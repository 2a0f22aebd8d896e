"""What members said at past origins, by key: a fit that was made once is never made again."""

import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True, slots=True)
class StoredWindow:
    """path: float64, little endian, [steps][levels], as bytes."""

    key: str
    pair: str
    origin: date
    member: str
    path: bytes


class Windows:
    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def paths(self, keys: Iterable[str]) -> dict[str, bytes]:
        """The stored paths among these keys."""
        found = {}
        for key in keys:
            if row := self._connection.execute("SELECT path FROM windows WHERE key = ?", (key,)).fetchone():
                found[key] = row[0]
        return found

    def add(self, windows: Iterable[StoredWindow]) -> None:
        """Store paths; a key that is there already keeps its path."""
        self._connection.executemany(
            "INSERT OR IGNORE INTO windows VALUES (?, ?, ?, ?, ?)",
            [(w.key, w.pair, w.origin.isoformat(), w.member, w.path) for w in windows],
        )
