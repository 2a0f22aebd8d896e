"""What happened, append-only; and the attempts that started and never ended."""

import json
import sqlite3
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened. `attempt` is the id that start and end of one (run, pair, horizon) share."""

    at: datetime
    kind: str
    attempt: str | None
    pair: str | None
    horizon: str | None
    detail: dict[str, str]


ENDS = ("finished", "failed", "killed")


class Events:
    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def add(self, event: Event) -> None:
        """Append an event; whoever calls commits."""
        self._connection.execute(
            "INSERT INTO events (at, kind, attempt, pair, horizon, detail) VALUES (?, ?, ?, ?, ?, ?)",
            (event.at.isoformat(), event.kind, event.attempt, event.pair, event.horizon, json.dumps(event.detail)),
        )

    def unended(self) -> list[Event]:
        """`started` events without an end; with the lock held, their processes are dead."""
        marks = ", ".join("?" * len(ENDS))
        ended = f"SELECT attempt FROM events WHERE kind IN ({marks}) AND attempt IS NOT NULL"
        return self._select(f"kind = 'started' AND attempt NOT IN ({ended}) ORDER BY id", *ENDS)

    def has(self, kind: str, attempt: str) -> bool:
        """True if this attempt has an event of this kind."""
        return bool(self._select("kind = ? AND attempt = ? LIMIT 1", kind, attempt))

    def last_ends(self) -> list[Event]:
        """How the last attempt at each pair and horizon ended."""
        marks = ", ".join("?" * len(ENDS))
        last = f"SELECT max(id) FROM events WHERE kind IN ({marks}) GROUP BY pair, horizon"
        return self._select(f"id IN ({last}) ORDER BY id", *ENDS)

    def of_kind(self, kind: str, limit: int) -> list[Event]:
        """The last ones of a kind, the newest first."""
        return self._select("kind = ? ORDER BY id DESC LIMIT ?", kind, limit)

    def _select(self, where: str, *values: object) -> list[Event]:
        rows = self._connection.execute(
            f"SELECT at, kind, attempt, pair, horizon, detail FROM events WHERE {where}", values
        )
        return [
            Event(datetime.fromisoformat(at), kind, attempt, pair, horizon, json.loads(detail))
            for at, kind, attempt, pair, horizon, detail in rows
        ]
