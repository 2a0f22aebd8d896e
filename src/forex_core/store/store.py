"""The Store: one door to forex.db. Writers hold the lock; `transaction` is all or nothing."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from forex_core.store.database import (
    check_integrity,
    constrain,
    damage_named,
    migrate,
    open_for_reading,
    open_for_writing,
)
from forex_core.store.events import Events
from forex_core.store.forecasts import Forecasts
from forex_core.store.observations import Observations
from forex_core.store.versions import Versions
from forex_core.store.windows import Windows


class Store:
    def __init__(self, connection: sqlite3.Connection, path: Path) -> None:
        self._connection = connection
        self.path = path
        self.observations = Observations(connection)
        self.forecasts = Forecasts(connection)
        self.windows = Windows(connection)
        self.versions = Versions(connection)
        self.events = Events(connection)

    @classmethod
    def for_writing(cls, data_dir: Path) -> "Store":
        """Open or make forex.db in a data directory whose lock the caller holds."""
        path = data_dir / "forex.db"
        return cls(open_for_writing(path), path)

    @classmethod
    def for_reading(cls, data_dir: Path) -> "Store":
        """Open an existing forex.db without the lock."""
        path = data_dir / "forex.db"
        return cls(open_for_reading(path), path)

    @classmethod
    def in_memory(cls, data_dir: Path) -> "Store":
        """A copy of what is there, if anything: what a dry run may write to."""
        path = data_dir / "forex.db"
        memory = sqlite3.connect(":memory:", isolation_level=None)
        if path.exists():
            with closing(open_for_reading(path)) as connection:
                connection.backup(memory)
        migrate(memory)
        constrain(memory)
        return cls(memory, path)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All that is written inside is committed together, durably, or not at all."""
        with damage_named(self.path), self._connection:  # which commits, or rolls back
            self._connection.execute("BEGIN IMMEDIATE")
            yield

    def fact(self, name: str) -> str | None:
        """What `remember` noted under this name."""
        row = self._connection.execute("SELECT value FROM facts WHERE name = ?", (name,)).fetchone()
        return row[0] if row else None

    def remember(self, name: str, value: str) -> None:
        """Note a fact about the data directory, such as that mlflow.db was made."""
        with self.transaction():
            self._connection.execute("INSERT OR REPLACE INTO facts VALUES (?, ?)", (name, value))

    def check_integrity(self) -> None:
        """CorruptStore unless the file is sound."""
        check_integrity(self._connection, self.path)

    def close(self) -> None:
        """Close the file; the last one to do so folds the journal into it."""
        self._connection.close()

    def __enter__(self) -> "Store":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
