"""An upgrade of the data: both databases of this version and tried, or both as they were."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from conftest import forex
from forex_core.errors import ModelError, VersionMismatch
from forex_core.ops import upgrade as module
from forex_core.ops.upgrade import KEPT, UNFINISHED, upgrade
from forex_core.store.lock import writer_lock
from older_mlflow import ONE_BEFORE, make_older
from tampered import copied_store, settings_of

DATABASES = ("forex.db", "mlflow/mlflow.db")


@pytest.fixture
def older(tmp_path: Path) -> Path:
    """A data directory as a former version left it."""
    data_dir = copied_store(tmp_path / "data")
    make_older(data_dir / "mlflow" / "mlflow.db", ONE_BEFORE)
    with closing(sqlite3.connect(data_dir / "forex.db")) as connection:
        connection.executescript("DROP INDEX events_of_kind; PRAGMA user_version = 1;")
    for name in DATABASES:
        with closing(sqlite3.connect(data_dir / name)) as connection:
            connection.execute("PRAGMA journal_mode = WAL")
    return data_dir


def content(data_dir: Path) -> dict[str, list[str]]:
    """Both databases as the statements that would make them, in one order: a copy has another."""
    found = {}
    for name in DATABASES:
        with closing(sqlite3.connect(data_dir / name)) as connection:
            assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
            version = connection.execute("PRAGMA user_version").fetchone()
            found[name] = sorted([str(version), *connection.iterdump()])
    return found


def test_an_older_house_is_migrated_tried_and_its_databases_of_before_are_kept(older: Path) -> None:
    before = content(older)
    done = forex("upgrade", data_dir=older)
    assert (done.returncode, "Migrated: forex.db, mlflow.db." in done.stdout) == (0, True), done.stderr
    assert content(older) != before
    kept = {path.name: path.read_bytes() for path in (older / KEPT).iterdir()}
    assert sorted(kept) == ["forex.db", "mlflow.db"]

    again = forex("upgrade", "--json", data_dir=older)
    assert (again.returncode, '"migrated": []' in again.stdout) == (0, True)
    assert {path.name: path.read_bytes() for path in (older / KEPT).iterdir()} == kept


def test_when_the_trial_fails_then_both_are_as_they_were(older: Path) -> None:
    before = content(older)

    def fail() -> None:
        assert content(older) != before
        raise ModelError("this version has no voice")

    with pytest.raises(ModelError, match="no voice"):
        upgrade(settings_of(older), fail)
    assert content(older) == before
    for name in DATABASES:
        assert (older / name).stat().st_mode & 0o777 == 0o600


def test_when_a_migration_fails_then_both_are_as_they_were(older: Path) -> None:
    with closing(sqlite3.connect(older / "mlflow" / "mlflow.db")) as connection, connection:
        connection.execute("UPDATE alembic_version SET version_num = 'ffff'")
    before = content(older)
    with pytest.raises(VersionMismatch, match="ffff"):
        upgrade(settings_of(older), lambda: None)
    assert content(older) == before


def test_when_an_upgrade_was_killed_then_the_way_back_of_the_next_one_is_the_first_ones(older: Path) -> None:
    before = content(older)
    unfinished = older / KEPT / UNFINISHED

    def fail() -> None:
        raise ModelError("no voice")

    with pytest.raises(ModelError), pytest.MonkeyPatch.context() as patch:  # it ends without a word
        patch.setattr(module, "_go_back", lambda copies: None)
        patch.setattr(type(unfinished), "unlink", lambda path, missing_ok=False: None)
        upgrade(settings_of(older), fail)
    assert content(older) != before
    assert unfinished.exists()

    with pytest.raises(ModelError):
        upgrade(settings_of(older), fail)
    assert content(older) == before
    assert not unfinished.exists()


def test_what_was_recorded_since_the_copies_were_made_is_not_taken_back(older: Path) -> None:
    def fail() -> None:
        with closing(sqlite3.connect(older / "forex.db")) as connection, connection:
            connection.execute("INSERT INTO events (at, kind) VALUES ('2026-11-20T00:00:00+00:00', 'backup')")
        raise ModelError("no voice")

    with pytest.raises(ModelError):
        upgrade(settings_of(older), fail)
    with closing(sqlite3.connect(older / "forex.db")) as connection:
        assert connection.execute("SELECT kind FROM events ORDER BY id DESC LIMIT 1").fetchone() == ("backup",)


def test_while_a_job_runs_nothing_is_upgraded(older: Path) -> None:
    before = content(older)
    with writer_lock(older, 0):
        done = forex("upgrade", data_dir=older, FOREX_LOCK_WAIT_SECONDS="0")
    assert (done.returncode, content(older) == before) == (75, True)


def test_where_nothing_is_there_is_nothing_to_upgrade(tmp_path: Path) -> None:
    assert forex("upgrade", data_dir=tmp_path / "data").returncode == 78
