"""Have a whole tree on the disk before its name says that it is there."""

import os
from pathlib import Path

from forex_core.store.files import sync, writing


def make_durable(folder: Path) -> None:
    """Sync every plain file and every folder of a tree."""
    with writing(folder):
        for root, _, names in os.walk(folder):
            for name in names:
                path = Path(root, name)
                if path.is_file() and not path.is_symlink():
                    sync(path)
            sync(Path(root))
