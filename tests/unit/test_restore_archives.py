"""What is wrong with an archive is found before the live tree is touched, whoever wrote it, whatever became of it."""

import os
import random
import re
import sqlite3
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest

from forex_core.errors import CorruptStore, ForexError, LockBusy, SettingsError, UsageError, VersionMismatch
from forex_core.ops.restore import staging
from forex_core.ops.restore.restore import restore
from forex_core.store.database import open_for_reading
from forex_core.store.lock import writer_lock
from forex_core.store.store import Store
from samples import freeze
from tampered import AT, TAMPERED, copied_store, make_backup, named, pack, parts_of, restated, settings_of, tree_of

ONLY_INSIDE = ("other content", "a database of zeros")  # of which the list says nothing
LATER = AT + timedelta(days=1)


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return copied_store(tmp_path_factory.mktemp("live") / "the data")


@pytest.fixture(scope="module")
def good(live: Path) -> Path:
    (archive,) = (live / "backups").glob("*.tar.gz")
    return archive


def refused(live: Path, archive: Path, error: type[ForexError] = CorruptStore, **flags: object) -> ForexError:
    """What a restore says that leaves everything around the live tree as it was."""
    before = tree_of(live.parent)
    with pytest.raises(error) as caught:
        restore(settings_of(live, **flags), archive, None, LATER)
    assert tree_of(live.parent) == before
    return caught.value


@pytest.mark.fault(24, 25)
@pytest.mark.parametrize("how", TAMPERED)
def test_a_tampered_archive_is_refused_and_nothing_is_written_anywhere(
    how: str, live: Path, good: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive = pack(tmp_path / "evil.tar.gz", TAMPERED[how](parts_of(good)))
    if how not in ONLY_INSIDE:
        monkeypatch.setattr(staging, "unpack", lambda *_: pytest.fail("it was unpacked"))
    outside = tree_of(tmp_path)
    error = refused(live, archive)
    assert tree_of(tmp_path) == outside
    assert not Path("/tmp/forex-was-here").exists()
    assert not any(sign in str(error) for sign in "\n\x1b")


def test_modes_and_owners_in_an_archive_are_nobodys_business(live: Path, good: Path, tmp_path: Path) -> None:
    parts = parts_of(good)
    for part in parts:
        part.info.mode, part.info.uid, part.info.gid = 0o6777, 12345, 12345
    archive = pack(tmp_path / "setuid.tar.gz", parts)
    restore(settings_of(live), archive, tmp_path / "new", LATER)
    found = [path.stat() for path in (tmp_path / "new").rglob("*")]
    assert {status.st_uid for status in found} == {os.geteuid()}
    assert not any(status.st_mode & 0o7022 for status in found)


@pytest.mark.fault(22)
@pytest.mark.parametrize("n", range(100))
def test_an_archive_with_one_flipped_bit_is_refused(n: int, live: Path, good: Path, tmp_path: Path) -> None:
    content = bytearray(good.read_bytes())
    chance = random.Random(n)
    content[chance.randrange(len(content))] ^= 1 << chance.randrange(8)
    archive = tmp_path / "flipped.tar.gz"
    archive.write_bytes(content)
    with pytest.raises(CorruptStore):
        restore(settings_of(live), archive, tmp_path / "new", LATER)
    assert not (tmp_path / ".new.restoring").exists()


@pytest.mark.fault(22)
@pytest.mark.parametrize("share", [0, 0.001, 0.5, 0.999, "the last byte"])
def test_a_truncated_archive_is_refused(share: float | str, live: Path, good: Path, tmp_path: Path) -> None:
    content = good.read_bytes()
    archive = tmp_path / "cut.tar.gz"
    archive.write_bytes(content[:-1] if isinstance(share, str) else content[: int(len(content) * share)])
    refused(live, archive)


@pytest.mark.fault(23)
def test_an_archive_that_a_stranger_packed_is_refused_where_there_is_a_key(live: Path, good: Path) -> None:
    refused(live, good, backup_key="a key that signed nothing here")


@pytest.mark.fault(23)
def test_a_recomputed_manifest_is_refused_where_there_is_a_key(live: Path, tmp_path: Path) -> None:
    signed = make_backup(live, backup_key="mine", backup_dir=tmp_path / "signed")
    restore(settings_of(live, backup_key="mine"), signed, tmp_path / "new", LATER)
    archive = pack(tmp_path / "evil.tar.gz", named(parts_of(signed), "reports/more"))
    refused(live, archive, backup_key="mine")
    restore(settings_of(live), archive, tmp_path / "without a key", LATER)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"forex_schema": 99, "app": "9.9"}, r"schema 99 of forex 9\.9, this program knows"),
        (
            {"alembic": "f4a9b2c7d1e6", "mlflow": "3.18.0"},
            r"f4a9b2c7d1e6 of MLflow 3\.18\.0.*3\.17\.2 with dc11",
        ),
        ({"schema": 2, "app": "9.9"}, r"format 2, this program knows 1"),
    ],
)
def test_an_archive_of_a_newer_program_is_refused_with_both_versions_named(
    change: dict, says: str, live: Path, good: Path, tmp_path: Path
) -> None:
    archive = pack(tmp_path / "newer.tar.gz", restated(parts_of(good), lambda manifest: manifest.update(change)))
    error = refused(live, archive, VersionMismatch)
    assert re.search(says, error.message)


@pytest.mark.fault(47)
def test_the_newest_good_archive_is_taken_unless_one_is_named(live: Path, good: Path, tmp_path: Path) -> None:
    backups = tmp_path / "backups"
    kept = make_backup(live, AT + timedelta(hours=1), backup_dir=backups)
    damaged = make_backup(live, AT + timedelta(hours=2), backup_dir=backups)
    damaged.write_bytes(damaged.read_bytes()[:-5])
    make_backup(live, AT + timedelta(days=300), backup_dir=backups)
    done = restore(settings_of(live, backup_dir=backups), None, tmp_path / "new", LATER)
    assert done.archive == str(kept)
    with closing(open_for_reading(tmp_path / "new" / "forex.db")) as connection:
        noted = connection.execute("SELECT kind FROM events ORDER BY id DESC LIMIT 2").fetchall()
    assert noted == [("restore",), ("backup",)]


def test_forecasts_that_the_archive_lacks_are_counted_and_kept(good: Path, tmp_path: Path) -> None:
    home = copied_store(tmp_path / "home")
    with Store.for_writing(home) as store, store.transaction():
        freeze(store, forecast_id="since", horizon="90d")
    done = restore(settings_of(home), good, None, LATER)
    assert done.left_behind == 1
    with Store.for_reading(Path(done.kept)) as kept:
        assert kept.forecasts.get("since")


def test_when_there_is_no_good_archive_then_nothing_is_done(live: Path, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="no good backup in"):
        restore(settings_of(live, backup_dir=tmp_path), None, None, LATER)


@pytest.mark.parametrize("folder", ["", "backups"])
def test_while_a_forecast_or_a_backup_is_made_there_is_no_restore(folder: str, live: Path, good: Path) -> None:
    with writer_lock(live / folder, 0), pytest.raises(LockBusy, match="holds the lock"):
        restore(settings_of(live), good, None, LATER)


def test_when_the_directory_to_restore_to_holds_something_then_it_is_left_alone(
    live: Path, good: Path, tmp_path: Path
) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "letter.txt").write_text("dear")
    with pytest.raises(UsageError, match="not an empty directory"):
        restore(settings_of(live), good, tmp_path / "mine", LATER)
    assert [path.name for path in (tmp_path / "mine").iterdir()] == ["letter.txt"]


def test_a_database_that_lies_about_its_schema_is_refused_too(live: Path, good: Path, tmp_path: Path) -> None:
    parts = parts_of(good)
    place = next(n for n, part in enumerate(parts) if part.info.name == "forex.db")
    path = tmp_path / "forex.db"
    path.write_bytes(parts[place].content)
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA user_version = 99")
    del parts[place]
    archive = pack(tmp_path / "liar.tar.gz", named(parts, "forex.db", path.read_bytes()))
    refused(live, archive)
