"""Paths inside a database after its data directory was moved: one prefix for another."""

import sqlite3
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path

from forex_core.store.database import damage_named

PATHS = (("steps", "ref"),)  # of forex.db: where the reports lie


def replace_prefix(connection: sqlite3.Connection, columns: Iterable[tuple[str, str]], old: str, new: str) -> int:
    """Where a value is `old`, or goes on behind it with a slash, put `new` for it; how many values that were."""
    changed = 0
    for table, column in columns:
        changed += connection.execute(
            f"UPDATE {table} SET {column} = ?1 || substr({column}, length(?2) + 1) "
            f"WHERE {column} = ?2 OR substr({column}, 1, length(?2) + 1) = ?2 || '/'",
            (new, old),
        ).rowcount
    return changed


def move_reports(forex_db: Path, old: Path, new: Path) -> int:
    """Let the paths of reports in forex.db, which nobody else writes, begin with `new`; how many were changed."""
    with damage_named(forex_db), closing(sqlite3.connect(forex_db)) as connection, connection:
        return replace_prefix(connection, PATHS, str(old), str(new))
