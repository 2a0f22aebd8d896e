"""A monitor on this machine that speaks the protocol of healthchecks, and does wrong when told to."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread
from urllib.parse import parse_qs, urlsplit
from uuid import UUID


@dataclass
class Monitor:
    """What it heard. Scripted statuses are used up first, then it says OK; 0 is a black hole, -1 a drip."""

    url: str = ""
    pings: list[tuple[str, str, str]] = field(default_factory=list)  # path, run id, body
    statuses: list[int] = field(default_factory=list)
    words: bytes = b"OK"
    closing: Event = field(default_factory=Event)

    @property
    def signals(self) -> list[str]:
        """What was told: start, fail, log, or nothing for success."""
        return [path.removeprefix("/ping/the-check").lstrip("/") for path, _, _ in self.pings]

    @property
    def rids(self) -> set[str]:
        """The run ids, each in its canonical form."""
        return {str(UUID(rid)) for _, rid, _ in self.pings if str(UUID(rid)) == rid}


@contextmanager
def running_monitor() -> Iterator[Monitor]:
    monitor = Monitor()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            address = urlsplit(self.path)
            body = self.rfile.read(int(self.headers["Content-Length"] or 0)).decode("utf-8", "replace")
            monitor.pings.append((address.path, parse_qs(address.query)["rid"][0], body))
            status = monitor.statuses.pop(0) if monitor.statuses else 200
            if status == 0:
                monitor.closing.wait(30)
                return
            if status == -1:
                self.drip()
                return
            self.send_response(status)
            self.send_header("Content-Length", str(len(monitor.words)))
            self.end_headers()
            self.wfile.write(monitor.words)

        def drip(self) -> None:
            for byte in b"HTTP/1.1 200 OK\r\nX-Padding: " + b"a" * 100:
                if monitor.closing.wait(0.05):
                    return
                self.wfile.write(bytes([byte]))
                self.wfile.flush()

        def log_message(self, *_: object) -> None: ...

    class Server(ThreadingHTTPServer):
        def handle_error(self, *_: object) -> None: ...  # who has waited long enough hangs up

    server = Server(("127.0.0.1", 0), Handler)
    monitor.url = f"http://127.0.0.1:{server.server_port}/ping/the-check"
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield monitor
    finally:
        monitor.closing.set()
        server.shutdown()
        server.server_close()
        thread.join()
