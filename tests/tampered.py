"""A small real store and its backup; and archives that somebody tampered with, sealed anew as an attacker can."""

import atexit
import gzip
import hashlib
import io
import json
import shutil
import tarfile
import tempfile
from collections.abc import Callable
from copy import copy
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

from forex_core.mlops.tracker import MlflowTracker
from forex_core.ops.backup import seal
from forex_core.ops.backup.create import create
from forex_core.settings import Settings
from forex_core.store.store import Store
from samples import ISSUED_AT, freeze

AT = datetime(2024, 7, 2, 3, tzinfo=UTC)
HORIZONS = ("7d", "15d")


def settings_of(data_dir: Path, **flags: object) -> Settings:
    """The settings of a data directory, and nothing from this machine."""
    return Settings.load({"data_dir": data_dir, "lock_wait_seconds": 0} | flags, {}, data_dir.parent)


@cache
def kept_store() -> Path:
    """A store with one backup, made once a session, to be copied and never changed."""
    folder = Path(tempfile.mkdtemp())
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    home = make_store(folder / "the data")
    make_backup(home)
    (home / "lock").touch(0o600)  # as the first run leaves it
    return home


def copied_store(to: Path) -> Path:
    """A copy of it, whose artifacts MLflow still believes to be there."""
    return Path(shutil.copytree(kept_store(), to))


def make_store(data_dir: Path) -> Path:
    """Two forecasts, frozen, reported and tracked as a run does it."""
    with Store.for_writing(data_dir) as store:
        tracker = MlflowTracker(data_dir / "mlflow")
        tracker.prepare(store)
        for horizon in HORIZONS:
            report = data_dir / "reports" / "USDCLP" / f"{horizon}.html"
            report.parent.mkdir(parents=True, exist_ok=True)
            report.write_text(f"<p>{horizon}</p>", encoding="utf-8")
            with store.transaction():
                forecast = freeze(store, forecast_id=f"f{horizon}", horizon=horizon)
                store.forecasts.step_done(forecast.forecast_id, "report", str(report), ISSUED_AT)
            run = tracker.track(forecast, report, skip_email=True)
            with store.transaction():
                store.forecasts.step_done(forecast.forecast_id, "track", run, ISSUED_AT)
    return data_dir


def make_backup(data_dir: Path, at: datetime = AT, **flags: object) -> Path:
    """A good archive of a store."""
    return create(settings_of(data_dir, **flags), None, at).path


def tree_of(folder: Path) -> dict[str, str]:
    """Every name under a folder and a digest of what it is, so that one change anywhere is seen."""
    return {str(path.relative_to(folder)): _digest(path) for path in sorted(folder.rglob("*"))}


def _digest(path: Path) -> str:
    if path.is_symlink() or not path.is_file():
        return f"{path.lstat().st_mode:o}"
    return hashlib.sha256(path.read_bytes()).hexdigest()


@dataclass
class Part:
    """One member of an archive."""

    info: tarfile.TarInfo
    content: bytes


def parts_of(archive: Path) -> list[Part]:
    """The members of an archive, manifest first."""
    with tarfile.open(archive) as tar:
        return [Part(info, tar.extractfile(info).read()) for info in tar]  # type: ignore[union-attr]


def pack(path: Path, parts: list[Part]) -> Path:
    """An archive with a right seal around whatever these members are."""
    with path.open("x+b") as file:
        with gzip.GzipFile("", "wb", 6, file, mtime=0) as packed, tarfile.open(fileobj=packed, mode="w") as tar:
            for part in parts:
                tar.addfile(part.info, io.BytesIO(part.content))
        seal.put(file)
    return path


def restated(parts: list[Part], change: Callable[[dict], None]) -> list[Part]:
    """With another manifest, in the one form that is read."""
    manifest = json.loads(parts[0].content)
    change(manifest)
    return [_with(parts[0], json.dumps(manifest, sort_keys=True, indent=1).encode()), *parts[1:]]


def named(parts: list[Part], name: str, content: bytes = b"x") -> list[Part]:
    """With one more file, which the manifest names too."""
    info = tarfile.TarInfo(name)
    info.size = len(content)
    stated = {"sha256": hashlib.sha256(content).hexdigest(), "size": len(content)}
    return [*restated(parts, lambda manifest: manifest["files"].update({name: stated})), Part(info, content)]


def _with(part: Part, content: bytes, **changes: object) -> Part:
    info = copy(part.info)
    info.size = len(content)
    for name, value in changes.items():
        setattr(info, name, value)
    return Part(info, content)


def _kind(kind: bytes, target: str = "") -> Callable[[list[Part]], list[Part]]:
    """The last file of the archive as something else than a plain file."""

    def tampered(parts: list[Part]) -> list[Part]:
        content = b"" if kind != tarfile.REGTYPE else parts[-1].content
        return [*parts[:-1], _with(parts[-1], content, type=kind, linkname=target, devmajor=1, devminor=3)]

    return tampered


def _through_a_link(parts: list[Part]) -> list[Part]:
    link = tarfile.TarInfo("reports/out")
    link.type, link.linkname = tarfile.SYMTYPE, "/tmp"
    return named([*parts, Part(link, b"")], "reports/out/hit")


def _without_forex_db(parts: list[Part]) -> list[Part]:
    return [part for part in parts if part.info.name != "forex.db"]


def _other_content(parts: list[Part]) -> list[Part]:
    return [*parts[:-1], _with(parts[-1], bytes(len(parts[-1].content)))]


def _database_of_zeros(parts: list[Part]) -> list[Part]:
    """With a hash to match: only a look into the database finds it."""
    zeros = bytes(8192)
    stated = {"sha256": hashlib.sha256(zeros).hexdigest(), "size": len(zeros)}
    parts = [_with(part, zeros) if part.info.name == "forex.db" else part for part in parts]
    return restated(parts, lambda manifest: manifest["files"].update({"forex.db": stated}))


def _bomb(parts: list[Part]) -> list[Part]:
    return [*parts[:-1], _with(parts[-1], bytes(50_000_000))]


TAMPERED: dict[str, Callable[[list[Part]], list[Part]]] = {
    "absolute path": lambda parts: named(parts, "/tmp/forex-was-here"),
    "parent": lambda parts: named(parts, "reports/../../outside"),
    "parent, not in the manifest": lambda parts: [*parts, named(parts, "../outside")[-1]],
    "another place": lambda parts: named(parts, "backups/forex.tar.gz"),
    "hidden option": lambda parts: named(parts, "-rf"),
    "symlink": _kind(tarfile.SYMTYPE, "/etc/passwd"),
    "symlink, then through it": _through_a_link,
    "hard link": _kind(tarfile.LNKTYPE, "/etc/passwd"),
    "fifo": _kind(tarfile.FIFOTYPE),
    "device": _kind(tarfile.CHRTYPE),
    "directory": _kind(tarfile.DIRTYPE),
    "sparse": _kind(tarfile.GNUTYPE_SPARSE),
    "a name twice": lambda parts: [*parts, parts[-1]],
    "newline in a name": lambda parts: named(parts, "reports/a\nb"),
    "ANSI in a name": lambda parts: named(parts, "reports/\x1b[2Ja"),
    "case twins": lambda parts: named(named(parts, "reports/twin"), "reports/TWIN"),
    "file and folder": lambda parts: named(named(parts, "reports/a"), "reports/a/b"),
    "a file too many": lambda parts: [*parts, named(parts, "reports/more")[-1]],
    "a file too few": lambda parts: parts[:-1],
    "no forex.db": _without_forex_db,
    "other content": _other_content,
    "a database of zeros": _database_of_zeros,
    "bomb": _bomb,
    "manifest not first": lambda parts: [*parts[1:], parts[0]],
    "no manifest": lambda parts: parts[1:],
    "nothing": lambda _: [],
}
