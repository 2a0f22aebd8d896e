"""A model hub as a local server that speaks Hugging Face's documented shapes, and does wrong when told to."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import sha1, sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from urllib.parse import unquote, urlsplit

LARGE = (".safetensors", ".bin")  # git-lfs keeps these, and a CDN serves them


@dataclass
class Hub:
    """A running hub. models: id -> file -> content, all of one commit; branches: names of that commit."""

    models: dict[str, dict[str, bytes]]
    address: str
    commit: str = sha1(b"a commit").hexdigest()
    branches: tuple[str, ...] = ("main",)
    gated: tuple[str, ...] = ()
    listed_besides: list[dict[str, Any]] = field(default_factory=list)  # entries of a hub that lies
    asked: list[tuple[str, str]] = field(default_factory=list)  # path and Range of each request
    cuts: list[int] = field(default_factory=list)  # after so many bytes the next answers of large files end
    flips: bool = False  # large files arrive with another last byte
    knows_ranges: bool = True
    busy: int = 0  # so many requests are answered 503 first

    def downloads(self) -> list[tuple[str, str]]:
        """The requests for what files hold: path and Range."""
        return [(path, span) for path, span in self.asked if not path.startswith("/api/")]

    def listing(self, model: str) -> dict[str, Any]:
        siblings = [_described(name, content) for name, content in self.models[model].items()]
        return {"id": model, "sha": self.commit, "siblings": siblings + self.listed_besides}


def _described(name: str, content: bytes) -> dict[str, Any]:
    blob = sha1(f"blob {len(content)}\0".encode() + content).hexdigest()
    entry = {"rfilename": name, "size": len(content), "blobId": blob}
    large = {"sha256": sha256(content).hexdigest(), "size": len(content), "pointerSize": 134}
    return entry | ({"lfs": large} if name.endswith(LARGE) else {})


class _Wire(BaseHTTPRequestHandler):
    hub: Hub

    def do_GET(self) -> None:
        self.hub.asked.append((unquote(urlsplit(self.path).path), self.headers.get("Range", "")))
        if self.hub.busy:
            self.hub.busy -= 1
            self._say(503)
            return
        parts = unquote(urlsplit(self.path).path).strip("/").split("/")
        match parts:
            case ["api", "models", owner, name, "revision", *revision]:
                self._list(f"{owner}/{name}", "/".join(revision))
            case [owner, name, "resolve", self.hub.commit, file]:
                self._resolve(f"{owner}/{name}", file)
            case ["cdn", owner, name, file]:
                self._send(self.hub.models[f"{owner}/{name}"][file])
            case _:
                self._say(404)

    def _list(self, model: str, revision: str) -> None:
        if model in self.hub.gated:
            self._say(403, X_Error_Code="GatedRepo")
        elif model not in self.hub.models:
            self._say(401, X_Error_Code="RepoNotFound")
        elif revision not in (*self.hub.branches, self.hub.commit):
            self._say(404, X_Error_Code="RevisionNotFound")
        else:
            self._say(200, json.dumps(self.hub.listing(model)).encode())

    def _resolve(self, model: str, file: str) -> None:
        content = self.hub.models.get(model, {}).get(file)
        if content is None:
            self._say(404, X_Error_Code="EntryNotFound")
        elif file.endswith(LARGE):
            self._say(302, Location=f"{self.hub.address}/cdn/{model}/{file}")
        else:
            self._say(200, content)

    def _send(self, content: bytes) -> None:
        """A file from the CDN, from where the Range says."""
        whole = content[:-1] + bytes([content[-1] ^ 1]) if self.hub.flips else content
        span = self.headers.get("Range", "")
        start = int(span.removeprefix("bytes=").rstrip("-")) if span and self.hub.knows_ranges else 0
        rest = whole[start:]
        self.send_response(206 if start else 200)
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(whole) - 1}/{len(whole)}")
        self.send_header("Content-Length", str(len(rest)))
        self.end_headers()
        self.wfile.write(rest[: self.hub.cuts.pop(0)] if self.hub.cuts else rest)

    def _say(self, status: int, body: bytes = b"", **headers: str) -> None:
        self.send_response(status)
        for name, value in ({"Content-Length": str(len(body))} | headers).items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: object) -> None: ...


@contextmanager
def running_hub(models: dict[str, dict[str, bytes]]) -> Iterator[Hub]:
    """Serve the models on a free port of this machine."""

    class Wire(_Wire): ...

    class Server(ThreadingHTTPServer):
        daemon_threads = False  # joined when the server closes, so that no socket is left open

    with Server(("127.0.0.1", 0), Wire) as server:
        hub = Wire.hub = Hub(models, f"http://127.0.0.1:{server.server_port}")
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield hub
        finally:
            server.shutdown()
            thread.join()
