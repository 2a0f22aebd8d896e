"""Gather what a backup holds into a tree of its own, while the program goes on writing."""

import os
import re
import shutil
import tomllib
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from forex_core.errors import CorruptStore, NotOwner
from forex_core.mlops.embedded import MADE
from forex_core.ops.backup.manifest import CONFIG, FOREX_DB, MLFLOW_DB, TREES
from forex_core.ops.backup.room import occupied
from forex_core.settings import Settings, names, table
from forex_core.settings.kinds import mask
from forex_core.store.database import open_for_reading
from forex_core.store.files import writing
from forex_core.store.snapshot import snapshot

UNFINISHED = re.compile(r"\..*\.new")  # what replace_durably writes before it has its name


def collect(settings: Settings, config: Path | None, tree: Path) -> dict[str, Path]:
    """Copy the databases, then hold the files, which are only ever added: each that a database names is there.

    forex.db goes first: a step that it calls done is done in the copy of mlflow.db as well. Returns by its name in the
    archive where each file lies in `tree`: databases and settings under that name, the rest under numbers.
    """
    data_dir = settings.data_dir
    for path in (data_dir / FOREX_DB, data_dir / MLFLOW_DB):
        if path.is_symlink():
            raise _refused(path)
    snapshot(data_dir / FOREX_DB, tree / FOREX_DB)
    if (data_dir / MLFLOW_DB).exists() or _mlflow_was_made(tree / FOREX_DB):
        snapshot(data_dir / MLFLOW_DB, tree / MLFLOW_DB)
    if config:
        target = tree / CONFIG
        with writing(target):
            target.parent.mkdir()
            target.write_text(without_secrets(config.read_text(encoding="utf-8"), settings), encoding="utf-8")
    parts = {name: tree / name for name in (FOREX_DB, MLFLOW_DB, CONFIG) if (tree / name).exists()}
    held = tree / "held"
    with writing(held):
        held.mkdir()
    for number, path in enumerate(_files(data_dir)):
        if _hold(path, held / str(number)):
            parts[path.relative_to(data_dir).as_posix()] = held / str(number)
    return parts


def size_of(data_dir: Path) -> int:
    """Bytes on a disk of all that would be collected; CorruptStore if a link leads out of the data directory."""
    databases = (path for name in (FOREX_DB, MLFLOW_DB) if (path := data_dir / name).exists())
    return occupied(_size(path) for path in (*databases, *_files(data_dir)))


def without_secrets(text: str, settings: Settings) -> str:
    """A forex.toml less all that sets a secret, in force or commented out, and every line that holds one."""
    secret = [name for name in names() if table()[name].metadata["secret"]]
    sets_one = re.compile(rf"\s*#?\s*[\"']?({'|'.join(secret)})[\"']?\s*=")
    hidden = (*settings.secrets(), *_values(text, secret))
    lines, kept = text.splitlines(keepends=True), []
    while lines:
        if sets_one.match(lines[0]):
            # a list or a long text goes on until it is whole; what never is was a remark of one line
            ends = (n for n in range(1, len(lines) + 1) if _is_whole("".join(lines[:n])))
            lines = lines[next(ends, 1) :]
        else:
            line = lines.pop(0)
            kept += [] if any(value in line for value in hidden) else [line]
    return mask("".join(kept))


def _values(text: str, wanted: list[str]) -> list[str]:
    """What a forex.toml sets these to, whether or not something outranks it."""
    found = [value for name, value in tomllib.loads(text).items() if name in wanted]
    return [str(part) for value in found for part in (value if isinstance(value, list) else [value])]


def _is_whole(setting: str) -> bool:
    try:
        tomllib.loads(re.sub(r"(?m)^\s*#\s?", "", setting))
    except tomllib.TOMLDecodeError:
        return False
    return True


def _mlflow_was_made(forex_db: Path) -> bool:
    with closing(open_for_reading(forex_db)) as connection:
        return connection.execute("SELECT 1 FROM facts WHERE name = ?", (MADE,)).fetchone() is not None


def _files(data_dir: Path) -> Iterator[Path]:
    for tree in TREES:
        yield from _below(data_dir / tree, data_dir.resolve())


def _below(folder: Path, home: Path) -> Iterator[Path]:
    try:
        entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
    except FileNotFoundError:
        return  # never made, or gone meanwhile
    except OSError as error:
        raise NotOwner(f"{folder} can't be read: {error.strerror}", hint="run as the owner of the data") from error
    for entry in entries:
        path = Path(entry.path)
        if entry.is_dir(follow_symlinks=False):
            yield from _below(path, home)
        elif entry.is_file() and (not entry.is_symlink() or path.resolve().is_relative_to(home)):
            if not UNFINISHED.fullmatch(entry.name):
                yield path
        elif path.exists() or entry.is_symlink():
            raise _refused(path)


def _refused(path: Path) -> CorruptStore:
    what = f"a link to {path.resolve()}" if path.is_symlink() else "no plain file"
    return CorruptStore(f"{path} is {what}", untouched="no backup was made", hint="put a plain file in its place")


def _hold(path: Path, target: Path) -> bool:
    """Another name for the file where that can be, else a copy: whoever replaces it meanwhile leaves us the old one.

    False if it was removed since it was listed; what a run still needs is missed when the archive is proved.
    """
    try:
        os.link(path.resolve(), target)
        return True
    except FileNotFoundError:
        return False
    except OSError:
        pass  # another disk, or a file of somebody else's
    try:
        source = path.open("rb")
    except FileNotFoundError:
        return False
    except OSError as error:
        raise NotOwner(f"{path} can't be read: {error.strerror}", hint="run as the owner of the data") from error
    with source, writing(target), target.open("wb") as copy:
        shutil.copyfileobj(source, copy, 1 << 20)
    return True


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0
