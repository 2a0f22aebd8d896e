"""What the place where an answer goes can show: how wide it is, which characters and whether it knows colours."""

import os
import shutil
import sys
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TextIO

NARROWEST, WIDEST = 40, 120
CODES = {"bold": "1", "dim": "2", "red": "31", "green": "32", "yellow": "33"}

Piece = tuple[str, str]  # a text and its style: one of CODES, or none
Line = tuple[Piece, ...]


@dataclass(frozen=True, slots=True)
class Terminal:
    """`moves`: whether the cursor can be moved. Columns and rows."""

    width: int = 80
    height: int = 24
    unicode: bool = True
    colour: bool = False
    moves: bool = False

    @classmethod
    def of(cls, stream: TextIO, environ: Mapping[str, str]) -> "Terminal":
        """What `stream` is. NO_COLOR and TERM=dumb win over FORCE_COLOR, which colours a pipe as well."""
        columns, rows = shutil.get_terminal_size()
        screen, dumb = stream.isatty(), environ.get("TERM") in (None, "", "dumb")
        plain = bool(environ.get("NO_COLOR")) or environ.get("TERM") == "dumb"
        coloured = bool(environ.get("FORCE_COLOR")) or (screen and not dumb)
        return cls(
            width=max(columns, NARROWEST),
            height=rows,
            unicode=_speaks_utf8(stream, environ),
            colour=coloured and not plain,
            moves=screen and not dumb,
        )

    def legible(self, text: str, longest: int) -> str:
        """One line of at most `longest` columns, of characters that are one column wide and draw nothing."""
        seen = "".join(one if self._plain(one) else "?" for one in text[: longest + 1])
        return seen if len(seen) <= longest else seen[: max(longest - len(self.cut), 0)] + self.cut[:longest]

    @property
    def cut(self) -> str:
        """Stands where something was left out."""
        return "…" if self.unicode else "..."

    def _plain(self, one: str) -> bool:
        if one.isascii():
            return one.isprintable()
        known = self.unicode and one.isprintable() and not unicodedata.combining(one)
        return known and unicodedata.east_asian_width(one) not in "WF" and unicodedata.category(one) != "Cf"

    def shown(self, line: Line) -> str:
        """A line within the width, coloured if that is possible."""
        left, shown = self.width, []
        for text, style in line:
            kept = text[:left]
            left -= len(kept)
            code = CODES.get(style) if self.colour and kept.strip() else None
            shown.append(f"\x1b[{code}m{kept}\x1b[0m" if code else kept)
        return "".join(shown) if self.colour else "".join(shown).rstrip()


def here() -> Terminal:
    """Where stdout goes."""
    return Terminal.of(sys.stdout, os.environ)


def _speaks_utf8(stream: TextIO, environ: Mapping[str, str]) -> bool:
    """Python writes UTF-8 in the C locale too, so the locale is asked as well."""
    locale = next((environ[name] for name in ("LC_ALL", "LC_CTYPE", "LANG") if environ.get(name)), "")
    return all(name.lower().replace("-", "").endswith("utf8") for name in (locale.split("@")[0], stream.encoding or ""))
