"""Remove the backups that the policy has no use for; only those that are whole count, and only they go."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from forex_core.errors import CorruptStore
from forex_core.ops.backup.archive import Archive, archives, check_content
from forex_core.ops.backup.create import folder_of
from forex_core.ops.backup.retention import Policy, reasons_to_keep
from forex_core.settings import Settings
from forex_core.store.files import sync, writing
from forex_core.store.lock import writer_lock


@dataclass(frozen=True, slots=True)
class Verdict:
    """One archive: whether it goes, and why it stays if not. `damaged`: it can't be restored, and stays for a look."""

    path: Path
    goes: bool
    why: str
    damaged: bool = False


def prune(settings: Settings, now: datetime, *, dry_run: bool) -> list[Verdict]:
    """Judge every archive by reading it whole, and remove those that go, the oldest first."""
    policy = Policy(settings.keep_daily, settings.keep_weekly, settings.keep_monthly)
    folder = folder_of(settings)
    if not folder.is_dir():
        return []
    with writing(folder), writer_lock(folder, settings.lock_wait_seconds):
        verdicts = judge([_proved(archive) for archive in archives(folder, settings.backup_key)], policy, now)
        if not dry_run:
            _remove([verdict.path for verdict in reversed(verdicts) if verdict.goes], folder)
    return verdicts


def judge(found: list[Archive], policy: Policy, now: datetime) -> list[Verdict]:
    """Newest first, as they come. What can't be read or is dated after `now` stays and counts for nothing."""
    sound = [(archive, archive.manifest.created_at) for archive in found if archive.manifest]
    dated = {archive.path: at for archive, at in sound if at <= now}
    kept = dict(zip(dated, reasons_to_keep(list(dated.values()), policy), strict=True))
    return [
        Verdict(archive.path, False, archive.trouble, damaged=True)
        if not archive.manifest
        else Verdict(archive.path, not kept.get(archive.path, "?"), kept.get(archive.path, "dated in the future"))
        for archive in found
    ]


def _proved(archive: Archive) -> Archive:
    if archive.manifest:
        try:
            check_content(archive.path, archive.manifest)
        except CorruptStore as error:
            return Archive(archive.path, None, error.message)
    return archive


def _remove(paths: list[Path], folder: Path) -> None:
    for path in paths:
        path.unlink()
    sync(folder)
