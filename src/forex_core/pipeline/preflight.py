"""Before anything is written: room on the disk, both databases sound and of our versions."""

import shutil

from forex_core.errors import CannotWrite
from forex_core.pipeline.request import Adapters

ROOM = 50_000_000  # bytes: both databases, a day's windows and reports, many times over


def preflight(adapters: Adapters) -> None:
    """Raise before the first write if the run could not be finished."""
    data_dir = adapters.store.path.parent
    folder = next(folder for folder in (data_dir, *data_dir.parents) if folder.exists())
    if (free := shutil.disk_usage(folder).free) < ROOM:
        raise CannotWrite(
            f"{free / 1e6:.0f} MB free in {folder}, {ROOM / 1e6:.0f} MB needed",
            untouched="nothing was changed",
            hint="free some space and run again",
        )
    adapters.store.check_integrity()
    adapters.tracker.prepare(adapters.store)
