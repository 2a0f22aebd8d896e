"""A small store to back up: a real forex.db, an mlflow.db with the tables that a backup reads, and runs' files."""

import sqlite3
from contextlib import closing
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from forex_core.mlops.embedded import MADE, REVISION
from forex_core.settings import Settings
from forex_core.store.store import Store
from samples import freeze

NOW = datetime(2024, 7, 1, 12, tzinfo=UTC)
FIRST = date(2024, 1, 1)
TABLES = """
CREATE TABLE alembic_version (version_num TEXT PRIMARY KEY);
CREATE TABLE experiments (experiment_id INTEGER PRIMARY KEY, artifact_location TEXT);
CREATE TABLE runs (run_uuid TEXT PRIMARY KEY, status TEXT, lifecycle_stage TEXT, artifact_uri TEXT,
                   experiment_id INTEGER REFERENCES experiments);
CREATE TABLE tags (key TEXT, value TEXT, run_uuid TEXT REFERENCES runs, PRIMARY KEY (key, run_uuid));
"""


def settings_for(data_dir: Path, **changes: object) -> Settings:
    """The defaults, for this data directory."""
    return Settings(data_dir=data_dir, **changes)


def fill(data_dir: Path, forecasts: int = 2) -> None:
    """Make the store, or add to it: that many forecasts, each with its run, report and model."""
    with Store.for_writing(data_dir) as store:
        first = store.fact(MADE) is None
        if first:
            store.remember(MADE, REVISION)
            make_mlflow(data_dir / "mlflow" / "mlflow.db")
            (data_dir / "models").mkdir()
            (data_dir / "models" / "weights.safetensors").write_bytes(bytes(range(256)) * 40)
        with store.transaction():
            begun = len(store.forecasts.unfinished(("track",)))
            for n in range(begun, begun + forecasts):
                day = FIRST + timedelta(days=n)
                freeze(store, forecast_id=f"f{n}", issued_on=day, created_at=NOW + timedelta(seconds=n))
                add_run(data_dir, f"r{n}", day)


def make_mlflow(path: Path) -> None:
    path.parent.mkdir(exist_ok=True)
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.executescript(TABLES)
        connection.execute("INSERT INTO alembic_version VALUES (?)", (REVISION,))
        connection.execute("INSERT INTO experiments VALUES (1, '')")


def add_run(data_dir: Path, run: str, day: date) -> None:
    """As tracking does it: the files first, then the final status."""
    artifacts = data_dir / "mlflow" / "mlruns" / "forecaster_7d" / run / "artifacts"
    report = data_dir / "reports" / "USDCLP" / str(day) / "7d.html"
    for path in (artifacts / "model" / "MLmodel", report):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"{path.name} of {run}\n" * 50, encoding="utf-8")
    (artifacts / "reports").mkdir(exist_ok=True)
    (artifacts / "reports" / "7d.html").hardlink_to(report)
    with closing(sqlite3.connect(data_dir / "mlflow" / "mlflow.db", timeout=20)) as connection, connection:
        row = (run, "FINISHED", "active", artifacts.as_uri(), 1)
        connection.execute("INSERT INTO runs VALUES (?, ?, ?, ?, ?)", row)
        connection.execute("INSERT INTO tags VALUES ('forecast_id', ?, ?)", (f"f{run[1:]}", run))


def contents(folder: Path) -> dict[str, bytes]:
    """Every file below a folder, less what SQLite keeps beside an open database, and locks."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not path.name.endswith(("-wal", "-shm", "lock", "lock.holder"))
    }


def parts(tree: Path) -> dict[str, Path]:
    """Every file of a tree by the name that it would have in an archive."""
    return {path.relative_to(tree).as_posix(): path for path in tree.rglob("*") if path.is_file()}
