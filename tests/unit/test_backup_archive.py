"""An archive is believed as far as it was checked: whatever was done to one, it is refused, and nothing escapes."""

import gzip
import io
import json
import random
import tarfile
from collections.abc import Callable
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backup_samples import NOW, parts
from forex_core.errors import CorruptStore, ForexError, UsageError, VersionMismatch
from forex_core.ops.backup import seal
from forex_core.ops.backup.archive import archives, check_content, check_list, read_manifest, unpack, write
from forex_core.ops.backup.manifest import COUNTED, FOREX_DB, Content, Manifest, check_names

LONG = f"reports/{'long ' * 30}/ñandú.html"
FILES = {FOREX_DB: bytes(range(256)) * 300, LONG: b"<html>", "models/empty": b""}
KEY = "a key"


def manifest_of(files: dict[str, bytes]) -> Manifest:
    described = {name: Content(sha256(content).hexdigest(), len(content)) for name, content in files.items()}
    return Manifest(NOW, "0.1", "3.17.2", None, 2, "3.40", "3.11", "/d", dict.fromkeys(COUNTED, 0), "f1", described)


MANIFEST = manifest_of(FILES)


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    for name, content in FILES.items():
        path = tmp_path / "tree" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    path = tmp_path / "forex-20240701T120000Z.tar.gz"
    write(path, MANIFEST, parts(tmp_path / "tree"), KEY)
    return path


def packed(path: Path, members: list[tuple[tarfile.TarInfo, bytes]], *, after: bytes = b"") -> Path:
    """An archive of anything at all, well sealed: what somebody who knows the format can make."""
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for member, content in members:
            tar.addfile(member, io.BytesIO(content))
    with path.open("w+b") as file:
        file.write(gzip.compress(raw.getvalue() + after, mtime=0))
        seal.put(file)
    return path


def member(name: str, content: bytes = b"", **changes: object) -> tuple[tarfile.TarInfo, bytes]:
    info = tarfile.TarInfo(name)
    info.size = len(content)
    for field, value in changes.items():
        setattr(info, field, value)
    return info, content


def honest() -> list[tuple[tarfile.TarInfo, bytes]]:
    return [
        member("manifest.json", MANIFEST.to_bytes()),
        *(member(name, content) for name, content in FILES.items()),
    ]


def test_what_is_written_comes_back_and_any_tar_reads_it(archive: Path, tmp_path: Path) -> None:
    manifest = read_manifest(archive, KEY)
    check_list(archive, manifest)
    check_content(archive, manifest)
    unpack(archive, manifest, tmp_path / "new")
    assert manifest == MANIFEST
    assert {name: (tmp_path / "new" / name).read_bytes() for name in FILES} == FILES
    assert archive.stat().st_mode & 0o777 == 0o600
    with tarfile.open(archive) as tar:
        assert tar.getnames() == ["manifest.json", "manifest.hmac", *sorted(FILES)]
        assert all(info.isreg() and info.mode == 0o600 and not info.uname for info in tar)


@pytest.mark.fault(22)
def test_of_a_hundred_flipped_bits_a_hundred_are_refused(archive: Path) -> None:
    whole = archive.read_bytes()
    for place in random.Random(20240701).sample(range(8 * len(whole)), 100):
        changed = bytearray(whole)
        changed[place // 8] ^= 1 << place % 8
        archive.write_bytes(changed)
        with pytest.raises(ForexError):
            check_content(archive, read_manifest(archive, None))


@pytest.mark.parametrize("kept", [0, 1, 20, 300, -1, -85, -86, -5000])
def test_a_cut_archive_is_refused(archive: Path, kept: int) -> None:
    archive.write_bytes(archive.read_bytes()[:kept])
    with pytest.raises(CorruptStore):
        check_list(archive, MANIFEST)


def test_an_empty_tar_is_refused(tmp_path: Path) -> None:
    """What `tar | gzip` leaves of a source that is missing: valid, and worth nothing."""
    with pytest.raises(CorruptStore, match=r"no manifest\.json"):
        read_manifest(packed(tmp_path / "a", []), None)


TAMPERED: dict[str, Callable[[], list[tuple[tarfile.TarInfo, bytes]]]] = {
    "absolute": lambda: [*honest(), member("/tmp/escaped", b"x")],
    "dots": lambda: [*honest(), member("reports/../../escaped", b"x")],
    "stranger": lambda: [*honest(), member("reports/more.html", b"x")],
    "symlink": lambda: [*honest()[:-1], member("models/empty", type=tarfile.SYMTYPE, linkname="/etc/passwd")],
    "hard link": lambda: [*honest()[:-1], member("models/empty", type=tarfile.LNKTYPE, linkname=FOREX_DB)],
    "fifo": lambda: [*honest()[:-1], member("models/empty", type=tarfile.FIFOTYPE)],
    "device": lambda: [*honest()[:-1], member("models/empty", type=tarfile.CHRTYPE, devmajor=1, devminor=3)],
    "contiguous": lambda: [*honest()[:-1], member("models/empty", type=tarfile.CONTTYPE)],
    "folder": lambda: [*honest()[:-1], member("models/empty", type=tarfile.DIRTYPE)],
    "sparse": lambda: [
        *honest()[:-1],
        member("models/empty", pax_headers={"GNU.sparse.size": "1000000000000", "GNU.sparse.map": "0,0"}),
    ],
    "twice": lambda: [*honest(), member("models/empty")],
    "missing": lambda: honest()[:-1],
    "other size": lambda: [*honest()[:-1], member("models/empty", b"x")],
    "other content": lambda: [*honest()[:1], member(FOREX_DB, FILES[FOREX_DB][::-1]), *honest()[2:]],
    "no manifest": lambda: honest()[1:],
    "manifest is a link": lambda: [
        member("manifest.json", type=tarfile.SYMTYPE, linkname="/etc/passwd"),
        *honest()[1:],
    ],
    "two manifests": lambda: [honest()[0], *honest()],
    "bomb": lambda: [*honest(), member("models/bomb", bytes(50_000_000))],
    "bomb in a header": lambda: [*honest()[:-1], member("models/empty", pax_headers={"comment": "0" * 50_000_000})],
    "ten thousand more": lambda: honest() + [member(f"models/{n}") for n in range(10_000)],
}


@pytest.mark.fault(24, 25)
@pytest.mark.parametrize("what", TAMPERED)
def test_a_tampered_archive_is_refused_before_its_first_stranger_is_written(what: str, tmp_path: Path) -> None:
    archive = packed(tmp_path / "archive", TAMPERED[what]())
    with pytest.raises(CorruptStore):
        check_content(archive, read_manifest(archive, None))
    (tmp_path / "in").mkdir()
    with pytest.raises(CorruptStore):
        unpack(archive, MANIFEST, tmp_path / "in" / "new")
    written = {path for path in tmp_path.rglob("*") if not path.is_dir()}
    assert written <= {archive, *(tmp_path / "in" / "new" / name for name in FILES)}
    assert not any(path.is_symlink() for path in written)


def test_another_size_is_seen_in_the_list_alone(tmp_path: Path) -> None:
    with pytest.raises(CorruptStore, match="no plain file of 0 bytes"):
        check_list(packed(tmp_path / "archive", TAMPERED["other size"]()), MANIFEST)


def test_what_follows_the_end_is_refused_or_bounded(tmp_path: Path) -> None:
    with pytest.raises(CorruptStore, match="larger than it says"):
        check_list(packed(tmp_path / "zeros", honest(), after=bytes(50_000_000)), MANIFEST)
    with pytest.raises(CorruptStore, match="follows its end"):
        check_list(packed(tmp_path / "more", honest(), after=bytes(20_000) + b"more"), MANIFEST)


@pytest.mark.fault(23)
def test_an_archive_is_signed_with_the_key_or_refused(archive: Path, tmp_path: Path) -> None:
    with pytest.raises(CorruptStore, match="not of backup_key"):
        read_manifest(archive, "another key")
    with pytest.raises(CorruptStore, match=r"not signed with backup_key"):
        read_manifest(packed(tmp_path / "unsigned", honest()), KEY)
    stolen = read_signature(archive)
    forged = replace(MANIFEST, counts=dict(MANIFEST.counts) | {"forecasts": 7})
    members = [member("manifest.json", forged.to_bytes()), member("manifest.hmac", stolen), *honest()[1:]]
    with pytest.raises(CorruptStore, match="not of backup_key"):
        read_manifest(packed(tmp_path / "forged", members), KEY)
    assert read_manifest(archive, None) == MANIFEST


def read_signature(archive: Path) -> bytes:
    with tarfile.open(archive) as tar:
        return tar.extractfile("manifest.hmac").read()


def test_a_folder_is_listed_by_what_the_manifests_say_not_by_names(archive: Path, tmp_path: Path) -> None:
    newer = replace(MANIFEST, created_at=NOW.replace(year=2025))
    write(tmp_path / "forex-00.tar.gz", newer, parts(tmp_path / "tree"), KEY)
    (tmp_path / "forex-2099.tar.gz").write_bytes(b"no archive")
    (tmp_path / "other.tar.gz").write_bytes(b"not ours")
    found = archives(tmp_path, KEY)
    assert [one.path.name for one in found] == ["forex-00.tar.gz", archive.name, "forex-2099.tar.gz"]
    assert found[0].manifest == newer
    assert "is damaged" in found[2].trouble


def test_what_is_no_file_is_not_waited_for(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no archive"):
        read_manifest(tmp_path, None)


NAMES = ["../up", "/etc/x", "reports//x", "reports/./x", "reports/../x", "reports/", "else/x", "reports/a\nb", "lock"]
NAMES += [
    "reports/a\x1b[2J",
    "models\\x",
    "models/a\\b",
    "",
    ".",
    "manifest.json",
    "reports/\u202egnp",
    "models/\udc80",
]


@pytest.mark.parametrize("name", NAMES)
def test_a_name_that_no_backup_has_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match=r"name of a backup|can't be shown"):
        check_names({FOREX_DB: 0, name: 0})


def test_twins_and_files_that_are_folders_are_refused() -> None:
    with pytest.raises(ValueError, match="case only"):
        check_names({"reports/a": 0, "reports/A": 0})
    with pytest.raises(ValueError, match="file and a folder"):
        check_names({"reports/a": 0, "reports/a/b": 0})


def changed(**changes: object) -> bytes:
    return json.dumps(json.loads(MANIFEST.to_bytes()) | changes, sort_keys=True, indent=1).encode()


MALFORMED = {
    "not json": b"{",
    "a list": b"[]",
    "deep": b"[" * 100_000,
    "a key more": changed(extra=1),
    "a key twice": MANIFEST.to_bytes().replace(b'"app"', b'"app": "", "app"'),
    "other spacing": json.dumps(json.loads(MANIFEST.to_bytes())).encode(),
    "no schema": changed(schema=None),
    "a number for text": changed(app=1),
    "true for a number": changed(forex_schema=True),
    "a local time": changed(created_at="2024-07-01T12:00:00"),
    "another zone": changed(created_at="2024-07-01T12:00:00-04:00"),
    "a part of a second": changed(created_at="2024-07-01T12:00:00.5+00:00"),
    "a relative place": changed(data_dir="data"),
    "a count more": changed(counts=dict.fromkeys([*COUNTED, "x"], 0)),
    "a count below nothing": changed(counts=dict.fromkeys(COUNTED, -1)),
    "no database": changed(files={}),
    "a database that is missing": changed(alembic="x"),
    "no hash": changed(files={FOREX_DB: {"sha256": "x", "size": 1}}),
    "no size": changed(files={FOREX_DB: {"sha256": "0" * 64, "size": -1}}),
    "half a file": changed(files={FOREX_DB: {"sha256": "0" * 64}}),
    "a way out": changed(files={FOREX_DB: {"sha256": "0" * 64, "size": 1}, "../x": {"sha256": "0" * 64, "size": 1}}),
}


@pytest.mark.parametrize("what", MALFORMED)
def test_a_malformed_manifest_is_refused(what: str) -> None:
    with pytest.raises(CorruptStore, match="the manifest is damaged"):
        Manifest.from_bytes(MALFORMED[what])


def test_a_newer_format_is_refused_with_both_versions() -> None:
    with pytest.raises(VersionMismatch, match=r"format 2, this program knows 1.*'9.9'"):
        Manifest.from_bytes(changed(schema=2, app="9.9"))


@given(
    st.dictionaries(
        st.text(st.characters(exclude_categories=["C"], exclude_characters="/\\"), min_size=1), st.binary(max_size=9)
    )
)
def test_a_manifest_survives_its_own_bytes(files: dict[str, bytes]) -> None:
    named = {
        f"models/{n}/{name}": content for n, (name, content) in enumerate(files.items()) if name not in (".", "..")
    }
    manifest = manifest_of({FOREX_DB: b""} | named)
    assert Manifest.from_bytes(manifest.to_bytes()) == manifest
