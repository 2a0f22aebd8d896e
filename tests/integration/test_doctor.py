"""The doctor finds what was planted, and the command that it prints repairs it."""

import json
import os
import shutil
import sqlite3
import subprocess
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from conftest import FOREX, business_days, command, walk, write_csv

CONFIG = 'source = "csv:{}"\nstale_after_days = 9\n'
Answer = dict[str, list[str]]  # by check, what failed or is doubtful: the repairing commands


@pytest.fixture(scope="module")
def healthy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with one finished day and a backup; the tests work on it and put it back."""
    home = tmp_path_factory.mktemp("a home")
    today = datetime.now(UTC).date()
    write_csv(home / "rates.csv", walk(business_days(today - timedelta(days=1500), today)))
    configure(home)
    for asked in ("run all", "backup create", "backup drill", "score"):
        done = command(FOREX, "--config", home / "forex.toml", *asked.split(), data_dir=home / "data")
        assert done.returncode == 0, done.stderr
    shutil.copytree(home / "data", home / "as it was", symlinks=True)
    return home


@pytest.fixture
def home(healthy: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("data", "moved"):
        shutil.rmtree(healthy / name, ignore_errors=True)
    shutil.copytree(healthy / "as it was", healthy / "data", symlinks=True)
    for path in healthy.glob("mlruns*"):
        shutil.rmtree(path)
    configure(healthy)
    monkeypatch.chdir(healthy)
    return healthy


def configure(home: Path, more: str = "") -> None:
    (home / "forex.toml").write_text(CONFIG.format(home / "rates.csv") + more, encoding="utf-8")
    (home / "forex.toml").chmod(0o644)


def examined(home: Path, *more: str) -> tuple[int, Answer, str]:
    """Exit code, the repairs by check, all that was said."""
    done = command(FOREX, "doctor", "--json", *more, data_dir=home / "data")
    if not done.stdout:
        error = json.loads(done.stderr)["error"]
        return done.returncode, {"config": [error["hint"]]}, done.stderr
    repairs: Answer = {}
    for finding in json.loads(done.stdout)["checks"]:
        if finding["state"] != "ok":
            repairs.setdefault(finding["check"], []).append(finding["repair"])
    return done.returncode, repairs, done.stdout


def sql(path: Path, *statements: str) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        for statement in statements:
            connection.execute(statement)


def mistype(home: Path) -> None:
    configure(home, "lock_waitseconds = 5\n")


def show_a_secret(home: Path) -> None:
    configure(home, 'fred_key = "0123"\n')


def show_the_record(home: Path) -> None:
    (home / "data" / "forex.db").chmod(0o644)


def lose_the_write_ahead_log(home: Path) -> None:
    sql(home / "data" / "mlflow" / "mlflow.db", "PRAGMA journal_mode = DELETE")


def lose_a_run(home: Path) -> None:
    path = home / "data" / "mlflow" / "mlflow.db"
    run = "(SELECT run_uuid FROM tags WHERE key = 'forecast_id' LIMIT 1)"
    with closing(sqlite3.connect(path)) as connection, connection:
        (lost,) = connection.execute(f"SELECT {run}").fetchone()
        tables = ("tags", "params", "metrics", "latest_metrics", "inputs", "runs")
        for table in tables[:-2]:
            connection.execute(f"DELETE FROM {table} WHERE run_uuid = ?", (lost,))
        connection.execute("DELETE FROM runs WHERE run_uuid = ?", (lost,))


def invent_a_run(home: Path) -> None:
    first = "(SELECT run_uuid FROM tags WHERE key = 'forecast_id' LIMIT 1)"
    sql(
        home / "data" / "mlflow" / "mlflow.db",
        f"CREATE TEMP TABLE one AS SELECT * FROM runs WHERE run_uuid = {first}",
        "UPDATE one SET run_uuid = 'feed'",
        "INSERT INTO runs SELECT * FROM one",
        "INSERT INTO tags (key, value, run_uuid) VALUES ('forecast_id', 'never frozen', 'feed')",
    )


def lose_a_report(home: Path) -> None:
    next((home / "data" / "reports").rglob("30d.html")).unlink()


def move(home: Path) -> None:
    """Under the very place, so that the settings still find it: the paths in the store are another machine's."""
    path = home / "data" / "mlflow" / "mlflow.db"
    old, new = str(home / "data"), "/srv/another/data"
    columns = {"experiments": "artifact_location", "runs": "artifact_uri"}
    sql(
        path,
        *(
            f"UPDATE {table} SET {column} = replace({column}, '{old.replace(' ', '%20')}', '{new}')"
            for table, column in columns.items()
        ),
    )
    sql(
        path,
        *(f"UPDATE {table} SET {column} = replace({column}, '{old}', '{new}')" for table, column in columns.items()),
    )


def damage_the_record(home: Path) -> None:
    path = home / "data" / "forex.db"
    content = bytearray(path.read_bytes())
    content[4096:8192] = os.urandom(4096)
    path.write_bytes(content)


def lose_the_laboratory(home: Path) -> None:
    for path in (home / "data" / "mlflow").glob("mlflow.db*"):
        path.unlink()


def fill_the_laboratory_with_garbage(home: Path) -> None:
    for path in (home / "data" / "mlflow").glob("mlflow.db-*"):
        path.unlink()
    (home / "data" / "mlflow" / "mlflow.db").write_bytes(b"garbage" * 4096)


def leave_a_report_unwritten(home: Path) -> None:
    sql(home / "data" / "forex.db", "DELETE FROM steps WHERE step = 'report' AND forecast_id LIKE '%-30d-%'")


def fail_the_drill(home: Path) -> None:
    detail = '{"ok": "no", "why": "a bit fell over"}'
    sql(
        home / "data" / "forex.db",
        f"INSERT INTO events (at, kind, detail) VALUES ('2026-11-02T10:00:00+00:00', 'drill', '{detail}')",
    )


def lose_the_backups(home: Path) -> None:
    for path in (home / "data" / "backups").glob("*.tar.gz"):
        path.unlink()


def leave_a_stray_store(home: Path) -> None:
    (home / "mlruns").mkdir()


def lose_what_is_published(home: Path) -> None:
    (home / "data" / "public" / "forex.db").unlink()


def give_a_file_away(home: Path) -> None:
    if os.geteuid():
        pytest.skip("only root can give a file away")
    os.chown(home / "data" / "mlflow", 65534, 65534)


def leave_an_attempt_open(home: Path) -> None:
    at = "2026-11-02T10:00:00+00:00"
    sql(
        home / "data" / "forex.db",
        f"INSERT INTO events (at, kind, attempt, pair, horizon, detail) "
        f"VALUES ('{at}', 'started', 'x', 'USDCLP', '7d', '{{\"environment\": \"production\"}}')",
    )


@pytest.mark.parametrize(
    ("plant", "check"),
    [
        (mistype, "config"),
        (show_a_secret, "config"),
        (show_the_record, "modes"),
        (lose_the_write_ahead_log, "mlflow.db"),
        (lose_a_run, "runs"),
        (invent_a_run, "runs"),
        (lose_a_report, "reports"),
        (move, "artifacts"),
        (damage_the_record, "forex.db"),
        (lose_the_laboratory, "mlflow.db"),
        (fill_the_laboratory_with_garbage, "mlflow.db"),
        (leave_a_report_unwritten, "reports"),
        (fail_the_drill, "backups"),
        (lose_the_backups, "backups"),
        (leave_a_stray_store, "stray files"),
        (lose_what_is_published, "published"),
        (give_a_file_away, "owners"),
        (leave_an_attempt_open, "attempts"),
    ],
)
def test_a_planted_fault_is_named_with_a_command_that_repairs_it(
    home: Path, plant: Callable[[Path], None], check: str
) -> None:
    _, before, _ = examined(home)
    assert check not in before
    plant(home)

    code, repairs, said = examined(home)
    assert check in repairs, said
    assert code != 0 or check in ("stray files", "attempts")
    for repair in repairs[check]:
        done = command(
            "sh",
            "-c",
            repair.replace("sudo ", "").replace("restore", "restore --yes"),
            data_dir=home / "data",
            PATH=f"{FOREX.parent}:{os.environ['PATH']}",
        )
        assert done.returncode == 0, (repair, done.stdout, done.stderr)

    code, repairs, said = examined(home)
    assert check not in repairs, said
    assert code == 0, said


def test_a_healthy_house_is_left_as_it_is(home: Path) -> None:
    def content() -> dict[Path, bytes]:
        files = (path for path in sorted((home / "data").rglob("*")) if path.is_file())
        return {path: path.read_bytes() for path in files if path.suffix not in (".db-shm", ".db-wal")}

    before = content()
    code, repairs, said = examined(home, "--fix")
    assert (code, repairs) == (0, {}), said
    assert content() == before


def test_doctor_names_no_secret(home: Path) -> None:
    done = command(FOREX, "doctor", "--json", data_dir=home / "data", FOREX_SMTP_HOST="127.0.0.1", FOREX_SMTP_PORT="9",
                   FOREX_SMTP_USER="ana", FOREX_SMTP_PASSWORD="swordfish", FOREX_MAIL_FROM="a@example.org",
                   FOREX_MAIL_TO="b@example.org", FOREX_HEARTBEAT_URL="http://127.0.0.1:9/sea-horse")  # fmt: skip
    assert "swordfish" not in done.stdout + done.stderr
    assert "sea-horse" not in done.stdout + done.stderr
    failed = {one["check"] for one in json.loads(done.stdout)["checks"] if one["state"] == "failed"}
    assert failed == {"mail server", "heartbeat"}


def test_people_read_one_line_a_check_within_80_columns(home: Path) -> None:
    done = subprocess.run(
        [FOREX, "doctor"], capture_output=True, text=True, check=False, env={**os.environ, "COLUMNS": "80"}
    )
    lines = done.stdout.splitlines()
    assert max(len(line) for line in lines if "repair:" not in line and str(home) not in line) <= 80
    assert {line.split()[0] for line in lines if not line.startswith(" ")} <= {"ok", "warning", "failed"}
