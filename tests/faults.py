"""What a server can do wrong: on the wire, and in the body of a reply that looks well."""

import gzip
import json
import re
import socket
import struct
from collections.abc import Callable
from functools import cache
from http.server import BaseHTTPRequestHandler
from threading import Event

HTML = b"<!DOCTYPE html><html><body>Servicio no disponible</body></html>"
BOMB = 50_000_000  # bytes, of 48 kB


class Wire(BaseHTTPRequestHandler):
    """What a fault works with: one connection, what it would have answered, how often it was asked before."""

    closing: Event
    good: bytes
    before: int

    def reply(self, body: bytes, status: int = 200, **headers: str) -> None:
        """One whole answer."""
        self.head(status, **{"Content-Length": str(len(body))} | headers)
        self.wfile.write(body)

    def head(self, status: int = 200, **headers: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()

    def drip(self, content: bytes) -> None:
        """A byte every 0.4 s until the server stops; no read ever waits long."""
        for byte in content:
            if self.closing.wait(0.4):
                return
            self.wfile.write(bytes([byte]))
            self.wfile.flush()


def _black_hole(wire: Wire) -> None:
    wire.closing.wait(30)


def _drip(wire: Wire) -> None:
    wire.head(Content_Length="10000")
    wire.drip(b" " * 100)


def _drip_in_header(wire: Wire) -> None:
    wire.drip(b"HTTP/1.1 200 OK\r\nX-Padding: " + b"a" * 100)


def _reset(wire: Wire) -> None:
    wire.head(Content_Length="10000")
    wire.wfile.write(wire.good[:10])
    wire.wfile.flush()
    wire.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # close says RST


def _reset_at_first(wire: Wire) -> None:
    (wire.reply(wire.good) if wire.before else _reset(wire))


def _cut(wire: Wire) -> None:
    """In the middle of a row, and without a length that would tell."""
    wire.head()
    wire.wfile.write(wire.good[:-4])


def _loop(wire: Wire) -> None:
    wire.reply(b"", 302, Location=wire.path)


@cache
def _bomb() -> bytes:
    return gzip.compress(bytes(BOMB))


def _gzip_bomb(wire: Wire) -> None:
    wire.reply(_bomb(), Content_Encoding="gzip")


def _status(status: int, **headers: str) -> Callable[[Wire], None]:
    return lambda wire: wire.reply(b"echo of " + wire.path.encode(), status, **headers)


def _at_first(times: int, status: int, **headers: str) -> Callable[[Wire], None]:
    return lambda wire: wire.reply(wire.good) if wire.before >= times else _status(status, **headers)(wire)


ON_THE_WIRE: dict[str, Callable[[Wire], None]] = {
    "black hole": _black_hole,
    "drip": _drip,
    "drip in the header": _drip_in_header,
    "reset": _reset,
    "reset at first": _reset_at_first,
    "cut": _cut,
    "redirect loop": _loop,
    "gzip bomb": _gzip_bomb,
    "no such page": _status(404),
    "not modified": _status(304),
    "a part": _status(206),
    "wait a day": _status(429, Retry_After="100000"),
    "wait a moment": _at_first(1, 429, Retry_After="0"),
    "broken": _status(500),
    "busy twice": _at_first(2, 503),
    "echo": _status(200),
}


def _leaves(change: Callable[[object], object]) -> Callable[[bytes], bytes]:
    """Change every value of a JSON text, keys and shape left as they are."""

    def walk(thing: object) -> object:
        if isinstance(thing, dict):
            return {key: walk(value) for key, value in thing.items()}
        return [walk(value) for value in thing] if isinstance(thing, list) else change(thing)

    return lambda body: json.dumps(walk(json.loads(body))).encode()


def _no_such_day(body: bytes) -> bytes:
    return re.sub(rb"\d\d-\d\d-\d{4}", b"31-02-2024", re.sub(rb"\d{4}-\d\d-\d\d", b"2024-02-31", body))


TEXT = {
    "html": lambda _: HTML,
    "empty": lambda _: b"",
    "byte-order mark": lambda body: b"\xef\xbb\xbf" + body,
    "latin-1": lambda body: body[:1] + b"\xf3" + body[1:],
    "no such day": _no_such_day,
}
IN_JSON: dict[str, Callable[[bytes], bytes]] = TEXT | {
    "NaN": _leaves(lambda _: float("nan")),
    "Infinity": _leaves(lambda _: float("inf")),
    "1e999": lambda body: _leaves(lambda _: float("inf"))(body).replace(b"Infinity", b"1e999"),
    "huge ints": _leaves(lambda _: 10**400),
    "a key twice": lambda body: body.replace(b"{", b'{"twice": 1, "twice": 2, ', 1),
    "wrong types": _leaves(lambda value: 7 if isinstance(value, str) else "seven"),
    "nulls": _leaves(lambda _: None),
    "true": _leaves(lambda _: True),
    "other keys": lambda body: re.sub(rb'"(\w+)": ', rb'"the_\1": ', body),
    "too deep": lambda _: b"[" * 100_000,
    "half": lambda body: body[: len(body) // 2],
    "a number": lambda _: b"7",
    "list in a list": lambda body: b"[" + body + b"]",
}
IN_CSV: dict[str, Callable[[bytes], bytes]] = TEXT | {
    "cut in a row": lambda body: body[:-4],
    "semicolons": lambda body: body.replace(b",", b";"),
    "decimal commas": lambda body: re.sub(rb"\.(?=\d)", b",", body),
    "quotes": lambda body: re.sub(rb"(?m)^(.*),(.*)$", rb'"\1","\2"', body),
    "NaN": lambda body: re.sub(rb",\d[\d.]*", b",NaN", body),
    "1e3": lambda body: re.sub(rb",\d[\d.]*", b",1e3", body),
    "returns only": lambda body: body.replace(b"\n", b"\r"),
}
_BOMB = b"<!DOCTYPE rss [<!ENTITY a0 'ha'>" + b"".join(
    b"<!ENTITY a%d '%s'>" % (n, b"&a%d;" % (n - 1) * 10) for n in range(1, 10)
)
IN_XML: dict[str, Callable[[bytes], bytes]] = {
    "html": lambda _: HTML,
    "empty": lambda _: b"",
    "json": lambda _: b'{"items": []}',
    "no version": lambda body: re.sub(rb"<rss[^>]*>", b"<news>", body).replace(b"</rss>", b"</news>"),
    "entity bomb": lambda body: body.replace(b"<rss", _BOMB + b"]><rss", 1).replace(b"<title>", b"<title>&a9;"),
    "outside entity": lambda body: body.replace(
        b"<rss", b"<!DOCTYPE rss [<!ENTITY x SYSTEM 'file:///etc/passwd'>]><rss", 1
    ).replace(b"<title>", b"<title>&x;"),
    "UTF-16": lambda body: body.decode().replace("UTF-8", "UTF-16").encode("utf-16"),
    "nothing but tags": lambda body: body.replace(b"</channel>", b"<item>" * 150_000 + b"</channel>"),
    "3 MB": lambda body: body.replace(b"</channel>", b" " * 3_000_000 + b"</channel>"),
    "random bytes": lambda _: bytes(range(256)) * 40,
}
