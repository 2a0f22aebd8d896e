"""A real MLflow server instead of the embedded store, and one that is down."""

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

import pytest

from conftest import business_days, forex, walk, write_csv
from forex_core.mlops.quiet import client


@pytest.fixture
def csv(tmp_path: Path) -> Path:
    return write_csv(tmp_path / "rates.csv", walk(business_days(date(2021, 1, 4), date(2024, 6, 28))))


@pytest.fixture
def server(tmp_path: Path) -> Iterator[str]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    home = tmp_path / "server"
    home.mkdir()
    options = f"--workers 1 --port {port} --backend-store-uri sqlite:///mlflow.db --artifacts-destination artifacts"
    process = subprocess.Popen(
        [sys.executable, "-m", "mlflow", "server", *options.split()],
        cwd=home,
        env=dict(os.environ) | {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false", "MLFLOW_DISABLE_TELEMETRY": "true"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    address = f"http://127.0.0.1:{port}"
    try:
        for _ in range(300):
            try:
                urlopen(f"{address}/health", timeout=1).close()
                break
            except (URLError, OSError):
                time.sleep(0.2)
        yield address
    finally:
        process.terminate()
        process.wait()


def test_a_run_is_recorded_on_a_server_and_stdout_stays_json(server: str, csv: Path, data_dir: Path) -> None:
    arguments = ("run", "7d", "15d", "--source", f"csv:{csv}", "--as-of", "2024-06-28", "--json")
    done = forex(*arguments, data_dir=data_dir, MLFLOW_TRACKING_URI=server)
    assert done.returncode == 0, done.stderr
    ids = [forecast["run_id"] for forecast in json.loads(done.stdout)["pairs"][0]["forecasts"]]
    runs = [client(server).get_run(run_id) for run_id in ids]
    assert [run.info.status for run in runs] == ["FINISHED", "FINISHED"]
    artifacts = {item.path for item in client(server).list_artifacts(ids[0])}
    assert artifacts == {"model", "reports"}
    assert not (data_dir / "mlflow").exists()


def test_when_the_server_is_down_then_the_run_succeeds_soon_and_no_password_is_told(csv: Path, data_dir: Path) -> None:
    arguments = ("run", "all", "--source", f"csv:{csv}", "--as-of", "2024-06-28", "--json")
    start = time.monotonic()
    done = forex(*arguments, data_dir=data_dir, MLFLOW_TRACKING_URI="http://bob:hunter2@127.0.0.1:9")
    assert done.returncode == 0
    assert "Not tracked yet" in json.loads(done.stdout)["pairs"][0]["banners"][-1]
    assert "hunter2" not in done.stdout + done.stderr
    assert time.monotonic() - start < 25  # one try for all four, not four
