"""Opening forex.db: made whole or not at all, migrated by numbered steps, refused when it is damaged or newer."""

import sqlite3
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from importlib.resources import files
from pathlib import Path

from forex_core.errors import CannotWrite, CorruptStore, LockBusy, NotOwner, SettingsError, VersionMismatch
from forex_core.store.files import move_durably, writing

APPLICATION_ID = 0x464F5258  # "FORX"
BUSY_MS = 20_000
RESTORE = "restore it from a backup by `forex backup restore`; it was left as it is for inspection"


def migrations() -> list[tuple[int, str]]:
    """The numbered schema steps, in order."""
    folder = files("forex_core.store") / "migrations"
    names = sorted(entry.name for entry in folder.iterdir() if entry.name.endswith(".sql"))
    return [(int(name[:4]), (folder / name).read_text(encoding="utf-8")) for name in names]


def open_for_writing(path: Path) -> sqlite3.Connection:
    """Open forex.db, making or migrating it first; the caller holds the writer lock."""
    _refuse_half(path.parent, note_of_restore(path.parent))
    if not path.exists() and not path.is_symlink():
        refuse_lost(path)
        _make(path)
    if path.with_name(f"{path.name}-wal").exists():
        # of a killed writer, or of another time: a connection that may write folds it in when it closes, for good
        with closing(_connect(path, "?mode=ro")) as connection:
            check_integrity(connection, path)
    connection = _connect(path)
    with damage_named(path):
        migrate(connection)
    return connection


def open_for_reading(path: Path) -> sqlite3.Connection:
    """Open forex.db read-only; SettingsError if nothing was ever recorded there."""
    _refuse_half(path.parent, note_of_restore(path.parent))
    if not path.exists() and not path.is_symlink():
        refuse_lost(path)
        raise SettingsError(
            f"there is no {path}", hint="`forex run` makes a first one, `forex demo` an example; or set FOREX_DATA_DIR"
        )
    return _connect(path, "?mode=ro")


def _refuse_half(data_dir: Path, note: Path) -> None:
    if note.exists():
        raise CorruptStore(f"a restore of {data_dir} was cut short", hint="`forex backup restore` finishes it")


def refuse_lost(path: Path) -> None:
    """CorruptStore if a forex.db that is not there must have been there."""
    data_dir = path.parent
    _refuse_half(data_dir, journal_of_restore(data_dir))
    traces = (data_dir / "mlflow" / "mlflow.db", path.with_name(f"{path.name}-wal"))
    if trace := next((trace for trace in traces if trace.exists()), None):
        raise CorruptStore(f"{path} is missing, though {trace} is there", hint=RESTORE)


def note_of_restore(data_dir: Path) -> Path:
    """Where a restore notes, in the data directory, that what is in it is being exchanged."""
    return data_dir / ".restore.json"


def journal_of_restore(data_dir: Path) -> Path:
    """Where a restore notes, beside the data directory, what it is about to put in its place."""
    whole = data_dir.resolve()
    return whole.with_name(f".{whole.name}.restore.json")


def _make(path: Path) -> None:
    with writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        scratch = path.with_name(f".{path.name}.new")
        for leftover in path.parent.glob(f"{scratch.name}*"):
            leftover.unlink()
        with damage_named(scratch):
            connection = sqlite3.connect(scratch, isolation_level=None)
            connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
            scratch.chmod(0o600)  # its journals take after it
            migrate(connection)
            connection.execute("PRAGMA journal_mode = WAL")
            connection.close()
        move_durably(scratch, path)


def _connect(path: Path, query: str = "") -> sqlite3.Connection:
    with damage_named(path):
        if path.is_symlink() or not path.is_file() or path.stat().st_size == 0:
            raise CorruptStore(f"{path} is empty or no file", hint=RESTORE)
        with ExitStack() as undo:
            connection = sqlite3.connect(f"{path.absolute().as_uri()}{query}", uri=True, isolation_level=None)
            undo.callback(connection.close)
            connection.execute(f"PRAGMA busy_timeout = {BUSY_MS}")
            connection.execute("PRAGMA synchronous = FULL")
            constrain(connection)
            _recognise(connection, path)
            undo.pop_all()
        return connection


def constrain(connection: sqlite3.Connection) -> None:
    """Hold what the schema demands: references, and the triggers that refuse changes, for INSERT OR REPLACE too."""
    connection.execute("PRAGMA foreign_keys = ON")
    connection.execute("PRAGMA recursive_triggers = ON")


def _recognise(connection: sqlite3.Connection, path: Path) -> None:
    """Refuse a stranger's database and one of a newer program."""
    if connection.execute("PRAGMA application_id").fetchone()[0] != APPLICATION_ID:
        raise CorruptStore(f"{path} is not a forex database", hint=RESTORE)
    schema, newest = connection.execute("PRAGMA user_version").fetchone()[0], migrations()[-1][0]
    if schema > newest:
        raise VersionMismatch(
            f"{path} has schema {schema}, this program knows {newest}",
            untouched="nothing was changed",
            hint="use the newer program that wrote it",
        )


def migrate(connection: sqlite3.Connection) -> None:
    """Take the steps that this database has not had."""
    done = connection.execute("PRAGMA user_version").fetchone()[0]
    for number, script in migrations():
        if number > done:
            # the step and the note that it ran are one transaction
            connection.executescript(f"BEGIN IMMEDIATE; {script} PRAGMA user_version = {number}; COMMIT;")


def check_integrity(connection: sqlite3.Connection, path: Path) -> None:
    """CorruptStore unless every page of the database is sound."""
    with damage_named(path):
        verdict = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
    if verdict != "ok":
        raise CorruptStore(f"{path} is damaged: {verdict}", hint=RESTORE)


@contextmanager
def damage_named(path: Path) -> Iterator[None]:
    """Turn SQLite's refusals into the errors an operator can act on; one by the schema stays what it is, our fault."""
    try:
        yield
    except sqlite3.IntegrityError:
        raise
    except sqlite3.DatabaseError as error:
        code = getattr(error, "sqlite_errorcode", 0) & 0xFF
        if code == sqlite3.SQLITE_FULL:
            raise CannotWrite(f"cannot write {path}: {error}", hint="free some space and run again") from error
        if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
            raise LockBusy(f"{path} is locked by another program", hint="run again when it has ended") from error
        if code in (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM):
            raise NotOwner(f"no permission to use {path}: {error}", hint="run as the owner of the data") from error
        if code == sqlite3.SQLITE_IOERR:
            raise CorruptStore(
                f"{path} can't be read or written: {error}", hint="look at the disk and its free space"
            ) from error
        raise CorruptStore(f"{path} is damaged or can't be used: {error}", hint=RESTORE) from error
