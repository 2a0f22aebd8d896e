"""Copies of live databases: whole, with every commit, and under their name only when they are good."""

import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from tempfile import mkdtemp

import pytest

from forex_core.errors import CannotWrite, CorruptStore, ForexError
from forex_core.store.snapshot import renewed, snapshot

ROOM = "3m"  # of the small disk
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root may mount a small disk")


def make(path: Path, rows: int = 100, *, journal: str = "WAL") -> Path:
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(f"PRAGMA journal_mode = {journal}")
        connection.execute("PRAGMA user_version = 7")
        connection.execute("CREATE TABLE numbers (n INTEGER, half TEXT)")
        connection.executemany("INSERT INTO numbers VALUES (?, ?)", ((n, "x" * 100) for n in range(rows)))
    return path


def count(path: Path) -> int:
    with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        return connection.execute("SELECT count(*) FROM numbers").fetchone()[0]


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize("journal", ["WAL", "DELETE"])
def test_a_copy_is_one_file_without_a_log_and_with_the_mode_asked_for(tmp_path: Path, journal: str) -> None:
    live, copy = make(tmp_path / "live ?#.db", journal=journal), tmp_path / "new" / "copy.db"
    before = os.umask(0o077)
    try:
        snapshot(live, copy, 0o640)
    finally:
        os.umask(before)
    assert count(copy) == 100
    assert copy.stat().st_mode & 0o777 == 0o640
    with closing(sqlite3.connect(copy)) as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("delete",)
        assert connection.execute("PRAGMA user_version").fetchone() == (7,)
    assert names(copy.parent) == ["copy.db"]


@pytest.mark.parametrize("journal", ["WAL", "DELETE"])
def test_what_was_committed_before_a_copy_began_is_in_it_while_others_go_on_writing(
    tmp_path: Path, journal: str
) -> None:
    live, stop, committed = make(tmp_path / "live.db", 0, journal=journal), threading.Event(), [0]

    def write() -> None:
        with closing(sqlite3.connect(live, isolation_level=None, timeout=30)) as connection:
            while not stop.is_set():
                connection.execute("INSERT INTO numbers VALUES (1, 'x'), (-1, 'x')")
                committed[0] += 2
                time.sleep(0.002)  # one that never pauses starves the readers of a rollback journal

    writer = threading.Thread(target=write)
    writer.start()
    try:
        for _ in range(20):
            before = committed[0]
            snapshot(live, tmp_path / "copy.db")
            found = count(tmp_path / "copy.db")
            assert found >= before
            assert found % 2 == 0
    finally:
        stop.set()
        writer.join()


@pytest.mark.parametrize("damage", ["missing", "empty", "a folder", "no database", "a torn page"])
def test_when_the_source_is_damaged_then_the_old_copy_stays_and_nothing_else(tmp_path: Path, damage: str) -> None:
    live, copy = tmp_path / "live.db", tmp_path / "there" / "copy.db"
    if damage == "a folder":
        live.mkdir()
    elif damage != "missing":
        make(live, journal="DELETE")
        whole = live.read_bytes()
        torn = whole[:4096] + b"\xff" * 4096 + whole[8192:]
        live.write_bytes({"empty": b"", "no database": b"x" * 5000, "a torn page": torn}[damage])
    copy.parent.mkdir()
    copy.write_bytes(b"the old one")
    with pytest.raises(CorruptStore, match=r"live\.db"):
        snapshot(live, copy)
    assert copy.read_bytes() == b"the old one"
    assert names(copy.parent) == ["copy.db"]


def test_a_planted_link_is_not_followed(tmp_path: Path) -> None:
    live, victim = make(tmp_path / "live.db"), tmp_path / "victim"
    victim.write_text("mine")
    (tmp_path / ".copy.db.new").symlink_to(victim)
    (tmp_path / "copy.db").symlink_to(victim)
    snapshot(live, tmp_path / "copy.db")
    assert victim.read_text() == "mine"
    assert count(tmp_path / "copy.db") == 100


def test_a_file_is_renewed_whole_or_not_at_all(tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    with renewed(page, 0o640) as scratch:
        scratch.write_text("old")
    with pytest.raises(ZeroDivisionError), renewed(page, 0o640) as scratch:
        scratch.write_text("ne")
        raise ZeroDivisionError
    assert (page.read_text(), names(tmp_path)) == ("old", ["page.html"])


@contextmanager
def small_disk() -> Iterator[Path]:
    folder = Path(mkdtemp())
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={ROOM}", "tmpfs", folder], check=True)
    try:
        yield folder
    finally:
        subprocess.run(["umount", folder], check=True)
        folder.rmdir()


@needs_root
def test_when_the_disk_is_full_then_the_old_copy_is_byte_identical_and_no_stump_is_left(tmp_path: Path) -> None:
    live = make(tmp_path / "live.db", 8000)  # about 1 MB
    with small_disk() as disk:
        snapshot(live, disk / "copy.db")
        old, failures = (disk / "copy.db").read_bytes(), 0
        for room in range(0, 1_400_000, 100_000):
            filler = disk / "filler"
            filler.write_bytes(b"")
            filler.write_bytes(bytes(shutil.disk_usage(disk).free - room))
            try:
                snapshot(live, disk / "copy.db")
            except ForexError as error:
                failures += 1
                assert (type(error), str(disk) in str(error)) == (CannotWrite, True)
            assert (disk / "copy.db").read_bytes() == old
            assert names(disk) == ["copy.db", "filler"]
        assert 5 < failures < 14
    assert count(live) == 8000


COPY = "import sys; from pathlib import Path; from forex_core.store.snapshot import snapshot; \
print(flush=True); [snapshot(Path(sys.argv[1]), Path(sys.argv[2])) for _ in range(1000)]"


def test_a_killed_copy_leaves_the_old_one_or_the_new_one_and_the_next_cleans_up(tmp_path: Path) -> None:
    live, copy, stumps = make(tmp_path / "live.db", 20_000), tmp_path / "there" / "copy.db", 0
    for trial in range(25):
        process = subprocess.Popen([sys.executable, "-c", COPY, live, copy], stdout=subprocess.PIPE)
        assert process.stdout
        process.stdout.readline()
        time.sleep(0.003 * trial + 0.05)
        process.send_signal(signal.SIGKILL)
        process.communicate()
        assert process.returncode == -signal.SIGKILL
        if copy.exists():
            assert count(copy) == 20_000
        stumps += (copy.parent / ".copy.db.new").exists()
    assert stumps
    snapshot(live, copy)
    assert names(copy.parent) == ["copy.db"]
