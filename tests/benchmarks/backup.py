"""Print what a year's backup costs, and what tar and cp make of a live store: python tests/benchmarks/backup.py"""

import os
import random
import re
import shutil
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from datetime import date, timedelta
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import UUID

from tabulate import tabulate

sys.path.insert(0, str(Path(__file__).parents[1]))
from backup_samples import NOW, fill, settings_for
from conftest import forex
from forex_core.ops.backup import archive as archiving
from forex_core.ops.backup.create import create
from live_writers import live_writers

DAYS, COPIES = 260, 30
OF_A_RUN = ("runs", "tags", "params", "metrics", "latest_metrics")
CHANCE = random.Random(260)


def size(path: Path) -> int:
    """Bytes of all files in a folder; a hard link counts once, backups don't."""
    files = {p.stat().st_ino: p.stat().st_size for p in path.rglob("*") if p.is_file() and "backups" not in p.parts}
    return sum(files.values())


def other_digits(content: bytes) -> bytes:
    """Another day's page: as long as this one, and no easier to pack."""
    return re.sub(rb"\d", lambda _: b"%d" % CHANCE.randrange(10), content)


def grow(data_dir: Path) -> None:
    """Make a day's store a year's: each forecast again for each day, with its rows, run, model and report."""
    forex_db, mlflow_db = (sqlite3.connect(data_dir / name) for name in ("forex.db", "mlflow/mlflow.db"))
    with closing(forex_db), closing(mlflow_db), forex_db, mlflow_db:
        first = forex_db.execute("SELECT * FROM forecasts").fetchall()
        runs = mlflow_db.execute("SELECT run_uuid, artifact_uri FROM runs").fetchall()
        for n in range(1, DAYS):
            day = str(date.fromisoformat(first[0][3]) + timedelta(days=n))
            for row, (run, uri) in zip(first, runs, strict=True):
                _forecast_again(forex_db, row, day)
                _run_again(mlflow_db, run, uri, str(UUID(int=CHANCE.getrandbits(128)).hex))
            _report_again(data_dir, first[0], day)


def _forecast_again(connection: sqlite3.Connection, row: tuple, day: str) -> None:
    forecast_id = row[0].replace(row[3], day)
    connection.execute(
        "INSERT INTO forecasts VALUES (?,?,?,?,?,?,?,?,?)",
        (
            forecast_id,
            *row[1:3],
            day,
            *row[4:8],
            re.sub(r"(?<=\.)\d+", lambda found: str(CHANCE.random())[2:][: len(found[0])], row[8]),
        ),
    )
    for step in ("report", "track", "publish", "send"):
        connection.execute("INSERT INTO steps VALUES (?, ?, ?, ?)", (forecast_id, step, day, "x" * 60))
    for kind in ("started", "finished"):
        connection.execute(
            "INSERT INTO events (at, kind, attempt, detail) VALUES (?, ?, ?, '{}')", (day, kind, forecast_id)
        )
    connection.execute("INSERT INTO scores VALUES (?, 1, ?)", (forecast_id, "x" * 300))
    for n in range(5):
        values = (f"S{row[2]}{n}", "source", day, day, day, CHANCE.random())
        connection.execute("INSERT OR IGNORE INTO observations VALUES (?, ?, ?, ?, ?, ?)", values)


def _run_again(connection: sqlite3.Connection, run: str, uri: str, again: str) -> None:
    for table in OF_A_RUN:
        for row in connection.execute(f"SELECT * FROM {table} WHERE run_uuid = ?", (run,)).fetchall():
            values = [value.replace(run, again) if isinstance(value, str) else value for value in row]
            connection.execute(f"INSERT INTO {table} VALUES ({','.join('?' * len(values))})", values)
    source = Path(uri.removeprefix("file://"))
    for path in source.rglob("*"):
        if path.is_file():
            target = Path(str(path).replace(run, again))
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(other_digits(path.read_bytes()))


def _report_again(data_dir: Path, row: tuple, day: str) -> None:
    """The day's own page; those of the horizons are hard links to the artifacts, and count once."""
    source = data_dir / "reports" / row[1] / row[3]
    target = source.with_name(day)
    target.mkdir()
    for path in source.iterdir():
        twins = sorted(
            (data_dir / "mlflow" / "mlruns").rglob(f"reports/{path.name}"), key=lambda p: p.stat().st_mtime_ns
        )
        if twins:
            (target / path.name).hardlink_to(twins[-1])
        else:
            (target / path.name).write_bytes(other_digits(path.read_bytes()))


def seconds(do: Callable[[], object]) -> str:
    """On the clock, and of that the processor's, which a busy machine does not change."""
    start, before = time.monotonic(), os.times()
    do()
    used = sum(after - was for after, was in zip(os.times()[:4], before[:4], strict=True))
    return f"{time.monotonic() - start:.1f} s ({used:.1f} s CPU)"


def a_year(home: Path) -> None:
    """The store, its backup, and the choice of gzip's level."""
    data_dir = home / "data"
    assert forex("demo", data_dir=data_dir).returncode == 0
    made = seconds(lambda: grow(data_dir))
    levels = []
    for level in (1, 3, 6, 9):
        archiving.LEVEL = level
        settings = settings_for(data_dir, backup_dir=home / f"{level}")
        took = seconds(partial(create, settings, None, NOW))
        [path] = (home / f"{level}").glob("forex-*")
        levels.append([level, took, f"{path.stat().st_size / 1e6:.1f} MB"])
    backup = seconds(lambda: forex("backup", "create", data_dir=data_dir))
    [path] = (data_dir / "backups").glob("forex-*")
    rows = [
        ["a year's store, 4 horizons", "500 MB", f"{size(data_dir) / 1e6:.0f} MB (made in {made})"],
        ["its backup", "60 MB", f"{path.stat().st_size / 1e6:.1f} MB"],
        ["`forex backup create`, whole", "5 s", backup],
        ["`forex backup verify`", "", seconds(lambda: forex("backup", "verify", path, data_dir=data_dir))],
        ["`forex backup list`", "", seconds(lambda: forex("backup", "list", data_dir=data_dir))],
    ]
    print(tabulate(rows, ["what", "promised", "measured"], "github"))
    print(f"\n{tabulate(levels, ['gzip level', 'backup and proof', 'archive'], 'github')}\n", flush=True)


def judged(copy: Path, before: tuple[int, int]) -> str:
    """What a copy of a live store is worth: both databases opened, checked, and asked for what was acknowledged."""
    asked = [
        (
            "forex.db",
            "SELECT max(CAST(substr(forecast_id, 5) AS INTEGER)) FROM forecasts WHERE forecast_id LIKE 'live%'",
        ),
        ("mlflow/mlflow.db", "SELECT max(CAST(substr(key, 5) AS INTEGER)) FROM tags WHERE key LIKE 'left%'"),
    ]
    for (name, newest), acknowledged in zip(asked, before, strict=True):
        try:
            with closing(sqlite3.connect(copy / name)) as connection:
                if connection.execute("PRAGMA integrity_check(1)").fetchone()[0] != "ok":
                    return "damaged"
                if (connection.execute(newest).fetchone()[0] or -1) < acknowledged:
                    return "commits missing"
        except sqlite3.DatabaseError:
            return "damaged"
    return "usable"


def tar(data_dir: Path, copy: Path) -> None:
    command = ["tar", "-czf", copy / "t.gz", "--exclude=mlruns", "-C", data_dir, "."]
    subprocess.run(command, check=False, capture_output=True)
    subprocess.run(["tar", "-xzf", copy / "t.gz", "-C", copy], check=False, capture_output=True)


def cp(data_dir: Path, copy: Path) -> None:
    (copy / "mlflow").mkdir()
    for name in ("forex.db", "mlflow/mlflow.db"):
        subprocess.run(["cp", data_dir / name, copy / name], check=False, capture_output=True)


def backup(data_dir: Path, copy: Path) -> None:
    made = create(settings_for(data_dir, backup_dir=data_dir.parent / "backups"), None, NOW)
    archiving.unpack(made.path, made.manifest, copy)


def live(home: Path) -> None:
    """The same store, written to as fast as it goes, copied three ways."""
    rows = []
    for mode in ("wal", "delete"):
        for way in (tar, cp, backup):
            data_dir = home / f"{mode} {way.__name__}" / "data"
            fill(data_dir)
            for name in ("forex.db", "mlflow/mlflow.db"):
                with closing(sqlite3.connect(data_dir / name)) as connection:
                    connection.execute(f"PRAGMA journal_mode = {mode}")
                    connection.execute("CREATE TABLE ballast AS SELECT randomblob(8000000) AS noise")
                    connection.commit()
            found: Counter[str] = Counter()
            with live_writers(data_dir, pause=0.001) as writers:
                for n in range(COPIES):
                    copy = home / f"copy{n}"
                    copy.mkdir()
                    before = writers[0].last, writers[1].last
                    way(data_dir, copy)
                    found[judged(copy, before)] += 1
                    shutil.rmtree(copy)
            rows.append([way.__name__, mode, *(found[word] for word in ("usable", "damaged", "commits missing"))])
    print(
        tabulate(
            rows, [f"{COPIES} copies of a live store", "journal", "usable", "damaged", "commits missing"], "github"
        )
    )


def main() -> None:
    """Both tables."""
    for part in (a_year, live):
        with TemporaryDirectory() as folder:
            part(Path(folder))


if __name__ == "__main__":
    main()
