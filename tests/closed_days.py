"""The closed days that forex_core knows, made from the `holidays` library: python tests/closed_days.py

Importing that library and asking it for a century takes a third of all that `forex dashboard` does. So it is asked
here, and test_calendars.py compares; when it has learned of a new holiday, this writes the table anew.
"""

from collections.abc import Iterable
from datetime import date
from pathlib import Path

from holidays import country_holidays, financial_holidays

from forex_core.calendars import FIRST_YEAR, LAST_YEAR

TABLE = Path(__file__).parents[1] / "src" / "forex_core" / "calendars" / "closed.py"
YEARS = range(FIRST_YEAR, LAST_YEAR + 1)
HEAD = '"""The weekdays on which no rate is made, a line a year, as month and day; made by tests/closed_days.py."""\n'


def found() -> dict[str, list[date]]:
    """What the library knows, weekends left out."""
    known = {
        "CHILE": country_holidays("CL", categories=("public", "bank"), years=YEARS),
        "ECB": financial_holidays("XECB", years=YEARS),
    }
    return {name: sorted(day for day in days if day.weekday() < 5) for name, days in known.items()}


def written(name: str, days: Iterable[date]) -> str:
    """One table as source code."""
    by_year: dict[int, list[str]] = {year: [] for year in YEARS}
    for day in days:
        by_year[day.year].append(f"{day:%m%d}")
    lines = "".join(f"{year} {' '.join(closed)}".rstrip() + "\n" for year, closed in by_year.items())
    return f'\n{name} = """\n{lines}"""\n'


if __name__ == "__main__":
    TABLE.write_text(HEAD + "".join(written(name, days) for name, days in found().items()), encoding="utf-8")
