"""The power goes while runs and backups go on: no acknowledged forecast is lost, and both databases are sound."""

import os
import random
import signal
import sqlite3
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import date
from pathlib import Path

import pytest
from disks import ext4

from conftest import FOREX, business_days, forex, walk, write_csv

SEED = 20241120
CUTS = 30
FIRST = date(2024, 3, 1)
LOOP = """
for day in $DAYS; do
    forex -v run all --source "csv:$RATES" --as-of "$day" --skip-email
    forex backup create
done
"""


@contextmanager
def busy(home: Path, data_dir: Path) -> Iterator[tuple[subprocess.Popen[str], list[str]]]:
    """Days of runs, each followed by a backup, in a process group; and the forecasts that were acknowledged."""
    days = " ".join(day.isoformat() for day in business_days(FIRST, date(2024, 12, 20)))
    environ = {k: v for k, v in os.environ.items() if not k.startswith("FOREX_")} | {
        "FOREX_DATA_DIR": str(data_dir),
        "DAYS": days,
        "RATES": str(home / "rates.csv"),
        "PATH": f"{FOREX.parent}:{os.environ['PATH']}",
    }
    acknowledged: list[str] = []
    with subprocess.Popen(
        ["sh", "-c", LOOP],
        env=environ,
        cwd=home,
        text=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        start_new_session=True,
    ) as process:

        def listen() -> None:
            for line in process.stderr or ():
                if "frozen " in line:
                    acknowledged.append(line.rsplit("frozen ", 1)[1].strip())

        listener = threading.Thread(target=listen)
        listener.start()
        try:
            yield process, acknowledged
        finally:
            os.killpg(process.pid, signal.SIGKILL)
            listener.join()


def sound(path: Path) -> set[str]:
    """The ids in forex.db, which must be sound to its last page."""
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
        if path.name != "forex.db":
            return set()
        return {row[0] for row in connection.execute("SELECT forecast_id FROM forecasts")}


def examine(data_dir: Path, acknowledged: set[str]) -> None:
    kept = sound(data_dir / "forex.db") if (data_dir / "forex.db").exists() else set()
    assert acknowledged <= kept
    if (data_dir / "mlflow" / "mlflow.db").exists():
        sound(data_dir / "mlflow" / "mlflow.db")
    for archive in (data_dir / "backups").glob("forex-*.tar.gz"):
        verified = forex("backup", "verify", archive, data_dir=data_dir)
        assert verified.returncode == 0, verified.stderr


def goes_on(data_dir: Path, rates: Path) -> None:
    """The next run needs no hand."""
    asked = ("run", "7d", "--source", f"csv:{rates}", "--as-of", "2024-12-27", "--skip-email")
    finished = forex(*asked, data_dir=data_dir)
    assert finished.returncode == 0, finished.stderr


@pytest.mark.fault(9)
@pytest.mark.parametrize("cuts", [4, pytest.param(CUTS, marks=pytest.mark.long)])
def test_when_the_power_goes_then_nothing_acknowledged_is_lost(cuts: int, tmp_path: Path) -> None:
    chance = random.Random(SEED)
    write_csv(tmp_path / "rates.csv", walk(business_days(date(2020, 1, 2), date(2024, 12, 31))))
    with ext4(tmp_path, 256) as disk:
        with busy(tmp_path, disk.root / "data") as (process, acknowledged):
            for _ in range(cuts):
                time.sleep(chance.uniform(0.5, 5))
                promised = set(acknowledged)
                os.killpg(process.pid, signal.SIGSTOP)
                with disk.cut() as left:
                    examine(left / "data", promised)
                    goes_on(left / "data", tmp_path / "rates.csv")
                os.killpg(process.pid, signal.SIGCONT)
        assert acknowledged
