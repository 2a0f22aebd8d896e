"""Two processes that write to a store until they are stopped: what a live backup must cope with.

Each transaction of theirs is a pair of rows, so that half of one shows; what is committed is acknowledged on stdout.
"""

import os
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import timedelta
from pathlib import Path

from backup_samples import FIRST, NOW, add_run
from forex_core.store.events import Event
from forex_core.store.store import Store
from samples import freeze

TESTS = Path(__file__).parent
PAUSE = 0.02  # seconds, so that the store stays small over many backups


def write_forecasts(data_dir: Path, pause: float) -> None:
    """In forex.db through the Store: a forecast and its event."""
    with Store.for_writing(data_dir) as store:
        for n in range(100_000):
            name = f"live{n}"
            with store.transaction():
                freeze(store, forecast_id=name, issued_on=FIRST + timedelta(days=1000 + n), created_at=NOW)
                store.events.add(Event(NOW, "finished", name, None, None, {}))
            _acknowledge(n, pause)


def write_runs(data_dir: Path, pause: float) -> None:
    """In mlflow.db, as MLflow does, some commits a run: two tags, and now and then a run with its files."""
    with closing(sqlite3.connect(data_dir / "mlflow" / "mlflow.db", timeout=20)) as connection:
        for n in range(100_000):
            if n % 50 == 0:
                add_run(data_dir, f"live{n}", FIRST + timedelta(days=1000 + n))
            with connection:
                for key in ("left", "right"):
                    connection.execute("INSERT INTO tags VALUES (?, 'x', 'r0')", (f"{key}{n}",))
            _acknowledge(n, pause)


def _acknowledge(n: int, pause: float) -> None:
    print(n, flush=True)  # noqa: T201
    time.sleep(pause)


class Writer:
    """One of them, at work; `last` is the newest number that it has acknowledged."""

    def __init__(self, function: str, data_dir: Path, pause: float) -> None:
        code = f"import sys, live_writers, pathlib; live_writers.{function}(pathlib.Path(sys.argv[1]), {pause})"
        path = os.pathsep.join([str(TESTS), os.environ.get("PYTHONPATH", "")]).rstrip(os.pathsep)
        self.said = data_dir.parent / f"{function}.said"
        with self.said.open("wb") as said:
            self.process = subprocess.Popen(
                [sys.executable, "-c", code, str(data_dir)], stdout=said, env={**os.environ, "PYTHONPATH": path}
            )

    @property
    def last(self) -> int:
        lines = self.said.read_text().split("\n")[:-1]
        return int(lines[-1]) if lines else -1


@contextmanager
def live_writers(data_dir: Path, pause: float = PAUSE) -> Iterator[tuple[Writer, Writer]]:
    """Both, once each has written something; they must still be alive in the end."""
    writers = (Writer("write_forecasts", data_dir, pause), Writer("write_runs", data_dir, pause))
    try:
        deadline = time.monotonic() + 60
        while min(writer.last for writer in writers) < 0 and time.monotonic() < deadline:
            time.sleep(0.05)
        yield writers
        assert [writer.process.poll() for writer in writers] == [None, None], "a writer died beside the backups"
    finally:
        for writer in writers:
            writer.process.kill()
            writer.process.wait()
