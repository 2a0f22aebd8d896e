"""What a run with all members costs: the first, and the one of the day after, whose past windows are stored.

    python tests/benchmarks/members_cost.py [--official]

CPU and the peak of resident memory are those of the whole process tree. With --official the mini Chronos checkpoint
speaks through chronos-forecasting and torch. The pair is USDCLP, from a file of simulated rates since 2012.
"""

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time
from datetime import date
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))
from conftest import business_days, walk, write_csv

DAYS = (date(2026, 10, 29), date(2026, 10, 30))
FOREX = Path(sys.executable).with_name("forex")
WATCH = 0.02  # seconds between looks at the memory


def tree_rss(root: int) -> int:
    """Bytes of resident memory of a process and all below it."""
    parents = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rsplit(")", 1)[1].split()
        except OSError:
            continue  # it has just ended
        parents[int(stat.parent.name)] = (int(fields[1]), int(fields[21]) * resource.getpagesize())
    below = {root}
    for _ in parents:
        more = {process for process, (parent, _) in parents.items() if parent in below} - below
        if not more:
            break
        below |= more
    return sum(parents[process][1] for process in below if process in parents)


def run(day: date, folder: Path, csv: Path, **environ: str) -> None:
    command = [FOREX, "run", "all", "--source", f"csv:{csv}", "--members", "all", "--as-of", str(day)]
    before, begun, peak = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic(), 0
    with subprocess.Popen(
        command, env=os.environ | {"FOREX_DATA_DIR": str(folder)} | environ, stdout=subprocess.PIPE, text=True
    ) as process:
        while process.poll() is None:
            peak = max(peak, tree_rss(process.pid))
            time.sleep(WATCH)
        said = process.stdout.read() if process.stdout else ""
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    dropped = said.count("dropped out")
    print(
        f"as of {day}: {cpu:5.1f} s CPU, {time.monotonic() - begun:5.1f} s wall, {peak / 1e6:4.0f} MB peak, "
        f"exit {process.returncode}, {dropped} members dropped out"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--official", action="store_true")
    parser.add_argument("--models", type=Path, help="a data directory whose models/ has weights of lstm")
    given = parser.parse_args()
    runtime = "official" if given.official else "auto"
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / "data"
        folder.mkdir()
        csv = write_csv(Path(scratch) / "rates.csv", walk(business_days(date(2012, 1, 2), DAYS[-1])))
        if given.models:
            (folder / "models").symlink_to((given.models / "models").absolute())
        for day in DAYS:
            run(day, folder, csv, FOREX_CHRONOS_RUNTIME=runtime)


if __name__ == "__main__":
    main()
