"""Restore a backup: stage it beside the live tree, prove it there, exchange the two, keep the old one."""

import os
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from datetime import datetime
from pathlib import Path

from loguru import logger

from forex_core.errors import CorruptStore, ForexError, SettingsError, UsageError
from forex_core.ops.backup.archive import archives
from forex_core.ops.backup.create import folder_of
from forex_core.ops.backup.manifest import FOREX_DB, MLFLOW_DB
from forex_core.ops.backup.verify import verify
from forex_core.ops.restore.beside import Beside
from forex_core.ops.restore.durable import make_durable
from forex_core.ops.restore.restored import Restored
from forex_core.ops.restore.staging import stage
from forex_core.ops.restore.within import Within
from forex_core.settings import Settings
from forex_core.store.database import damage_named, open_for_reading
from forex_core.store.events import Event
from forex_core.store.lock import writer_lock
from forex_core.store.openers import refuse_opened
from forex_core.store.store import Store


def restore(settings: Settings, archive: Path | None, to: Path | None, now: datetime) -> Restored:
    """Put an archive (the newest good one unless named) in place of the data directory, or at `to`, which is empty.

    LockBusy while a job runs or another program has a database open. What it raises before the exchange leaves the live
    tree as it was. A restore that was cut short later is finished, and is the answer unless another archive is named.
    """
    home = (to or settings.data_dir).absolute()
    place = place_of(home)
    if to and not _is_free(to) and not place.journal.exists():
        raise UsageError(f"{to} is not an empty directory", untouched="nothing was changed", hint="name another one")
    with _locked(settings, home):
        finished = place.finish()
        if finished and (archive is None or archive.absolute() == Path(finished.archive)):
            return finished
        refuse_opened(home / FOREX_DB, home / MLFLOW_DB)
        chosen = (archive or newest_good(folder_of(settings), settings.backup_key, now)).absolute()
        try:
            made_at = _new_tree(chosen, settings.backup_key, place, home, now)
            kept = place.unused_name(f"{now:%Y%m%dT%H%M%SZ}")
            left_behind = len(_forecasts(place.live) - _forecasts(place.staging))
            restored = Restored(str(chosen), made_at, str(home), str(kept), left_behind)
            place.put_in_place(restored)
        except BaseException:
            with suppress(ForexError):
                place.finish()
            raise
        return restored


def place_of(home: Path) -> Beside | Within:
    """How a new tree can be put at `home`: by exchanging the directory in one step, where that is possible."""
    live = home.resolve()
    above = next(folder for folder in live.parents if folder.exists())
    entries = live.iterdir() if live.is_dir() else ()
    fixed = not os.access(above, os.W_OK) or any(path.is_mount() for path in (live, *entries))
    return Within(live) if fixed else Beside(live)


def newest_good(folder: Path, key: str | None, now: datetime) -> Path:
    """The newest archive that can be restored; one dated in the future is none. SettingsError if there is none."""
    for archive in archives(folder, key):
        try:
            if archive.manifest is None:
                logger.warning("{} is passed over: {}", archive.path, archive.trouble)
            elif archive.manifest.created_at > now:
                logger.warning("{} is passed over: it is dated {}", archive.path, archive.manifest.created_at)
            else:
                verify(archive.path, key, folder)
                return archive.path
        except CorruptStore as error:
            logger.warning("{} is passed over: {}", archive.path, error.message)
    raise SettingsError(f"there is no good backup in {folder}", hint="name an archive, or set backup_dir")


@contextmanager
def _locked(settings: Settings, home: Path) -> Iterator[None]:
    """No job writes to the data directory meanwhile, and no backup copies one database before and one after."""
    backups = folder_of(settings)
    with ExitStack() as locks:
        locks.enter_context(writer_lock(home, 0))
        if backups.is_dir() and os.access(backups, os.W_OK):
            locks.enter_context(writer_lock(backups, 0))
        yield


def _new_tree(archive: Path, key: str | None, place: Beside | Within, home: Path, now: datetime) -> str:
    """Make the staging tree whole and durable; when the archive was made."""
    manifest = stage(archive, key, place.staging, home)
    made_at = manifest.created_at.isoformat()
    backup = {"archive": str(archive), "bytes": str(archive.stat().st_size)}  # noted after it was made, so not in it
    with Store.for_writing(place.staging) as store, store.transaction():
        store.events.add(Event(manifest.created_at, "backup", None, None, None, backup))
        store.events.add(Event(now, "restore", None, None, None, {"archive": str(archive), "made_at": made_at}))
    place.carry_over()
    make_durable(place.staging)
    return made_at


def _forecasts(data_dir: Path) -> set[str]:
    """The ids of those that can be read: what is restored over may well be broken."""
    try:
        with closing(open_for_reading(data_dir / FOREX_DB)) as connection, damage_named(data_dir / FOREX_DB):
            return {name for (name,) in connection.execute("SELECT forecast_id FROM forecasts")}
    except ForexError:
        return set()


def _is_free(folder: Path) -> bool:
    """Nothing there, or what a restore that was refused left."""
    if not folder.exists():
        return True
    return folder.is_dir() and all(entry.name in ("lock", "lock.holder") for entry in folder.iterdir())
