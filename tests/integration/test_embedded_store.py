"""mlflow.db is made whole, once, and never again; what is wrong with it is said before MLflow may touch it."""

import os
import sqlite3
from contextlib import closing
from hashlib import sha256
from pathlib import Path

import pytest

from forex_core.errors import CorruptStore, ForexError, VersionMismatch
from forex_core.mlops import embedded
from forex_core.store.store import Store


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store as the first run makes it."""
    data_dir = tmp_path_factory.mktemp("made here") / "data"
    with Store.for_writing(data_dir) as store:
        embedded.ensure(data_dir / "mlflow", store)
    return data_dir


@pytest.mark.fault(39)
def test_whatever_the_mask_nobody_else_reads_the_databases_or_what_is_beside_them(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        with Store.for_writing(tmp_path / "data") as store:
            embedded.ensure(tmp_path / "data" / "mlflow", store)
            store.remember("a fact", "that makes a journal")
            files = [path for path in (tmp_path / "data").rglob("*.db*") if path.is_file()]
            assert {path.stat().st_mode & 0o777 for path in files} == {0o600}
    finally:
        os.umask(before)
    assert {path.name for path in files} >= {"forex.db", "forex.db-wal", "mlflow.db"}


def copy(made: Path, to: Path) -> Path:
    """Both databases, copied while nobody writes."""
    (to / "mlflow").mkdir(parents=True)
    for name in ("forex.db", "mlflow/mlflow.db"):
        (to / name).write_bytes((made / name).read_bytes())
    return to / "mlflow" / "mlflow.db"


def ensure(path: Path) -> None:
    with Store.for_writing(path.parents[1]) as store:
        embedded.ensure(path.parent, store)


def test_it_is_made_in_wal_mode_with_the_documented_experiments_under_its_own_root(made: Path) -> None:
    with closing(sqlite3.connect(made / "mlflow" / "mlflow.db")) as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        locations = dict(connection.execute("SELECT name, artifact_location FROM experiments"))
    assert locations.keys() == {"Default", "forecaster_7d", "forecaster_15d", "forecaster_30d", "forecaster_90d"}
    root = (made / "mlflow" / "mlruns").as_uri()
    assert all(location.startswith(f"{root}/") for location in locations.values())
    assert [path.name for path in (made / "mlflow").iterdir() if path.name.startswith(".")] == []


def test_the_schema_this_program_expects_is_that_of_its_mlflow(made: Path) -> None:
    embedded.check(made / "mlflow" / "mlflow.db")


def test_when_it_is_there_then_it_is_left_alone(made: Path, data_dir: Path) -> None:
    path = copy(made, data_dir)
    before = sha256(path.read_bytes()).hexdigest()
    ensure(path)
    assert sha256(path.read_bytes()).hexdigest() == before


@pytest.mark.fault(28)
def test_when_making_it_was_cut_short_then_it_is_made_anew(data_dir: Path) -> None:
    folder = data_dir / "mlflow"
    folder.mkdir(parents=True)
    (folder / ".mlflow.db.new").write_bytes(b"half a database")
    (folder / ".mlflow.db.new-journal").write_bytes(b"and its journal")
    ensure(folder / "mlflow.db")
    embedded.check(folder / "mlflow.db")
    assert not list(folder.glob(".*"))


def test_when_the_making_was_not_noted_then_the_next_run_notes_it(made: Path, data_dir: Path) -> None:
    path = copy(made, data_dir)
    with closing(sqlite3.connect(data_dir / "forex.db")) as connection, connection:
        connection.execute("DELETE FROM facts")
    ensure(path)
    path.unlink()
    with pytest.raises(CorruptStore, match="missing, though it was made before"):
        ensure(path)


def empty(path: Path) -> None:
    path.write_bytes(b"")


def missing(path: Path) -> None:
    path.unlink()


def a_directory(path: Path) -> None:
    path.unlink()
    path.mkdir()


def a_link(path: Path) -> None:
    path.rename(path.with_name("elsewhere.db"))
    path.symlink_to("elsewhere.db")


def truncated(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: 4096 * 20])


def no_database(path: Path) -> None:
    path.write_bytes(b"this was never a database" * 1000)


def a_torn_page(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[4096 * 3 : 4096 * 4] = b"\xff" * 4096
    path.write_bytes(content)


def a_strangers(path: Path) -> None:
    path.unlink()
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("CREATE TABLE something (else_ TEXT)")


def newer(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("UPDATE alembic_version SET version_num = 'f4a9b2c7d1e6'")


@pytest.mark.fault(20, 28)
@pytest.mark.parametrize(
    ("damage", "error"),
    [
        (empty, CorruptStore),
        (missing, CorruptStore),
        (a_directory, CorruptStore),
        (a_link, CorruptStore),
        (truncated, CorruptStore),
        (no_database, CorruptStore),
        (a_torn_page, CorruptStore),
        (a_strangers, CorruptStore),
        (newer, VersionMismatch),
    ],
)
def test_a_damaged_or_newer_store_is_refused_and_left_for_inspection(
    made: Path, data_dir: Path, damage: object, error: type[ForexError]
) -> None:
    path = copy(made, data_dir)
    damage(path)  # type: ignore[operator]
    before = path.read_bytes() if path.is_file() else path.exists()
    with pytest.raises(error) as caught:
        ensure(path)
    assert caught.value.exit_code in (74, 76)
    assert "mlflow.db" in caught.value.message
    assert caught.value.hint
    assert (path.read_bytes() if path.is_file() else path.exists()) == before


@pytest.mark.fault(20)
def test_when_forex_db_is_lost_but_mlflow_db_is_there_then_it_is_not_made_anew(made: Path, data_dir: Path) -> None:
    path = copy(made, data_dir)
    (data_dir / "forex.db").unlink()
    with pytest.raises(CorruptStore, match="missing"):
        ensure(path)
    assert not (data_dir / "forex.db").exists()
