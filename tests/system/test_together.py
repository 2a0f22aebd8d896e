"""Four services started at once, as four timers after a night of downtime would."""

import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from datetime import date
from pathlib import Path

from conftest import business_days, walk, write_csv
from forex_core.horizons import HORIZONS


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
