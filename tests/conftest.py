"""What all tests share: a clean environment, a small real market, and no silent skips where CI must run everything."""

import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path

import numpy as np
import pytest
from loguru import logger

from fault_table import TABLE, results_of, table
from forex_core.calendars import Calendar, calendar
from forex_core.settings import names, variable_of
from forex_core.values import Series

pytest.register_assert_rewrite("member_contract")  # its assertions speak as those of a test file do

ROOT = Path(__file__).resolve().parents[1]
FOREX = Path(sys.executable).with_name("forex")


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No setting of the person who runs the tests reaches them, and they work in an empty directory."""
    for name in list(os.environ):
        if name.startswith(("FOREX_", "MLFLOW_", "INVOCATION_ID")):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)


@pytest.fixture(autouse=True)
def _loguru_left_as_found() -> Iterator[None]:
    logger.remove()
    yield
    logger.remove()


@pytest.fixture
def data_dir(tmp_path: Path) -> Path:
    """A data directory that does not exist yet; the blank is meant."""
    return tmp_path / "the data"


@pytest.fixture
def now() -> datetime:
    return datetime(2024, 7, 1, 12, tzinfo=UTC)


def walk(days: list[date], *, seed: int = 7, start: float = 900.0, sd: float = 0.006) -> list[tuple[date, float]]:
    """A seeded random walk on these days, rounded to two decimals as a central bank does."""
    moves = np.random.default_rng(seed).normal(0, sd, len(days))
    return [(day, round(float(rate), 2)) for day, rate in zip(days, start * np.exp(np.cumsum(moves)), strict=True)]


def business_days(start: date, end: date, of: Calendar | None = None) -> list[date]:
    """The business days of a calendar (Chile's unless told) in [start, end]."""
    return [day for day in (of or calendar("chile")).days if start <= day <= end]


def write_csv(path: Path, rows: list[tuple[date, float]]) -> Path:
    """A file as `csv:PATH` wants it."""
    path.write_text("date,value\n" + "".join(f"{day},{value!r}\n" for day, value in rows), encoding="utf-8")
    return path


def series(rows: list[tuple[date, float]]) -> Series:
    return Series(np.array([day for day, _ in rows], dtype="datetime64[D]"), np.array([value for _, value in rows]))


@pytest.fixture
def observado(tmp_path: Path) -> Path:
    """A synthetic dolar observado, 2020 to 2024-06-28."""
    return write_csv(tmp_path / "observado.csv", walk(business_days(date(2020, 1, 2), date(2024, 6, 28))))


def forex(*args: object, data_dir: Path, **environ: str) -> subprocess.CompletedProcess[str]:
    """Run the installed `forex` in its own process."""
    return command(FOREX, *args, data_dir=data_dir, **environ)


def command(*args: object, data_dir: Path, **environ: str) -> subprocess.CompletedProcess[str]:
    """Run any command on a data directory, with a clean environment in which no source can be reached."""
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("FOREX_", "MLFLOW_", "INVOCATION_ID"))}
    asked = [name for name in names() if name.endswith(("_url", "_feeds")) and name != "heartbeat_url"]
    closed = dict.fromkeys(map(variable_of, asked), "http://127.0.0.1:9")
    return subprocess.run(
        [str(arg) for arg in args],
        env=clean | closed | {"FOREX_DATA_DIR": str(data_dir)} | environ,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--fault-table", action="store_true", help="write tests/system/README.md from this session")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Where it is asked for, write which faults were injected by which tests, and what came of it."""
    if config.getoption("--fault-table"):
        outcomes = [
            (report.nodeid, outcome)
            for outcome in ("passed", "failed", "error", "skipped")
            for report in terminalreporter.stats.get(outcome, [])
        ]
        TABLE.write_text(table(results_of(outcomes)), encoding="utf-8")


def pytest_sessionfinish(session: pytest.Session) -> None:
    """In CI a skip is a failure: what can't run there protects nobody."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if os.environ.get("CI") and reporter and reporter.stats.get("skipped"):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
        reporter.write_line("tests were skipped, which CI does not allow", red=True)
