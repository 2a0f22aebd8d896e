"""Exchange a data directory with the new tree beside it: one step of the kernel, noted before it, finished after it.

Beside DATA: `.DATA.restoring` is the new tree, `.DATA.restore.json` the note, `DATA.before-<time>` the old tree.
"""

import ctypes
import errno
import json
import os
import shutil
from dataclasses import asdict, dataclass
from pathlib import Path

from forex_core.ops.restore.restored import DATABASES, Restored, drop_note, unused
from forex_core.store.database import journal_of_restore
from forex_core.store.files import replace_durably, sync, writing

RENAME_EXCHANGE, AT_FDCWD = 2, -100  # of renameat2(2)
PASSING = (".staging", ".*.new", "lock.holder")


@dataclass(frozen=True)
class Beside:
    """A data directory, all links followed, and the names beside it that a restore uses."""

    live: Path

    @property
    def staging(self) -> Path:
        """The new tree."""
        return self.live.with_name(f".{self.live.name}.restoring")

    @property
    def journal(self) -> Path:
        """The note of what is about to happen."""
        return journal_of_restore(self.live)

    def unused_name(self, moment: str) -> Path:
        """What the old tree will be called."""
        return unused(self.live.with_name(f"{self.live.name}.before-{moment}"))

    def carry_over(self) -> None:
        """What the archive does not speak of stays: backups, unsent mail, the lock itself, and a person's own files.

        By hard links: the lock is the same one for those who wait for it in the old tree, nothing takes room twice,
        and the old tree stays whole.
        """
        with writing(self.staging):
            for entry in _entries(self.live):
                copy = self.staging / entry.name
                if entry.name in DATABASES or _is_passing(entry) or os.path.lexists(copy):
                    continue
                if entry.is_dir() and not entry.is_symlink():
                    shutil.copytree(entry, copy, symlinks=True, ignore=_passing, copy_function=_link)
                else:
                    _link(entry, copy)
            shutil.copymode(self.live, self.staging)

    def put_in_place(self, restored: Restored) -> None:
        """Note it, exchange, finish; after a kill at any moment, `finish` does what is left."""
        note = {"inode": self.staging.stat().st_ino, "restored": asdict(restored)}
        replace_durably(self.journal, json.dumps(note).encode())
        with writing(self.live):
            if not _exchanged(self.staging, self.live):
                self.live.rename(restored.kept)
        self.finish()

    def finish(self) -> Restored | None:
        """End a restore that was cut short; what it restored, or None if it had not come to that and was undone."""
        with writing(self.live):
            restored, is_away = self._noted()
            if restored is None:
                if self.staging.exists():
                    shutil.rmtree(self.staging)
            elif is_away:
                if self.live.exists():  # made anew by a command that wanted the lock
                    remade = unused(Path(restored.kept))
                    self.live.rename(remade)
                    _drop_if_empty(remade)
                self.staging.rename(self.live)
            elif self.staging.exists():
                self.staging.rename(restored.kept)
            sync(self.live.parent)
            if restored:
                _drop_if_empty(Path(restored.kept))
            drop_note(self.journal)
        return restored

    def _noted(self) -> tuple[Restored | None, bool]:
        """What is being restored, if it has come to that; and if the old tree is away while the new is not yet here."""
        if not self.journal.exists():
            return None, False
        note = json.loads(self.journal.read_text(encoding="utf-8"))
        restored = Restored(**note["restored"])
        if _is(self.live, note["inode"]):
            return restored, False
        is_away = _is(self.staging, note["inode"]) and Path(restored.kept).exists()
        return (restored if is_away else None), is_away


def _is(path: Path, inode: int) -> bool:
    return path.exists() and path.stat().st_ino == inode


def _exchanged(one: Path, other: Path) -> bool:
    """False where the system can't exchange two names in one step."""
    library = ctypes.CDLL(None, use_errno=True)
    if not hasattr(library, "renameat2"):
        return False
    if library.renameat2(AT_FDCWD, os.fsencode(one), AT_FDCWD, os.fsencode(other), RENAME_EXCHANGE) == 0:
        return True
    code = ctypes.get_errno()
    if code in (errno.ENOSYS, errno.EINVAL, errno.EOPNOTSUPP):
        return False
    raise OSError(code, os.strerror(code), str(other))


def _entries(folder: Path) -> list[Path]:
    return sorted(folder.iterdir()) if folder.is_dir() else []


def _is_passing(entry: Path) -> bool:
    return any(entry.match(pattern) for pattern in PASSING)


def _passing(_: str, names: list[str]) -> set[str]:
    return {name for name in names if _is_passing(Path(name))}


def _link(source: str | Path, target: str | Path) -> None:
    try:
        os.link(source, target, follow_symlinks=False)
    except OSError:  # another file system, or one without hard links
        shutil.copy2(source, target, follow_symlinks=False)


def _drop_if_empty(tree: Path) -> None:
    """A directory that held nothing but the lock was made for the restore."""
    (tree / "lock.holder").unlink(missing_ok=True)
    if tree.exists() and all(entry.name == "lock" for entry in _entries(tree)):
        shutil.rmtree(tree)
