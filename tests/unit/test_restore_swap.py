"""The exchange of two trees: what stays, what is kept, and what a restore that was cut short anywhere leaves to do."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from forex_core.errors import CorruptStore, LockBusy
from forex_core.ops.restore import beside
from forex_core.ops.restore.beside import Beside
from forex_core.ops.restore.restore import place_of
from forex_core.ops.restore.restored import Restored
from forex_core.ops.restore.within import Within
from forex_core.store.database import open_for_reading, open_for_writing
from forex_core.store.lock import writer_lock
from forex_core.store.openers import refuse_opened
from tampered import tree_of


@pytest.fixture
def live(tmp_path: Path) -> Path:
    live = tmp_path / "the data"
    for name in ("forex.db", "forex.db-wal", "mlflow/mlflow.db", "reports/old.html", "spool/mail.json", "backups/a.gz"):
        (live / name).parent.mkdir(parents=True, exist_ok=True)
        (live / name).write_text(f"old {name}")
    (live / "lock").touch()
    (live / "backups" / ".staging").mkdir()
    (live / ".forex.db.new").touch()
    (live / "elsewhere").symlink_to("/nowhere")
    live.chmod(0o711)
    return live


@pytest.fixture
def place(live: Path) -> Beside:
    place = Beside(live)
    staged(place)
    return place


def staged(place: Beside | Within) -> None:
    for name in ("forex.db", "mlflow/mlflow.db", "reports/new.html"):
        (place.staging / name).parent.mkdir(parents=True, exist_ok=True)
        (place.staging / name).write_text(f"new {name}")


def restored(place: Beside | Within) -> Restored:
    return Restored("/backups/a.gz", "2024-07-02", str(place.live), f"{place.live}.before-1")


def test_what_the_archive_does_not_speak_of_stays_and_the_old_tree_is_kept_whole(place: Beside, live: Path) -> None:
    old, lock = tree_of(live), (live / "lock").stat().st_ino
    place.carry_over()
    place.put_in_place(restored(place))
    assert tree_of(Path(f"{live}.before-1")) == old
    files = sorted(str(path.relative_to(live)) for path in live.rglob("*") if not path.is_dir())
    assert files == [
        "backups/a.gz",
        "elsewhere",
        "forex.db",
        "lock",
        "mlflow/mlflow.db",
        "reports/new.html",
        "spool/mail.json",
    ]
    assert (live / "forex.db").read_text() == "new forex.db"
    assert (live / "lock").stat().st_ino == lock
    assert live.stat().st_mode & 0o777 == 0o711
    assert sorted(path.name for path in live.parent.iterdir()) == ["the data", "the data.before-1"]


def test_whoever_waits_for_the_lock_of_the_old_tree_waits_for_that_of_the_new_one(place: Beside, live: Path) -> None:
    with writer_lock(live, 0), (live / "lock").open() as waiting:
        place.carry_over()
        place.put_in_place(restored(place))
        assert os.fstat(waiting.fileno()).st_ino == (live / "lock").stat().st_ino


class Killed(BaseException):
    pass


@pytest.mark.parametrize(("exchange", "after"), [*((True, n) for n in range(8)), *((False, n) for n in range(9))])
def test_when_it_is_cut_short_then_the_next_one_finishes_or_undoes_it(
    exchange: bool, after: int, place: Beside, live: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place.carry_over()
    old, new, calls = tree_of(live), tree_of(place.staging), 0

    def counted(original):  # type: ignore[no-untyped-def]
        def call(*arguments, **named):  # type: ignore[no-untyped-def]
            nonlocal calls
            calls += 1
            if calls > after:
                raise Killed
            return original(*arguments, **named)

        return call

    with monkeypatch.context() as patch, pytest.raises(Killed):
        patch.setattr(Path, "rename", counted(Path.rename))
        patch.setattr(Path, "replace", counted(Path.replace))
        patch.setattr(Path, "unlink", counted(Path.unlink))
        patch.setattr(beside, "sync", counted(beside.sync))
        patch.setattr(beside, "_exchanged", counted(beside._exchanged if exchange else lambda *_: False))
        place.put_in_place(restored(place))
    if exchange:
        assert tree_of(live) in (old, new)
    elif not live.exists():
        with pytest.raises(CorruptStore, match="`forex backup restore` finishes it"):
            open_for_writing(live / "forex.db")
        with pytest.raises(CorruptStore, match="was cut short"):
            open_for_reading(live / "forex.db")

    with writer_lock(live, 0):
        done = place.finish()
    assert tree_of(live) == (new if done else old)
    assert done in (None, restored(place))
    if done:
        assert tree_of(Path(done.kept)).items() <= old.items()
    assert not place.journal.exists()
    assert not place.staging.exists()


def test_where_two_names_cannot_be_exchanged_it_is_done_in_two_steps(
    place: Beside, live: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(beside, "_exchanged", lambda *_: False)
    place.put_in_place(restored(place))
    assert (live / "forex.db").read_text() == "new forex.db"
    assert (Path(f"{live}.before-1") / "forex.db").read_text() == "old forex.db"


def test_a_tree_that_was_staged_and_never_noted_is_removed(place: Beside, live: Path) -> None:
    old = tree_of(live)
    assert place.finish() is None
    assert not place.staging.exists()
    assert tree_of(live) == old


def test_when_the_undoing_was_cut_short_then_nothing_was_restored(
    place: Beside, live: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = tree_of(live)

    def die(*_: object) -> bool:
        raise Killed

    with monkeypatch.context() as patch, pytest.raises(Killed):
        patch.setattr(beside, "_exchanged", die)
        place.put_in_place(restored(place))
    shutil.rmtree(place.staging)
    assert place.finish() is None
    assert tree_of(live) == old
    assert not place.journal.exists()


def test_a_second_restore_in_one_second_keeps_both_old_trees(place: Beside, live: Path) -> None:
    first = place.unused_name("1")
    first.mkdir()
    assert place.unused_name("1").name == "the data.before-1-2"


def test_what_cannot_be_exchanged_itself_is_exchanged_name_by_name(live: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert place_of(live) == Beside(live)
    with monkeypatch.context() as patch:
        patch.setattr(Path, "is_mount", lambda path: path == live)
        assert place_of(live) == Within(live)
    with monkeypatch.context() as patch:
        patch.setattr(os, "access", lambda path, _: path != live.parent)
        assert place_of(live) == Within(live)


def within(live: Path) -> tuple[Within, Restored]:
    place = Within(live)
    staged(place)
    return place, Restored("/backups/a.gz", "2024-07-02", str(live), str(live / "before-1"))


def check_exchanged(live: Path, old: dict[str, str]) -> None:
    files = sorted(str(path.relative_to(live)) for path in live.glob("*/*") if not path.is_dir())
    assert files == [
        "backups/a.gz",
        "before-1/forex.db",
        "before-1/forex.db-wal",
        "mlflow/mlflow.db",
        "reports/new.html",
        "spool/mail.json",
    ]
    assert (live / "forex.db").read_text() == "new forex.db"
    assert not (live / "forex.db-wal").exists()
    assert tree_of(live / "before-1").items() <= old.items()
    assert not (live / ".restoring").exists()


@pytest.mark.parametrize("after", range(13))
def test_name_by_name_a_cut_closes_the_databases_until_the_next_restore_ends_it(
    after: int, live: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place, done = within(live)
    old, calls = tree_of(live), 0

    def counted(original):  # type: ignore[no-untyped-def]
        def call(*arguments, **named):  # type: ignore[no-untyped-def]
            nonlocal calls
            calls += 1
            if calls > after:
                raise Killed
            return original(*arguments, **named)

        return call

    with monkeypatch.context() as patch, pytest.raises(Killed):
        for name in ("rename", "replace", "unlink", "mkdir"):
            patch.setattr(Path, name, counted(getattr(Path, name)))
        place.put_in_place(done)
    if place.journal.exists():
        for opened in (open_for_writing, open_for_reading):
            with pytest.raises(CorruptStore, match="`forex backup restore` finishes it"):
                opened(live / "forex.db")
    if place.finish():
        check_exchanged(live, old)
    else:
        assert tree_of(live) == {name: kept for name, kept in old.items() if not name.startswith(".restoring")}


def test_a_data_directory_that_is_a_link_is_exchanged_where_it_lies(place: Beside, live: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(live)
    assert place_of(tmp_path / "link") == place


def test_a_program_that_has_a_database_open_is_named(tmp_path: Path) -> None:
    path = tmp_path / "forex.db"
    open_for_writing(path).close()
    code = f"import sqlite3; c = sqlite3.connect({str(path)!r}); c.execute('SELECT 1 FROM facts'); print(); input()"
    with subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as reader:
        assert reader.stdout is not None
        reader.stdout.readline()
        with pytest.raises(LockBusy, match=f"process {reader.pid} has .*forex.db open"):
            refuse_opened(path)
        reader.communicate(b"\n")
    refuse_opened(path)
