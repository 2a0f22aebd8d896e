"""Fetch a model's snapshot from a hub that speaks Hugging Face's interface, and list those that were fetched.

Only config.json, generation_config.json and safetensors are taken; pickled weights can run code and are refused.
"""

import json
import re
import shutil
from dataclasses import dataclass
from hashlib import file_digest
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import quote

from forex_core.errors import CannotWrite, DataError, ModelError, UsageError
from forex_core.models.chronos.checkpoint import config_of
from forex_core.models.chronos.download import File, Progress, ask, download
from forex_core.models.chronos.reference import COMMIT, MANIFEST, SNAPSHOTS, Reference
from forex_core.store.files import move_durably, replace_durably, writing
from forex_core.store.lock import writer_lock

LARGEST = 4_000_000_000  # bytes in all; the largest Chronos has 2.8 GB
SPARE = 200_000_000  # bytes to leave on the disk
WANTED = re.compile(r"config\.json|generation_config\.json|model(-\d+-of-\d+)?\.safetensors")
PICKLED = (".bin", ".pt", ".pth", ".ckpt", ".pkl", ".h5", ".msgpack")
UNTOUCHED = "nothing was downloaded"


@dataclass(frozen=True)
class Snapshot:
    """A model at one commit, as its manifest records it. files: name -> sha256."""

    id: str
    commit: str
    bytes: int
    files: dict[str, str]
    folder: Path

    @property
    def model(self) -> str:
        """What to set chronos_model to."""
        return f"{self.id}@{self.commit}"


def silent(name: str, done: int, size: int) -> None:
    """Show no progress."""


def fetch(reference: Reference, folder: Path, endpoint: str, progress: Progress = silent) -> Snapshot:
    """The snapshot in the folder of models, downloaded if it is not there yet. Cut off, it goes on from where it was.

    UsageError: no such model or revision; ModelError: one that can't be used here; DataError: it arrived changed;
    SourceUnavailable: the hub is silent; CannotWrite: no room; LockBusy: it is being fetched.
    """
    home = reference.home(folder)
    if reference.pinned and (known := _recorded(home / str(reference.revision))):
        return known
    commit, files = listing(reference, endpoint)
    if known := _recorded(home / commit):
        return known
    with writing(home):
        home.mkdir(parents=True, exist_ok=True)
    with writer_lock(home, 0):
        scratch = home / f".{commit}.part"
        _refuse_what_is_too_large(reference, files, home, scratch)
        with writing(scratch):
            scratch.mkdir(exist_ok=True)
            for file in files:
                address = f"{endpoint}/{reference.id}/resolve/{commit}/{quote(file.name)}"
                _complete(reference, address, file, scratch, progress)
        return _kept(reference, commit, [file.name for file in files], scratch)


def snapshots(folder: Path) -> list[Snapshot]:
    """Every snapshot that was fetched whole."""
    found = (_recorded(manifest.parent) for manifest in sorted((folder / SNAPSHOTS).glob(f"*--*/*/{MANIFEST}")))
    return [snapshot for snapshot in found if snapshot]


def listing(reference: Reference, endpoint: str) -> tuple[str, list[File]]:
    """The commit, and the files to fetch, the configuration first."""
    revision = quote(reference.revision or "main", safe="")
    answer = ask(f"{endpoint}/api/models/{reference.id}/revision/{revision}?blobs=true", str(reference))
    try:
        commit, listed = answer["sha"], [_file(entry) for entry in answer["siblings"]]
        if not COMMIT.fullmatch(commit):
            raise ValueError("its commit is none")
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise DataError(f"the hub's listing of {reference} can't be used: {error!r}", untouched=UNTOUCHED) from None
    if reference.pinned and commit != reference.revision:
        raise DataError(f"the hub gives commit {commit} for {reference}", untouched=UNTOUCHED)
    return commit, _chosen(reference, listed)


def _file(entry: dict[str, Any]) -> File:
    """One entry of the hub's `siblings`; ValueError for what can't be meant."""
    name, large = str(entry["rfilename"]), entry.get("lfs") or {}
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts or "\\" in name or not name.isprintable():
        raise ValueError(f"a file outside the model: {name[:60]!r}")
    size = int(large.get("size", entry.get("size")) or 0)
    if size < 0:
        raise ValueError(f"{name} has {size} bytes")
    return File(name, size, large.get("sha256"), entry.get("blobId"))


def _chosen(reference: Reference, listed: list[File]) -> list[File]:
    wanted = sorted((file for file in listed if WANTED.fullmatch(file.name)), key=lambda file: (file.size, file.name))
    weights = [file for file in wanted if file.name.endswith(".safetensors")]
    if not weights and any(file.name.endswith(PICKLED) for file in listed):
        raise ModelError(
            f"{reference} has only pickled weights, which can run code when they are opened",
            untouched=UNTOUCHED,
            hint="choose a model that has model.safetensors",
        )
    if not weights or "config.json" not in {file.name for file in wanted}:
        raise ModelError(f"{reference} lacks config.json or model.safetensors", untouched=UNTOUCHED)
    if unchecked := next((file.name for file in weights if not file.sha256), None):
        raise DataError(f"the hub lists no sha256 of {unchecked}", untouched=UNTOUCHED)
    return [file for file in wanted if file not in weights] + weights


def _refuse_what_is_too_large(reference: Reference, files: list[File], home: Path, scratch: Path) -> None:
    size = sum(file.size for file in files)
    if size > LARGEST:
        raise UsageError(f"{reference} has {size / 1e9:.1f} GB, more than {LARGEST / 1e9:.0f} GB", untouched=UNTOUCHED)
    have = sum(file.stat().st_size for file in scratch.glob("*")) if scratch.exists() else 0
    if (free := shutil.disk_usage(home).free) < size - have + SPARE:
        raise CannotWrite(
            f"{reference} needs {(size - have) / 1e6:.0f} MB in {home}, {free / 1e6:.0f} MB are free",
            untouched=UNTOUCHED,
            hint="free some space, or set FOREX_DATA_DIR",
        )


def _complete(reference: Reference, address: str, file: File, scratch: Path, progress: Progress) -> None:
    """The file whole and checked in `scratch`; a configuration of something else than Chronos ends it all."""
    final = scratch / file.name
    if final.exists():
        return
    part = scratch / f"{file.name}.part"
    download(address, file, part, progress)
    move_durably(part, final)
    if file.name == "config.json":
        try:
            config_of(scratch)
        except ModelError:
            shutil.rmtree(scratch)
            raise ModelError(f"{reference} is no Chronos model", untouched="its weights were not downloaded") from None


def _kept(reference: Reference, commit: str, names: list[str], scratch: Path) -> Snapshot:
    """Write the manifest, which says that all is there, and give the snapshot its name."""
    final = scratch.with_name(commit)
    sums = {}
    for name in sorted(names):
        with (scratch / name).open("rb") as opened:
            sums[name] = file_digest(opened, "sha256").hexdigest()
    size = sum((scratch / name).stat().st_size for name in sums)
    manifest = {"id": reference.id, "commit": commit, "bytes": size, "files": sums}
    replace_durably(scratch / MANIFEST, (json.dumps(manifest, indent=1) + "\n").encode())
    with writing(final):
        if final.exists():
            shutil.rmtree(final)  # one that lost a file
        move_durably(scratch, final)
    return Snapshot(reference.id, commit, size, sums, final)


def _recorded(folder: Path) -> Snapshot | None:
    """What a manifest says, if every file of it is there; None otherwise."""
    try:
        said = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        snapshot = Snapshot(said["id"], said["commit"], said["bytes"], said["files"], folder)
        size = sum((folder / name).stat().st_size for name in snapshot.files)
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return snapshot if size == snapshot.bytes else None
