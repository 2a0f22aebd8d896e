"""kill -9, and errors of the disk, at the system calls of a restore: the live tree is wholly the old or the new one."""

import os
import shutil
import sqlite3
from collections.abc import Mapping
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest
from strace_kill import fail_at, kill_at, points

from conftest import FOREX, forex
from forex_core.ops.restore.restore import restore
from forex_core.store.store import Store
from samples import freeze
from tampered import AT, copied_store, settings_of

pytestmark = pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not installed")
EVERY = [10, pytest.param(1, marks=pytest.mark.long)]
RESTORE = [FOREX, "backup", "restore", "--yes"]
OLD, NEW = {"f7d", "f15d", "later"}, {"f7d", "f15d"}


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store that went on after its backup, at a place of its own: every trial begins with a copy of it, there."""
    home = copied_store(tmp_path_factory.mktemp("here") / "data")
    with Store.for_writing(home) as store, store.transaction():
        freeze(store, forecast_id="later", horizon="90d")
    (home / "reports" / "later.html").touch()
    (home / "spool").mkdir()
    (home / "spool" / "mail.json").write_text("{}")
    return Path(shutil.copytree(home, home.with_name("template")))


@pytest.fixture
def live(template: Path) -> Path:
    return anew(template.with_name("data"))


def anew(live: Path) -> Path:
    """The tree as it was before a restore, and nothing beside it."""
    for path in live.parent.iterdir():
        if path.name != "template":
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    return Path(shutil.copytree(live.with_name("template"), live))


def environ(data_dir: Path) -> Mapping[str, str]:
    return dict(os.environ) | {"FOREX_DATA_DIR": str(data_dir)}


def check_whole(live: Path) -> set[str]:
    """Whose forecasts the live tree has, once all the rest was seen to be of the same tree."""
    with closing(sqlite3.connect(live / "forex.db")) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        forecasts = {name for (name,) in connection.execute("SELECT forecast_id FROM forecasts")}
        restores = connection.execute("SELECT count(*) FROM events WHERE kind = 'restore'").fetchone()[0]
    assert (forecasts, restores) in ((OLD, 0), (NEW, 1))
    assert (live / "reports" / "later.html").exists() == (forecasts == OLD)
    assert len(list((live / "mlflow" / "mlruns").glob("*/*/artifacts/model/MLmodel"))) == 2
    assert (live / "spool" / "mail.json").exists()
    assert len(list((live / "backups").glob("forex-*.tar.gz"))) == 1
    return forecasts


@pytest.mark.fault(3)
@pytest.mark.parametrize("every", EVERY)
def test_a_killed_restore_leaves_the_old_or_the_new_tree_and_the_next_one_finishes(
    every: int, live: Path, tmp_path: Path
) -> None:
    found = points(RESTORE, environ(live), r"\.restoring", tmp_path / "trace")
    assert check_whole(live) == NEW
    # the exchange itself and all that follows, and every so many of the hundreds before it
    last = next(n for n, point in enumerate(found) if point.call == "renameat2")
    synced = sum(point.call == "fsync" for point in found[:last])
    assert synced > sum(1 for path in live.rglob("*") if path.name != "lock"), "a power cut would lose a part"
    seen = set()
    for point in dict.fromkeys([*found[::every], *found[last - 2 : last + 8]]):
        anew(live)
        kill_at(point, RESTORE, environ(live))
        survived = check_whole(live)
        seen.add(frozenset(survived))
        done = restore(settings_of(live), None, None, AT + timedelta(days=2))
        assert check_whole(live) == NEW, point
        # killed after the very end, it was a whole restore, and the next one another
        beside = {path.name.partition(".before-")[0] for path in live.parent.iterdir()}
        assert (beside, Path(done.kept).exists()) == ({"data", "template"}, True), point
    assert seen == {frozenset(OLD), frozenset(NEW)}
    assert {point.call for point in found} >= {"openat", "write", "fsync", "rename", "renameat2", "mkdir"}


FAULTS = [("write", "ENOSPC"), ("fsync", "EIO"), ("fsync", "ENOSPC"), ("renameat2", "EROFS"), ("mkdir", "EACCES")]


@pytest.mark.fault(5)
@pytest.mark.parametrize(("call", "error"), FAULTS)
def test_when_the_disk_fails_then_it_is_said_and_the_live_tree_is_the_old_one(
    call: str, error: str, live: Path, tmp_path: Path
) -> None:
    found = [
        point for point in points(RESTORE, environ(live), r"\.restoring", tmp_path / "trace") if point.call == call
    ]
    for point in found[:: max(len(found) // 3, 1)][:3]:
        anew(live)
        done = fail_at(point, error, RESTORE, environ(live))
        assert done.returncode in (73, 74, 77), (point, done.stderr)
        assert "Traceback" not in done.stderr
        assert check_whole(live) == OLD
        assert not (live.parent / ".data.restoring").exists()


def test_when_it_was_killed_then_a_run_in_between_is_not_confused(live: Path, tmp_path: Path) -> None:
    found = points(RESTORE, environ(live), r"\.restoring", tmp_path / "trace")
    anew(live)
    kill_at(next(point for point in found if point.call == "renameat2"), RESTORE, environ(live))
    assert forex("status", data_dir=live).returncode == 75
    with Store.for_writing(live) as store, store.transaction():
        freeze(store, forecast_id="in between", horizon="30d")
    done = restore(settings_of(live), None, None, AT + timedelta(days=2))
    assert check_whole(live) == NEW
    with Store.for_reading(Path(done.kept)) as kept:
        assert kept.forecasts.newest_live("USDCLP", "30d", "champion")
