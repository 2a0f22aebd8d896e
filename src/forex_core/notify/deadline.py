"""One time limit for all that is done on a connection: looking up the name, connecting, and every reply."""

import socket
import threading
import time
from concurrent.futures import Future
from contextlib import suppress
from typing import Any, Self, TypeAlias

Found: TypeAlias = tuple[socket.AddressFamily, Any]  # an address as its family writes it
PATIENCE = 20.0  # seconds without a byte after which a server is given up


class Deadline:
    """When the time is up the connection is cut: a socket's own timeouts bound each silence, not their sum."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._until = time.monotonic() + seconds
        self._guard: socket.socket | None = None
        self._timer = threading.Timer(seconds, self._cut)
        self._timer.daemon = True

    def __enter__(self) -> Self:
        self._timer.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._timer.cancel()
        self._watch(None)

    @property
    def over(self) -> bool:
        """True when the time is up."""
        return self._left() <= 0

    def connect(self, host: str, port: int) -> socket.socket:
        """A connection to the first of the host's addresses that takes one; OSError. The newest one is watched."""
        refused: OSError = TimeoutError("timed out")
        for family, address in self._looked_up(host, port):
            connection = socket.socket(family, socket.SOCK_STREAM)
            try:
                connection.settimeout(max(0.001, min(PATIENCE, self._left())))
                connection.connect(address)
            except OSError as error:
                connection.close()
                refused = error
                continue
            self._watch(connection.dup())  # stays the same connection when TLS takes over the socket
            return connection
        raise refused

    def _watch(self, guard: socket.socket | None) -> None:
        if self._guard is not None:
            self._guard.close()
        self._guard = guard

    def _left(self) -> float:
        return self._until - time.monotonic()

    def _cut(self) -> None:
        if self._guard is not None:
            with suppress(OSError):  # closed already
                self._guard.shutdown(socket.SHUT_RDWR)

    def _looked_up(self, host: str, port: int) -> list[Found]:
        """The host's addresses, asked for in a thread that is left behind: a look-up can't be stopped."""
        answer: Future[list[Found]] = Future()

        def work() -> None:
            try:
                found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
                answer.set_result([(family, address) for family, _, _, _, address in found])
            except (OSError, UnicodeError) as error:
                answer.set_exception(error)

        threading.Thread(target=work, daemon=True).start()
        return answer.result(timeout=max(0.0, self._left()))
