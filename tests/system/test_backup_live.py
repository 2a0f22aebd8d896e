"""Backups beside two writing processes: each is whole, of whole transactions, and has all that was acknowledged."""

import shutil
import sqlite3
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest

from backup_samples import NOW, fill, settings_for
from forex_core.ops.backup.archive import Archive, unpack
from forex_core.ops.backup.create import create
from live_writers import live_writers

LONG = pytest.mark.long


def query(path: Path, statement: str) -> list[tuple]:
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute(statement).fetchall()


def check(archive: Archive, acknowledged: tuple[int, int], tree: Path) -> None:
    """`create` has verified it; here it is held to what the writers know."""
    unpack(archive.path, archive.manifest, tree)
    forecast, run = acknowledged
    assert query(tree / "forex.db", f"SELECT 1 FROM forecasts WHERE forecast_id = 'live{forecast}'") == [(1,)]
    [(forecasts, events)] = query(
        tree / "forex.db",
        "SELECT (SELECT count(*) FROM forecasts WHERE forecast_id LIKE 'live%'), "
        "(SELECT count(*) FROM events WHERE kind = 'finished')",
    )
    assert forecasts == events > 0
    [(left, right)] = query(
        tree / "mlflow" / "mlflow.db", "SELECT sum(key LIKE 'left%'), sum(key LIKE 'right%') FROM tags"
    )
    assert left == right > run
    shutil.rmtree(tree)


@pytest.mark.parametrize(
    ("mode", "backups"),
    [("wal", 5), ("delete", 5), pytest.param("wal", 100, marks=LONG), pytest.param("delete", 100, marks=LONG)],
)
def test_every_backup_beside_writers_is_whole(mode: str, backups: int, data_dir: Path, tmp_path: Path) -> None:
    fill(data_dir)
    query(data_dir / "mlflow" / "mlflow.db", f"PRAGMA journal_mode = {mode}")
    with live_writers(data_dir) as (forecasts, runs):
        earlier = create(settings_for(data_dir), None, NOW)
        for n in range(1, backups + 1):
            acknowledged = forecasts.last, runs.last
            made = create(settings_for(data_dir), None, NOW + timedelta(seconds=n))
            check(made, acknowledged, tmp_path / "tree")
            earlier.path.unlink()
            earlier = made
        assert forecasts.last > acknowledged[0]
