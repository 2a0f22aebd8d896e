"""Make a backup beside running writers: collected, described, packed, proved, and only then given its name."""

import hashlib
import platform
import shutil
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import asdict
from datetime import datetime, timedelta
from importlib.metadata import version
from pathlib import Path

from forex_core.errors import CorruptStore, ForexError, SettingsError
from forex_core.ops.backup.archive import Archive, archives, write
from forex_core.ops.backup.collect import collect, size_of
from forex_core.ops.backup.databases import Holdings, holdings
from forex_core.ops.backup.manifest import FOREX_DB, MLFLOW_DB, TREES, Content, Manifest
from forex_core.ops.backup.room import need
from forex_core.ops.backup.verify import verify
from forex_core.settings import Settings
from forex_core.store.database import BUSY_MS, RESTORE, damage_named, open_for_reading
from forex_core.store.events import Event, Events
from forex_core.store.files import move_durably, writing
from forex_core.store.lock import writer_lock
from forex_core.store.store import Store

STAGING = ".staging"  # in the backup folder: the same file system, swept by the next backup


def folder_of(settings: Settings) -> Path:
    """Where backups are kept."""
    return (settings.backup_dir or settings.data_dir / "backups").absolute()


def create(settings: Settings, config: Path | None, now: datetime) -> Archive:
    """Make one backup dated `now` and note it in forex.db. Writers of the data directory go on meanwhile.

    Holds the lock of the backup folder, not that of the data directory. Whatever it raises, earlier backups are as
    they were and there is no new one; but an error that calls the new one whole came after it.
    """
    folder = folder_of(settings)
    _refuse_unfit(settings.data_dir, folder)
    with writing(folder):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with writer_lock(folder, settings.lock_wait_seconds), _staging(folder / STAGING) as staging:
            need(staging, 2 * size_of(settings.data_dir))  # the tree and its archive, which never is larger
            archive = _packed(settings, config, staging, folder, now)
            finished = folder / archive.path.name
            _give_name(archive.path, finished)
    _note(settings.data_dir / FOREX_DB, finished, now)
    return Archive(finished, archive.manifest)


def _give_name(scratch: Path, finished: Path) -> None:
    try:
        move_durably(scratch, finished)
    except OSError as error:
        if not finished.exists():
            raise
        said = f"{finished} is whole, but may not outlast a power cut: {error.strerror}"
        raise CorruptStore(said, hint="look at the disk, then make another") from error


def _refuse_unfit(data_dir: Path, folder: Path) -> None:
    """Raise before anything is written if there is no store of ours, or the backup would hold backups."""
    if any(folder.resolve().is_relative_to((data_dir / tree).resolve()) for tree in TREES):
        raise SettingsError(f"backup_dir {folder} lies in what is backed up", hint="set another backup_dir")
    if not (data_dir / FOREX_DB).exists() and (data_dir / MLFLOW_DB).exists():
        raise CorruptStore(f"{data_dir / FOREX_DB} is missing", untouched="no backup was made", hint=RESTORE)
    Store.for_reading(data_dir).close()


def _packed(settings: Settings, config: Path | None, staging: Path, folder: Path, now: datetime) -> Archive:
    """A proved archive in `staging`, under the name it will have."""
    tree, key = staging / "tree", settings.backup_key
    with writing(tree):
        tree.mkdir()
    parts = collect(settings, config, tree)
    found = holdings(tree)
    _refuse_shrunken(found, archives(folder, key), tree / FOREX_DB)
    at = _free_second(folder, now)
    manifest = _manifest(settings, parts, found, at)
    path = staging / _name(at)
    write(path, manifest, parts, key)
    shutil.rmtree(tree)
    return Archive(path, verify(path, key, staging))


def _manifest(settings: Settings, parts: Mapping[str, Path], found: Holdings, at: datetime) -> Manifest:
    files = {name: _content(path) for name, path in sorted(parts.items())}
    try:
        return Manifest(
            created_at=at,
            app=version("forex-core"),
            mlflow=version("mlflow"),
            sqlite=sqlite3.sqlite_version,
            python=platform.python_version(),
            data_dir=str(settings.data_dir.absolute()),
            files=files,
            **asdict(found),
        )
    except ValueError as error:  # a file's name that no archive may have
        raise CorruptStore(str(error), untouched="no backup was made", hint="rename that file") from error


def _content(path: Path) -> Content:
    with path.open("rb") as file:
        return Content(hashlib.file_digest(file, "sha256").hexdigest(), path.stat().st_size)


def _refuse_shrunken(found: Holdings, earlier: list[Archive], forex_db: Path) -> None:
    """Forecasts are never deleted, so fewer than the newest backup has is a loss, which no backup may bury.

    A restore of an older backup since then is what a person wanted.
    """
    newest = next((archive for archive in earlier if archive.manifest), None)
    if newest is None or newest.manifest is None or _restored_since(newest.manifest.created_at, forex_db):
        return
    if found.counts["forecasts"] < (had := newest.manifest.counts["forecasts"]):
        raise CorruptStore(
            f"{FOREX_DB} has {found.counts['forecasts']} forecasts, {newest.path} has {had}",
            untouched="no backup was made",
            hint=f"`forex backup restore {newest.path}`; or, if that is meant, move that archive to another folder",
        )


def _restored_since(moment: datetime, forex_db: Path) -> bool:
    with closing(open_for_reading(forex_db)) as connection:
        return any(event.at > moment for event in Events(connection).of_kind("restore", 1))


def _free_second(folder: Path, now: datetime) -> datetime:
    at = now.replace(microsecond=0)
    while (folder / _name(at)).exists():
        at += timedelta(seconds=1)
    return at


def _name(at: datetime) -> str:
    return f"forex-{at:%Y%m%dT%H%M%SZ}.tar.gz"


@contextmanager
def _staging(path: Path) -> Iterator[Path]:
    """An empty folder of ours, whatever a killed backup left in it; gone in the end."""
    with writing(path):
        _remove(path)
        path.mkdir(mode=0o700)
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


def _remove(path: Path) -> None:
    if path.is_symlink() or path.is_file():
        path.unlink()
    elif path.exists():
        shutil.rmtree(path)


def _note(forex_db: Path, archive: Path, now: datetime) -> None:
    """One row, which needs no lock but SQLite's own, and no migration: the backup before an upgrade changes nothing."""
    event = Event(now, "backup", None, None, None, {"archive": str(archive), "bytes": str(archive.stat().st_size)})
    try:
        with damage_named(forex_db):
            uri = f"{forex_db.absolute().as_uri()}?mode=rw"
            with closing(sqlite3.connect(uri, BUSY_MS / 1000, isolation_level=None, uri=True)) as connection:
                Events(connection).add(event)
    except ForexError as error:
        error.untouched = f"{archive} was made and is whole; only its note is missing"
        raise
