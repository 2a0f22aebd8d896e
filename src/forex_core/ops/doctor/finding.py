"""What a check is given, and what it says."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from forex_core.settings import Settings

if TYPE_CHECKING:
    from forex_core.notify.email import Server
    from forex_core.sources.table import Catalog

State = Literal["ok", "warning", "failed"]
FIX = "forex doctor --fix"


@dataclass(frozen=True)
class Finding:
    """repair: the command that helps. mend: what `--fix` does; only where nothing can be lost by it."""

    check: str
    state: State
    said: str
    repair: str = ""
    mend: Callable[[], None] | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True)
class Place:
    """What is examined. now: UTC. here: the working directory. server: the mail server that is set, if any."""

    settings: Settings
    now: datetime
    here: Path
    catalog: "Catalog"
    server: "Server | None" = None

    @property
    def data_dir(self) -> Path:
        """The one directory that the program writes to."""
        return self.settings.data_dir

    @property
    def mlflow_db(self) -> Path | None:
        """The embedded store; None where a server is used."""
        return None if self.settings.mlflow_tracking_uri else self.data_dir / "mlflow" / "mlflow.db"


Check = Callable[[Place], Iterator[Finding]]
