"""A chat service on this machine, as Apprise's json:// speaks to one: it takes messages, refuses them, or is silent."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class Hook:
    """What it heard; /silent answers nothing until the end, and `reply` is what any other path answers."""

    port: int = 0
    reply: int = 200
    heard: list[dict[str, Any]] = field(default_factory=list)
    over: threading.Event = field(default_factory=threading.Event)

    @property
    def address(self) -> str:
        return f"json://127.0.0.1:{self.port}/a-token-not-to-be-told"

    @property
    def silent_address(self) -> str:
        return f"json://127.0.0.1:{self.port}/silent"


@contextmanager
def running_hook() -> Iterator[Hook]:
    """Serve on a port of this machine."""
    hook = Hook()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            said = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            if self.path.startswith("/silent"):
                hook.over.wait(60)
                return
            hook.heard.append(said)
            self.send_response(hook.reply)
            self.end_headers()

        def log_message(self, *_: object) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    hook.port = server.server_port
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield hook
    finally:
        hook.over.set()
        server.shutdown()
        thread.join()
        server.server_close()
