"""Prove an archive: every file read and hashed, and the databases restored into a scratch folder and asked."""

from dataclasses import asdict
from pathlib import Path
from tempfile import TemporaryDirectory, gettempdir

from forex_core.errors import CorruptStore
from forex_core.ops.backup.archive import read_manifest, unpack
from forex_core.ops.backup.databases import check_artifacts, check_sound, holdings
from forex_core.ops.backup.manifest import DAMAGED, FOREX_DB, MLFLOW_DB, Manifest
from forex_core.ops.backup.room import need, occupied
from forex_core.store.files import writing

DATABASES = (FOREX_DB, MLFLOW_DB)


def verify(archive: Path, key: str | None, scratch: Path | None = None) -> Manifest:
    """What is in the archive; CorruptStore unless it could be restored as it stands.

    The databases are restored once, under `scratch`, or where temporary files go, and removed.
    """
    manifest = read_manifest(archive, key)
    place = scratch or Path(gettempdir())
    with writing(place), TemporaryDirectory(dir=place, prefix="forex-verify-") as folder:
        need(Path(folder), occupied(content.size for name, content in manifest.files.items() if name in DATABASES))
        unpack(archive, manifest, Path(folder), DATABASES)
        try:
            prove(Path(folder), manifest)
        except CorruptStore as error:
            raise CorruptStore(f"{archive} can't be restored: {error.message}", hint=error.hint or DAMAGED) from error
    return manifest


def prove(tree: Path, manifest: Manifest) -> None:
    """CorruptStore unless the unpacked databases are sound, hold what was counted, and no run's files are missing."""
    check_sound(tree / FOREX_DB)
    if MLFLOW_DB in manifest.files:
        check_sound(tree / MLFLOW_DB)
        check_artifacts(tree / MLFLOW_DB, manifest.files)
    found = asdict(holdings(tree))
    if wrong := [name for name, value in found.items() if getattr(manifest, name) != value]:
        raise CorruptStore(f"the databases have other {wrong[0]} than the manifest says")
