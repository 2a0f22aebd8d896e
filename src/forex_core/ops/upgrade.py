"""Take the data to this version of the program: copies first, migrations, a trial; back again if anything fails.

The program itself is another matter: deploy/install.sh puts the new one in force only when this went well.
"""

import sqlite3
from collections.abc import Callable, Mapping
from contextlib import ExitStack, closing, suppress
from dataclasses import dataclass
from pathlib import Path

from forex_core.errors import ForexError, SettingsError
from forex_core.mlops import upgrade as laboratory
from forex_core.mlops.embedded import REVISION, revision_of
from forex_core.ops.backup.create import folder_of
from forex_core.settings import Settings
from forex_core.store.database import check_integrity, damage_named, migrations, open_for_reading, open_for_writing
from forex_core.store.files import move_durably, replace_durably, writing
from forex_core.store.lock import writer_lock
from forex_core.store.openers import refuse_opened
from forex_core.store.snapshot import snapshot

KEPT, UNFINISHED = "before-upgrade", "unfinished"


@dataclass(frozen=True)
class Upgraded:
    """Which databases were migrated, where their copies of before are, and why others can't see the new ones, if so."""

    migrated: tuple[str, ...]
    kept: Path | None
    unpublished: tuple[ForexError, ...] = ()


def upgrade(
    settings: Settings, trial: Callable[[], None], publish: Callable[[], tuple[ForexError, ...]] = tuple
) -> Upgraded:
    """Migrate both databases while nobody else writes. trial: raises if this version can't work with them.

    Whatever goes wrong is raised after both are as they were. A kill leaves a note beside the copies: the next upgrade
    goes on from where this one was, and its way back leads to these copies. VersionMismatch if one is newer than this
    program.
    """
    data_dir, backups = settings.data_dir, folder_of(settings)
    present = [path for path in (data_dir / "forex.db", data_dir / "mlflow" / "mlflow.db") if path.exists()]
    if not present:
        raise SettingsError(f"there is nothing to upgrade in {data_dir}", hint="`forex run` begins anew")
    with ExitStack() as locks:
        locks.enter_context(writer_lock(data_dir, settings.lock_wait_seconds))
        if backups.is_dir():  # a backup notes itself in forex.db
            locks.enter_context(writer_lock(backups, settings.lock_wait_seconds))
        refuse_opened(*present)
        kept = data_dir / KEPT
        if all(IS_OURS[path.name](path) for path in present) and not (kept / UNFINISHED).exists():
            trial()
            return Upgraded((), None, publish())
        migrated = _migrated(present, kept, trial)
        return Upgraded(migrated, kept, publish())


def _migrated(present: list[Path], kept: Path, trial: Callable[[], None]) -> tuple[str, ...]:
    copies = {path: kept / path.name for path in present}
    if not (kept / UNFINISHED).exists():
        for path, copy in copies.items():
            snapshot(path, copy)
        replace_durably(kept / UNFINISHED, b"")
    try:
        migrated = tuple(path.name for path in present if MIGRATE[path.name](path))
        trial()
    except BaseException:
        _go_back(copies)
        raise
    finally:
        with suppress(OSError):
            (kept / UNFINISHED).unlink()
    return migrated


def _record(path: Path) -> bool:
    before = _is_ours(path)
    with closing(open_for_writing(path)) as connection:
        check_integrity(connection, path)
    return not before


def _is_ours(path: Path) -> bool:
    with closing(open_for_reading(path)) as connection, damage_named(path):
        return bool(connection.execute("PRAGMA user_version").fetchone()[0] == migrations()[-1][0])


MIGRATE: dict[str, Callable[[Path], bool]] = {
    "forex.db": _record,
    "mlflow.db": lambda path: laboratory.upgrade(path) is not None,
}
IS_OURS: dict[str, Callable[[Path], bool]] = {
    "forex.db": _is_ours,
    "mlflow.db": lambda path: revision_of(path) == REVISION,
}


def _go_back(copies: Mapping[Path, Path]) -> None:
    """Put both copies in place, whatever happens to one; unless something was recorded since they were made."""
    if _newest_event(next(iter(copies))) not in (None, _newest_event(next(iter(copies.values())))):
        return
    for path, copy in copies.items():
        with suppress(ForexError):
            _put_back(copy, path)


def _newest_event(forex_db: Path) -> int | None:
    """None where it can't be read."""
    with suppress(sqlite3.Error), closing(sqlite3.connect(f"{forex_db.as_uri()}?mode=ro", uri=True)) as connection:
        return int(connection.execute("SELECT coalesce(max(id), 0) FROM events").fetchone()[0])
    return None


def _put_back(copy: Path, path: Path) -> None:
    """By its name: that needs no room on a disk which may be full."""
    with writing(path):
        for suffix in ("-wal", "-shm", "-journal"):  # of what goes
            path.with_name(path.name + suffix).unlink(missing_ok=True)
        move_durably(copy, path)
    with damage_named(path), closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")  # the copy had none, for readers without rights
