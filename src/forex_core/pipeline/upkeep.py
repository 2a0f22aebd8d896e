"""Alarms seen at a glance, without arithmetic: failed runs, late backups and drills, a full disk, mail that waits."""

import shutil
from collections.abc import Iterable, Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

from forex_core.notify.spool import Spool
from forex_core.pipeline.alarm import Alarm
from forex_core.store.events import Event, Events

BACKUP_LATE = timedelta(hours=26)  # a daily one, and some grace
DRILL_LATE = timedelta(days=8)  # a weekly one, and a day
MAIL_LATE = timedelta(days=1)
TIGHT = 200_000_000  # bytes free; below a quarter of this no run begins


def failed(ends: Iterable[Event]) -> Iterator[Alarm]:
    """The pairs whose last run failed at some horizon."""
    failures: dict[str, dict[str, list[str]]] = {}
    for end in ends:
        if end.kind == "failed":
            failures.setdefault(end.pair or "", {}).setdefault(end.detail["error"], []).append(end.horizon or "")
    for pair, errors in failures.items():
        said = (f"the last run of {pair} {', '.join(horizons)} failed: {error}" for error, horizons in errors.items())
        yield Alarm(f"failed {pair}", "urgent", "; ".join(said), pair)


def backup(events: Events, now: datetime) -> Iterator[Alarm]:
    """The last backup is late, if there ever was one."""
    made = last(events, "backup")
    if made and now - made.at > BACKUP_LATE:
        yield Alarm("backup", "urgent", f"the last backup is {_length(now - made.at)} old")


def drill(events: Events, now: datetime) -> Iterator[Alarm]:
    """The last restore drill is late, if there ever was one, or it failed."""
    done = last(events, "drill")
    if done and done.detail.get("ok") == "no":
        yield Alarm("drill failed", "urgent", f"the last restore drill failed: {done.detail.get('why', '')}")
    elif done and now - done.at > DRILL_LATE:
        yield Alarm("drill late", "notable", f"the last restore drill is {_length(now - done.at)} old")


def disk(data_dir: Path) -> Iterator[Alarm]:
    """Too little free space."""
    if (free := shutil.disk_usage(data_dir).free) < TIGHT:
        yield Alarm("disk", "urgent", f"only {free / 1e6:.0f} MB are free in {data_dir}")


def spool(data_dir: Path, now: datetime) -> Iterator[Alarm]:
    """Mails that no server took for long."""
    folder = data_dir / "spool"
    written = [path.stat().st_mtime for path in Spool(folder).waiting()]
    oldest = datetime.fromtimestamp(min(written), UTC) if written else now
    if now - oldest > MAIL_LATE:
        many = "1 mail waits" if len(written) == 1 else f"{len(written)} mails wait"
        yield Alarm("spool", "urgent", f"{many} in {folder}, the oldest for {_length(now - oldest)}")


def told_outside(data_dir: Path) -> Iterator[str]:
    """What deploy/alert told of jobs that failed and have not succeeded since; it leaves a file for each."""
    with suppress(OSError):  # view-only users may not look
        for path in sorted((data_dir / "alerts").glob("*.txt")):
            yield path.read_text(encoding="utf-8", errors="replace").partition("\n")[0]


def last(events: Events, kind: str) -> Event | None:
    """The newest event of a kind."""
    return next(iter(events.of_kind(kind, 1)), None)


def _length(age: timedelta) -> str:
    return f"{age.days} days" if age.days > 1 else f"{age.total_seconds() / 3600:.0f} hours"
