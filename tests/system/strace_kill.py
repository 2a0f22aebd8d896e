"""kill -9, or an error, at any one system call of a command: `points` counts them in a clean run, the others strike."""

import re
import signal
import subprocess
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

# what changes a disk, under the names that Python and SQLite call it by
WRITES = (
    "openat,write,pwrite64,fsync,fdatasync,ftruncate,rename,renameat,renameat2,"
    "unlink,unlinkat,mkdir,mkdirat,rmdir,link,linkat,symlink,chmod,fchmod"
)


@dataclass(frozen=True, slots=True)
class Point:
    """The nth call of this name that the command's first process makes, from 1 on."""

    call: str
    nth: int


def points(
    command: Sequence[object], environ: Mapping[str, str], since: str, trace: Path, calls: str = WRITES
) -> list[Point]:
    """Every such call of a clean run, from the first one whose arguments match the pattern `since`."""
    ended = _strace(["-e", f"trace={calls}", "-o", str(trace)], command, environ)
    assert ended.returncode == 0, ended.stderr
    counted: Counter[str] = Counter()
    found: list[Point] = []
    begun = False
    for line in trace.read_text(encoding="utf-8", errors="replace").splitlines():
        if call := re.match(r"(?:\d+ +)?(\w+)\(", line):
            counted[call[1]] += 1
            begun = begun or re.search(since, line) is not None
            if begun:
                found.append(Point(call[1], counted[call[1]]))
    assert found, f"no call of the command matches {since}"
    return found


def kill_at(point: Point, command: Sequence[object], environ: Mapping[str, str]) -> None:
    """Run the command and kill it as it enters this call; it is shown to have died of that."""
    ended = _strace(
        ["-o", "/dev/null", "-e", f"inject={point.call}:signal=KILL:when={point.nth}"],
        command,
        environ,
    )
    assert ended.returncode == -signal.SIGKILL, (point, ended.returncode, ended.stderr)


def fail_at(
    point: Point, error: str, command: Sequence[object], environ: Mapping[str, str]
) -> "subprocess.CompletedProcess[str]":
    """Run the command, this one call failing with `error`, such as ENOSPC."""
    return _strace(
        ["-o", "/dev/null", "-e", f"inject={point.call}:error={error}:when={point.nth}"],
        command,
        environ,
    )


def _strace(
    options: list[str], command: Sequence[object], environ: Mapping[str, str]
) -> "subprocess.CompletedProcess[str]":
    # without -f: the counts are of one process; without --seccomp-bpf: it would inject nothing
    return subprocess.run(
        ["strace", *options, *map(str, command)],
        env={**environ, "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
