"""Databases for people who may only look: the live one where it may be read, else the copy that each run publishes."""

import sqlite3
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

from forex_core.errors import NotOwner

PUBLIC = "public"  # where the copies are, in the data directory


def open_to_view(
    live: Path, data_dir: Path, opened: Callable[[Path], sqlite3.Connection]
) -> tuple[Path, sqlite3.Connection]:
    """Which file was opened, and what `opened` made of it; NotOwner if neither may be read.

    Reading a journaled database makes files beside it, so that the right to read the live one is not enough.
    """
    try:
        return live, opened(live)
    except (NotOwner, PermissionError) as error:
        published = data_dir / PUBLIC / live.name
        try:
            if published.exists():
                return published, opened(published)
        except (NotOwner, PermissionError):
            pass
        raise NotOwner(
            f"no permission to read {live}, nor a published copy in {published.parent}",
            hint="run as the owner of the data, or join the group of its public folder",
        ) from error


def behind(folder: Path, last_run: datetime) -> Iterator[str]:
    """A trouble in words if something was last published before the last run ended; none if nothing ever was."""
    if not folder.is_dir():
        return
    written = [path.stat().st_mtime for path in folder.glob("[!.]*.db")]
    if not written:
        yield f"nothing is published in {folder}; the next run tries again"
    elif (oldest := datetime.fromtimestamp(min(written), UTC)) < last_run:
        seen = f"{oldest:%Y-%m-%d %H:%M} UTC"
        yield f"view-only users see the state of {seen}, from before the last run; the next one tries again"
