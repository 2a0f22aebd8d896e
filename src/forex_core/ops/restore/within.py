"""Exchange the content of a data directory that can't be exchanged itself: a mount point, or a stranger's parent.

Name by name, so not in one step: from the note on, `.restore.json` in the directory, no command opens its databases
until the last name is in place, which the next restore sees to if this one was killed.
"""

import json
import os
import shutil
from dataclasses import asdict, dataclass
from pathlib import Path

from forex_core.errors import CannotWrite
from forex_core.ops.restore.restored import DATABASES, Restored, drop_note, unused
from forex_core.store.database import note_of_restore
from forex_core.store.files import replace_durably, sync, writing


@dataclass(frozen=True)
class Within:
    """A data directory, all links followed, and the names in it that a restore uses."""

    live: Path

    @property
    def staging(self) -> Path:
        """The new tree."""
        return self.live / ".restoring"

    @property
    def journal(self) -> Path:
        """The note of what is about to happen."""
        return note_of_restore(self.live)

    def unused_name(self, moment: str) -> Path:
        """Where what was there will lie."""
        return unused(self.live / f"before-{moment}")

    def carry_over(self) -> None:
        """What the archive does not speak of is not touched; CannotWrite if something that it speaks of can't move."""
        for name in self._names():
            if (self.live / name).is_mount():
                raise CannotWrite(
                    f"{self.live / name} is a mount point, which can't be exchanged",
                    untouched="nothing was changed",
                    hint="restore by --to another directory",
                )

    def put_in_place(self, restored: Restored) -> None:
        """Note it, exchange, finish; after a kill at any moment, `finish` does what is left."""
        note = {"gone": self._gone(), "names": self._names(), "restored": asdict(restored)}
        replace_durably(self.journal, json.dumps(note).encode())
        self.finish()

    def finish(self) -> Restored | None:
        """End a restore that was cut short; what it restored, or None if it had not come to that and was undone."""
        note = json.loads(self.journal.read_text(encoding="utf-8")) if self.journal.exists() else None
        with writing(self.live):
            if note:
                self._exchange(note["gone"], note["names"], Path(note["restored"]["kept"]))
            if self.staging.exists():
                shutil.rmtree(self.staging)
            sync(self.live)
            drop_note(self.journal)
        return Restored(**note["restored"]) if note else None

    def _gone(self) -> list[str]:
        """Parts of the old databases that the new ones lack; a journal beside another database ruins it."""
        return [name for name in DATABASES if os.path.lexists(self.live / name) and name not in self._names()]

    def _names(self) -> list[str]:
        return sorted(path.name for path in self.staging.iterdir())

    def _exchange(self, gone: list[str], names: list[str], kept: Path) -> None:
        kept.mkdir(mode=0o700, exist_ok=True)
        for name in (*gone, *names):
            old, new = self.live / name, self.staging / name
            waits = name in gone or os.path.lexists(new)
            if waits and os.path.lexists(old):
                old.rename(kept / name)
            if os.path.lexists(new):
                new.rename(old)
        sync(kept)
        if not any(kept.iterdir()):
            kept.rmdir()
