"""A backup holds all that can't be made again and no secret; what is damaged, shrunk or leads elsewhere makes none."""

import os
import sqlite3
import tarfile
from collections.abc import Callable
from contextlib import closing, nullcontext
from dataclasses import replace
from datetime import timedelta
from hashlib import sha256
from pathlib import Path

import pytest

from backup_samples import NOW, add_run, contents, fill, parts, settings_for
from forex_core.errors import CorruptStore, LockBusy, SettingsError
from forex_core.ops.backup.archive import Archive, archives, unpack, write
from forex_core.ops.backup.collect import without_secrets
from forex_core.ops.backup.create import create
from forex_core.ops.backup.manifest import COUNTED, Content
from forex_core.ops.backup.prune import prune
from forex_core.ops.backup.verify import verify
from forex_core.store.events import Event
from forex_core.store.lock import writer_lock
from forex_core.store.store import Store

SECRETS = {"smtp_password": "hunter2", "backup_key": "k3y", "notify_urls": ("tgram://t0ken/1",)}
CONFIG = """# the pairs
pairs = ["USDCLP"]
smtp_password = "hunter2"
  "fred_key"='quoted'
# bcch_token = "commented out"
mlflow_tracking_uri = "http://me:passw0rd@host"
# smtp_password = what the post office told you
notify_urls = [
    "tgram://OLDT0KEN/chat",
    "slack://TokenA/b",
]
# notify_urls = [
#     "tgram://C0MMENTED/chat",
# ]
language = "es"
"""


@pytest.fixture
def store(data_dir: Path) -> Path:
    fill(data_dir)
    return data_dir


def backup(store: Path, days: int = 0, **changes: object) -> Archive:
    return create(settings_for(store, **changes), None, NOW + timedelta(days=days))


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def query(path: Path, statement: str) -> list[tuple]:
    with closing(sqlite3.connect(path)) as connection, connection:
        return connection.execute(statement).fetchall()


def test_a_backup_holds_all_that_cannot_be_made_again(store: Path, tmp_path: Path) -> None:
    for name in ("spool/mail", "raw/reply", "public/forex.db", ".env", "reports/.7d.html.new", "lock"):
        (store / name).parent.mkdir(exist_ok=True)
        (store / name).write_text("not for a backup")
    config = tmp_path / "forex.toml"
    config.write_text(CONFIG)
    made = create(settings_for(store, **SECRETS), config, NOW)
    assert made.path == store / "backups" / "forex-20240701T120000Z.tar.gz"
    assert names(store / "backups") == [made.path.name, "lock"]
    assert (store / "backups").stat().st_mode & 0o777 == 0o700
    manifest = verify(made.path, "k3y")
    assert manifest == made.manifest
    assert manifest.counts == dict.fromkeys(COUNTED, 0) | {"forecasts": 2, "runs": 2}
    assert (manifest.newest_forecast, manifest.data_dir, manifest.alembic) == ("f1", str(store), "dc11669786a5")
    unpack(made.path, manifest, tmp_path / "new")
    new = contents(tmp_path / "new")
    files = {name: content for name, content in contents(store).items() if name.startswith(("mlflow/mlruns", "models"))}
    files |= {
        f"reports/USDCLP/{day}/7d.html": files[f"mlflow/mlruns/forecaster_7d/{run}/artifacts/reports/7d.html"]
        for run, day in (("r0", "2024-01-01"), ("r1", "2024-01-02"))
    }
    assert {name: new.pop(name) for name in files} == files
    assert set(new) == {"forex.db", "mlflow/mlflow.db", "config/forex.toml"}


def test_a_backup_is_noted_in_forex_db_by_one_event(store: Path) -> None:
    made = backup(store)
    [(at, detail)] = query(store / "forex.db", "SELECT at, detail FROM events WHERE kind = 'backup'")
    assert at == NOW.isoformat()
    assert detail == f'{{"archive": "{made.path}", "bytes": "{made.path.stat().st_size}"}}'


def test_no_secret_is_in_any_file_of_a_backup(store: Path, tmp_path: Path) -> None:
    config = tmp_path / "forex.toml"
    config.write_text(CONFIG + 'mail_to = "me@host" # not hunter2\n')
    made = create(settings_for(store, **SECRETS), config, NOW)
    with tarfile.open(made.path) as tar:
        held = b"".join(tar.extractfile(one).read() for one in tar)
    for secret in (
        b"hunter2",
        b"k3y",
        b"t0ken",
        b"quoted",
        b"commented out",
        b"passw0rd",
        b"TokenA",
        b"T0KEN",
        b"C0MM",
    ):
        assert secret not in held
    kept = without_secrets(config.read_text(), settings_for(store, **SECRETS))
    assert kept == '# the pairs\npairs = ["USDCLP"]\nmlflow_tracking_uri = "http://me:***@host"\nlanguage = "es"\n'


def test_two_backups_in_one_second_are_two(store: Path) -> None:
    assert [backup(store).path.name for _ in range(2)] == [
        "forex-20240701T120000Z.tar.gz",
        "forex-20240701T120001Z.tar.gz",
    ]


@pytest.mark.fault(40)
def test_what_a_killed_backup_left_is_swept_and_a_planted_link_not_followed(store: Path, tmp_path: Path) -> None:
    staging = store / "backups" / ".staging"
    (staging / "tree").mkdir(parents=True)
    (staging / "forex-1.tar.gz").write_text("half")
    backup(store)
    assert not staging.exists()
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "file").touch()
    staging.symlink_to(tmp_path / "mine")
    backup(store)
    assert (tmp_path / "mine" / "file").exists()
    assert not staging.is_symlink()


def test_a_store_without_mlflow_is_backed_up(data_dir: Path) -> None:
    Store.for_writing(data_dir).close()
    made = backup(data_dir)
    assert verify(made.path, None).alembic is None
    assert sorted(verify(made.path, None).files) == ["forex.db"]


def test_a_link_within_the_store_is_backed_up_as_a_file(store: Path) -> None:
    (store / "models" / "link").symlink_to(store / "models" / "weights.safetensors")
    manifest = backup(store).manifest
    assert manifest.files["models/link"] == manifest.files["models/weights.safetensors"]


def overwrite(path: Path, at: int, content: bytes) -> None:
    with path.open("r+b") as file:
        file.seek(at)
        file.write(content)


def become(path: Path, how: Callable[[Path], object]) -> None:
    path.rename(path.with_name("before"))
    how(path)


HARM: dict[str, Callable[[Path], object]] = {
    "missing": lambda path: path.unlink(),
    "empty": lambda path: path.write_bytes(b""),
    "cut": lambda path: os.truncate(path, path.stat().st_size // 2),
    "a page": lambda path: [overwrite(path, at, os.urandom(4096)) for at in range(4096, path.stat().st_size, 4096)],
    "the header": lambda path: overwrite(path, 0, bytes(100)),
    "a folder": lambda path: become(path, Path.mkdir),
    "a link elsewhere": lambda path: become(path, lambda new: new.symlink_to(path.with_name("before"))),
}


@pytest.mark.parametrize("what", HARM)
@pytest.mark.parametrize("name", ["forex.db", "mlflow/mlflow.db"])
def test_a_harmed_database_makes_no_backup_and_is_left_for_a_look(store: Path, name: str, what: str) -> None:
    earlier = backup(store).path
    before = earlier.read_bytes()
    for suffix in ("-wal", "-shm"):
        Path(f"{store / name}{suffix}").unlink(missing_ok=True)
    HARM[what](store / name)
    left = {path: path.is_file() and path.read_bytes() for path in (store / name).parent.iterdir()}
    with pytest.raises(CorruptStore):
        backup(store, days=1)
    assert names(earlier.parent) == [earlier.name, "lock"]
    assert earlier.read_bytes() == before
    assert {path: path.is_file() and path.read_bytes() for path in left if path.exists()} == left
    assert not (what == "missing" and (store / name).exists())


def test_when_nothing_was_ever_recorded_then_nothing_is_made(data_dir: Path) -> None:
    with pytest.raises(SettingsError, match="there is no"):
        backup(data_dir)
    assert not data_dir.exists()


def test_fewer_forecasts_than_in_the_newest_backup_is_a_loss(store: Path, tmp_path: Path) -> None:
    earlier = backup(store)
    lost = tmp_path / "lost"
    fill(lost, forecasts=1)
    with pytest.raises(CorruptStore, match=rf"has 1 forecasts, {earlier.path} has 2"):
        backup(lost, days=1, backup_dir=store / "backups")
    fill(lost, forecasts=1)
    assert backup(lost, days=1, backup_dir=store / "backups").manifest


def test_fewer_forecasts_after_a_restore_are_what_a_person_wanted(store: Path, tmp_path: Path) -> None:
    made = backup(store).manifest
    assert made
    older = tmp_path / "older"
    fill(older, forecasts=1)
    for restored, refused in (
        (made.created_at - timedelta(days=1), True),
        (made.created_at + timedelta(hours=1), False),
    ):
        with Store.for_writing(older) as written, written.transaction():
            written.events.add(Event(restored, "restore", None, None, None, {}))
        with pytest.raises(CorruptStore) if refused else nullcontext():
            backup(older, days=1, backup_dir=store / "backups")


STRAYS: dict[str, Callable[[Path], object]] = {
    "a link out": lambda path: path.symlink_to("/etc/passwd"),
    "a folder out": lambda path: path.symlink_to("/etc"),
    "a folder in": lambda path: path.symlink_to(path.parent.parent / "reports"),
    "a broken link": lambda path: path.symlink_to("nowhere"),
    "a fifo": os.mkfifo,
    "a name over two lines": lambda path: path.with_name("a\nb").touch(),
}


@pytest.mark.parametrize("what", STRAYS)
def test_what_is_no_plain_file_of_the_store_makes_no_backup(store: Path, what: str) -> None:
    STRAYS[what](store / "models" / "stray")
    with pytest.raises(CorruptStore, match=r"is a link to|no plain file|can't be shown"):
        backup(store)
    assert names(store / "backups") == ["lock"]


@pytest.mark.parametrize("lost", ["model/MLmodel", "reports/7d.html"])
def test_a_finished_run_whose_files_are_lost_makes_no_backup(store: Path, lost: str) -> None:
    (store / "mlflow" / "mlruns" / "forecaster_7d" / "r1" / "artifacts" / lost).unlink()
    with pytest.raises(CorruptStore, match="the MLflow run r1 lacks"):
        backup(store)
    query(store / "mlflow" / "mlflow.db", "UPDATE runs SET lifecycle_stage = 'deleted' WHERE run_uuid = 'r1'")
    assert backup(store).manifest


def test_a_run_without_files_of_its_own_owes_none(store: Path) -> None:
    query(store / "mlflow" / "mlflow.db", "INSERT INTO runs VALUES ('study', 'FINISHED', 'active', '', 1)")
    uri = "s3://bucket/mlflow/mlruns/x"
    query(store / "mlflow" / "mlflow.db", f"INSERT INTO runs VALUES ('far', 'FINISHED', 'active', '{uri}', 1)")
    query(store / "mlflow" / "mlflow.db", "INSERT INTO tags VALUES ('forecast_id', 'f9', 'far')")
    assert backup(store).manifest


def test_a_moved_store_is_held_to_the_files_that_moved_with_it(store: Path, tmp_path: Path) -> None:
    moved = store.rename(tmp_path / "moved")
    assert backup(moved).manifest
    (moved / "mlflow" / "mlruns" / "forecaster_7d" / "r1" / "artifacts" / "model" / "MLmodel").unlink()
    with pytest.raises(CorruptStore, match="r1 lacks model/MLmodel"):
        backup(moved)


def test_a_folder_of_backups_within_what_is_backed_up_is_refused(store: Path) -> None:
    with pytest.raises(SettingsError, match="lies in what is backed up"):
        backup(store, backup_dir=store / "reports" / "backups")


@pytest.mark.fault(12)
def test_two_backups_wait_for_each_other_but_not_for_a_run(store: Path) -> None:
    with writer_lock(store, 0):
        assert backup(store, lock_wait_seconds=0).manifest
    with writer_lock(store / "backups", 0), pytest.raises(LockBusy):
        backup(store, lock_wait_seconds=0)


def repacked(archive: Archive, tmp_path: Path, change: Callable[[Path], object], **stated: object) -> Path:
    """The archive with a change in it, hashes and seal right: what only a restore can find."""
    tree = tmp_path / "tree"
    unpack(archive.path, archive.manifest, tree)
    change(tree)
    files = {name: Content(sha256(content).hexdigest(), len(content)) for name, content in contents(tree).items()}
    write(tmp_path / "forex-1.tar.gz", replace(archive.manifest, files=files, **stated), parts(tree), None)
    return tmp_path / "forex-1.tar.gz"


def break_a_rule(tree: Path) -> None:
    """Damage that only a look at every row finds."""
    with closing(sqlite3.connect(tree / "forex.db")) as connection, connection:
        connection.execute("PRAGMA ignore_check_constraints = ON")
        connection.execute("DROP TRIGGER forecasts_never_change")
        connection.execute("UPDATE forecasts SET role = 'nobody'")


WITHIN: dict[str, Callable[[Path], object]] = {
    "is damaged": lambda tree: overwrite(tree / "forex.db", 4096 * 5, os.urandom(4096 * 3)),
    "CHECK constraint failed": break_a_rule,
    "refers to nothing": lambda tree: query(tree / "mlflow/mlflow.db", "INSERT INTO tags VALUES ('a', 'b', 'none')"),
    "other counts": lambda tree: add_run(tree, "r9", NOW.date()),
    "lacks model/MLmodel": lambda tree: next(tree.rglob("MLmodel")).unlink(),
}


@pytest.mark.parametrize("why", WITHIN)
def test_an_archive_whose_content_could_not_be_used_does_not_verify(store: Path, tmp_path: Path, why: str) -> None:
    forged = repacked(backup(store), tmp_path, WITHIN[why])
    with pytest.raises(CorruptStore, match=rf"can't be restored.*{why}"):
        verify(forged, None, tmp_path / "tree")
    assert not list((tmp_path / "tree").glob("forex-verify-*"))


def test_what_a_manifest_says_of_the_newest_forecast_is_held_to(store: Path, tmp_path: Path) -> None:
    forged = repacked(backup(store), tmp_path, lambda tree: None, newest_forecast="f7")
    with pytest.raises(CorruptStore, match="other newest_forecast"):
        verify(forged, None)


def test_pruning_removes_what_the_policy_has_no_use_for_and_says_why_the_rest_stays(store: Path) -> None:
    made = [backup(store, days=days).path for days in range(5)]
    settings = settings_for(store, keep_daily=2, keep_weekly=0, keep_monthly=0)
    now = NOW + timedelta(days=3)
    whole = contents(store / "backups")
    shown = prune(settings, now, dry_run=True)
    assert contents(store / "backups") == whole
    assert prune(settings, now, dry_run=False) == shown
    assert [verdict.why for verdict in shown] == ["dated in the future", "day 2024-07-04", "day 2024-07-03", "", ""]
    assert sorted(contents(store / "backups")) == [path.name for path in made[2:]]
    assert all(verify(path, None) for path in made[2:])


def test_a_damaged_archive_stays_and_takes_no_place_of_a_whole_one(store: Path) -> None:
    oldest, middle, newest = [backup(store, days=days).path for days in range(3)]
    overwrite(newest, newest.stat().st_size // 2, b"damage")
    verdicts = prune(
        settings_for(store, keep_daily=1, keep_weekly=0, keep_monthly=0), NOW + timedelta(9), dry_run=False
    )
    assert [(verdict.path, verdict.damaged, verdict.goes) for verdict in verdicts] == [
        (newest, True, False),
        (middle, False, False),
        (oldest, False, True),
    ]
    assert (newest.exists(), middle.exists(), oldest.exists()) == (True, True, False)


def test_with_no_backup_there_is_nothing_to_prune_or_list(store: Path) -> None:
    assert prune(settings_for(store), NOW, dry_run=False) == []
    assert archives(store / "backups", None) == []
