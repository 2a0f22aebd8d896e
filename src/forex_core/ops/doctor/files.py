"""Whose the files are, who may read them, and what lies where nobody put it."""

import os
import stat
from collections.abc import Iterator
from pathlib import Path
from shlex import quote

from forex_core.ops.doctor.finding import Finding, Place
from forex_core.settings import PACKAGE_ROOT

CREDENTIALS = Path("/etc/forex/credentials")
OTHERS = stat.S_IRWXG | stat.S_IRWXO
PRIVATE = ("forex.db", "mlflow/mlflow.db")


def owners(place: Place) -> Iterator[Finding]:
    """One user owns the data directory, what is in it, and this process."""
    root = place.data_dir
    if not root.is_dir():
        yield Finding("owners", "failed", f"there is no {root}", "forex run")
        return
    owner = root.stat()
    if owner.st_uid != os.geteuid():
        said = f"{root} belongs to user {owner.st_uid}, this is user {os.geteuid()}"
        yield Finding("owners", "warning", said, f"sudo -u '#{owner.st_uid}' forex doctor")
    strange = [path for path in _below(root) if path.lstat().st_uid != owner.st_uid]
    if strange:
        said = f"{len(strange)} of its files belong to others, such as {strange[0]}"
        yield Finding("owners", "failed", said, f"sudo chown -R {owner.st_uid} {quote(str(root))}")
    elif owner.st_uid == os.geteuid():
        yield Finding("owners", "ok", f"{root} and all in it is this user's")


def modes(place: Place) -> Iterator[Finding]:
    """Nobody else reads the live databases, the mails that wait, or a credential."""
    found = [place.data_dir / name for name in PRIVATE]
    found += [*_listed(place.data_dir / "spool"), *_listed(CREDENTIALS)]
    loose = [path for path in found if path.is_file() and path.stat().st_mode & OTHERS]
    for path in loose:
        said = f"{path} has mode {stat.S_IMODE(path.stat().st_mode):04o}: others may read it"
        yield Finding("modes", "failed", said, f"chmod 600 {quote(str(path))}", lambda path=path: path.chmod(0o600))  # type: ignore[misc]
    if not loose:
        yield Finding("modes", "ok", "databases, mails and credentials are private")


def strays(place: Place) -> Iterator[Finding]:
    """MLflow, started by hand in a directory without a store, makes one there."""
    places = dict.fromkeys([place.here, PACKAGE_ROOT])
    found = [path for root in places for name in ("mlruns", "mlflow.db") if (path := root / name).exists()]
    for path in found:
        said = f"{path} is a store that forex does not use; MLflow made it when it was started there"
        yield Finding("stray files", "warning", said, f"mv {quote(str(path))} {quote(f'{path}.stray')}")
    if not found:
        yield Finding("stray files", "ok", "no mlruns or mlflow.db elsewhere")


def _below(root: Path) -> Iterator[Path]:
    """The directories that runs write to, and what lies directly in them."""
    for folder in (root, root / "mlflow", root / "reports", root / "public", root / "spool"):
        yield from _listed(folder)


def _listed(folder: Path) -> list[Path]:
    try:
        return sorted(folder.iterdir())
    except (FileNotFoundError, NotADirectoryError, PermissionError):
        return []
