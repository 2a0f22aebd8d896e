"""A file of rates, strict: header `date,value`, ISO dates ascending, decimal points, a newline after the last row."""

import re
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import ClassVar

from forex_core.calendars import END_OF_DAY, Release, calendar_of, end_of
from forex_core.errors import DataError, NotOwner, SourceUnavailable
from forex_core.values import Observation

UNTOUCHED = "nothing was stored"
LARGEST = 50_000_000  # bytes
ROW = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2}),([+-]?(?:[0-9]+\.?[0-9]*(?:[eE][+-]?[0-9]+)?|nan|inf|NaN))")


@dataclass(frozen=True)
class CsvFile:
    """The rates of one pair in one file. Values that are no rates (nan, 0, x10) are left to the gate."""

    path: Path
    release: ClassVar[Release] = END_OF_DAY
    whole: ClassVar[bool] = True

    @property
    def name(self) -> str:
        return f"csv:{self.path.absolute()}"  # not resolved: a link that moves on is still the same source

    def offline(self) -> "CsvFile":
        """Itself."""
        return self

    def fetch(self, pair: str, start: date, end: date, now: datetime) -> list[Observation]:
        """The rows of the file; DataError at the first line that is not as it must be."""
        calendar_of(pair)  # refuses what is no pair
        rows = _parse(read_text(self.path), self.path.name)
        return [Observation(day, value, min(end_of(day), now), self.name) for day, value in rows if start <= day <= end]


def read_text(path: Path) -> str:
    """A file's text; an error that says what is wrong with the file otherwise."""
    try:
        if path.exists() and not path.is_file():
            raise DataError(f"{path} is no plain file", untouched=UNTOUCHED)
        if path.stat().st_size > LARGEST:
            raise DataError(f"{path} is larger than {LARGEST / 1e6:.0f} MB", untouched=UNTOUCHED)
        return path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise SourceUnavailable(f"there is no file {path}", untouched=UNTOUCHED, hint="check the path") from None
    except PermissionError:
        raise NotOwner(f"no permission to read {path}", untouched=UNTOUCHED, hint=f"chmod a+r {path}") from None
    except (OSError, ValueError) as error:  # ValueError: no UTF-8, or no path
        raise DataError(f"{path} can't be read as UTF-8 text: {error}", untouched=UNTOUCHED) from error


def _parse(text: str, name: str) -> list[tuple[date, float]]:
    """Refuse the whole file at the first line that is not what it must be: half a file is worse than none."""
    *lines, unfinished = text.split("\n")
    if not text:
        raise refused(name, 1, "the file is empty; its first line must be date,value")
    header = text.partition("\n")[0]
    if header != "date,value":
        raise refused(name, 1, f"the header is {header[:60]!r}, it must be date,value")
    if unfinished:
        raise refused(name, len(lines) + 1, "the last line has no newline, so the file may have been cut short")
    if len(lines) == 1:
        raise refused(name, 1, "a header and no rows")
    rows: list[tuple[date, float]] = []
    for number, line in enumerate(lines[1:], start=2):
        day, value = _row(line, name, number)
        if rows and day <= rows[-1][0]:
            raise refused(name, number, f"{day} comes after {rows[-1][0]}; dates must ascend, one row a date")
        rows.append((day, value))
    return rows


def _row(line: str, name: str, number: int) -> tuple[date, float]:
    cells = line.split(",")
    if len(cells) > 2:
        raise refused(name, number, f"{line[:60]!r} has {len(cells)} columns, not 2 (a decimal comma? use a point)")
    if match := ROW.fullmatch(line):
        with suppress(ValueError):  # a day that no month has
            return date.fromisoformat(match[1]), float(match[2])
    raise refused(name, number, f"{line[:60]!r} is no ISO date and number with a decimal point")


def refused(name: str, line: int, why: str) -> DataError:
    """The error that names a file's line."""
    return DataError(f"{name} line {line}: {why}", untouched=UNTOUCHED, hint="mend the file and run again")
