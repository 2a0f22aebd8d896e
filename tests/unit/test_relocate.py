"""After a move: every address is rewritten or none, what runs say of themselves stays, and the proof is a real one."""

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from forex_core.errors import CorruptStore
from forex_core.mlops.artifacts import open_all
from forex_core.mlops.quiet import client
from forex_core.mlops.relocate import ADDRESSES, relocate, root_of
from forex_core.store.moved import move_reports
from tampered import make_store


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """With every kind of address that MLflow keeps."""
    data_dir = make_store(tmp_path_factory.mktemp("moved") / "the data")
    database = data_dir / "mlflow" / "mlflow.db"
    runs = (data_dir / "mlflow" / "mlruns").as_uri()
    uri = f"sqlite:///{database}"
    found = client(uri)
    found.create_registered_model("USDCLP")
    found.create_model_version("USDCLP", f"{runs}/some/model")
    run = found.search_runs(["1"])[0].info.run_id
    found.log_param(run, "rates", str(data_dir / "rates.csv"))
    model = found.create_logged_model("1", name="net")
    with closing(sqlite3.connect(database)) as connection, connection:
        connection.execute("UPDATE workspaces SET default_artifact_root = ?", (runs,))
        connection.execute(
            "INSERT INTO datasets (dataset_uuid, experiment_id, name, digest, dataset_source_type, dataset_source) "
            "VALUES ('u', 1, 'rates', 'd', 'local', ?)",
            (f'{{"uri": "{data_dir}/raw/rates.csv"}}',),
        )
    assert model.artifact_location.startswith(runs)
    return data_dir


@pytest.fixture
def moved(store: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(store, tmp_path / "años + 50 %"))


def addresses(data_dir: Path) -> list[str]:
    with closing(sqlite3.connect(data_dir / "mlflow" / "mlflow.db")) as connection:
        return [
            value
            for table, column in (*ADDRESSES, ("datasets", "dataset_source"))
            for (value,) in connection.execute(f"SELECT {column} FROM {table}")
            if value
        ]


def mentions(data_dir: Path, root: Path) -> list[str]:
    """The columns in which this root stands anywhere, in either spelling."""
    with closing(sqlite3.connect(data_dir / "mlflow" / "mlflow.db")) as connection:
        tables = [row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        columns = [(table, row[1]) for table in tables for row in connection.execute(f'PRAGMA table_info("{table}")')]
        return [
            f"{table}.{column}"
            for table, column in columns
            for spelling in (str(root), root.as_uri())
            if connection.execute(f'SELECT 1 FROM "{table}" WHERE instr("{column}", ?)', (spelling,)).fetchone()
        ]


def test_when_the_tree_was_moved_then_every_artifact_opens_and_the_old_root_is_only_history(
    store: Path, moved: Path
) -> None:
    assert set(mentions(moved, store)) >= {f"{table}.{column}" for table, column in ADDRESSES if column != "source"}
    done = relocate(moved / "mlflow" / "mlflow.db", root_of(moved / "mlflow" / "mlflow.db") or moved, moved)
    assert (done.old, done.runs) == (store, 2)
    assert done.changed == len(addresses(moved))
    assert mentions(moved, store) == ["params.value"]
    assert open_all(moved / "mlflow" / "mlflow.db") == 8
    assert root_of(moved / "mlflow" / "mlflow.db") == moved


def test_when_it_is_done_again_then_nothing_changes(store: Path, moved: Path) -> None:
    path = moved / "mlflow" / "mlflow.db"
    relocate(path, store, moved)
    assert relocate(path, moved, moved).changed == 0
    assert relocate(path, store, moved).changed == 0


def test_without_it_mlflow_says_nothing_and_the_proof_does(moved: Path, store: Path, tmp_path: Path) -> None:
    path = moved / "mlflow" / "mlflow.db"
    relocate(path, store, moved)
    gone = tmp_path / "moved on"
    moved.rename(gone)
    with pytest.raises(CorruptStore, match="MLflow lists no artifact of the run"):
        open_all(gone / "mlflow" / "mlflow.db")
    with pytest.raises(CorruptStore, match=f"not there under {gone}"):
        relocate(gone / "mlflow" / "mlflow.db", tmp_path / "a wrong place", gone)
    shutil.rmtree(next((gone / "mlflow" / "mlruns").glob("forecaster_7d/*")))
    before = addresses(gone)
    with pytest.raises(CorruptStore, match="not there under"):
        relocate(gone / "mlflow" / "mlflow.db", moved, gone)
    assert addresses(gone) == before


def test_a_dry_run_says_how_many_and_changes_none(store: Path, moved: Path) -> None:
    before = addresses(moved)
    assert relocate(moved / "mlflow" / "mlflow.db", store, moved, dry_run=True).changed == len(before)
    assert addresses(moved) == before


def test_a_root_that_only_begins_alike_is_left_alone(store: Path, moved: Path) -> None:
    beside = store.with_name(store.name[:-1])
    with pytest.raises(CorruptStore):
        relocate(moved / "mlflow" / "mlflow.db", beside, moved)
    with closing(sqlite3.connect(moved / "mlflow" / "mlflow.db")) as connection:
        connection.execute("DELETE FROM tags")
        connection.commit()
    assert relocate(moved / "mlflow" / "mlflow.db", beside, moved).changed == 0


def test_the_reports_in_forex_db_move_along(store: Path, moved: Path) -> None:
    assert move_reports(moved / "forex.db", store, moved) == 2
    with closing(sqlite3.connect(moved / "forex.db")) as connection:
        refs = connection.execute("SELECT ref FROM steps WHERE step = 'report'").fetchall()
    assert all(Path(ref).is_file() and Path(ref).is_relative_to(moved) for (ref,) in refs)
