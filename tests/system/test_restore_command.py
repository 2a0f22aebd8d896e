"""The restore as people meet it: by the command, by the script, as another user elsewhere, over what is broken."""

import json
import os
import shutil
import sqlite3
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import date
from pathlib import Path

import pytest

from conftest import FOREX, ROOT, business_days, command, forex, walk, write_csv
from forex_core.errors import CorruptStore
from forex_core.mlops.artifacts import open_all
from forex_core.mlops.tracker import MlflowTracker
from forex_core.store.store import Store
from tampered import copied_store, kept_store, make_backup, make_store, tree_of

NOBODY = 65534


@pytest.fixture
def live(tmp_path: Path) -> Path:
    return copied_store(tmp_path / "data")


@pytest.fixture
def elsewhere() -> Iterator[Path]:
    """A folder that every user may enter and write to."""
    with tempfile.TemporaryDirectory(dir="/tmp") as name:
        folder = Path(name)
        folder.chmod(0o777)
        yield folder


def as_nobody(*args: object, data_dir: Path) -> "subprocess.CompletedProcess[str]":
    user = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"]
    return command(*user, FOREX, *args, data_dir=data_dir, HOME="/")


@pytest.mark.fault(27)
@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
def test_restored_elsewhere_as_another_user_all_opens_runs_go_on_and_the_old_path_is_left_alone(
    elsewhere: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(elsewhere)
    if as_nobody("--version", data_dir=elsewhere).returncode:
        pytest.skip(f"user {NOBODY} may not run {FOREX}")
    old = make_store(elsewhere / "old" / "data")
    old.parent.chmod(0o777)
    archive = make_backup(old, backup_dir=elsewhere / "backups")
    archive.parent.chmod(0o755)
    archive.chmod(0o644)
    before = {path: path.lstat() for path in (old, *old.rglob("*"))}
    new = elsewhere / "el año nuevo" / "data"
    done = as_nobody("backup", "restore", archive, "--to", new, data_dir=old)
    assert done.returncode == 0, done.stderr
    assert {path: path.lstat() for path in (old, *old.rglob("*"))} == before
    old.rename(elsewhere / "old" / "gone")

    rates = write_csv(elsewhere / "rates.csv", walk(business_days(date(2020, 1, 2), date(2024, 6, 28))))
    asked = ["run", "7d", "--source", f"csv:{rates}", "--as-of", "2024-06-28", "--skip-email", "--json"]
    ran = as_nobody(*asked, data_dir=new)
    assert ran.returncode == 0, ran.stderr
    for step in ("create", "drill"):
        assert (done := as_nobody("backup", step, data_dir=new)).returncode == 0, done.stderr
    examined = as_nobody("doctor", "--json", data_dir=new)
    states = {one["check"]: (one["state"], one["said"]) for one in json.loads(examined.stdout)["checks"]}
    assert {check for check, (state, _) in states.items() if state == "failed"} == {"sources"}, (
        states
    )  # none can be asked
    assert not old.exists()
    assert {path.lstat().st_uid for path in (new, *new.rglob("*"))} == {NOBODY}
    with closing(sqlite3.connect(new / "mlflow" / "mlflow.db")) as connection:
        runs = connection.execute("SELECT artifact_uri FROM runs").fetchall()
    assert len(runs) == 3
    assert all(uri.startswith(new.as_uri()) for (uri,) in runs)

    os.chown(new.parent, 0, 0)  # as /var/lib is another's than /var/lib/forex
    done = as_nobody("backup", "restore", archive, "--yes", "--json", data_dir=new)
    assert done.returncode == 0, done.stderr
    assert Path(json.loads(done.stdout)["kept"]).parent == new
    assert as_nobody(*asked, data_dir=new).returncode == 0
    assert open_all(new / "mlflow" / "mlflow.db") == 8 + 4


def test_the_script_restores_a_file_and_the_old_tree_is_kept(live: Path) -> None:
    (archive,) = (live / "backups").glob("*.tar.gz")
    (live / "reports" / "newer.html").touch()
    done = command(ROOT / "scripts" / "restore.sh", archive, "--json", data_dir=live)
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    assert said["archive"] == str(archive)
    assert (Path(said["kept"]) / "reports" / "newer.html").exists()
    assert not (live / "reports" / "newer.html").exists()
    assert (live / "backups" / archive.name).exists()
    assert command(ROOT / "scripts" / "restore.sh", data_dir=live).returncode == 2


def test_when_nobody_can_be_asked_and_yes_is_not_said_then_nothing_is_done(live: Path) -> None:
    before = tree_of(live)
    done = forex("backup", "restore", data_dir=live)
    assert (done.returncode, "say --yes" in done.stderr) == (2, True)
    assert tree_of(live) == before


def test_a_moved_directory_is_put_right_by_relocate(live: Path) -> None:
    done = forex("mlflow", "relocate", "--dry-run", "--json", data_dir=live)
    assert json.loads(done.stdout)["changed"] == 7, done.stderr
    said = forex("mlflow", "relocate", data_dir=live)
    assert said.returncode == 0, said.stderr
    assert f"moved from {kept_store()} to {live}" in said.stdout
    assert json.loads(forex("mlflow", "relocate", "--json", data_dir=live).stdout)["changed"] == 0
    assert "already" in forex("mlflow", "upgrade", data_dir=live).stdout
    assert open_all(live / "mlflow" / "mlflow.db") == 8


def torn_page(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[4096 * 2 : 4096 * 3] = b"\xff" * 4096
    path.write_bytes(content)


def header(path: Path) -> None:
    path.write_bytes(b"\0" * 100 + path.read_bytes()[100:])


def truncated(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: 4096 * 3 + 100])


def empty(path: Path) -> None:
    path.write_bytes(b"")


def missing(path: Path) -> None:
    path.unlink()


def directory(path: Path) -> None:
    path.unlink()
    path.mkdir()


def link(path: Path) -> None:
    path.rename(path.with_name("elsewhere.db"))
    path.symlink_to("elsewhere.db")


def dangling_link(path: Path) -> None:
    path.unlink()
    path.symlink_to("nowhere")


def stale_wal(path: Path) -> None:
    """A good journal, beside a good database of another time."""
    other = path.with_name("other.db")
    shutil.copy(path, other)
    with closing(sqlite3.connect(other)) as connection:
        connection.execute("PRAGMA wal_autocheckpoint = 0")
        connection.execute("CREATE TABLE one_more (x)")
        journal = Path(f"{other}-wal").read_bytes()
    other.unlink()
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA journal_mode = DELETE")
        tables = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite%'")
        for (table,) in tables.fetchall()[1:4]:
            connection.execute(f"DROP TABLE {table}")
        connection.execute("VACUUM")
        connection.execute("PRAGMA journal_mode = WAL")
    Path(f"{path}-wal").write_bytes(journal)


def as_it_lies(path: Path) -> object:
    return path.readlink() if path.is_symlink() else path.read_bytes() if path.is_file() else path.exists()


DAMAGES: list[Callable[[Path], None]] = [
    torn_page,
    header,
    truncated,
    empty,
    missing,
    directory,
    link,
    dangling_link,
    stale_wal,
]


@pytest.mark.fault(20, 21)
@pytest.mark.parametrize("name", ["forex.db", "mlflow/mlflow.db"])
@pytest.mark.parametrize("damage", DAMAGES, ids=lambda damage: damage.__name__)
def test_a_broken_database_is_refused_left_as_it_is_and_the_named_command_restores_it(
    damage: Callable[[Path], None], name: str, live: Path
) -> None:
    path = live / name
    damage(path)
    before = as_it_lies(path)
    with pytest.raises(CorruptStore) as caught, Store.for_writing(live) as store:
        store.check_integrity()
        MlflowTracker(live / "mlflow").prepare(store)
    assert "`forex backup restore`" in caught.value.hint
    assert as_it_lies(path) == before
    done = forex("backup", "restore", "--yes", "--json", data_dir=live)
    assert done.returncode == 0, done.stderr
    with Store.for_writing(live) as store:
        store.check_integrity()
        MlflowTracker(live / "mlflow").prepare(store)
    assert as_it_lies(Path(json.loads(done.stdout)["kept"]) / name) == before


@pytest.mark.parametrize(("damage", "name"), [(header, "forex.db"), (missing, "forex.db"), (empty, "mlflow/mlflow.db")])
def test_every_command_says_which_one_repairs_it(damage: Callable[[Path], None], name: str, live: Path) -> None:
    damage(live / name)
    for asked in ["run", "7d", "--skip-email"], *([["status"], ["dashboard"]] if name == "forex.db" else []):
        done = forex(*asked, data_dir=live)
        assert (done.returncode, "`forex backup restore`" in done.stderr) == (74, True), (asked, done.stderr)
