"""A file is replaced whole or not at all, and what the disk refuses is said in the operator's words."""

import errno
import os
from pathlib import Path

import pytest

from forex_core.errors import CannotWrite, CorruptStore, ForexError, NotOwner
from forex_core.store.files import replace_durably


@pytest.fixture
def report(tmp_path: Path) -> Path:
    path = tmp_path / "reports" / "7d.html"
    path.parent.mkdir()
    path.write_bytes(b"old")
    return path


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_the_content_is_replaced_and_no_scratch_stays(report: Path) -> None:
    replace_durably(report, b"new")

    assert contents(report.parent) == {"7d.html": b"new"}


def test_missing_directories_are_made(tmp_path: Path) -> None:
    replace_durably(tmp_path / "a" / "b" / "c.html", b"new")

    assert (tmp_path / "a" / "b" / "c.html").read_bytes() == b"new"


def test_a_scratch_file_that_a_crash_left_is_overwritten(report: Path) -> None:
    report.with_name(".7d.html.new").write_bytes(b"a long half-written report")
    replace_durably(report, b"new")

    assert contents(report.parent) == {"7d.html": b"new"}


@pytest.mark.fault(6)
@pytest.mark.parametrize(
    ("number", "kind", "exit_code"),
    [
        (errno.ENOSPC, CannotWrite, 73),
        (errno.EDQUOT, CannotWrite, 73),
        (errno.EROFS, CannotWrite, 73),
        (errno.EACCES, NotOwner, 77),
        (errno.EIO, CorruptStore, 74),
    ],
)
def test_when_the_disk_refuses_then_the_old_content_stays_and_no_scratch(
    report: Path, monkeypatch: pytest.MonkeyPatch, number: int, kind: type[ForexError], exit_code: int
) -> None:
    def refuse(_: int) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "fsync", refuse)
    with pytest.raises(kind) as caught:
        replace_durably(report, b"new")

    assert (caught.value.exit_code, str(report) in str(caught.value)) == (exit_code, True)
    assert contents(report.parent) == {"7d.html": b"old"}


def test_when_the_disk_is_full_then_the_error_says_what_to_do(report: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(CannotWrite) as caught:
        replace_durably(report, b"new")

    assert str(caught.value) == (f"cannot write {report}: No space left on device; free some space or fix the path")


def test_when_a_parent_is_a_file_then_it_cannot_be_written(report: Path) -> None:
    with pytest.raises(CannotWrite):
        replace_durably(report / "7d.html", b"new")

    assert report.read_bytes() == b"old"


def test_the_file_is_durable_before_its_name_and_the_name_before_the_return(
    report: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[tuple[str, str, bytes]] = []
    fsync, replace = os.fsync, Path.replace

    def noted_fsync(descriptor: int) -> None:
        calls.append(("fsync", Path(f"/proc/self/fd/{descriptor}").readlink().name, report.read_bytes()))
        fsync(descriptor)

    def noted_replace(self: Path, target: Path) -> Path:
        calls.append(("replace", self.name, report.read_bytes()))
        return replace(self, target)

    monkeypatch.setattr(os, "fsync", noted_fsync)
    monkeypatch.setattr(Path, "replace", noted_replace)
    replace_durably(report, b"new")

    assert calls == [
        ("fsync", ".7d.html.new", b"old"),
        ("replace", ".7d.html.new", b"old"),
        ("fsync", "reports", b"new"),
    ]
