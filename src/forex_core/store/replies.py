"""The last good and the last bad reply of each source, as they came but for secrets: what a service really said."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from forex_core.store.files import replace_durably

LARGEST = 1_000_000  # bytes that are kept of one reply


@dataclass(frozen=True)
class Replies:
    """A folder with <source>.good and <source>.bad."""

    folder: Path

    def keep(self, source: str, good: bool, body: bytes) -> None:
        """Put a reply in place of the one before."""
        replace_durably(self.folder / f"{source}.{'good' if good else 'bad'}", body[:LARGEST])

    def of(self, source: str) -> Iterator[tuple[str, datetime, str]]:
        """What is kept of a source: good or bad, when it came, and its text without control characters."""
        for kind in ("good", "bad"):
            path = self.folder / f"{source}.{kind}"
            if path.is_file():
                text = path.read_bytes().decode("utf-8", "replace")
                printable = "".join(c if c.isprintable() or c == "\n" else "?" for c in text)
                yield kind, datetime.fromtimestamp(int(path.stat().st_mtime), UTC), printable
