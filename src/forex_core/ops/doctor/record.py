"""Every frozen forecast has its run and its report, every run its forecast, and every attempt an end."""

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from pathlib import Path
from urllib.parse import unquote, urlparse

from forex_core.ops.doctor.finding import FIX, Finding, Place
from forex_core.pipeline.upkeep import failed
from forex_core.store.database import damage_named, open_for_reading, open_for_writing
from forex_core.store.events import Events
from forex_core.store.lock import writer_lock

COMPLETE = "forex score"  # does the open steps of whatever was frozen


def artifacts(place: Place) -> Iterator[Finding]:
    """MLflow keeps absolute paths: after a move they lead nowhere, and new runs would write to the old place."""
    if not (path := _laboratory(place)):
        return
    with closing(_reading(path)) as connection:
        uris = [
            row[0]
            for row in connection.execute("SELECT DISTINCT artifact_location FROM experiments WHERE name != 'Default'")
        ]
        roots = connection.execute(
            "SELECT artifact_uri FROM runs WHERE status = 'FINISHED' AND lifecycle_stage = 'active'"
        )
        folders = [_local(row[0]) for row in roots]
    elsewhere = [uri for uri in uris if (at := _local(uri)) and not at.is_relative_to(path.parent.absolute())]
    if elsewhere:
        said = f"{len(elsewhere)} experiments keep their artifacts outside {path.parent}, such as {elsewhere[0]}"
        yield Finding("artifacts", "failed", said, "forex mlflow relocate")
        return
    gone = [folder for folder in folders if folder and not folder.is_dir()]
    if gone:
        yield Finding(
            "artifacts",
            "failed",
            f"{len(gone)} runs have lost their artifacts, such as {gone[0]}",
            "forex backup restore",
        )
    else:
        yield Finding("artifacts", "ok", f"{len(folders)} finished runs have theirs")


def runs(place: Place) -> Iterator[Finding]:
    """forex.db and mlflow.db tell the same story."""
    path = _laboratory(place)
    with closing(open_for_reading(place.data_dir / "forex.db")) as connection:
        frozen = {row[0] for row in connection.execute("SELECT forecast_id FROM forecasts")}
        tracked = dict(connection.execute("SELECT forecast_id, ref FROM steps WHERE step = 'track'"))
    if untracked := sorted(frozen - tracked.keys()):
        yield Finding("runs", "failed", f"{len(untracked)} forecasts have no run yet, such as {untracked[0]}", COMPLETE)
    if path is None:
        return
    with closing(_reading(path)) as connection:
        known = {row[0] for row in connection.execute("SELECT run_uuid FROM runs")}
        tagged = connection.execute(
            "SELECT run_uuid, value FROM tags JOIN runs USING (run_uuid) "
            "WHERE key = 'forecast_id' AND status = 'FINISHED' AND lifecycle_stage = 'active'"
        ).fetchall()
    lost = sorted(forecast for forecast, run in tracked.items() if run not in known)
    if lost:
        said = f"{len(lost)} forecasts have lost their run, such as {lost[0]}"
        yield Finding("runs", "failed", said, f"{FIX}; {COMPLETE}", _reopened(place, lost, "track"))
    orphans = sorted(run for run, forecast in tagged if forecast not in frozen)
    if orphans:
        said = f"{len(orphans)} runs tell of forecasts that were never frozen, such as {orphans[0]}"
        yield Finding("runs", "failed", said, FIX, _set_aside(path, place, orphans))
    if not (untracked or lost or orphans):
        yield Finding("runs", "ok", f"{len(frozen)} forecasts have their run, {len(tagged)} runs their forecast")


def reports(place: Place) -> Iterator[Finding]:
    """Each forecast's page is where it was written."""
    with closing(open_for_reading(place.data_dir / "forex.db")) as connection:
        frozen = {row[0] for row in connection.execute("SELECT forecast_id FROM forecasts")}
        written = connection.execute("SELECT forecast_id, ref FROM steps WHERE step = 'report'").fetchall()
    if unwritten := sorted(frozen - {forecast for forecast, _ in written}):
        yield Finding(
            "reports", "failed", f"{len(unwritten)} are not written yet, such as that of {unwritten[0]}", COMPLETE
        )
    lost = [forecast for forecast, ref in written if not ref or not Path(ref).is_file()]
    if lost:
        said = f"{len(lost)} reports are missing, such as that of {lost[0]}"
        yield Finding("reports", "failed", said, f"{FIX}; {COMPLETE}", _reopened(place, lost, "report"))
    elif not unwritten:
        yield Finding("reports", "ok", f"{len(written)} are there")


def attempts(place: Place) -> Iterator[Finding]:
    """A run that was killed is noted as such by the next one."""
    with closing(open_for_reading(place.data_dir / "forex.db")) as connection:
        open_ones = Events(connection).unended()
    if open_ones:
        first = f"{open_ones[0].pair} {open_ones[0].horizon} of {open_ones[0].at:%Y-%m-%d %H:%M} UTC"
        yield Finding(
            "attempts", "warning", f"{len(open_ones)} have not ended, such as {first}: running, or killed", COMPLETE
        )
    else:
        yield Finding("attempts", "ok", "each run has ended")


def last_runs(place: Place) -> Iterator[Finding]:
    """How the last run of each pair and horizon ended."""
    with closing(open_for_reading(place.data_dir / "forex.db")) as connection:
        ends = Events(connection).last_ends()
    failures = list(failed(ends))
    for failure in failures:
        yield Finding("last runs", "failed", failure.message, "forex run")
    if not failures:
        yield Finding("last runs", "ok", f"{len(ends)} ended well" if ends else "none yet")


def _laboratory(place: Place) -> Path | None:
    path = place.mlflow_db
    return path if path and path.is_file() else None


def _reading(path: Path) -> sqlite3.Connection:
    with damage_named(path):
        return sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)


def _local(uri: str) -> Path | None:
    parts = urlparse(uri)
    return Path(unquote(parts.path)) if parts.scheme in ("", "file") else None


def _reopened(place: Place, forecasts: Sequence[str], step: str) -> Callable[[], None]:
    """The step is to be done again; the forecast itself is not touched."""

    def reopen() -> None:
        path = place.data_dir / "forex.db"
        with writer_lock(place.data_dir, 10), closing(open_for_writing(path)) as connection, damage_named(path):
            connection.execute("BEGIN IMMEDIATE")
            connection.executemany(
                "DELETE FROM steps WHERE step = ? AND forecast_id = ?", [(step, f) for f in forecasts]
            )
            connection.execute("COMMIT")

    return reopen


def _set_aside(path: Path, place: Place, orphans: Sequence[str]) -> Callable[[], None]:
    """As MLflow's own delete does, which can be taken back."""

    def hide() -> None:
        with (
            writer_lock(place.data_dir, 10),
            damage_named(path),
            closing(sqlite3.connect(path)) as connection,
            connection,
        ):
            with closing(open_for_reading(place.data_dir / "forex.db")) as record:  # since then it may have been frozen
                frozen = {row[0] for row in record.execute("SELECT forecast_id FROM forecasts")}
            tagged = dict(connection.execute("SELECT run_uuid, value FROM tags WHERE key = 'forecast_id'"))
            lonely = [(run,) for run in orphans if tagged.get(run) not in frozen]
            connection.executemany("UPDATE runs SET lifecycle_stage = 'deleted' WHERE run_uuid = ?", lonely)

    return hide
