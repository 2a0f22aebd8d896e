"""What must not grow old unnoticed: backups, the drill, what is published, mails that wait."""

from collections.abc import Iterator
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path

from forex_core.ops.backup.archive import archives
from forex_core.ops.backup.create import folder_of
from forex_core.ops.doctor.finding import Finding, Place
from forex_core.pipeline.upkeep import BACKUP_LATE, DRILL_LATE
from forex_core.store.database import open_for_reading
from forex_core.store.events import Events


def backups(place: Place) -> Iterator[Finding]:
    """A backup is worth what its last restoring was."""
    made, drilled, why = _last(place, "backup"), _last(place, "drill"), _failed_drill(place)
    settings = place.settings
    if made is None:
        yield Finding("backups", "warning", "none was ever made", "forex backup create")
    elif not any(archive.manifest for archive in archives(folder_of(settings), settings.backup_key)):
        yield Finding(
            "backups", "failed", f"there is none in {folder_of(settings)} that can be read", "forex backup create"
        )
    elif why is not None:
        yield Finding("backups", "failed", f"the last one could not be restored on trial: {why}", "forex backup drill")
    elif place.now - made > BACKUP_LATE:
        yield Finding("backups", "failed", f"the newest is of {made:%Y-%m-%d %H:%M} UTC", "forex backup create")
    elif drilled is None or place.now - drilled > DRILL_LATE:
        when = f"since {drilled:%Y-%m-%d}" if drilled else "yet"
        yield Finding("backups", "warning", f"none was restored on trial {when}", "forex backup drill")
    else:
        yield Finding("backups", "ok", f"made {made:%Y-%m-%d %H:%M} UTC, restored on trial {drilled:%Y-%m-%d}")


def published(place: Place) -> Iterator[Finding]:
    """What view-only users and the MLflow UI see."""
    path, ended = place.data_dir / "public" / "forex.db", _last(place, "finished")
    if ended and (not path.is_file() or _written(path, ended) < ended - timedelta(minutes=5)):
        yield Finding("published", "failed", f"{path} is older than the last run", "forex score")
    else:
        yield Finding("published", "ok", "as new as the last run" if ended else "nothing yet")


def spool(place: Place) -> Iterator[Finding]:
    """Mails that no server took."""
    folder = place.data_dir / "spool"
    waiting = sorted(folder.glob("*.eml")) if folder.is_dir() else []
    if waiting:
        said = f"{len(waiting)} mails wait since {_written(waiting[0], place.now):%Y-%m-%d %H:%M} UTC"
        yield Finding("mail spool", "warning", said, "forex score")
    else:
        yield Finding("mail spool", "ok", "empty")


def _last(place: Place, kind: str) -> datetime | None:
    good = "AND json_extract(detail, '$.ok') = 'yes'" if kind == "drill" else ""
    with closing(open_for_reading(place.data_dir / "forex.db")) as connection:
        found = connection.execute(f"SELECT max(at) FROM events WHERE kind = ? {good}", (kind,)).fetchone()[0]
    return datetime.fromisoformat(found) if found else None


def _failed_drill(place: Place) -> str | None:
    """Why the last drill failed; None if it did not."""
    with closing(open_for_reading(place.data_dir / "forex.db")) as connection:
        last = next(iter(Events(connection).of_kind("drill", 1)), None)
    return last.detail.get("why", "") if last and last.detail.get("ok") == "no" else None


def _written(path: Path, like: datetime) -> datetime:
    return datetime.fromtimestamp(path.stat().st_mtime, like.tzinfo)
