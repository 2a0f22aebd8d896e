"""kill -9 at any moment: nothing acknowledged is lost, nothing is said twice, the next run finishes the day."""

import os
import random
import signal
import sqlite3
import subprocess
import time
from collections import Counter
from contextlib import closing
from datetime import date, timedelta
from pathlib import Path

import pytest

from conftest import FOREX, business_days, forex, walk, write_csv
from forex_core.horizons import HORIZONS

SEED = 20240628
FIRST = date(2024, 3, 1)


def kills() -> list:
    """12 in CI, 100 in the long run; the first ones fall into a first run, where both databases are made."""
    return [pytest.param(n, marks=[pytest.mark.long] if n >= 12 else []) for n in range(100)]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("killed")
    write_csv(home / "rates.csv", walk(business_days(date(2020, 1, 2), date(2024, 12, 31))))
    return home


def command(home: Path, day: date) -> list[str]:
    source = f"csv:{home / 'rates.csv'}"
    return ["-v", "run", "all", "--source", source, "--as-of", day.isoformat(), "--skip-email", "--json"]


@pytest.fixture(scope="module")
def seconds(home: Path) -> tuple[float, float]:
    """How long a first and a later whole run last here and now."""
    lengths = []
    for day in business_days(FIRST - timedelta(days=9), FIRST)[:2]:
        start = time.monotonic()
        assert forex(*command(home, day), data_dir=home / "timed").returncode == 0
        lengths.append(time.monotonic() - start)
    return lengths[0], lengths[1]


def killed_run(home: Path, data_dir: Path, day: date, after: float) -> list[str]:
    """Start a run, kill it, and return the ids it had acknowledged on stderr by then."""
    environ = {k: v for k, v in os.environ.items() if not k.startswith("FOREX_")} | {"FOREX_DATA_DIR": str(data_dir)}
    process = subprocess.Popen(
        [FOREX, *command(home, day)], env=environ, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    )
    time.sleep(after)
    process.send_signal(signal.SIGKILL)
    _, said = process.communicate()
    return [line.rsplit("frozen ", 1)[1] for line in said.splitlines() if "frozen " in line]


def query(path: Path, statement: str) -> list[tuple]:
    if not path.exists():
        return []
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute(statement).fetchall()


@pytest.mark.fault(1)
@pytest.mark.parametrize("n", kills())
def test_a_killed_run_loses_nothing_and_the_next_one_finishes_the_day(
    n: int, home: Path, seconds: tuple[float, float]
) -> None:
    chance = random.Random(SEED + n)
    day = business_days(FIRST, FIRST + timedelta(days=200))[n]
    data_dir = home / (f"fresh {n}" if n % 3 == 0 else "shared")
    length = seconds[0] if n % 3 == 0 else seconds[1]
    acknowledged = killed_run(home, data_dir, day, chance.uniform(0.1, length))
    for name in ("forex.db", "mlflow/mlflow.db"):
        assert query(data_dir / name, "PRAGMA integrity_check") in ([], [("ok",)])
    frozen = query(data_dir / "forex.db", f"SELECT forecast_id, body FROM forecasts WHERE issued_on = '{day}'")
    assert set(acknowledged) <= {forecast_id for forecast_id, _ in frozen}

    finished = forex(*command(home, day), data_dir=data_dir)
    assert finished.returncode == 0, finished.stderr

    ids = dict(query(data_dir / "forex.db", f"SELECT forecast_id, body FROM forecasts WHERE issued_on = '{day}'"))
    assert set(ids) == {f"USDCLP-{key}-{day}-replay" for key in HORIZONS}
    assert all(ids[forecast_id] == body for forecast_id, body in frozen)
    assert query(data_dir / "mlflow" / "mlflow.db", "SELECT count(*) FROM runs WHERE status = 'RUNNING'") == [(0,)]
    tracked = Counter(
        query(
            data_dir / "mlflow" / "mlflow.db",
            "SELECT value FROM tags JOIN runs USING (run_uuid) WHERE key = 'forecast_id' AND status = 'FINISHED'",
        )
    )
    everything = query(data_dir / "forex.db", "SELECT forecast_id FROM forecasts")
    assert tracked == Counter(everything)
    assert query(data_dir / "forex.db", "SELECT count(*) FROM steps") == [(2 * len(everything),)]
    begun = set(query(data_dir / "forex.db", "SELECT attempt FROM events WHERE kind = 'started'"))
    ended = query(data_dir / "forex.db", "SELECT attempt FROM events WHERE kind IN ('finished', 'failed', 'killed')")
    assert sorted(ended) == sorted(begun)
    for name in ("forex.db", "mlflow/mlflow.db"):
        assert query(data_dir / name, "PRAGMA integrity_check") == [("ok",)]
        assert query(data_dir / name, "PRAGMA foreign_key_check") == []
    assert len(list((data_dir / "reports" / "USDCLP" / day.isoformat()).glob("*d.html"))) == 4
    assert not list(data_dir.rglob(".*.new"))
