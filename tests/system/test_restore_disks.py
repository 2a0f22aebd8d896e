"""A restore on a disk that is full or out of inodes, or where no file may grow: refused, the old tree whole."""

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from disks import fill, tmpfs

from conftest import FOREX, command, forex
from tampered import copied_store, tree_of


@pytest.fixture
def live(tmp_path: Path) -> Iterator[Path]:
    """A store on a disk of its own."""
    with tmpfs(tmp_path / "disk", "size=100m,nr_inodes=400") as disk:
        yield copied_store(disk / "home" / "data")


def restored(live: Path) -> "subprocess.CompletedProcess[str]":
    return forex("backup", "restore", "--yes", data_dir=live)


def room_gone(disk: Path) -> Callable[[], None]:
    filler = fill(disk)
    return filler.unlink


def inodes_gone(disk: Path) -> Callable[[], None]:
    folder = disk / "small files"
    folder.mkdir()
    for n in range(os.statvfs(disk).f_favail - 15):
        (folder / str(n)).touch()
    return lambda: shutil.rmtree(folder)


@pytest.mark.fault(6)
@pytest.mark.parametrize("gone", [room_gone, inodes_gone])
def test_when_the_disk_is_full_then_nothing_changes_and_with_room_it_succeeds(
    gone: Callable[[Path], Callable[[], None]], live: Path
) -> None:
    back = gone(live.parents[1])
    before = tree_of(live)
    done = restored(live)
    assert done.returncode == 73, done.stderr
    assert "free" in done.stderr
    assert tree_of(live) == before
    assert [path.name for path in live.parent.iterdir()] == ["data"]
    back()
    assert (done := restored(live)).returncode == 0, done.stderr


@pytest.mark.fault(7)
@pytest.mark.parametrize("kilobytes", [4, 64, 400])
def test_when_files_may_not_grow_then_nothing_changes(kilobytes: int, tmp_path: Path) -> None:
    live = copied_store(tmp_path / "home" / "data")
    before = tree_of(live)
    limited = ["prlimit", f"--fsize={kilobytes << 10}", FOREX, "backup", "restore", "--yes"]
    done = command(*limited, live / "backups" / "forex-20240702T030000Z.tar.gz", data_dir=live)
    assert done.returncode in (73, 74), done.stderr
    assert "Traceback" not in done.stderr
    assert tree_of(live) == before
    assert [path.name for path in live.parent.iterdir()] == ["data"]
    assert restored(live).returncode == 0
