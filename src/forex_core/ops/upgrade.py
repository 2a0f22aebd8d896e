"""Take the data to this version of the program: copies first, migrations, a trial; back again if anything fails.

The program itself is another matter: deploy/install.sh puts the new one in force only when this went well.
"""

import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from forex_core.errors import SettingsError
from forex_core.mlops import upgrade as laboratory
from forex_core.settings import Settings
from forex_core.store.database import check_integrity, damage_named, open_for_reading, open_for_writing
from forex_core.store.files import move_durably, writing
from forex_core.store.lock import writer_lock
from forex_core.store.snapshot import snapshot

KEPT = "before-upgrade"


@dataclass(frozen=True)
class Upgraded:
    """Which databases were migrated, and where their copies of before are."""

    migrated: tuple[str, ...]
    kept: Path


def upgrade(settings: Settings, trial: Callable[[], None]) -> Upgraded:
    """Migrate both databases with the lock held. trial: raises if this version can't work with them.

    Whatever goes wrong is raised after both are as they were; a kill leaves each of one version, and the next upgrade
    finishes. VersionMismatch if one is newer than this program.
    """
    data_dir = settings.data_dir
    present = [path for path in (data_dir / "forex.db", data_dir / "mlflow" / "mlflow.db") if path.exists()]
    if not present:
        raise SettingsError(f"there is nothing to upgrade in {data_dir}", hint="`forex run` begins anew")
    with writer_lock(data_dir, settings.lock_wait_seconds):
        copies = {path: data_dir / KEPT / path.name for path in present}
        for path, copy in copies.items():
            snapshot(path, copy)
        try:
            migrated = tuple(path.name for path in present if MIGRATE[path.name](path))
            trial()
        except BaseException:
            for path, copy in copies.items():
                _put_back(copy, path)
            raise
    return Upgraded(migrated, data_dir / KEPT)


def _record(path: Path) -> bool:
    with closing(open_for_reading(path)) as connection:
        before = connection.execute("PRAGMA user_version").fetchone()
    with closing(open_for_writing(path)) as connection:
        check_integrity(connection, path)
        return bool(connection.execute("PRAGMA user_version").fetchone() != before)


def _laboratory(path: Path) -> bool:
    return laboratory.upgrade(path) is not None


MIGRATE: dict[str, Callable[[Path], bool]] = {"forex.db": _record, "mlflow.db": _laboratory}


def _put_back(copy: Path, path: Path) -> None:
    scratch = path.with_name(f".{path.name}.new")
    with writing(path):
        shutil.copyfile(copy, scratch)
        scratch.chmod(0o600)
        for suffix in ("-wal", "-shm", "-journal"):  # of what goes
            path.with_name(path.name + suffix).unlink(missing_ok=True)
        move_durably(scratch, path)
    with damage_named(path), closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")  # the copy had none, for readers without rights
