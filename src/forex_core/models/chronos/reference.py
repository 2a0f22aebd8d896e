"""How a model is named: `mini`, `owner/name@commit` of a hub, or a directory; and where its snapshot lies."""

import re
from dataclasses import dataclass
from pathlib import Path

from forex_core.errors import UsageError

EMBEDDED = "mini"
EMBEDDED_FOLDER = Path(__file__).with_name("mini")
SNAPSHOTS = "hub"  # in the folder of models; the rest of that belongs to the registry
MANIFEST = "manifest.json"

PART = r"[A-Za-z0-9](?:[A-Za-z0-9_-]|\.(?!\.))*"
NAMED = re.compile(rf"({PART})/({PART})(?:@([A-Za-z0-9][\w./-]*))?")
COMMIT = re.compile(r"[0-9a-f]{40}")


@dataclass(frozen=True)
class Reference:
    """A model of a hub. revision: a commit, a branch or a tag; None is the hub's main branch."""

    owner: str
    name: str
    revision: str | None = None

    @classmethod
    def of(cls, text: str) -> "Reference | None":
        """What `owner/name` or `owner/name@revision` names; None for any other text, such as a directory."""
        match = NAMED.fullmatch(text)
        return cls(*match.groups()) if match and ".." not in text else None

    @property
    def id(self) -> str:
        """owner/name."""
        return f"{self.owner}/{self.name}"

    @property
    def pinned(self) -> bool:
        """True if the revision is a commit, which never comes to mean other weights."""
        return bool(self.revision and COMMIT.fullmatch(self.revision))

    def home(self, folder: Path) -> Path:
        """Where all its snapshots lie, in the folder of models."""
        return folder / SNAPSHOTS / f"{self.owner}--{self.name}"

    def __str__(self) -> str:
        return f"{self.id}@{self.revision}" if self.revision else self.id


def asked_for(model: str, revision: str | None = None) -> Reference:
    """The hub's model that a command names; UsageError if the text can name none."""
    reference = Reference.of(model)
    if reference is None or (revision and reference.revision):
        raise UsageError(f"{model!r} names no model of a hub", hint="write owner/name, as amazon/chronos-bolt-small")
    if not revision:
        return reference
    pinned = Reference.of(f"{reference.id}@{revision}")
    if pinned is None:
        raise UsageError(f"{revision!r} is no revision", hint="give a commit, a branch or a tag")
    return pinned
