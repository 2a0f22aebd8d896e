"""Rates that a person brings: a file in whatever form, read as it was said to be, and the source that it becomes."""

import csv
import io
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import ClassVar

from forex_core.calendars import END_OF_DAY, Release, end_of
from forex_core.errors import DataError, SourceUnavailable, UsageError
from forex_core.sources.csv_file import UNTOUCHED, read_text, refused
from forex_core.sources.reading import decimal, iso_day
from forex_core.values import Observation

IMPORTED = "import"
DATES, VALUES = ("date", "fecha", "observed_on", "day"), ("value", "valor", "rate", "close", "price")


@dataclass(frozen=True)
class Imported:
    """What `forex data import` stored of a pair: the last of every chain, and asked by reading the store."""

    name: ClassVar[str] = IMPORTED
    release: ClassVar[Release] = END_OF_DAY
    whole: ClassVar[bool] = False

    def offline(self) -> "Imported":
        """Itself."""
        return self

    def fetch(self, pair: str, start: date, end: date, now: datetime) -> list[Observation]:
        """Nothing newer is to be had."""
        raise SourceUnavailable(f"what was imported of {pair} is stored already")


@dataclass(frozen=True)
class Layout:
    """How a file is written. Columns: None is the one with a usual name. day_first: dd-mm-yyyy, also with / or dots."""

    date_column: str | None = None
    value_column: str | None = None
    decimal_comma: bool = False
    day_first: bool = False

    def rows(self, path: Path, now: datetime) -> list[Observation]:
        """The file's observations, ascending; DataError at the first line that is not as it was said to be.

        Known from the end of their day, or from `now` if that is earlier, as the rows of any file.
        """
        text = read_text(path)
        lines = csv.reader(io.StringIO(text), delimiter=_separator(text.partition("\n")[0], self.decimal_comma))
        header = [name.strip() for name in next(lines, [])]
        dates = _position(header, self.date_column, DATES, "--date-column", path)
        values = _position(header, self.value_column, VALUES, "--value-column", path)
        found: dict[date, float] = {}
        for cells in lines:
            if not any(cell.strip() for cell in cells):
                continue
            try:
                day, value = self._day(cells[dates].strip()), self._number(cells[values].strip())
            except (ValueError, IndexError) as error:
                raise refused(path.name, lines.line_num, str(error)) from None
            if found.setdefault(day, value) != value:
                raise refused(path.name, lines.line_num, f"{day} was given before, as {found[day]:g}")
        if not found:
            raise refused(path.name, 1, "there are no rows")
        return [Observation(day, found[day], min(end_of(day), now), IMPORTED) for day in sorted(found)]

    def _day(self, text: str) -> date:
        if not self.day_first:
            return iso_day(text[:10])  # an hour after it is left aside
        parts = text[:10].replace("/", "-").replace(".", "-").split("-")
        if len(parts) != 3 or [len(part) for part in parts] != [2, 2, 4]:
            raise ValueError(f"{text!r} is no date like 28-06-2024")
        return iso_day("-".join(reversed(parts)))

    def _number(self, text: str) -> float:
        if self.decimal_comma:
            text = text.replace(".", "").replace(",", ".")
        return decimal(text)


def _separator(header: str, decimal_comma: bool) -> str:
    """Semicolon or tab where the header has them; a comma otherwise."""
    if found := next((mark for mark in ";\t" if mark in header), None):
        return found
    if decimal_comma and "," in header:
        raise DataError("columns apart by commas can't hold decimal commas", untouched=UNTOUCHED, hint="use semicolons")
    return ","


def _position(header: list[str], wanted: str | None, usual: tuple[str, ...], option: str, path: Path) -> int:
    names = [wanted] if wanted else [name for name in header if name.lower() in usual]
    if len(names) == 1 and names[0] in header:
        return header.index(names[0])
    raise UsageError(f"which column of {path.name} is meant? It has {', '.join(header)[:200]}; name one with {option}")
