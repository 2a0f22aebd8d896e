"""A file that a person brings, in whatever form it was said to have."""

from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forex_core.calendars import end_of
from forex_core.errors import DataError, SourceUnavailable, UsageError
from forex_core.sources.imported import Imported, Layout

NOW = datetime(2024, 7, 1, 12, tzinfo=UTC)
SPANISH = Layout(decimal_comma=True, day_first=True)


def read(tmp_path: Path, text: str, layout: Layout = Layout()) -> list[tuple[date, float]]:  # noqa: B008
    path = tmp_path / "rates.txt"
    path.write_text(text, encoding="utf-8")
    return [(row.observed_on, row.value) for row in layout.rows(path, NOW)]


@pytest.mark.parametrize(
    ("text", "layout"),
    [
        ("date,value\n2024-06-27,950.1\n2024-06-28,944.34\n", Layout()),
        ("date,value\n2024-06-28,944.34\n2024-06-27,950.1", Layout()),
        ("observed_on,source,rate\n2024-06-27,x,950.1\n\n2024-06-28,y,944.34\n", Layout()),
        ("Fecha;Valor\n27-06-2024;950,10\n28-06-2024;944,34\n", SPANISH),
        ("Fecha\tValor\n27/06/2024\t950,1\n28.06.2024\t944,34\n", SPANISH),
        ("\ufefffecha;dólar\n27-06-2024;950,1\n28-06-2024;944,34\n", Layout(None, "dólar", True, True)),
        ('day,open,close\n"2024-06-27 00:00:00",1,950.1\n2024-06-28T22:00:00Z,1,944.34\n', Layout()),
        ("a,b\n2024-06-27,950.1\n2024-06-28,944.34\n", Layout("a", "b")),
    ],
)
def test_columns_marks_and_dates_are_read_as_told(tmp_path: Path, text: str, layout: Layout) -> None:
    assert read(tmp_path, text, layout) == [(date(2024, 6, 27), 950.1), (date(2024, 6, 28), 944.34)]


@pytest.mark.parametrize(
    ("text", "layout", "error", "why"),
    [
        ("a,b\n2024-06-28,1\n", Layout(), UsageError, "which column of rates.txt is meant.*--date-column"),
        ("date,close,rate\n2024-06-28,1,1\n", Layout(), UsageError, "--value-column"),
        ("date,value\n28-06-2024,1\n", Layout(), DataError, "line 2: '28-06-2024' is no date like 2024-06-28"),
        ("date;value\n2024-06-28;944,34\n", Layout(), DataError, "line 2: '944,34' is no number"),
        ("fecha,valor\n28-06-2024,944\n", SPANISH, DataError, "apart by commas can't hold decimal commas"),
        ("fecha;valor\n2024-06-28;944\n", SPANISH, DataError, "line 2: '2024-06-28' is no date like 28-06-2024"),
        ("date,value\n2024-06-28,1\n2024-06-28,2\n", Layout(), DataError, "line 3: 2024-06-28 was given before, as 1"),
        ("date,value\n2024-06-28\n", Layout(), DataError, "line 2"),
        ("date,value\n", Layout(), DataError, "there are no rows"),
        ("date,value\n2024-06-28,nan\n", Layout(), DataError, "line 2: 'nan' is no number"),
    ],
)
def test_a_file_that_is_not_as_told_is_refused_by_line(
    tmp_path: Path, text: str, layout: Layout, error: type[Exception], why: str
) -> None:
    with pytest.raises(error, match=why):
        read(tmp_path, text, layout)


@given(st.lists(st.tuples(st.dates(date(1990, 1, 1), date(2024, 6, 28)), st.integers(1, 10**7)), min_size=1))
def test_what_was_written_in_spanish_is_read_back(rows: list[tuple[date, int]]) -> None:
    from tempfile import TemporaryDirectory

    known = {day: cents / 100 for day, cents in rows}
    lines = [f"{day:%d-%m-%Y};{value:,.2f}" for day, value in known.items()]
    text = "fecha;valor\n" + "\n".join(line.translate(str.maketrans(".,", ",.")) for line in lines)
    with TemporaryDirectory() as folder:
        assert read(Path(folder), text, SPANISH) == sorted(known.items())


def test_a_row_is_known_from_the_end_of_its_day_but_not_before_it_was_read(tmp_path: Path) -> None:
    path = tmp_path / "rates.csv"
    path.write_text("date,value\n2024-06-28,944\n2024-07-01,945\n")
    assert [row.known_at for row in Layout().rows(path, NOW)] == [end_of(date(2024, 6, 28)), NOW]


def test_the_source_has_nothing_beyond_what_is_stored() -> None:
    with pytest.raises(SourceUnavailable, match="is stored already"):
        Imported().fetch("USDPEN", date.min, date.max, NOW)
