"""Disks that are small, full, read-only, or lose their power. Making one needs root."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import pytest


def needs_root() -> None:
    if os.geteuid():
        pytest.skip("mounting a disk needs root")


@contextmanager
def mounted(place: Path, *how: object) -> Iterator[Path]:
    """What `mount <how> <place>` gives; it is gone after."""
    needs_root()
    place.mkdir(parents=True, exist_ok=True)
    done = subprocess.run(["mount", *map(str, how), str(place)], capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"no disk can be mounted here: {done.stderr.strip()}")
    try:
        yield place
    finally:
        subprocess.run(["umount", "--lazy", str(place)], check=True)


def tmpfs(place: Path, options: str) -> AbstractContextManager[Path]:
    """A disk in memory, such as `size=3m` or `nr_inodes=20`."""
    return mounted(place, "-t", "tmpfs", "-o", options, "tmpfs")


def read_only(place: Path) -> AbstractContextManager[Path]:
    """The directory itself, on which nothing can be changed, not by root either."""
    return mounted(place, "--bind", "-o", "ro", place)


def fill(disk: Path) -> Path:
    """Take every free byte; the file to delete when there is to be room again."""
    filler = disk / "filler"
    for size in (1 << 16, 1):
        with filler.open("ab", buffering=0) as file, suppress(OSError):
            while file.write(bytes(size)):
                pass
    return filler


@dataclass(frozen=True)
class Ext4:
    """A file system in a file, without the heuristics that hide a missing fsync."""

    image: Path
    root: Path

    @contextmanager
    def cut(self) -> Iterator[Path]:
        """What a power cut at this moment would leave: the disk's own bytes, mounted elsewhere."""
        copy = self.image.with_name("cut.img")
        shutil.copyfile(self.image, copy)
        with mounted(self.image.with_name("cut"), "-o", "loop,noauto_da_alloc", copy) as root:
            yield root


@contextmanager
def ext4(folder: Path, megabytes: int) -> Iterator[Ext4]:
    """A new one, mounted."""
    needs_root()
    image = folder / "disk.img"
    with image.open("wb") as file:
        file.truncate(megabytes << 20)
    subprocess.run(["mkfs.ext4", "-q", "-F", str(image)], check=True)
    with mounted(folder / "disk", "-o", "loop,noauto_da_alloc", image) as root:
        yield Ext4(image, root)
