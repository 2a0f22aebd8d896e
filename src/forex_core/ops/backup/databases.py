"""What the two databases of a tree hold, and whether they are sound: the same look when a backup is made and proved."""

import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlparse

from forex_core.errors import CorruptStore
from forex_core.ops.backup.manifest import COUNTED, FOREX_DB, MLFLOW_DB
from forex_core.store.database import damage_named

ARTIFACTS = "mlflow/mlruns/"
# of every run that recorded a forecast: a file's name below its artifacts, or how the name begins
OWED = ("model/MLmodel", "reports/")


@dataclass(frozen=True, slots=True)
class Holdings:
    """alembic and newest_forecast are None where there is no mlflow.db and no forecast."""

    counts: Mapping[str, int]
    newest_forecast: str | None
    forex_schema: int
    alembic: str | None


def holdings(tree: Path) -> Holdings:
    """Count what is in the databases of a tree that nobody writes to."""
    with _opened(tree / FOREX_DB) as forex:
        counts = {name: _value(forex, f"SELECT count(*) FROM {name}") for name in COUNTED - {"runs"}}
        newest = _value(forex, "SELECT forecast_id FROM forecasts ORDER BY created_at DESC, rowid DESC LIMIT 1")
        schema = _value(forex, "PRAGMA user_version")
    runs, alembic = 0, None
    if (tree / MLFLOW_DB).exists():
        with _opened(tree / MLFLOW_DB) as mlflow:
            runs = _value(mlflow, "SELECT count(*) FROM runs")
            alembic = _value(mlflow, "SELECT version_num FROM alembic_version")
    return Holdings(counts | {"runs": runs}, newest, schema, alembic)


def check_sound(path: Path) -> None:
    """CorruptStore unless every page, index, row and reference of a database is as it should be."""
    with _opened(path, "rw") as connection:  # read-only, SQLite leaves out what a table demands of its rows
        verdict = _value(connection, "PRAGMA integrity_check(1)")
        loose = connection.execute("PRAGMA foreign_key_check").fetchone()
    if verdict != "ok" or loose:
        raise CorruptStore(f"{path.name} is damaged: {verdict if verdict != 'ok' else f'{loose[0]} refers to nothing'}")


def check_artifacts(mlflow_db: Path, files: Iterable[str]) -> None:
    """CorruptStore unless every FINISHED run of a forecast has its model and its report among `files`.

    A run that lies elsewhere (a server, another folder) is in no backup, and is passed over.
    """
    present = set(files)
    present |= {f"{name[: name.index('/reports/')]}/reports/" for name in present if "/artifacts/reports/" in name}
    with _opened(mlflow_db) as connection:
        finished = connection.execute(
            "SELECT run_uuid, artifact_uri FROM runs JOIN tags USING (run_uuid) "
            "WHERE status = 'FINISHED' AND lifecycle_stage = 'active' AND key = 'forecast_id'"
        ).fetchall()
    for run, uri in finished:
        if (folder := _folder(uri)) and (missing := [name for name in OWED if f"{folder}/{name}" not in present]):
            raise CorruptStore(f"the MLflow run {run} lacks {missing[0]}", hint="see `forex doctor`")


def _folder(uri: str) -> str | None:
    """Where in a tree a run's artifacts lie, whatever the tree's place was when the run was recorded."""
    address = urlparse(uri)
    _, found, rest = unquote(address.path).rpartition(f"/{ARTIFACTS}")
    return f"{ARTIFACTS}{rest}" if found and address.scheme in ("", "file") else None


def _value(connection: sqlite3.Connection, statement: str) -> Any:
    row = connection.execute(statement).fetchone()
    return row[0] if row else None


@contextmanager
def _opened(path: Path, mode: str = "ro") -> Iterator[sqlite3.Connection]:
    with (
        damage_named(path),
        closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode={mode}", uri=True)) as connection,
    ):
        yield connection
