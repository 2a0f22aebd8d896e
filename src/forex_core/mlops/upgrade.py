"""An mlflow.db of an older MLflow, brought to this program's by MLflow's migrations, on a copy that is then checked."""

import os
import sqlite3
from contextlib import closing
from pathlib import Path

from forex_core.errors import CorruptStore, VersionMismatch
from forex_core.mlops.embedded import MLFLOW, REVISION, check, is_older, revision_of
from forex_core.mlops.quiet import mlflow
from forex_core.store.database import RESTORE, damage_named
from forex_core.store.files import move_durably, writing
from forex_core.store.openers import refuse_opened

COUNTED = ("experiments", "runs", "metrics", "params", "tags", "registered_models", "model_versions")


def refuse_newer(revision: str | None, what: object, written_by: str = "a newer MLflow") -> None:
    """VersionMismatch if MLflow's schema `revision` is one that the installed MLflow never had."""
    if revision != REVISION and not is_older(revision):
        raise VersionMismatch(
            f"{what} has the schema {revision} of {written_by}, this program has MLflow {MLFLOW} with {REVISION}",
            untouched="nothing was changed",
            hint="use the newer program that wrote it",
        )


def upgrade_copy(path: Path) -> bool:
    """Migrate a database that nobody else opens, and which may be lost; False if it was of our version already."""
    found = revision_of(path)
    refuse_newer(found, path)
    if found != REVISION:
        before = _counts(path)
        _migrate(path)
        if (after := _counts(path)) != before:
            raise CorruptStore(f"MLflow's migrations made {after} rows of {before} in {path}", hint=RESTORE)
    check(path)
    return found != REVISION


def upgrade(path: Path) -> Path | None:
    """Upgrade the live mlflow.db; the caller holds the lock. The old one's new name; None if nothing was to be done."""
    refuse_opened(path)
    found = revision_of(path)
    refuse_newer(found, path)
    if found == REVISION:
        check(path)
        return None
    scratch, kept = path.with_name(f".{path.name}.new"), path.with_name(f"{path.name}.before-{found}")
    _remove(scratch)
    try:
        with damage_named(path), closing(sqlite3.connect(path)) as live, closing(sqlite3.connect(scratch)) as copy:
            live.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            live.backup(copy)
        upgrade_copy(scratch)
        with writing(path):
            kept.unlink(missing_ok=True)  # of an upgrade that was cut short here
            os.link(path, kept)
            move_durably(scratch, path)
    finally:
        _remove(scratch)
    return kept


def _remove(scratch: Path) -> None:
    """With its journals: of an upgrade that was killed, or of this one, if it failed."""
    with writing(scratch):
        for leftover in scratch.parent.glob(f"{scratch.name}*"):
            leftover.unlink()


def _migrate(path: Path) -> None:
    mlflow()
    from mlflow.exceptions import MlflowException
    from mlflow.store.db import utils
    from sqlalchemy import create_engine
    from sqlalchemy.exc import SQLAlchemyError

    engine = create_engine(f"sqlite:///{path.absolute()}")
    try:
        utils._upgrade_db(engine)
    except (MlflowException, SQLAlchemyError) as error:
        first = str(error).splitlines()[0]
        raise CorruptStore(f"MLflow's migrations failed on a copy of mlflow.db: {first}", hint=RESTORE) from error
    finally:
        engine.dispose()


def _counts(path: Path) -> dict[str, int]:
    with damage_named(path), closing(sqlite3.connect(path)) as connection:
        known = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
        return {
            table: connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0]
            for table in COUNTED
            if table in known
        }
