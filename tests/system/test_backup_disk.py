"""Backups on a disk that is full, has no inodes or may not be written: earlier ones stay as they are, none is half."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from backup_samples import NOW, contents, fill, settings_for
from conftest import FOREX, command, forex
from forex_core.ops.backup.create import create


@pytest.fixture
def store(data_dir: Path) -> Path:
    fill(data_dir)
    return data_dir


@pytest.fixture
def mounted(tmp_path: Path) -> Iterator[Path]:
    """An empty folder to mount something on; whatever was is unmounted."""
    if os.geteuid() != 0 or shutil.which("mount") is None:
        pytest.skip("mounting needs root")
    folder = tmp_path / "disk"
    folder.mkdir()
    yield folder
    subprocess.run(["umount", folder], check=False, capture_output=True)


def mount(folder: Path, *options: str) -> None:
    done = subprocess.run(["mount", *options, folder], check=False, capture_output=True, text=True)
    if done.returncode != 0:
        pytest.skip(f"can't mount here: {done.stderr.strip()}")


def refused(store: Path, backups: Path, code: int, *before: object) -> str:
    """A backup that fails with `code`, names the place, and leaves what was there."""
    was = contents(backups)
    done = command(*before, FOREX, "backup", "create", "--backup-dir", backups, data_dir=store)
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr
    assert str(backups) in done.stderr
    assert contents(backups) == was
    assert not (backups / ".staging").exists()
    return done.stderr


@pytest.mark.fault(6)
def test_on_a_disk_without_room_nothing_is_begun_and_with_room_it_succeeds(store: Path, mounted: Path) -> None:
    mount(mounted, "-t", "tmpfs", "-o", "size=3m", "none")
    create(settings_for(store, backup_dir=mounted), None, NOW)
    codes = []
    for free in range(0, 700_000, 100_000):
        (mounted / "ballast").unlink(missing_ok=True)
        (mounted / "ballast").write_bytes(bytes(shutil.disk_usage(mounted).free - free))
        archives = len(list(mounted.glob("forex-*")))
        done = forex("backup", "create", "--backup-dir", mounted, data_dir=store)
        codes.append(done.returncode)
        assert ("MB needed" in done.stderr or "No space" in done.stderr) == (done.returncode == 73), done.stderr
        assert len(list(mounted.glob("forex-*"))) == archives + (done.returncode == 0)
        assert not (mounted / ".staging").exists()
    assert codes == sorted(codes, reverse=True)
    assert set(codes) == {0, 73}


@pytest.mark.fault(7)
@pytest.mark.parametrize("limit", [1, 10_000, 100_000, 140_000])
def test_when_a_file_may_not_grow_then_there_is_no_archive(store: Path, tmp_path: Path, limit: int) -> None:
    """At each of these sizes something else is cut: the lock's note, a database, the archive."""
    backups = tmp_path / "backups"
    create(settings_for(store, backup_dir=backups), None, NOW)
    (store / "models" / "noise").write_bytes(os.urandom(139_000))
    done = command("prlimit", f"--fsize={limit}", FOREX, "backup", "create", "--backup-dir", backups, data_dir=store)
    assert done.returncode in (73, 74), done
    assert "Traceback" not in done.stderr
    assert len(list(backups.glob("forex-*"))) == 1
    assert not (backups / ".staging").exists()
    assert forex("backup", "create", "--backup-dir", backups, data_dir=store).returncode == 0


@pytest.mark.fault(8)
def test_without_inodes_there_is_no_archive(store: Path, mounted: Path) -> None:
    mount(mounted, "-t", "tmpfs", "-o", "size=9m,nr_inodes=9", "none")
    refused(store, mounted, 73)


def test_in_a_folder_that_may_not_be_written_there_is_no_archive(store: Path, mounted: Path, tmp_path: Path) -> None:
    real = tmp_path / "real"
    create(settings_for(store, backup_dir=real), None, NOW)
    mount(mounted, "--bind", str(real))
    mount(mounted, "-o", "remount,bind,ro")
    refused(store, mounted, 73)
    done = forex("backup", "prune", "--backup-dir", mounted, data_dir=store)
    assert done.returncode == 73, done.stderr


def test_an_archive_is_proved_or_not_where_temporary_files_have_no_room(store: Path, mounted: Path) -> None:
    mount(mounted, "-t", "tmpfs", "-o", "size=100k", "none")
    made = create(settings_for(store), None, NOW)
    done = forex("backup", "verify", made.path, data_dir=store, TMPDIR=str(mounted))
    assert (done.returncode, "TMPDIR" in done.stderr) == (73, True), done.stderr
    assert list(mounted.iterdir()) == []
    assert forex("backup", "verify", made.path, data_dir=store).returncode == 0
