"""Figures as people read them in a terminal: rates, shares, ages, sizes, and what curves are drawn with."""

from collections.abc import Sequence
from datetime import timedelta

from forex_cli.terminal import Terminal
from forex_core.report.sparkline import ASCII, BLOCKS, Ink

LONGEST_RATE = 10  # characters; a longer one is shown as a power of ten


def ink(terminal: Terminal) -> Ink:
    """What curves and bars are drawn with here."""
    return BLOCKS if terminal.unicode else ASCII


def rate(value: float, digits: int) -> str:
    """948.37, or 1.2346e+12 where that is too long."""
    shown = f"{value:.{digits}f}"
    return shown if len(shown) <= LONGEST_RATE else f"{value:.4e}"


def percent(share: float | None) -> str:
    """+1.2%, at most seven characters; nothing for None."""
    if share is None:
        return "-"
    if abs(share) >= 9.9995:
        return ">999%" if share > 0 else "<-999%"
    return f"{round(100 * share, 1) + 0.0:+.1f}%"  # 0.0 added: no -0.0


def ago(age: int) -> str:
    """An age in business days."""
    return f"{age} business day{'' if age == 1 else 's'} old" if age else "fresh"


def span(length: timedelta) -> str:
    """A length of time in its largest unit: 5 minutes, 35 hours, 12 days."""
    seconds = max(int(length.total_seconds()), 0)
    for unit, size, least in (("day", 86400, 2), ("hour", 3600, 1), ("minute", 60, 1)):
        if seconds >= size * least:
            count = seconds // size
            return f"{count} {unit}{'' if count == 1 else 's'}"
    return f"{seconds} s"


def megabytes(size: int) -> str:
    """134.3 MB, 45.2 GB."""
    return f"{size / 1e9:.1f} GB" if size >= 1e9 else f"{size / 1e6:.1f} MB"


def packed(phrases: Sequence[str], width: int) -> list[str]:
    """As many phrases on each line as it holds; none is broken."""
    lines = [phrases[0]]
    for phrase in phrases[1:]:
        if len(lines[-1]) + 1 + len(phrase) <= width:
            lines[-1] += f" {phrase}"
        else:
            lines.append(phrase)
    return lines
