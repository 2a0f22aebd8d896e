"""Versions, the immutable model configurations, and which of them is champion."""

import json
import sqlite3
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256


@dataclass(frozen=True, slots=True)
class Version:
    version_id: str
    pair: str
    horizon: str
    hash: str


class Versions:
    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def of_config(self, pair: str, horizon: str, config: dict[str, object], now: datetime) -> Version:
        """The version of this configuration, registered if it was never seen; the first of a horizon is champion."""
        text = json.dumps(config, sort_keys=True, separators=(",", ":"))
        digest = sha256(text.encode()).hexdigest()
        row = self._connection.execute(
            "SELECT version_id FROM versions WHERE pair = ? AND horizon = ? AND hash = ?", (pair, horizon, digest)
        ).fetchone()
        if row:
            return Version(row[0], pair, horizon, digest)
        version = Version(self._unused_id(now), pair, horizon, digest)
        self._connection.execute(
            "INSERT INTO versions VALUES (?, ?, ?, ?, ?, ?)",
            (version.version_id, pair, horizon, digest, now.isoformat(), text),
        )
        self._connection.execute(
            "INSERT OR IGNORE INTO champions VALUES (?, ?, ?, ?, NULL)", (pair, horizon, version.version_id, now.isoformat())
        )
        return version

    def champion(self, pair: str, horizon: str) -> str | None:
        """The version id of the champion."""
        row = self._connection.execute(
            "SELECT version_id FROM champions WHERE pair = ? AND horizon = ?", (pair, horizon)
        ).fetchone()
        return row[0] if row else None

    def _unused_id(self, now: datetime) -> str:
        """`v2025-07-06--18h51`, then `-2`, `-3` within the same minute."""
        stem = now.strftime("v%Y-%m-%d--%Hh%M")
        taken = {row[0] for row in self._connection.execute("SELECT version_id FROM versions")}
        suffixes = ("" if n == 1 else f"-{n}" for n in range(1, len(taken) + 2))
        return next(stem + suffix for suffix in suffixes if stem + suffix not in taken)
