"""The archive file of a backup: written as one stream, read with nothing in it believed before it is checked."""

import gzip
import hashlib
import hmac
import io
import tarfile
import zlib
from collections.abc import Callable, Container, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from forex_core.errors import CorruptStore, ForexError, NotOwner, UsageError
from forex_core.ops.backup import seal
from forex_core.ops.backup.manifest import DAMAGED, Manifest
from forex_core.store.files import writing

MANIFEST, SIGNATURE = "manifest.json", "manifest.hmac"
LEVEL = 3  # a year: 31.6 MB for half the time of level 6, which gives 27.5
LARGEST_MANIFEST = 64_000_000  # bytes; 300,000 files
CHUNK = 1 << 20


@dataclass(frozen=True, slots=True)
class Archive:
    """A file in the backup folder: its manifest, or why that can't be read. Its content may be damaged all the same."""

    path: Path
    manifest: Manifest | None
    trouble: str = ""


def archives(folder: Path, key: str | None) -> list[Archive]:
    """What lies under a backup's name in `folder`, newest first by manifest; those that can't be read come last."""
    found = [_looked_at(path, key) for path in sorted(folder.glob("forex-*.tar.gz"))]
    whole = [archive for archive in found if archive.manifest]
    whole.sort(key=lambda archive: (archive.manifest and archive.manifest.created_at, archive.path), reverse=True)
    return whole + [archive for archive in found if not archive.manifest]


def _looked_at(path: Path, key: str | None) -> Archive:
    try:
        return Archive(path, read_manifest(path, key))
    except ForexError as error:
        return Archive(path, None, error.message)


def write(path: Path, manifest: Manifest, parts: Mapping[str, Path], key: str | None) -> None:
    """The files that `manifest` names, behind it and, with a key, its signature. parts: where each lies."""
    stated = manifest.to_bytes()
    with writing(path), path.open("x+b") as file:
        path.chmod(0o600)
        with (
            gzip.GzipFile("", "wb", LEVEL, file, mtime=0) as packed,
            tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as tar,
        ):
            _add(tar, MANIFEST, len(stated), io.BytesIO(stated), manifest)
            if key:
                signed = _signature(stated, key).encode()
                _add(tar, SIGNATURE, len(signed), io.BytesIO(signed), manifest)
            for name, content in sorted(manifest.files.items()):
                with parts[name].open("rb") as part:
                    _add(tar, name, content.size, part, manifest)
        seal.put(file)


def _add(tar: tarfile.TarFile, name: str, size: int, content: IO[bytes], manifest: Manifest) -> None:
    member = tarfile.TarInfo(name)
    member.size, member.mode, member.mtime = size, 0o600, int(manifest.created_at.timestamp())
    tar.addfile(member, content)


def read_manifest(archive: Path, key: str | None) -> Manifest:
    """The manifest, believed only if `key` signed it where there is a key; nothing else is read. CorruptStore."""
    with _reading(archive, whole=False) as source:
        source.limit = LARGEST_MANIFEST
        with tarfile.open(fileobj=source, mode="r|") as tar:
            stated = _stated(tar.next(), MANIFEST, tar)
            if key and not hmac.compare_digest(_stated(tar.next(), SIGNATURE, tar), _signature(stated, key).encode()):
                raise _refused(archive, "its signature is not of backup_key")
    return Manifest.from_bytes(stated)


def _stated(member: tarfile.TarInfo | None, name: str, tar: tarfile.TarFile) -> bytes:
    found = tar.extractfile(member) if member and member.name == name and member.type == tarfile.REGTYPE else None
    if found is None and name == SIGNATURE:
        raise tarfile.ReadError("it is not signed with backup_key; was it made before that was set?")
    if found is None:
        raise tarfile.ReadError(f"there is no {name} in its place")
    return found.read()


def _signature(stated: bytes, key: str) -> str:
    return hmac.new(key.encode(), stated, hashlib.sha256).hexdigest()


def check_list(archive: Path, manifest: Manifest) -> None:
    """CorruptStore unless the archive holds the manifest's files, each once, of their sizes, and nothing else."""
    _walk(archive, manifest, lambda name, content: None)


def check_content(archive: Path, manifest: Manifest) -> None:
    """`check_list`, and every file's hash."""
    _walk(archive, manifest, lambda name, content: _hashed(archive, name, content, manifest.files))


def unpack(archive: Path, manifest: Manifest, folder: Path, only: Container[str] | None = None) -> None:
    """Write the files, or `only` some of them, under `folder`, which must be new and the caller's own; hash them all.

    Call `check_list` before: this one writes what comes before the first thing it refuses.
    """

    def write_out(name: str, content: IO[bytes]) -> None:
        if only is not None and name not in only:
            return _hashed(archive, name, content, manifest.files)
        path = folder / name
        with writing(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("xb") as file:
                return _hashed(archive, name, content, manifest.files, file)

    _walk(archive, manifest, write_out)


def _hashed(
    archive: Path, name: str, content: IO[bytes], files: Mapping[str, object], copy: IO[bytes] | None = None
) -> None:
    found = hashlib.sha256()
    while part := content.read(CHUNK):
        found.update(part)
        if copy:
            copy.write(part)
    if found.hexdigest() != getattr(files[name], "sha256", None):
        raise _refused(archive, f"{name} is not what the manifest says")


def _walk(archive: Path, manifest: Manifest, visit: Callable[[str, IO[bytes]], None]) -> None:
    """Show `visit` each file, once its name, kind and size are those of the manifest; then read to the very end."""
    missing = dict(manifest.files)
    with _reading(archive, whole=True) as source:
        # a header a file, two more for a long name; what is left over ends the archive
        source.limit = 2 * len(manifest.to_bytes()) + manifest.size + 4096 * (len(missing) + 8)
        with tarfile.open(fileobj=source, mode="r|") as tar:
            _stated(tar.next(), MANIFEST, tar)
            for place, member in enumerate(iter(tar.next, None)):
                if place == 0 and member.name == SIGNATURE and member.type == tarfile.REGTYPE and member.size == 64:
                    continue
                expected = missing.pop(member.name, None)
                if expected is None:
                    raise _refused(archive, f"{member.name!r} is not in its manifest, or there twice")
                content = tar.extractfile(member) if member.type == tarfile.REGTYPE and not member.sparse else None
                if content is None or member.size != expected.size:
                    raise _refused(archive, f"{member.name!r} is no plain file of {expected.size} bytes")
                visit(member.name, content)
        source.drain()
    if missing:
        raise _refused(archive, f"{len(missing)} files are missing, the first is {next(iter(missing))!r}")


class _Source(io.RawIOBase):
    """What comes out of an archive, and no more than `limit` bytes of it, so that a bomb stays small."""

    def __init__(self, packed: gzip.GzipFile) -> None:
        self._packed = packed
        self.limit = 0

    def read(self, size: int = -1) -> bytes:
        content = self._packed.read(min(size if size >= 0 else CHUNK, self.limit + 1))
        self.limit -= len(content)
        if self.limit < 0:
            raise tarfile.ReadError("it is larger than it says")
        return content

    def drain(self) -> None:
        """To the end of the file, where the checksum stands; after a tar come zeros only."""
        while content := self.read(CHUNK):
            if content.strip(b"\0"):
                raise tarfile.ReadError("something follows its end")


@contextmanager
def _reading(archive: Path, *, whole: bool) -> Iterator[_Source]:
    """Open an archive, `whole`: its seal checked before; whatever it can be damaged by is CorruptStore."""
    if not archive.is_file():
        raise UsageError(f"there is no archive {archive}", hint="see `forex backup list`")
    try:
        with archive.open("rb") as file:
            if whole and not seal.is_whole(file):
                raise _refused(archive, "its bytes are not those that were written")
            with gzip.GzipFile(fileobj=file, mode="rb") as packed:
                yield _Source(packed)
    except PermissionError as error:
        raise NotOwner(f"no permission to read {archive}", hint="run as the owner of the backups") from error
    except (tarfile.TarError, OSError, EOFError, zlib.error, ValueError, OverflowError) as error:
        raise _refused(archive, str(error) or type(error).__name__) from error


def _refused(archive: Path, why: str) -> CorruptStore:
    return CorruptStore(f"{archive} is damaged: {why}", untouched="nothing was changed", hint=DAMAGED)
