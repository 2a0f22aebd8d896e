"""Showing something in place, anew every second: no flicker, no alternate screen, and a cursor that comes back."""

import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

import typer

from forex_cli.terminal import Terminal


def cropped(frame: list[str], terminal: Terminal) -> list[str]:
    """What fits above the cursor: the first lines, and the last, where the troubles stand."""
    room = max(terminal.height - 1, 3)
    if len(frame) <= room:
        return frame
    last = room // 2
    return [*frame[: room - last - 1], terminal.cut, *frame[-last:]]


@contextmanager
def screen() -> Iterator[Callable[[list[str], Terminal], None]]:
    """What draws one frame over the one before. Ends with 130 on Ctrl-C, quietly when the terminal goes."""
    drawn: tuple[int, tuple[int, int] | None] = (0, None)  # lines of the last frame, and the size of its terminal

    def show(frame: list[str], terminal: Terminal) -> None:
        nonlocal drawn
        height, size = drawn
        start = f"\r\x1b[{height}A" if height else ""
        if size not in (None, (terminal.width, terminal.height)):
            start = "\x1b[H"  # the old frame was wrapped anew: where it begins is unknown
        # each line is erased before it is written: erasing behind a full one would take its last character
        body = "".join(f"\x1b[2K{line}\n" for line in frame)
        _write(f"{start}{body}\x1b[J")
        drawn = len(frame), (terminal.width, terminal.height)

    def end(number: int, frame: FrameType | None) -> None:
        raise typer.Exit(128 + number)

    before = {number: signal.signal(number, end) for number in (signal.SIGTERM, signal.SIGHUP)}
    try:
        _write("\x1b[?25l")
        yield show
    except KeyboardInterrupt:
        raise typer.Exit(128 + signal.SIGINT) from None
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        _write("\x1b[?25h")


def _write(text: str) -> None:
    """At once and whole; ends quietly if the terminal is gone."""
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except OSError:
        # what is still buffered would fail again while Python ends
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise typer.Exit(128 + signal.SIGHUP) from None
