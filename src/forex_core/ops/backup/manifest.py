"""What a backup holds: the manifest that an archive begins with, and the strict reading of one."""

import json
import re
import unicodedata
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from pathlib import PurePosixPath
from typing import Any, Literal

from pydantic import ConfigDict, TypeAdapter, ValidationError

from forex_core.errors import CorruptStore, VersionMismatch

FOREX_DB, MLFLOW_DB, CONFIG = "forex.db", "mlflow/mlflow.db", "config/forex.toml"
TREES = ("mlflow/mlruns", "models", "reports")  # folders of files that are added, never changed
COUNTED = frozenset({"runs", "forecasts", "observations", "scores", "windows", "events"})
DAMAGED = "take another archive: `forex backup list`"
STRICT = ConfigDict(extra="forbid", strict=True)


@dataclass(frozen=True, slots=True)
class Content:
    """One file of an archive; size in bytes."""

    __pydantic_config__ = STRICT
    sha256: str
    size: int


@dataclass(frozen=True)
class Manifest:
    """Who made the archive, of what, when (UTC, whole seconds), and each file in it. Refuses to exist broken.

    alembic and newest_forecast are None where there is no mlflow.db and no forecast; data_dir is absolute.
    """

    __pydantic_config__ = STRICT
    created_at: datetime
    app: str
    mlflow: str
    alembic: str | None
    forex_schema: int
    sqlite: str
    python: str
    data_dir: str
    counts: Mapping[str, int]
    newest_forecast: str | None
    files: Mapping[str, Content]
    schema: Literal[1] = 1

    def __post_init__(self) -> None:
        if self.created_at.utcoffset() != timedelta(0) or self.created_at.microsecond:
            raise ValueError(f"created_at {self.created_at} is no whole second of UTC")
        if not PurePosixPath(self.data_dir).is_absolute():
            raise ValueError(f"data_dir {self.data_dir!r} is not absolute")
        if set(self.counts) != COUNTED or min(self.counts.values()) < 0:
            raise ValueError(f"counts are not of {', '.join(sorted(COUNTED))}")
        if FOREX_DB not in self.files or (self.alembic is None) != (MLFLOW_DB not in self.files):
            raise ValueError("a database is not among the files")
        check_names(self.files)
        for name, content in self.files.items():
            if not re.fullmatch("[0-9a-f]{64}", content.sha256) or content.size < 0:
                raise ValueError(f"{name!r} has no sha256 or no size")

    @property
    def size(self) -> int:
        """Bytes of all files together."""
        return sum(content.size for content in self.files.values())

    def to_bytes(self) -> bytes:
        """Canonical JSON: the same manifest gives the same bytes, which is what is signed."""
        return json.dumps(asdict(self), sort_keys=True, indent=1, default=datetime.isoformat).encode()

    @classmethod
    def from_bytes(cls, content: bytes) -> "Manifest":
        """CorruptStore unless it is exactly what `to_bytes` writes; VersionMismatch if a newer program wrote it."""
        try:
            _refuse_newer(json.loads(content))
            manifest = MANIFEST.validate_json(content)
        except ValidationError as error:
            first = error.errors(include_input=False, include_url=False)[0]
            raise _broken(f"{'.'.join(map(str, first['loc']))}: {first['msg']}") from None
        except (ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
            raise _broken(f"{type(error).__name__} {error}") from None
        if manifest.to_bytes() != content:  # a key twice, other spacing, NaN, a date in another form
            raise _broken("not in its one form")
        return manifest


MANIFEST: TypeAdapter[Manifest] = TypeAdapter(Manifest)


def _refuse_newer(read: dict[str, object]) -> None:
    schema = read["schema"]
    if isinstance(schema, int) and schema > Manifest.schema:
        raise VersionMismatch(
            f"the backup has format {schema}, this program knows {Manifest.schema}",
            untouched="nothing was changed",
            hint=f"use the newer program that made it ({str(read.get('app'))[:20]!r})",
        )


def check_names(names: Mapping[str, Any]) -> None:
    """ValueError for a name that no backup has: outside the known places, unprintable, or the twin of another."""
    seen: set[str] = set()
    for name in names:
        parts = name.split("/")
        known = name in (FOREX_DB, MLFLOW_DB, CONFIG) or any(name.startswith(f"{tree}/") for tree in TREES)
        if not known or {"", ".", ".."} & set(parts) or "\\" in name:
            raise ValueError(f"{name!r} is no name of a backup")
        if any(unicodedata.category(sign)[0] == "C" for sign in name):
            raise ValueError(f"{name!r} has a character that can't be shown")
        twin = unicodedata.normalize("NFC", name).casefold()
        if twin in seen:
            raise ValueError(f"{name!r} differs from another name in its letters' case only")
        seen.add(twin)
    for folder in (parent for name in seen for parent in map(str, PurePosixPath(name).parents)):
        if folder in seen:
            raise ValueError(f"{folder!r} is a file and a folder")


def _broken(why: str) -> CorruptStore:
    return CorruptStore(f"the manifest is damaged: {why[:200]!r}", hint=DAMAGED, untouched="nothing was changed")
