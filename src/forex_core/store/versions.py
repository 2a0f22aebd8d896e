"""Versions, the immutable model configurations, and which of them is champion."""

import json
import sqlite3
from datetime import datetime
from hashlib import sha256

Config = dict[str, object]


class Versions:
    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def find(self, pair: str, horizon: str, config: Config) -> str | None:
        """The version id of this configuration, if it was ever registered."""
        row = self._connection.execute(
            "SELECT version_id FROM versions WHERE pair = ? AND horizon = ? AND hash = ?",
            (pair, horizon, _digest(config)),
        ).fetchone()
        return row[0] if row else None

    def register(self, pair: str, horizon: str, config: Config, now: datetime) -> str:
        """The version id of this configuration, made now if it was never seen."""
        if found := self.find(pair, horizon, config):
            return found
        version_id = self._unused_id(now)
        self._connection.execute(
            "INSERT INTO versions VALUES (?, ?, ?, ?, ?, ?)",
            (version_id, pair, horizon, _digest(config), now.isoformat(), _canonical(config)),
        )
        return version_id

    def champion(self, pair: str, horizon: str) -> str | None:
        """The version id of the champion."""
        row = self._connection.execute(
            "SELECT version_id FROM champions WHERE pair = ? AND horizon = ?", (pair, horizon)
        ).fetchone()
        return row[0] if row else None

    def crown_first(self, pair: str, horizon: str, version_id: str, now: datetime) -> None:
        """Make this version champion if there is none yet."""
        self._connection.execute(
            "INSERT OR IGNORE INTO champions VALUES (?, ?, ?, ?, NULL)", (pair, horizon, version_id, now.isoformat())
        )

    def _unused_id(self, now: datetime) -> str:
        """`v2025-07-06--18h51`, then `-2`, `-3` within the same minute."""
        stem = now.strftime("v%Y-%m-%d--%Hh%M")
        taken = {row[0] for row in self._connection.execute("SELECT version_id FROM versions")}
        suffixes = ("" if n == 1 else f"-{n}" for n in range(1, len(taken) + 2))
        return next(stem + suffix for suffix in suffixes if stem + suffix not in taken)


def _canonical(config: Config) -> str:
    return json.dumps(config, sort_keys=True, separators=(",", ":"))


def _digest(config: Config) -> str:
    return sha256(_canonical(config).encode()).hexdigest()
