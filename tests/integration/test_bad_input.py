"""Bad input: its exit code, one clear line, and nothing changed."""

import json
import os
import shutil
import sqlite3
from contextlib import closing
from datetime import date
from hashlib import sha256
from pathlib import Path

import pytest

from conftest import business_days, forex, walk, write_csv

AS_OF = "2024-06-28"
ROWS = walk(business_days(date(2021, 1, 4), date(2024, 6, 28)))


def run(csv: Path, data_dir: Path, *more: object, as_of: str = AS_OF) -> tuple[int, str, dict]:
    """Exit code, the error line, and the answer of a run of one horizon."""
    done = forex("run", "7d", "--source", f"csv:{csv}", "--as-of", as_of, "--json", *more, data_dir=data_dir)
    errors = [json.loads(line)["error"] for line in done.stderr.splitlines() if line.startswith("{")]
    assert "Traceback" not in done.stderr
    answer = json.loads(done.stdout) if done.stdout else {}
    return done.returncode, errors[0]["message"] if errors else "", answer


@pytest.fixture(scope="module")
def used(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data directory in which a good run was made."""
    home = tmp_path_factory.mktemp("used")
    code, message, _ = run(write_csv(home / "rates.csv", ROWS), home / "data", as_of="2024-06-27")
    assert (code, message) == (0, "")
    return home / "data"


def kept(data_dir: Path) -> dict[str, object]:
    """All that a failed run must leave as it was: forecasts, observations, windows, reports."""
    with closing(sqlite3.connect(data_dir / "forex.db")) as connection:
        tables = {
            name: connection.execute(f"SELECT * FROM {name} ORDER BY 1, 2, 3").fetchall()
            for name in ("forecasts", "observations", "windows", "steps", "versions", "champions", "scores")
        }
    reports = {str(path): sha256(path.read_bytes()).hexdigest() for path in (data_dir / "reports").rglob("*.html")}
    return tables | {"reports": reports}


def text_of(rows: list) -> str:
    return "date,value\n" + "".join(f"{day},{value}\n" for day, value in rows)


FILES = {
    "empty": ("", "the file is empty"),
    "header only": ("date,value\n", "a header and no rows"),
    "wrong columns": ("day;rate\n2024-06-28;950\n", "the header is"),
    "three columns": (text_of(ROWS).replace(",value", ",value,more"), "the header is"),
    "decimal comma": (text_of([(day, str(rate).replace(".", ",")) for day, rate in ROWS]), "a decimal comma?"),
    "a date twice": (text_of([*ROWS, ROWS[-1]]), "dates must ascend, one row a date"),
    "unordered": (text_of(ROWS[::-1]), "dates must ascend"),
    "cut in mid-row": (text_of(ROWS)[:-4], "has no newline"),
    "too short": (text_of(ROWS[-100:]), "100 trusted rates of USDCLP, 250 needed"),
    "only a closed day": (
        text_of([(day.replace(month=1, day=1), 900 + day.year) for day, _ in ROWS[:1]]),
        "0 trusted rates",
    ),
    "too old": (text_of(ROWS[:400]), "the limit is 3"),
}


@pytest.mark.fault(32)
@pytest.mark.parametrize("name", FILES)
def test_a_file_that_cannot_be_used_is_refused_with_its_reason(name: str, used: Path, tmp_path: Path) -> None:
    content, reason = FILES[name]
    (tmp_path / "bad.csv").write_text(content)
    before = kept(used)
    code, message, answer = run(tmp_path / "bad.csv", used)
    assert (code, reason in message) == (65, True), message
    assert [forecast["state"] for forecast in answer["pairs"][0]["forecasts"]] == ["failed"]
    after = kept(used)
    stored = {"too short", "only a closed day", "too old"}  # sound rows are kept for what they are; nothing is issued
    assert all(after[key] == before[key] for key in before if name not in stored or key != "observations")


VALUES = {
    "nan": ("nan", "not a finite number"),
    "inf": ("inf", "not a finite number"),
    "zero": ("0", "not positive"),
    "negative": (str(-ROWS[-9][1]), "not positive"),
    "x10": (repr(ROWS[-9][1] * 10), "a jump of +"),
}


@pytest.mark.fault(33)
@pytest.mark.parametrize("name", VALUES)
def test_a_row_that_is_no_rate_is_quarantined_and_the_forecast_is_that_without_it(name: str, tmp_path: Path) -> None:
    value, reason = VALUES[name]
    bad = [(day, value if day == ROWS[-9][0] else rate) for day, rate in ROWS]
    (tmp_path / "bad.csv").write_text(text_of(bad))
    good = write_csv(tmp_path / "good.csv", [row for row in ROWS if row[0] != ROWS[-9][0]])
    code, _, answer = run(tmp_path / "bad.csv", tmp_path / "a", "--dry-run")
    _, _, without = run(good, tmp_path / "b", "--dry-run")
    assert code == 0
    assert reason in answer["pairs"][0]["banners"][-1]
    assert answer["pairs"][0]["forecasts"][0]["quantiles"] == without["pairs"][0]["forecasts"][0]["quantiles"]


@pytest.mark.fault(33)
def test_a_row_from_the_future_is_quarantined(tmp_path: Path) -> None:
    """Without --as-of the clock is the limit; a file that ends today would be fresh."""
    today = date.today()  # noqa: DTZ011 - the test needs the machine's own today
    days = business_days(date(today.year - 2, 1, 1), date(today.year + 1, 1, 31))
    csv = write_csv(tmp_path / "rates.csv", walk(days))
    done = forex("run", "7d", "--source", f"csv:{csv}", "--dry-run", "--json", data_dir=tmp_path / "data")
    answer = json.loads(done.stdout)["pairs"][0]
    assert answer["issued_on"] <= str(business_days(today, days[-1])[1])
    assert "from the future" in answer["banners"][-1]


COMMANDS = {
    "unknown pair": (("run", "--pair", "USDXX1"), {}, 2, "is no currency pair"),
    "unknown horizon": (("run", "8d"), {}, 2, "no horizon '8d'"),
    "unknown member": (("run", "--members", "oracle"), {}, 2, "no member 'oracle'"),
    "unknown source": (("run", "--source", "tarot"), {}, 2, "no source 'tarot'"),
    "a pair the ECB lacks": (("run", "--pair", "USDCLP", "--source", "ecb"), {}, 69, "no rate for CLP"),
    "no source known": (("run", "--pair", "USDCOP"), {}, 69, "no source is known for USDCOP"),
    "missing file": (("run", "--source", "csv:/nowhere.csv"), {}, 69, "there is no file /nowhere.csv"),
    "future as-of": (("run", "--as-of", "2999-01-01"), {}, 2, "must lie between"),
    "a preview of a dry run": (("run", "--dry-run", "--email-preview", "x.html"), {}, 2, "--dry-run writes nothing"),
    "unknown variable": (("run",), {"FOREX_PAIR": "USDCLP"}, 78, "did you mean FOREX_PAIRS?"),
    "a bad value": (("status",), {"FOREX_STALE_AFTER_DAYS": "soon"}, 78, "must be a whole number"),
    "a bad member set": (("run",), {"FOREX_MEMBERS": "oracle"}, 78, "FOREX_MEMBERS (members): no member 'oracle'"),
    "one file for two pairs": (("run", "--pair", "USDCLP", "--pair", "USDPEN", "--source", "csv:x"), {}, 2, "one pair"),
    "nobody's home": (("run", "--source", "csv:~nobody-of-this-name/x"), {}, 2, "is no path"),
    "a question mark": (("run",), {"FOREX_DATA_DIR": "/tmp/what?"}, 78, "without ?"),
    "a range that ends before it begins": (
        ("backtest", "--pair", "EURUSD", "--from", "2020-01-01", "--to", "2019-01-01"),
        {},
        2,
        "lies after",
    ),
    "a device": (("run", "--source", "csv:/dev/zero"), {}, 65, "is no plain file"),
    "nothing recorded yet": (("status",), {}, 78, "forex demo"),
}


@pytest.mark.parametrize("name", COMMANDS)
def test_a_wrong_request_ends_with_its_code_and_one_line(name: str, data_dir: Path) -> None:
    arguments, environ, code, reason = COMMANDS[name]
    done = forex(*arguments, data_dir=data_dir, **environ)
    assert done.returncode == code, done.stderr
    (line,) = done.stderr.splitlines()
    assert line.startswith("error: ")
    assert reason in line
    assert code in (65, 69) or not data_dir.exists()


@pytest.mark.fault(46)
def test_an_unknown_key_of_the_configuration_is_refused_with_the_nearest(data_dir: Path, tmp_path: Path) -> None:
    (tmp_path / "forex.toml").write_text('soure = "ecb"\n')
    done = forex("config", "validate", data_dir=data_dir)
    assert (done.returncode, "did you mean source?" in done.stderr) == (78, True)


@pytest.mark.fault(39)
@pytest.mark.skipif(os.geteuid() != 0, reason="needs root to make a directory of another user")
def test_a_data_directory_of_another_user_is_left_alone(data_dir: Path, observado: Path) -> None:
    data_dir.mkdir()
    os.chown(data_dir, 65534, 65534)
    done = forex("run", "--source", f"csv:{observado}", "--as-of", AS_OF, data_dir=data_dir)
    assert done.returncode == 77
    assert "belongs to user 65534" in done.stderr
    assert list(data_dir.iterdir()) == []


def spoil(path: Path, how: str) -> None:
    content = path.read_bytes()
    spoiled = {"zero-byte": b"", "truncated": content[: len(content) // 2], "corrupt": b"\xff" * 4096 + content[4096:]}
    path.write_bytes(spoiled[how])


@pytest.mark.fault(20)
@pytest.mark.parametrize("how", ["zero-byte", "truncated", "corrupt"])
@pytest.mark.parametrize("name", ["forex.db", "mlflow/mlflow.db"])
def test_a_damaged_database_stops_the_run_and_is_left_for_inspection(
    name: str, how: str, used: Path, tmp_path: Path
) -> None:
    csv = write_csv(tmp_path / "rates.csv", ROWS)
    data_dir = shutil.copytree(used, tmp_path / "data")
    spoil(data_dir / name, how)
    before = (data_dir / name).read_bytes()
    code, message, _ = run(csv, data_dir)
    assert (code, name.rsplit("/")[-1] in message) == (74, True), message
    assert (data_dir / name).read_bytes() == before


@pytest.mark.fault(26)
@pytest.mark.parametrize(
    ("name", "statement"),
    [
        ("forex.db", "PRAGMA user_version = 99"),
        ("mlflow/mlflow.db", "UPDATE alembic_version SET version_num = 'f4a9b2c7d1e6'"),
    ],
)
def test_a_newer_database_stops_the_run(name: str, statement: str, used: Path, tmp_path: Path) -> None:
    import shutil

    csv = write_csv(tmp_path / "rates.csv", ROWS)
    data_dir = shutil.copytree(used, tmp_path / "data")
    with closing(sqlite3.connect(data_dir / name)) as connection, connection:
        connection.execute(statement)
    code, message, _ = run(csv, data_dir)
    assert (code, "schema" in message) == (76, True), message
