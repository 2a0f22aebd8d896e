"""One writer at a time, told by the kernel: real processes hold the lock here, and real kills end them."""

import fcntl
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from select import select

import pytest

from forex_core.errors import LockBusy
from forex_core.store.lock import writer_lock

HOLD = """
import sys
from pathlib import Path
from forex_core.store.lock import writer_lock

with writer_lock(Path(sys.argv[1]), 30):
    {meanwhile}
    print("holding", flush=True)
    sys.stdin.read()
"""
SPAWN = 'import subprocess; print(subprocess.Popen(["sleep", "60"], stdin=-3, stdout=-3).pid)'
FORK = """
    import os, time
    child = os.fork()
    if child == 0:
        os.close(0), os.close(1), time.sleep(60), os._exit(0)
    print(child)
"""

Starter = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture
def start(data_dir: Path) -> Iterator[Starter]:
    """Start processes that take the lock, say so, and hold it until their stdin ends."""
    started: list[subprocess.Popen[str]] = []

    def run(meanwhile: str = "pass") -> "subprocess.Popen[str]":
        code = HOLD.format(meanwhile=meanwhile)
        process = subprocess.Popen(
            [sys.executable, "-c", code, str(data_dir)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        started.append(process)
        return process

    yield run
    for process in started:
        process.kill()
        process.communicate()


def said(process: "subprocess.Popen[str]") -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def says_something_within(process: "subprocess.Popen[str]", seconds: float) -> bool:
    return bool(select([process.stdout], [], [], seconds)[0])


def is_held(data_dir: Path) -> bool:
    """Ask the kernel, not the code under test."""
    with (data_dir / "lock").open("rb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        return False


def test_the_lock_is_held_inside_and_free_after(data_dir: Path) -> None:
    with writer_lock(data_dir, 0):
        assert is_held(data_dir)

    assert not is_held(data_dir)


def test_the_note_names_the_holder_while_the_lock_is_held_and_is_gone_after(data_dir: Path) -> None:
    note = data_dir / "lock.holder"
    with writer_lock(data_dir, 0):
        assert json.loads(note.read_text(encoding="utf-8"))["pid"] == os.getpid()

    assert not note.exists()


def test_when_what_runs_inside_fails_then_lock_and_note_are_gone_too(data_dir: Path) -> None:
    with pytest.raises(ZeroDivisionError), writer_lock(data_dir, 0):
        raise ZeroDivisionError

    assert not is_held(data_dir)
    assert [path.name for path in data_dir.iterdir()] == ["lock"]


@pytest.mark.fault(13)
def test_the_lock_file_is_never_deleted_and_is_private(data_dir: Path) -> None:
    with writer_lock(data_dir, 0):
        first = (data_dir / "lock").stat()
    with writer_lock(data_dir, 0):
        pass
    last = (data_dir / "lock").stat()

    assert (first.st_ino, first.st_mode & 0o777) == (last.st_ino, 0o600)


def test_a_second_process_waits_until_the_first_ends(data_dir: Path, start: Starter) -> None:
    first = start()
    assert said(first) == "holding"
    second = start()
    waited = not says_something_within(second, 1.5)
    first.communicate("")

    assert waited
    assert said(second) == "holding"


@pytest.mark.fault(13)
def test_when_the_holder_is_killed_then_the_lock_is_free_and_the_next_note_is_the_next_holders(
    data_dir: Path, start: Starter
) -> None:
    holder = start()
    assert said(holder) == "holding"
    assert is_held(data_dir)
    holder.send_signal(signal.SIGKILL)
    holder.wait()

    assert not is_held(data_dir)
    with writer_lock(data_dir, 0):
        note = json.loads((data_dir / "lock.holder").read_text(encoding="utf-8"))
    assert note["pid"] == os.getpid()


@pytest.mark.fault(13)
@pytest.mark.parametrize("meanwhile", [SPAWN, FORK], ids=["spawned", "forked"])
def test_a_child_does_not_keep_the_lock_after_its_holder_died(data_dir: Path, start: Starter, meanwhile: str) -> None:
    holder = start(meanwhile)
    child = int(said(holder))
    try:
        assert said(holder) == "holding"
        assert is_held(data_dir)
        holder.send_signal(signal.SIGKILL)
        holder.wait()

        assert Path(f"/proc/{child}").exists()
        # the kernel may run the parent before the forked child has let go
        assert any(not is_held(data_dir) or time.sleep(0.05) for _ in range(40))
    finally:
        with suppress(ProcessLookupError):
            os.kill(child, signal.SIGKILL)


def test_when_the_lock_is_not_free_in_time_then_its_holder_is_named(data_dir: Path, start: Starter) -> None:
    holder = start()
    assert said(holder) == "holding"

    with pytest.raises(LockBusy) as caught, writer_lock(data_dir, 0.2):
        pass

    assert caught.value.exit_code == 75
    assert str(caught.value).startswith(f"process {holder.pid} (-c")
    assert str(caught.value).endswith(
        f"holds the lock of {data_dir}, waited 0.2 s; nothing was changed; run again when it has ended"
    )


def test_when_the_note_is_unreadable_then_the_holder_is_another_process(data_dir: Path, start: Starter) -> None:
    assert said(start()) == "holding"
    (data_dir / "lock.holder").write_text("{", encoding="utf-8")

    with pytest.raises(LockBusy, match=r"^another process holds the lock"), writer_lock(data_dir, 0):
        pass
