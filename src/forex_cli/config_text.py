"""A forex.toml as text: every setting with what it is for, those that were chosen set, the rest commented out."""

import json
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path

from forex_core.settings import table
from forex_core.store.files import move_durably, writing

HEAD = """\
# Settings of forex. A line that begins with # is not in force: it shows the default, or "..." where there is none.
# Flags, the environment and .env outrank this file; `forex config show` says where each value comes from.
"""


def config_text(chosen: Mapping[str, object]) -> str:
    """The whole file. chosen: by name, as parsed; it loads back to the same values."""
    parts = [HEAD]
    for name, field in table().items():
        mark, value = ("", chosen[name]) if name in chosen else ("# ", field.default)
        parts.append(f"\n# {name}: {field.metadata['about']}\n{mark}{name} = {_toml(value)}\n")
    return "".join(parts)


def write_privately(path: Path, text: str) -> None:
    """Put the file in place whole, and readable by nobody else from its first byte on: it may hold passwords."""
    with writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor, scratch = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)  # mode 0600
        try:
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                file.write(text)
            move_durably(Path(scratch), path)
        finally:
            Path(scratch).unlink(missing_ok=True)  # there only if something failed


def _toml(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float):
        return str(value)
    if isinstance(value, tuple):
        return f"[{', '.join(map(_toml, value))}]"
    # a JSON string is a TOML string, but for DEL, which TOML wants escaped
    return json.dumps("..." if value is None else str(value), ensure_ascii=False).replace("\x7f", "\\u007f")
