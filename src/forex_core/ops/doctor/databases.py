"""Both databases: sound to the last page, of this program's version, in the mode that survives a power cut."""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

from forex_core.errors import CorruptStore
from forex_core.mlops.embedded import MADE, check
from forex_core.ops.doctor.finding import FIX, Finding, Place
from forex_core.store.database import RESTORE, damage_named, open_for_reading
from forex_core.store.lock import writer_lock


def forex_db(place: Place) -> Iterator[Finding]:
    """The record."""
    path = place.data_dir / "forex.db"
    with closing(open_for_reading(path)) as connection, damage_named(path):
        _sound(connection, path)
        schema = connection.execute("PRAGMA user_version").fetchone()[0]
        forecasts = connection.execute("SELECT count(*) FROM forecasts").fetchone()[0]
        yield from _mode("forex.db", connection, path, place)
    yield Finding("forex.db", "ok", f"sound, schema {schema}, {forecasts} forecasts")


def mlflow_db(place: Place) -> Iterator[Finding]:
    """The laboratory."""
    path = place.mlflow_db
    if path is None:
        yield Finding(
            "mlflow.db", "ok", f"not used: the tracking server is {place.settings.shown('mlflow_tracking_uri')}"
        )
        return
    if not path.exists():
        yield _missing(path, place)
        return
    check(path)
    with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as connection, damage_named(path):
        _sound(connection, path)
        count = connection.execute("SELECT count(*) FROM runs").fetchone()[0]
        yield from _mode("mlflow.db", connection, path, place)
    yield Finding("mlflow.db", "ok", f"sound, of this MLflow, {count} runs")


def _missing(path: Path, place: Place) -> Finding:
    with closing(open_for_reading(place.data_dir / "forex.db")) as connection:
        made = connection.execute("SELECT 1 FROM facts WHERE name = ?", (MADE,)).fetchone()
    if made:
        raise CorruptStore(f"{path} is missing, though it was made before", hint=RESTORE)
    return Finding("mlflow.db", "warning", f"there is no {path} yet", "forex run")


def _sound(connection: sqlite3.Connection, path: Path) -> None:
    verdict = connection.execute("PRAGMA integrity_check(1)").fetchone()[0]
    if verdict != "ok":
        raise CorruptStore(f"{path} is damaged: {verdict}", hint=RESTORE)
    if broken := connection.execute("PRAGMA foreign_key_check").fetchone():
        raise CorruptStore(f"{path} refers to what is not there: a row of {broken[0]}", hint=RESTORE)


def _mode(name: str, connection: sqlite3.Connection, path: Path, place: Place) -> Iterator[Finding]:
    mode = connection.execute("PRAGMA journal_mode").fetchone()[0]
    if mode != "wal":
        said = f"journal mode {mode}: readers block writers, and a power cut may cost the last commit"
        yield Finding(name, "failed", said, FIX, _journal(path, place))


def _journal(path: Path, place: Place) -> Callable[[], None]:
    def write_ahead() -> None:
        with writer_lock(place.data_dir, 10), damage_named(path), closing(sqlite3.connect(path)) as connection:
            connection.execute("PRAGMA journal_mode = WAL")

    return write_ahead
