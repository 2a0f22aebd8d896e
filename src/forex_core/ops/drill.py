"""The drill: restore the newest backup on trial, open all that is in it, and note how that went."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from forex_core.errors import CorruptStore, ForexError, SettingsError
from forex_core.mlops.artifacts import open_all
from forex_core.ops.backup.archive import Archive, archives, check_content
from forex_core.ops.backup.create import folder_of
from forex_core.ops.backup.databases import holdings
from forex_core.ops.backup.manifest import MLFLOW_DB, Manifest
from forex_core.ops.restore.staging import stage
from forex_core.settings import Settings
from forex_core.store.events import Event
from forex_core.store.files import writing
from forex_core.store.lock import writer_lock
from forex_core.store.scoreboard import reading
from forex_core.store.store import Store

TRIAL = ".drill"  # in the backup folder, swept by the next drill


@dataclass(frozen=True, slots=True)
class Drill:
    """How it went. artifacts: files that MLflow listed and that were read; why: what was wrong, or nothing."""

    archive: str
    counts: dict[str, int]
    artifacts: int
    why: str = ""

    @property
    def is_good(self) -> bool:
        """True if all was there."""
        return not self.why


def drill(settings: Settings, now: datetime) -> Drill:
    """Try the newest archive, re-read all others, and note it all as an event `drill`. What is wrong is not raised.

    SettingsError if there is none.
    """
    folder = folder_of(settings)
    if not any(folder.glob("forex-*.tar.gz")):
        raise SettingsError(f"there is no backup in {folder}", hint="`forex backup create` makes one")
    with writing(folder), writer_lock(folder, settings.lock_wait_seconds):
        tried = _tried(archives(folder, settings.backup_key), folder, settings.backup_key)
    detail = {"archive": tried.archive, "ok": "yes" if tried.is_good else "no", "why": tried.why}
    with (
        writer_lock(settings.data_dir, settings.lock_wait_seconds),
        Store.for_writing(settings.data_dir) as store,
        store.transaction(),
    ):
        store.events.add(Event(now, "drill", None, None, None, detail))
    return tried


def _tried(kept: list[Archive], folder: Path, key: str | None) -> Drill:
    name = kept[0].path.name
    try:
        with _trial(folder / TRIAL) as tree:
            manifest = stage(kept[0].path, key, tree, tree)
            opened = _opened(tree, manifest)
        for other in kept[1:]:
            if other.manifest is None:
                raise CorruptStore(other.trouble)
            check_content(other.path, other.manifest)
        return Drill(name, dict(manifest.counts), opened)
    except ForexError as error:
        return Drill(name, {}, 0, error.message)


def _opened(tree: Path, manifest: Manifest) -> int:
    """How many artifacts a restored tree gave; CorruptStore unless it holds and shows what was counted."""
    if (found := dict(holdings(tree).counts)) != manifest.counts:
        raise CorruptStore(f"there are {found}, the manifest says {manifest.counts}")
    with reading(tree) as board:
        if bool(board.outlooks()) != bool(found["forecasts"]):
            raise CorruptStore("what was restored shows no forecast")
    return open_all(tree / MLFLOW_DB) if (tree / MLFLOW_DB).exists() else 0


@contextmanager
def _trial(tree: Path) -> Iterator[Path]:
    """A name that is free, whatever a killed drill left there; gone in the end."""
    with writing(tree):
        if tree.exists():
            shutil.rmtree(tree)
    try:
        yield tree
    finally:
        shutil.rmtree(tree, ignore_errors=True)
