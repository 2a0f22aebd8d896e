"""The new tree of a restore: unpacked, proved, brought to this program's versions, at home where it will lie."""

import sqlite3
from contextlib import closing
from pathlib import Path

from forex_core.errors import VersionMismatch
from forex_core.mlops.relocate import relocate, root_of
from forex_core.mlops.upgrade import refuse_newer, upgrade_copy
from forex_core.ops.backup.archive import check_list, read_manifest, unpack
from forex_core.ops.backup.databases import check_sound
from forex_core.ops.backup.manifest import FOREX_DB, MLFLOW_DB, Manifest
from forex_core.ops.backup.room import need, occupied
from forex_core.ops.backup.verify import prove
from forex_core.store.database import damage_named, migrations, open_for_writing
from forex_core.store.files import writing
from forex_core.store.moved import move_reports

SPARE = 50_000_000  # bytes beyond the archive's own: for migrations, and for the next run


def stage(archive: Path, key: str | None, folder: Path, home: Path) -> Manifest:
    """Make `folder`, a data directory that is to lie at `home`, of an archive.

    Refuses before anything is unpacked if the archive's list is not its manifest's, or if a newer program made it.
    """
    manifest = read_manifest(archive, key)
    check_list(archive, manifest)
    _refuse_newer(archive, manifest)
    with writing(folder):
        folder.mkdir(mode=0o700)
    need(folder, occupied(content.size for content in manifest.files.values()) + SPARE)
    unpack(archive, manifest, folder)
    prove(folder, manifest)
    _settle(folder, home, Path(manifest.data_dir))
    return manifest


def _refuse_newer(archive: Path, manifest: Manifest) -> None:
    known = migrations()[-1][0]
    if manifest.forex_schema > known:
        raise VersionMismatch(
            f"{archive} holds a forex.db with the schema {manifest.forex_schema} of forex {manifest.app}, "
            f"this program knows {known}",
            untouched="nothing was changed",
            hint="use the newer program that made it",
        )
    if manifest.alembic is not None:
        refuse_newer(manifest.alembic, f"the mlflow.db in {archive}", f"MLflow {manifest.mlflow}")


def _settle(folder: Path, home: Path, made_in: Path) -> None:
    """Migrate both databases and let the places they speak of begin with `home`."""
    forex_db, mlflow_db = folder / FOREX_DB, folder / MLFLOW_DB
    with closing(open_for_writing(forex_db)) as connection, damage_named(forex_db):
        connection.execute("PRAGMA journal_mode = WAL")
    if made_in != home:
        move_reports(forex_db, made_in, home)
    if mlflow_db.exists():
        upgrade_copy(mlflow_db)
        if (old := root_of(mlflow_db)) and old != home:
            move_reports(forex_db, old, home)  # of a directory that was moved before
            relocate(mlflow_db, old, home, lies_in=folder)
        with damage_named(mlflow_db), closing(sqlite3.connect(mlflow_db)) as connection:
            connection.execute("PRAGMA journal_mode = WAL")
        check_sound(mlflow_db)
    check_sound(forex_db)
    for path in (forex_db, mlflow_db):
        if path.exists():
            path.chmod(0o600)  # as they are made; who may look has copies
