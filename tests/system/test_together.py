"""Four services started at once, as four timers after a night of downtime would."""

import os
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from conftest import FOREX, business_days, walk, write_csv
from forex_core.horizons import HORIZONS
from forex_core.store.lock import writer_lock
from forex_core.store.store import Store


@pytest.mark.fault(11)
def test_four_services_at_once_on_an_empty_directory_all_succeed_in_turn(tmp_path: Path, data_dir: Path) -> None:
    csv = write_csv(tmp_path / "rates.csv", walk(business_days(date(2021, 1, 4), date(2024, 6, 28))))
    arguments = ("run", "--source", f"csv:{csv}", "--as-of", "2024-06-28", "--skip-email")
    environ = dict(os.environ) | {"FOREX_DATA_DIR": str(data_dir)}
    processes = [
        subprocess.Popen(
            [sys.executable, "-m", f"services.forecaster_{key}.cli", *arguments],
            env=environ,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for key in HORIZONS
    ]
    said = [process.communicate(timeout=120) for process in processes]
    assert [process.returncode for process in processes] == [0, 0, 0, 0], said
    with closing(sqlite3.connect(data_dir / "mlflow" / "mlflow.db")) as connection:
        runs = connection.execute(
            "SELECT e.name, status FROM runs JOIN experiments e USING (experiment_id) ORDER BY e.name"
        ).fetchall()
        schemas = connection.execute("SELECT count(*) FROM alembic_version").fetchone()
    assert runs == sorted((f"forecaster_{key}", "FINISHED") for key in HORIZONS)
    assert schemas == (1,)
    with closing(sqlite3.connect(data_dir / "forex.db")) as connection:
        assert connection.execute("SELECT count(*) FROM forecasts").fetchone() == (4,)


@pytest.mark.fault(11)
def test_a_run_that_waited_for_the_lock_uses_what_is_known_when_it_gets_it(tmp_path: Path, data_dir: Path) -> None:
    today = datetime.now(UTC).date()
    csv = write_csv(tmp_path / "rates.csv", walk(business_days(today - timedelta(days=900), today)))
    with writer_lock(data_dir, 0):
        waiting = subprocess.Popen(
            [FOREX, "run", "7d", "--source", f"csv:{csv}"],
            env=dict(os.environ) | {"FOREX_DATA_DIR": str(data_dir)},
            stdout=subprocess.DEVNULL,
        )
        time.sleep(4)
        released = datetime.now(UTC).replace(microsecond=0)
    assert waiting.wait(timeout=60) == 0
    with Store.for_reading(data_dir) as store:
        forecast = store.forecasts.newest("USDCLP", "7d")
    assert forecast
    assert forecast.created_at >= released
