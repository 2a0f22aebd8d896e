"""Heavy members speak from one short-lived child process, so that their libraries never enter the parent's memory."""

import gc
import multiprocessing
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from multiprocessing.connection import Connection

from forex_core.errors import ModelError
from forex_core.models.member import Heavy, Member, ask
from forex_core.values import QuantilePath, Series

Ask = Callable[[Member, Series, int], QuantilePath]

PATIENCE = 120.0  # seconds for one fit, and for the child to start; a fit takes hundredths of one


@contextmanager
def one_child() -> Iterator[Ask]:
    """`ask`, with the heavy members in a child that starts when the first one is asked and ends with the block."""
    child = _Child()
    try:
        yield lambda member, history, steps: (child if isinstance(member, Heavy) else ask)(member, history, steps)
    finally:
        child.end()


class _Child:
    def __init__(self) -> None:
        self._end: Connection | None = None
        self._lost: set[str] = set()  # members whose process died or hung: once is enough
        self._process: multiprocessing.process.BaseProcess | None = None

    def __call__(self, member: Member, history: Series, steps: int) -> QuantilePath:
        if member.name in self._lost:
            raise ModelError(f"{member.name}'s process died or hung before")
        end = self._end or self._start()
        try:
            end.send((member, history, steps))
            if not end.poll(PATIENCE):
                raise EOFError
            answer = end.recv()
        except (EOFError, OSError):
            self.end()
            self._lost.add(member.name)
            raise ModelError(f"{member.name}'s process died or hung") from None
        if isinstance(answer, str):
            raise ModelError(answer)
        return QuantilePath(answer)

    def _start(self) -> Connection:
        spawn = multiprocessing.get_context("spawn")  # a fork would share the parent's open databases
        self._end, theirs = spawn.Pipe()
        self._process = spawn.Process(target=_serve, args=(theirs,), daemon=True)
        self._process.start()
        theirs.close()
        return self._end

    def end(self) -> None:
        """See the child gone, at once: it has nothing to save, and would take half a second to tidy up."""
        if self._end and self._process:
            self._end.close()
            self._process.kill()
            self._process.join()
        self._end = self._process = None


def _serve(end: Connection) -> None:
    """Answer until the parent closes its end, or dies."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # who presses Ctrl-C means the parent
    gc.disable()  # it won't live long, and looking through modules in the making is a quarter of an import
    with suppress(EOFError, OSError):
        while True:
            try:
                answer: object = ask(*end.recv()).rates
            except ModelError as error:
                answer = error.message
            end.send(answer)
