"""Print what the documents promise of tracking beside what it costs here: python tests/benchmarks/tracking_cost.py"""

import os
import resource
import subprocess
import sys
import time
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory

from tabulate import tabulate

sys.path.insert(0, str(Path(__file__).parents[1]))
from conftest import business_days, forex, walk, write_csv

DAYS = 25  # of four horizons: 100 runs


def size(path: Path) -> int:
    """Bytes of a file, or of all files in a folder (a hard link counts once)."""
    files = {p.stat().st_ino: p.stat().st_size for p in [path, *path.rglob("*")] if p.is_file()}
    return sum(files.values())


def seconds(code: str) -> tuple[float, float]:
    """CPU seconds and peak MB of a fresh Python that runs `code`."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(
        [sys.executable, "-c", f"{code}\nimport resource; print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)"],
        capture_output=True,
        text=True,
        check=True,
        env=dict(os.environ),
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return cpu, int(done.stdout.split()[-1]) / 1024


def main() -> None:
    """Run a hundred forecasts and print the table."""
    days = business_days(date(2024, 1, 2), date(2024, 6, 28))[-DAYS:]
    with TemporaryDirectory() as folder:
        home = Path(folder)
        csv = write_csv(home / "rates.csv", walk(business_days(date(2019, 1, 2), days[-1])))
        empty, walls = 0, []
        for day in days:
            start = time.monotonic()
            done = forex("run", "--source", f"csv:{csv}", "--as-of", day, "--skip-email", data_dir=home / "data")
            walls.append(time.monotonic() - start)
            assert done.returncode == 0, done.stderr
            empty = empty or size(home / "data" / "mlflow" / "mlflow.db")
        database = size(home / "data" / "mlflow" / "mlflow.db") - empty
        artifacts = size(home / "data" / "mlflow" / "mlruns")
        everything = size(home / "data")
    _, plain = seconds("import pandas")
    cpu, tracking = seconds("import pandas, mlflow")
    first, later = walls[0], sorted(walls[1:])
    rows = [
        [
            "database, 100 runs",
            "1-5 MB",
            f"{database / 1e6 * len(days) / (len(days) - 1):.1f} MB (+ {empty / 1e6:.1f} MB schema)",
        ],
        ["artifacts, one run", "2-10 MB", f"{artifacts / len(days) / 4 / 1e6:.3f} MB"],
        [
            "a year of 250 days, all four",
            "500 MB",
            f"{everything / len(days) * 250 / 1e6:.0f} MB, from {len(days)} days",
        ],
        ["tracking library", "under 10 MB", f"+{tracking - plain:.0f} MB, {cpu:.1f} s CPU to import"],
        ["whole run, four horizons", "2-4 minutes", f"{later[len(later) // 2]:.1f} s median (first {first:.1f} s)"],
    ]
    print(tabulate(rows, ["what", "promised", "measured"], "github"))


if __name__ == "__main__":
    main()
