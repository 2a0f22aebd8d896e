"""A file of rates is taken whole and exactly as written, or refused at the first line that is wrong."""

import math
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conftest import write_csv
from forex_core.calendars import calendar
from forex_core.errors import DataError, ForexError, SourceUnavailable, UsageError
from forex_core.sources.csv_file import CsvFile

NOW = datetime(2030, 1, 1, 12, tzinfo=UTC)
FIRST, LAST = date(1990, 1, 1), date(2079, 12, 31)

Rows = list[tuple[date, float]]
Reader = Callable[[bytes], Rows]


def rows_of(path: Path, start: date = FIRST, end: date = LAST) -> Rows:
    return [(row.observed_on, row.value) for row in CsvFile(path).fetch("USDCLP", start, end, NOW)]


@pytest.fixture(scope="session")
def read(tmp_path_factory: pytest.TempPathFactory) -> Reader:
    """The rows of a file with this content."""
    path = tmp_path_factory.mktemp("csv") / "rates.csv"
    calendar("chile")  # built once, so that no example pays for it

    def rows(content: bytes) -> Rows:
        path.write_bytes(content)
        return rows_of(path)

    return rows


def written(rows: Rows, newline: str = "\n") -> bytes:
    return newline.join(["date,value", *(f"{day},{value!r}" for day, value in rows), ""]).encode()


tables = st.lists(
    st.tuples(st.dates(FIRST, LAST), st.floats(allow_nan=False, allow_infinity=False)),
    min_size=1,
    max_size=20,
    unique_by=lambda row: row[0],
).map(sorted)
newlines = st.sampled_from(["\n", "\r\n"])


@given(tables, newlines)
def test_what_was_written_is_read_back_exactly(read: Reader, rows: Rows, newline: str) -> None:
    assert read(written(rows, newline)) == rows


@given(tables, newlines, st.data())
def test_a_file_that_was_cut_is_refused_or_lacks_whole_rows_and_never_lies(
    read: Reader, rows: Rows, newline: str, data: st.DataObject
) -> None:
    whole = written(rows, newline)
    part = whole[: data.draw(st.integers(0, len(whole) - 1))]
    complete = part.count(b"\r" if newline == "\r\n" else b"\n")
    at_a_line_end = part.endswith((b"\n", b"\r"))

    if at_a_line_end and complete > 1:
        assert read(part) == rows[: complete - 1]
    else:
        with pytest.raises(DataError, match=r"rates\.csv line "):
            read(part)


HEADER = "date,value\n"
MEND = "nothing was stored; mend the file and run again"
NO_NUMBER = "is no ISO date and number with a decimal point"


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        pytest.param("", "line 1: the file is empty; its first line must be date,value", id="empty"),
        pytest.param(HEADER, "line 1: a header and no rows", id="header only"),
        pytest.param("\n", "line 1: the header is '', it must be date,value", id="blank"),
        pytest.param(
            "Fecha;Valor\n02-01-2024;880,1\n",
            "line 1: the header is 'Fecha;Valor', it must be date,value",
            id="wrong header",
        ),
        pytest.param(
            "2024-01-02,880.1\n", "line 1: the header is '2024-01-02,880.1', it must be date,value", id="no header"
        ),
        pytest.param(
            HEADER + "2024-01-02,880,1\n",
            "line 2: '2024-01-02,880,1' has 3 columns, not 2 (a decimal comma? use a point)",
            id="decimal comma",
        ),
        pytest.param(
            HEADER + '2024-01-02,"880,1"\n',
            "line 2: '2024-01-02,\"880,1\"' has 3 columns, not 2 (a decimal comma? use a point)",
            id="quoted decimal comma",
        ),
        pytest.param(
            HEADER + "2024-01-02,880.1,observado\n",
            "line 2: '2024-01-02,880.1,observado' has 3 columns, not 2 (a decimal comma? use a point)",
            id="three columns",
        ),
        pytest.param(HEADER + "2024-01-02,880.1\n\n", f"line 3: '' {NO_NUMBER}", id="blank line"),
        pytest.param(HEADER + "02-01-2024,880.1\n", f"line 2: '02-01-2024,880.1' {NO_NUMBER}", id="Chilean date"),
        pytest.param(HEADER + "2024-02-30,880.1\n", f"line 2: '2024-02-30,880.1' {NO_NUMBER}", id="no such day"),
        pytest.param(HEADER + "2024-01-02,n/d\n", f"line 2: '2024-01-02,n/d' {NO_NUMBER}", id="no number"),
        pytest.param(HEADER + "2024-01-02,\n", f"line 2: '2024-01-02,' {NO_NUMBER}", id="no value"),
        pytest.param(HEADER + '"2024-01-02","880.1"\n', f'line 2: \'"2024-01-02","880.1"\' {NO_NUMBER}', id="quotes"),
        pytest.param(
            HEADER + "2024-01-03,880.1\n2024-01-02,881.0\n",
            "line 3: 2024-01-02 comes after 2024-01-03; dates must ascend, one row a date",
            id="unordered",
        ),
        pytest.param(
            HEADER + "2024-01-02,880.1\n2024-01-02,880.1\n",
            "line 3: 2024-01-02 comes after 2024-01-02; dates must ascend, one row a date",
            id="duplicate date",
        ),
        pytest.param(
            HEADER + "2024-01-02,880.1\n2024-01-03,881.25",
            "line 3: the last line has no newline, so the file may have been cut short",
            id="no final newline",
        ),
        pytest.param(
            HEADER + "2024-01-02,880.1\n2024-01-03,8",
            "line 3: the last line has no newline, so the file may have been cut short",
            id="cut in a value",
        ),
        pytest.param(
            HEADER + "2024-01-02,880.1\n2024-01-0",
            "line 3: the last line has no newline, so the file may have been cut short",
            id="cut in a date",
        ),
        pytest.param(HEADER + "x" * 500 + "\n", f"line 2: '{'x' * 60}' {NO_NUMBER}", id="a long line"),
    ],
)
def test_a_bad_file_is_refused_with_its_line(tmp_path: Path, content: str, complaint: str) -> None:
    path = tmp_path / "rates.csv"
    path.write_text(content, encoding="utf-8", newline="")

    with pytest.raises(DataError) as caught:
        rows_of(path)

    assert str(caught.value).startswith(f"rates.csv {complaint}")
    assert str(caught.value).endswith(MEND)
    assert caught.value.exit_code == 65


def test_a_missing_file_is_a_source_that_does_not_answer(tmp_path: Path) -> None:
    with pytest.raises(SourceUnavailable) as caught:
        rows_of(tmp_path / "none.csv")

    assert str(caught.value) == f"there is no file {tmp_path}/none.csv; nothing was stored; check the path"
    assert caught.value.exit_code == 69


def test_a_file_that_is_not_utf_8_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "rates.csv"
    path.write_bytes(b"date,value\n2024-01-02,880.1 d\xf3lares\n")

    with pytest.raises(DataError) as caught:
        rows_of(path)

    assert str(caught.value) == (
        f"{path} can't be read as UTF-8 text: 'utf-8' codec can't decode byte 0xf3 in position 29: "
        "invalid continuation byte; nothing was stored"
    )
    assert caught.value.exit_code == 65


def test_a_directory_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="is no plain file") as caught:
        rows_of(tmp_path)

    assert caught.value.exit_code == 65


def test_a_file_without_permission_needs_its_owner(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> str:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "read_text", refuse)
    path = tmp_path / "rates.csv"
    path.touch()
    with pytest.raises(ForexError) as caught:
        rows_of(path)

    assert str(caught.value) == f"no permission to read {path}; nothing was stored; chmod a+r {path}"
    assert caught.value.exit_code == 77


def test_what_is_no_pair_is_refused_before_the_file_is_read(tmp_path: Path) -> None:
    with pytest.raises(UsageError):
        CsvFile(tmp_path / "none.csv").fetch("dollar", FIRST, LAST, NOW)


@pytest.mark.parametrize("value", ["inf", "-inf", "0", "-880.1", "8801.0"])
def test_values_that_are_no_rates_pass_to_the_gate(read: Reader, value: str) -> None:
    assert read(f"{HEADER}2024-01-02,{value}\n".encode()) == [(date(2024, 1, 2), float(value))]


def test_nan_passes_to_the_gate(read: Reader) -> None:
    [(_, value)] = read(b"date,value\n2024-01-02,nan\n")

    assert math.isnan(value)


def test_both_ends_of_the_asked_span_are_included(observado: Path) -> None:
    rows = rows_of(observado, date(2024, 6, 24), date(2024, 6, 27))

    assert [day for day, _ in rows] == [date(2024, 6, day) for day in (24, 25, 26, 27)]


@pytest.mark.parametrize(
    ("now", "known_at"),
    [
        (datetime(2024, 6, 28, 11, 30, tzinfo=UTC), datetime(2024, 6, 28, 11, 30, tzinfo=UTC)),
        (datetime(2024, 6, 27, 23, 0, tzinfo=UTC), datetime(2024, 6, 27, 23, 0, tzinfo=UTC)),
        (datetime(2024, 6, 28, 23, 59, 59, 1, tzinfo=UTC), datetime(2024, 6, 28, 23, 59, 59, tzinfo=UTC)),
        (datetime(2024, 8, 1, tzinfo=UTC), datetime(2024, 6, 28, 23, 59, 59, tzinfo=UTC)),
    ],
)
def test_a_row_is_known_at_the_end_of_its_day_or_when_it_was_read_if_that_is_earlier(
    tmp_path: Path, now: datetime, known_at: datetime
) -> None:
    path = write_csv(tmp_path / "rates.csv", [(date(2024, 6, 27), 944.0), (date(2024, 6, 28), 945.0)])
    rows = CsvFile(path).fetch("USDCLP", FIRST, LAST, now)

    assert rows[-1].known_at == known_at
    assert rows[0].known_at == min(known_at, datetime(2024, 6, 28, tzinfo=UTC) - timedelta(seconds=1))


def test_a_source_is_named_after_the_whole_path(observado: Path) -> None:
    assert CsvFile(Path(observado.name)).name == f"csv:{observado.resolve()}"


def test_a_byte_order_mark_as_spreadsheets_write_it_is_no_part_of_the_header(tmp_path: Path) -> None:
    path = tmp_path / "rates.csv"
    path.write_text(HEADER + "2024-01-02,880.1\n", encoding="utf-8-sig")

    assert [row.value for row in CsvFile(path).fetch("USDCLP", date(2024, 1, 1), date(2024, 2, 1), NOW)] == [880.1]


@pytest.mark.parametrize(
    "row", ["2024-01-02,1_0.5", "2024-01-02, 9", "20240102,9", "2024-W01-2,9", "2024-01-02,\u0663"]
)
def test_what_python_would_read_but_no_bank_would_write_is_refused(tmp_path: Path, row: str) -> None:
    path = tmp_path / "rates.csv"
    path.write_text(HEADER + row + "\n", encoding="utf-8")

    with pytest.raises(DataError, match="is no ISO date and number"):
        CsvFile(path).fetch("USDCLP", date(2024, 1, 1), date(2024, 2, 1), NOW)
