"""What an older program wrote is restored and upgraded; what broke in the middle of an upgrade is refused."""

import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest

from forex_core.errors import CorruptStore, LockBusy, SettingsError, VersionMismatch
from forex_core.mlops import embedded
from forex_core.mlops.artifacts import open_all
from forex_core.mlops.upgrade import upgrade
from forex_core.ops.drill import drill
from forex_core.ops.restore.restore import restore
from forex_core.store.database import migrations
from older_mlflow import LAST_OF_2, ONE_BEFORE, make_older
from tampered import AT, copied_store, make_backup, settings_of, tree_of

LATER = AT + timedelta(days=1)


@pytest.fixture
def live(tmp_path: Path) -> Path:
    live = copied_store(tmp_path / "live")
    shutil.rmtree(live / "backups")
    return live


def runs_in(path: Path) -> list[tuple]:
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute(
            "SELECT run_uuid, status, key, value FROM runs JOIN params USING (run_uuid)"
        ).fetchall()


@pytest.mark.fault(26)
@pytest.mark.parametrize("revision", [ONE_BEFORE, LAST_OF_2])
def test_an_older_archive_is_restored_and_brought_to_this_programs_versions(
    revision: str, live: Path, tmp_path: Path
) -> None:
    before = runs_in(live / "mlflow" / "mlflow.db")
    make_older(live / "mlflow" / "mlflow.db", revision)
    with closing(sqlite3.connect(live / "forex.db")) as connection:
        connection.executescript("DROP INDEX events_of_kind; PRAGMA user_version = 1;")
    archive = make_backup(live)
    restore(settings_of(live), archive, tmp_path / "new", LATER)

    path = tmp_path / "new" / "mlflow" / "mlflow.db"
    embedded.check(path)
    assert runs_in(path) == before
    assert open_all(path) == 8
    with closing(sqlite3.connect(path)) as connection:
        runs = connection.execute("SELECT artifact_uri FROM runs").fetchall()
    assert {uri.startswith((tmp_path / "new").as_uri()) for (uri,) in runs} == {True}
    with closing(sqlite3.connect(tmp_path / "new" / "forex.db")) as connection:
        reports = connection.execute("SELECT ref FROM steps WHERE step = 'report'").fetchall()
        assert {Path(ref).is_relative_to(tmp_path / "new") and Path(ref).is_file() for (ref,) in reports} == {True}
        assert connection.execute("PRAGMA user_version").fetchone()[0] == migrations()[-1][0]
        assert connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'events_of_kind'").fetchone()
    for database in ("forex.db", "mlflow/mlflow.db"):
        with closing(sqlite3.connect(tmp_path / "new" / database)) as connection:
            assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)


def test_an_older_live_mlflow_db_is_refused_and_the_named_command_upgrades_it(live: Path) -> None:
    path = live / "mlflow" / "mlflow.db"
    before = runs_in(path)
    make_older(path, ONE_BEFORE)
    old = path.read_bytes()
    with pytest.raises(VersionMismatch, match=r"older schema 75868b020152.*needs dc11669786a5") as caught:
        embedded.check(path)
    assert caught.value.hint == "`forex mlflow upgrade`"
    kept = upgrade(path)
    assert kept == path.with_name("mlflow.db.before-75868b020152")
    assert kept.read_bytes() == old
    embedded.check(path)
    assert runs_in(path) == before
    assert upgrade(path) is None
    assert sorted(entry.name for entry in path.parent.iterdir()) == ["mlflow.db", kept.name, "mlruns"]


@pytest.mark.fault(12)
def test_while_a_program_has_it_open_it_is_not_upgraded(live: Path) -> None:
    path = live / "mlflow" / "mlflow.db"
    code = f"import sqlite3; c = sqlite3.connect({str(path)!r}); c.execute('SELECT 1 FROM runs'); print(); input()"
    with subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as reader:
        assert reader.stdout is not None
        reader.stdout.readline()
        with pytest.raises(LockBusy, match=f"process {reader.pid} has"):
            upgrade(path)
        with pytest.raises(LockBusy, match=f"process {reader.pid} has"):
            restore(settings_of(live), None, None, LATER)
        reader.communicate(b"\n")


def test_a_migration_that_stopped_in_the_middle_is_seen_and_is_not_gone_on_with(live: Path) -> None:
    path = live / "mlflow" / "mlflow.db"
    make_older(path, ONE_BEFORE)
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("CREATE TABLE _alembic_tmp_metrics (key TEXT)")
    before = tree_of(live)
    for command in (embedded.check, upgrade):
        with pytest.raises(CorruptStore, match="in the middle of a migration") as caught:
            command(path)
        assert "`forex backup restore`" in caught.value.hint
    assert tree_of(live) == before


def test_when_a_migration_fails_then_the_live_database_is_as_it_was(live: Path) -> None:
    path = live / "mlflow" / "mlflow.db"
    make_older(path, ONE_BEFORE)
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("CREATE TABLE job_locks (in_the_way TEXT)")
        connection.execute("CREATE TABLE job_executor_state (in_the_way TEXT)")
        names = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE name LIKE 'job%'")]
        connection.execute(f"DROP TABLE {'jobs' if 'jobs' in names else names[0]}")
    before = path.read_bytes()
    with pytest.raises(CorruptStore, match=r"migrations failed on a copy of mlflow\.db"):
        upgrade(path)
    assert path.read_bytes() == before


def test_a_drill_opens_everything_and_notes_it(live: Path) -> None:
    settings = settings_of(live)
    archive = make_backup(live)
    tried = drill(settings, LATER)
    assert (tried.archive, tried.artifacts, tried.why) == (archive.name, 8, "")
    assert tried.counts["forecasts"] == 2
    assert noted(live) == ("drill", f'{{"archive": "{archive.name}", "ok": "yes", "why": ""}}')
    assert sorted(entry.name for entry in (live / "backups").iterdir()) == [archive.name, "lock"]


def test_a_drill_finds_a_flipped_bit_in_any_archive_and_that_there_is_none(live: Path) -> None:
    settings = settings_of(live)
    with pytest.raises(SettingsError, match="no backup"):
        drill(settings, LATER)
    older = make_backup(live, AT - timedelta(days=1))
    make_backup(live)
    content = bytearray(older.read_bytes())
    content[-500] ^= 1
    older.write_bytes(content)
    tried = drill(settings, LATER)
    assert not tried.is_good
    assert older.name in tried.why
    assert '"ok": "no"' in noted(live)[1]


def noted(data_dir: Path) -> tuple[str, str]:
    with closing(sqlite3.connect(data_dir / "forex.db")) as connection:
        kind, detail = connection.execute("SELECT kind, detail FROM events ORDER BY id DESC LIMIT 1").fetchone()
    return kind, detail
