"""What the two ways of putting a new tree in place have in common."""

from dataclasses import dataclass
from pathlib import Path

DATABASES = ("forex.db", "forex.db-wal", "forex.db-shm", "forex.db-journal", "mlflow")  # an archive's, or nobody's


@dataclass(frozen=True, slots=True)
class Restored:
    """What was put in place of what.

    made_at: of the archive; kept: where the old tree lies, unless it was empty; left_behind: how many forecasts only it
    has.
    """

    archive: str
    made_at: str
    data_dir: str
    kept: str
    left_behind: int = 0


def unused(path: Path) -> Path:
    """This name, or the same with a number if there is one already."""
    earlier = sum(1 for _ in path.parent.glob(f"{path.name}*"))
    return path.with_name(f"{path.name}-{earlier + 1}") if earlier else path


def drop_note(journal: Path) -> None:
    """All is done, or nothing was; one that was only half written goes, too."""
    journal.with_name(f".{journal.name}.new").unlink(missing_ok=True)
    journal.unlink(missing_ok=True)
