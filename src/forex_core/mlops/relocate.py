"""Artifact addresses after a move: MLflow keeps absolute ones, and where they are wrong it lists no artifact, silently.

They lie in six tables. What runs say of themselves (parameters, tags, the files they were started from) is history and
stays. With the old root in place again, or its name taken by another store, nothing there is touched.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlparse

from forex_core.errors import CorruptStore
from forex_core.store.database import RESTORE, damage_named
from forex_core.store.moved import replace_prefix

ADDRESSES = (
    ("experiments", "artifact_location"),
    ("runs", "artifact_uri"),
    ("logged_models", "artifact_location"),
    ("model_versions", "source"),
    ("model_versions", "storage_location"),
    ("workspaces", "default_artifact_root"),
)
SOURCES = ("datasets", "dataset_source")  # JSON, in which an address is a string
OURS = ("forecast_id", "pass_id")  # the tags of runs that always have artifacts


@dataclass(frozen=True, slots=True)
class Moved:
    """old, new: data directories; changed: how many addresses; runs: how many finished ones have their artifacts."""

    old: Path
    new: Path
    changed: int
    runs: int


def root_of(path: Path) -> Path | None:
    """The data directory under which an mlflow.db believes its artifacts; None if none of them is a file's."""
    with damage_named(path), closing(_opened(path)) as connection:
        rows = connection.execute("SELECT artifact_location FROM experiments ORDER BY experiment_id").fetchall()
    folders = [folder for (uri,) in rows if (folder := _folder(uri))]
    return next((folder.parents[2] for folder in folders if folder.parts[-3:-1] == ("mlflow", "mlruns")), None)


def relocate(path: Path, old: Path, new: Path, *, lies_in: Path | None = None, dry_run: bool = False) -> Moved:
    """Rewrite the addresses of an mlflow.db that nobody else writes, in one transaction, and prove them.

    lies_in: where the tree is that will lie at `new`, if it does not yet. CorruptStore, and nothing changed, if the
    artifacts of a finished run are not there.
    """
    with damage_named(path), closing(_opened(path, "rw")) as connection:
        connection.execute("BEGIN IMMEDIATE")
        changed = sum(
            replace_prefix(connection, ADDRESSES, was, now) + _replace_source(connection, was, now)
            for was, now in _spellings(old, new)
        )
        runs = _proved(connection, new, lies_in or new)
        connection.execute("ROLLBACK" if dry_run else "COMMIT")
    return Moved(old, new, changed, runs)


def _spellings(old: Path, new: Path) -> Iterator[tuple[str, str]]:
    """The ways in which one and the same folder is written."""
    written = dict.fromkeys([(old.as_uri(), new.as_uri()), (f"file://{old}", f"file://{new}"), (str(old), str(new))])
    return (pair for pair in written if old != new)


def _replace_source(connection: sqlite3.Connection, was: str, now: str) -> int:
    table, column = SOURCES
    return connection.execute(
        f"UPDATE {table} SET {column} = replace({column}, '\"' || ?1 || '/', '\"' || ?2 || '/') "
        f"WHERE instr({column}, '\"' || ?1 || '/')",
        (was, now),
    ).rowcount


def _proved(connection: sqlite3.Connection, root: Path, lies_in: Path) -> int:
    """How many finished runs have artifacts on this disk; CorruptStore if one of ours has none under `root`."""
    rows = connection.execute(
        "SELECT run_uuid, artifact_uri, EXISTS (SELECT 1 FROM tags t WHERE t.run_uuid = r.run_uuid "
        f"AND t.key IN {OURS}) FROM runs r WHERE status = 'FINISHED' AND lifecycle_stage = 'active'"
    )
    found = 0
    for run, uri, ours in rows.fetchall():
        folder = _folder(uri)
        if folder and folder.is_relative_to(root) and (lies_in / folder.relative_to(root)).is_dir():
            found += 1
        elif ours and folder:
            raise CorruptStore(
                f"the artifacts of the run {run} would be in {folder}, and are not there under {root}",
                untouched="nothing was changed",
                hint=RESTORE,
            )
    return found


def _folder(uri: str | None) -> Path | None:
    address = urlparse(uri or "")
    return Path(unquote(address.path)) if address.scheme in ("", "file") and address.path else None


def _opened(path: Path, mode: str = "ro") -> sqlite3.Connection:
    return sqlite3.connect(f"{path.absolute().as_uri()}?mode={mode}", uri=True, isolation_level=None)
