"""After a run: what view-only users and the MLflow UI may see, copied to where they may look; the live files stay ours.

The group of the folder and its setgid bit are the installer's, and are never touched.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from forex_core.errors import ForexError
from forex_core.store.files import writing
from forex_core.store.snapshot import renewed, snapshot

FOLDER_MODE, FILE_MODE = 0o750, 0o640  # ours to write, the group's to read


@dataclass(frozen=True)
class Publication:
    """Where to, and which databases."""

    folder: Path
    databases: tuple[Path, ...]

    def renew(self, reports: Sequence[tuple[str, Path]]) -> tuple[ForexError, ...]:
        """Replace each file that is published, the reports named by their pair. Return why some could not be."""
        tasks: list[Callable[[], None]] = [self._prepare]
        tasks += [partial(snapshot, source, self.folder / source.name, FILE_MODE) for source in self.databases]
        tasks += [partial(_copy, page, self.folder / _name(pair, page)) for pair, page in reports]
        return tuple(error for task in tasks for error in _tried(task))

    def _prepare(self) -> None:
        """Make the folder; take away a database that is no longer published."""
        with writing(self.folder):
            if not self.folder.exists():
                self.folder.mkdir(parents=True)
                self.folder.chmod(FOLDER_MODE)
            published = {source.name for source in self.databases}
            for path in self.folder.glob("[!.]*.db"):
                if path.name not in published:
                    path.unlink()


def _tried(task: Callable[[], None]) -> Iterator[ForexError]:
    try:
        task()
    except ForexError as error:
        error.untouched = error.untouched or "view-only users see what was published before"
        yield error


def _name(pair: str, page: Path) -> str:
    """USDCLP.html, or USDCLP.demo.html for what the file itself calls report.demo.html."""
    return pair + page.name.removeprefix("report")


def _copy(page: Path, target: Path) -> None:
    with renewed(target, FILE_MODE) as scratch:
        scratch.write_bytes(page.read_bytes())
