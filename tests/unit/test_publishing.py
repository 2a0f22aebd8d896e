"""What a run publishes: the newest state, for the group to read; and that a failure is told and harms nothing."""

import os
import shutil
import sqlite3
import subprocess
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import mkdtemp

import pytest

from forex_core.errors import CannotWrite, CorruptStore
from forex_core.pipeline.publishing import Publication
from forex_core.store.viewing import behind

GROUP = 65534


def database(path: Path, rows: int = 1) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("CREATE TABLE numbers (n)")
        connection.executemany("INSERT INTO numbers VALUES (?)", [(n,) for n in range(rows)])
    return path


def rows_of(path: Path) -> int:
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute("SELECT count(*) FROM numbers").fetchone()[0]


@pytest.fixture
def publication(data_dir: Path) -> Publication:
    live = database(data_dir / "forex.db"), database(data_dir / "mlflow" / "mlflow.db", 2)
    return Publication(data_dir / "public", live)


def test_both_databases_and_each_pairs_newest_page_are_published(publication: Publication, tmp_path: Path) -> None:
    page, demo = tmp_path / "report.html", tmp_path / "report.demo.html"
    page.write_text("a page")
    demo.write_text("a demo")
    before = os.umask(0o077)
    try:
        assert publication.renew([("USDCLP", page), ("EURUSD", demo)]) == ()
    finally:
        os.umask(before)
    folder = publication.folder
    found = {path.name: path.stat().st_mode & 0o777 for path in folder.iterdir()}
    assert found == dict.fromkeys(["forex.db", "mlflow.db", "USDCLP.html", "EURUSD.demo.html"], 0o640)
    assert folder.stat().st_mode & 0o777 == 0o750
    assert (rows_of(folder / "forex.db"), rows_of(folder / "mlflow.db")) == (1, 2)
    assert (folder / "USDCLP.html").read_text() == "a page"


def test_a_later_run_replaces_what_is_published(publication: Publication) -> None:
    publication.renew([])
    with (publication.folder / "forex.db").open("rb"):  # a reader keeps the one it has
        database(publication.databases[0], 50)
        publication.renew([])
    assert rows_of(publication.folder / "forex.db") == 50


def test_a_database_that_is_no_longer_published_goes(publication: Publication) -> None:
    publication.renew([])
    Publication(publication.folder, publication.databases[:1]).renew([])
    assert [path.name for path in publication.folder.iterdir()] == ["forex.db"]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may give a folder to another group")
def test_the_group_and_the_setgid_bit_of_the_installer_stay() -> None:
    home = Path(mkdtemp())
    folder = home / "public"
    folder.mkdir()
    os.chown(folder, -1, GROUP)
    folder.chmod(0o2750)
    Publication(folder, (database(home / "forex.db"),)).renew([])
    assert (folder.stat().st_mode & 0o7777, (folder / "forex.db").stat().st_gid) == (0o2750, GROUP)
    shutil.rmtree(home)


def test_one_that_fails_is_told_and_the_others_are_published(publication: Publication) -> None:
    publication.renew([])
    old = (publication.folder / "forex.db").read_bytes()
    publication.databases[0].write_bytes(b"x" * 5000)
    database(publication.databases[1], 9)
    (error,) = publication.renew([])
    assert (type(error), str(publication.databases[0]) in error.message) == (CorruptStore, True)
    assert "view-only users see what was published before" in str(error)
    assert (publication.folder / "forex.db").read_bytes() == old
    assert rows_of(publication.folder / "mlflow.db") == 9


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may mount a folder that nobody can write to")
def test_when_the_folder_can_not_be_written_then_that_is_told(publication: Publication) -> None:
    publication.renew([])
    subprocess.run(["mount", "-t", "tmpfs", "-o", "ro", "tmpfs", publication.folder], check=True)
    try:
        errors = publication.renew([])
    finally:
        subprocess.run(["umount", publication.folder], check=True)
    assert [type(error) for error in errors] == [CannotWrite, CannotWrite]


def test_what_was_published_before_the_last_run_is_a_trouble(publication: Publication) -> None:
    now = datetime.now(UTC)
    assert list(behind(publication.folder, now)) == []  # nothing was ever published here
    publication.folder.mkdir()
    assert list(behind(publication.folder, now)) != []
    publication.renew([])
    assert list(behind(publication.folder, now - timedelta(seconds=1))) == []
    (publication.folder / ".mlflow.db.new").touch()
    os.utime(publication.folder / "mlflow.db", (0, 0))
    (said,) = behind(publication.folder, now - timedelta(seconds=1))
    assert "1970-01-01 00:00 UTC" in said
