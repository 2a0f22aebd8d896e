"""What tracking a run costs in durable writes, counted by strace; on a cheap disk each takes up to 10 ms."""

import os
import re
import shutil
import sqlite3
import subprocess
from contextlib import closing
from datetime import date
from pathlib import Path

import pytest

from conftest import FOREX, business_days, forex, walk, write_csv

PER_RUN, PER_PROCESS = 4, 4


@pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not installed")
@pytest.mark.parametrize("horizons", [("7d",), ("7d", "15d", "30d", "90d")])
def test_a_tracked_run_costs_few_fsyncs_and_one_row(tmp_path: Path, data_dir: Path, horizons: tuple[str, ...]) -> None:
    csv = write_csv(tmp_path / "rates.csv", walk(business_days(date(2021, 1, 4), date(2024, 6, 28))))
    arguments = ("run", *horizons, "--source", f"csv:{csv}", "--as-of")
    assert forex(*arguments, "2024-06-27", data_dir=data_dir).returncode == 0
    trace = tmp_path / "trace"
    calls = "trace=fsync,fdatasync,msync,sync_file_range"
    subprocess.run(
        ["strace", "-f", "-y", "-e", calls, "-o", trace, FOREX, *arguments, "2024-06-28"],
        env=dict(os.environ) | {"FOREX_DATA_DIR": str(data_dir)},
        stdout=subprocess.DEVNULL,
        check=True,
    )
    synced = re.findall(r"sync\w*\(\d+<([^>]+)>", trace.read_text())
    assert any(path.endswith("forex.db-wal") for path in synced)  # strace really saw the process
    of_mlflow = [path for path in synced if Path(path).name.startswith("mlflow.db")]
    assert 0 < len(of_mlflow) <= PER_RUN * len(horizons) + PER_PROCESS
    with closing(sqlite3.connect(data_dir / "mlflow" / "mlflow.db")) as connection:
        assert connection.execute("SELECT count(*) FROM runs").fetchone() == (2 * len(horizons),)
