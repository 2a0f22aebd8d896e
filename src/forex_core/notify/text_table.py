"""The horizons as aligned lines of text."""

import textwrap
from collections.abc import Sequence

from forex_core.notify.content import Row
from forex_core.notify.language import Language

COLUMNS = 78


def text_table(rows: Sequence[Row], language: Language) -> str:
    """Heading and rows, every column aligned to the right; headings are wrapped rather than widen a column."""
    columns = [
        _column(language.horizon, [row.horizon for row in rows]),
        _column(language.target, [row.day for row in rows]),
        _column(language.median, [row.median for row in rows]),
        _column(language.range_80, [f"{row.low}–{row.high}" for row in rows]),
        _column(language.walk_80, [f"{row.walk_low}–{row.walk_high}" for row in rows]),
        _column(language.above, [row.above for row in rows]),
    ]
    tallest = max(len(heading) for heading, _, _ in columns)
    filled = [
        [cell.rjust(width) for cell in [*[""] * (tallest - len(heading)), *heading, *cells]]
        for heading, cells, width in columns
    ]
    lines = list(zip(*filled, strict=True))
    gap = "  " if len("  ".join(lines[0])) <= COLUMNS else " "
    return "\n".join(gap.join(line) for line in lines)


def _column(words: str, cells: Sequence[str]) -> tuple[list[str], Sequence[str], int]:
    """The heading's lines, the cells, and the column's width."""
    width = max(len(part) for part in (*cells, *words.split()))
    return textwrap.wrap(words, width), cells, width
