"""kill -9, and errors of the disk, at the system calls of backup create and prune, one after the other."""

import os
import shutil
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path

import pytest
from strace_kill import WRITES, Point, fail_at, kill_at, points

from backup_samples import NOW, contents, fill, settings_for
from conftest import FOREX, forex
from forex_core.ops.backup.archive import archives
from forex_core.ops.backup.create import create
from forex_core.ops.backup.verify import verify

pytestmark = pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not installed")
EVERY = [10, pytest.param(1, marks=pytest.mark.long)]
CREATE = [FOREX, "backup", "create"]
PRUNE = [FOREX, "backup", "prune"]
KEEP = {"FOREX_KEEP_DAILY": "2", "FOREX_KEEP_WEEKLY": "0", "FOREX_KEEP_MONTHLY": "0"}


def environ(data_dir: Path) -> Mapping[str, str]:
    return dict(os.environ) | {"FOREX_DATA_DIR": str(data_dir)}


def whole(folder: Path) -> list[str]:
    """The names of the archives, each proved."""
    return sorted(archive.path.name for archive in archives(folder, None) if verify(archive.path, None))


@pytest.fixture
def store(data_dir: Path) -> Path:
    """A store with one backup of an earlier day."""
    fill(data_dir)
    create(settings_for(data_dir), None, NOW)
    return data_dir


@pytest.mark.fault(2)
@pytest.mark.parametrize("every", EVERY)
def test_a_killed_backup_leaves_a_whole_archive_or_none_and_the_next_needs_no_hand(
    every: int, store: Path, tmp_path: Path
) -> None:
    backups = store / "backups"
    earlier = contents(backups)
    found = points(CREATE, environ(store), r"\.staging", tmp_path / "trace")
    for point in found[::every]:
        without_later_ones(backups, earlier)
        kill_at(point, CREATE, environ(store))
        assert contents(backups).items() >= earlier.items(), point
        survived = whole(backups)
        create(settings_for(store), None, NOW + timedelta(days=1))
        assert len(whole(backups)) == len(survived) + 1
        assert not (backups / ".staging").exists()
    assert {point.call for point in found} >= {"write", "fsync", "rename", "mkdir", "openat"}


def without_later_ones(backups: Path, earlier: Mapping[str, bytes]) -> None:
    for path in backups.glob("forex-*"):
        if path.name not in earlier:
            path.unlink()


@pytest.mark.fault(4)
@pytest.mark.parametrize("every", EVERY)
def test_a_killed_pruning_leaves_all_that_the_policy_keeps_and_the_next_finishes(
    every: int, store: Path, tmp_path: Path
) -> None:
    for days in range(1, 6):
        create(settings_for(store), None, NOW + timedelta(days=days))
    full, pruned = tmp_path / "full", store / "backups"
    shutil.copytree(pruned, full)
    found = points(PRUNE, environ(store) | KEEP, r"backups/lock", tmp_path / "trace")
    kept = whole(pruned)
    assert kept == ["forex-20240705T120000Z.tar.gz", "forex-20240706T120000Z.tar.gz"]
    removing = [point for point in found if point.call == "unlink"]
    for point in [*found[::every], *removing]:
        shutil.rmtree(pruned)
        shutil.copytree(full, pruned)
        kill_at(point, PRUNE, environ(store) | KEEP)
        assert set(kept) <= set(whole(pruned)), point
        assert forex("backup", "prune", data_dir=store, **KEEP).returncode == 0, point
        assert whole(pruned) == kept
    assert len(removing) > 4


ERRORS = [
    ("fsync", "EIO"),
    ("write", "ENOSPC"),
    ("write", "EIO"),
    ("rename", "EROFS"),
    ("mkdir", "EACCES"),
    ("openat", "EMFILE"),
]


@pytest.mark.fault(5)
@pytest.mark.parametrize(("call", "error"), ERRORS)
@pytest.mark.parametrize("every", [15, pytest.param(1, marks=pytest.mark.long)])
def test_when_the_disk_fails_then_the_backup_does_and_says_so(
    every: int, call: str, error: str, store: Path, tmp_path: Path
) -> None:
    backups = store / "backups"
    earlier = contents(backups)
    found = points(CREATE, environ(store), r"\.staging", tmp_path / "trace", WRITES)
    struck = [point for point in found if point.call == call]
    for point in struck[::every]:
        without_later_ones(backups, earlier)
        ended = fail_at(point, error, CREATE, environ(store))
        left = whole(backups)
        assert contents(backups).items() >= earlier.items(), point
        assert "Traceback" not in ended.stderr, (point, ended.stderr)
        harmless = ended.returncode == 0 and len(left) == 2  # SQLite and the lock's note can do without some calls
        assert harmless or ended.returncode in (73, 74, 77), (point, ended)
        if not harmless:
            late = "is whole" in ended.stderr or "the answer could not be written" in ended.stderr
            assert len(left) == 1 + late, (point, ended)
    assert struck


def test_points_are_those_after_the_first_match(tmp_path: Path) -> None:
    command = ["python3", "-c", "import os; os.mkdir('a'); os.mkdir('b'); os.rmdir('a')"]
    environ = {"PATH": os.environ["PATH"]}
    os.chdir(tmp_path)
    assert points(command, environ, r'mkdir\("b"', tmp_path / "trace", "mkdir,rmdir") == [
        Point("mkdir", 2),
        Point("rmdir", 1),
    ]
