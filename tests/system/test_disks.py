"""A disk that fills up, has no inodes, may not be written, or fails: the run says so, and harms nothing that was."""

import os
import shutil
import sqlite3
import subprocess
from contextlib import closing
from datetime import date
from pathlib import Path

import pytest
from disks import fill, needs_root, read_only, tmpfs

from conftest import FOREX, business_days, forex, walk, write_csv

FIRST, SECOND = "2024-06-27", "2024-06-28"
ROOM = "size=64m"  # with less than 50 MB free no run begins


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Rates, and a data directory with the first day's forecasts."""
    home = tmp_path_factory.mktemp("disks")
    write_csv(home / "rates.csv", walk(business_days(date(2020, 1, 2), date(2024, 12, 31))))
    assert forex(*asked(home, FIRST), data_dir=home / "disk" / "data").returncode == 0
    shutil.move(home / "disk" / "data", home / "first")
    return home


def placed(home: Path) -> Path:
    """That data directory anew, where it was made: MLflow's paths are absolute."""
    shutil.rmtree(home / "disk" / "data", ignore_errors=True)
    return shutil.copytree(home / "first", home / "disk" / "data")


def asked(home: Path, day: str) -> tuple[str, ...]:
    return ("-v", "run", "all", "--source", f"csv:{home / 'rates.csv'}", "--as-of", day, "--skip-email")


def environ(data_dir: Path) -> dict[str, str]:
    return {k: v for k, v in os.environ.items() if not k.startswith("FOREX_")} | {"FOREX_DATA_DIR": str(data_dir)}


def reports(data_dir: Path) -> dict[str, bytes]:
    """The first day's pages, which no later run may touch."""
    return {path.name: path.read_bytes() for path in (data_dir / "reports" / "USDCLP" / FIRST).iterdir()}


def frozen(data_dir: Path) -> set[str]:
    """The forecasts that are kept; both databases must be sound."""
    with closing(sqlite3.connect(data_dir / "mlflow" / "mlflow.db")) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    with closing(sqlite3.connect(data_dir / "forex.db")) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        return {row[0] for row in connection.execute("SELECT forecast_id FROM forecasts")}


def finishes(home: Path, data_dir: Path) -> None:
    """The next run, with room, completes the day and leaves nothing half done."""
    done = forex(*asked(home, SECOND), data_dir=data_dir)
    assert done.returncode == 0, done.stderr
    assert len(frozen(data_dir)) == 8
    assert not [path for path in data_dir.rglob("*") if path.name.endswith((".new", ".partial"))]


def filled_after(lines: int, home: Path, data_dir: Path) -> tuple[int, str]:
    """A run on a disk that is full once so many lines were said. Its exit code and what it said."""
    said = []
    with subprocess.Popen(
        [FOREX, *asked(home, SECOND)],
        env=environ(data_dir),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stderr
        for line in process.stderr:
            said.append(line)
            if len(said) == lines:
                fill(data_dir.parent)
    return process.returncode, "".join(said)


@pytest.mark.fault(6)
@pytest.mark.parametrize("lines", [1, 4, *(pytest.param(n, marks=pytest.mark.long) for n in (2, 3))])
def test_when_the_disk_fills_up_then_nothing_is_lost_and_the_next_run_finishes(lines: int, home: Path) -> None:
    with tmpfs(home / "disk", ROOM) as disk:
        data_dir = placed(home)
        before = reports(data_dir)
        code, said = filled_after(lines, home, data_dir)
        assert code in (73, 74), said
        assert "Traceback" not in said
        acknowledged = {line.rsplit("frozen ", 1)[1].strip() for line in said.splitlines() if "frozen " in line}
        assert acknowledged <= frozen(data_dir)
        assert reports(data_dir) == before

        (disk / "filler").unlink()
        finishes(home, data_dir)


@pytest.mark.fault(8)
def test_when_there_are_no_inodes_then_the_error_says_so_and_nothing_is_lost(home: Path) -> None:
    files = sum(1 for _ in (home / "first").rglob("*"))
    with tmpfs(home / "disk", f"size=200m,nr_inodes={files + 14}") as disk:
        data_dir = placed(home)
        done = forex(*asked(home, SECOND), data_dir=data_dir)
        assert (done.returncode, "Traceback" in done.stderr) == (73, False), done.stderr
        frozen(data_dir)
        subprocess.run(["mount", "-o", "remount,nr_inodes=10000", str(disk)], check=True)
        finishes(home, data_dir)


@pytest.mark.fault(7)
@pytest.mark.parametrize("kilobytes", [40, 400, 900])
def test_when_files_may_not_grow_then_nothing_is_lost(kilobytes: int, home: Path) -> None:
    data_dir = placed(home)
    done = subprocess.run(
        ["prlimit", f"--fsize={kilobytes << 10}", FOREX, *asked(home, SECOND)],
        env=environ(data_dir),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode in (73, 74), done.stderr
    assert "Traceback" not in done.stderr
    finishes(home, data_dir)


@pytest.mark.fault(10)
def test_when_the_data_directory_is_read_only_then_the_message_names_it(home: Path) -> None:
    data_dir = placed(home)
    before = reports(data_dir)
    with read_only(data_dir):
        done = forex(*asked(home, SECOND), data_dir=data_dir)
        assert (done.returncode, str(data_dir) in done.stderr, "Traceback" in done.stderr) == (73, True, False), (
            done.stderr
        )
    assert reports(data_dir) == before
    finishes(home, data_dir)


IN_CI = [("fsync", "EIO", 10), ("fdatasync", "EIO", 6), ("pwrite64", "ENOSPC", 20), ("rename", "EROFS", 1)]
MORE = [
    *(("fsync", "EIO", n) for n in (1, 12)),
    *(("fdatasync", "EIO", n) for n in (1, 3, 9, 14)),
    ("pwrite64", "EIO", 1),
]
FAILURES = [*IN_CI, *(pytest.param(*case, marks=pytest.mark.long) for case in MORE)]


@pytest.mark.fault(5)
@pytest.mark.parametrize(("call", "error", "when"), FAILURES)
def test_when_a_syscall_fails_then_it_is_never_called_success(
    call: str, error: str, when: int, home: Path, tmp_path: Path
) -> None:
    needs_root()
    if not shutil.which("strace"):
        pytest.skip("strace is not installed")
    data_dir = placed(home)
    trace = tmp_path / "trace"
    done = subprocess.run(
        [
            "strace",
            "-f",
            "-o",
            trace,
            "-e",
            f"trace={call}",
            "-e",
            f"inject={call}:error={error}:when={when}",
            FOREX,
            *asked(home, SECOND),
        ],
        env=environ(data_dir),
        capture_output=True,
        text=True,
        check=False,
    )
    assert "INJECTED" in trace.read_text()
    assert done.returncode in (73, 74, 77), (done.returncode, done.stderr)
    assert "Traceback" not in done.stderr
    acknowledged = {line.rsplit("frozen ", 1)[1].strip() for line in done.stderr.splitlines() if "frozen " in line}
    assert acknowledged <= frozen(data_dir)
    finishes(home, data_dir)
