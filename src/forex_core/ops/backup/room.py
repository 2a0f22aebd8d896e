"""Whether files fit on a disk, asked before they are written."""

import shutil
from collections.abc import Iterable
from pathlib import Path

from forex_core.errors import CannotWrite

BLOCK = 4096  # bytes: the least that a file takes
SPARE = 1.1  # of what is known to be needed: folders, names


def occupied(sizes: Iterable[int]) -> int:
    """Bytes that files of these sizes take on a disk."""
    return sum(-(-size // BLOCK) * BLOCK for size in sizes)


def need(folder: Path, size: int) -> None:
    """CannotWrite unless `size` more bytes fit in `folder`."""
    if (free := shutil.disk_usage(folder).free) < size * SPARE:
        raise CannotWrite(
            f"{free / 1e6:.1f} MB free in {folder}, {size * SPARE / 1e6:.1f} MB needed",
            untouched="nothing was changed",
            hint="free some space, or set another folder (backup_dir; TMPDIR for `forex backup verify`)",
        )
