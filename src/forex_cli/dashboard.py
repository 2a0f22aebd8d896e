"""forex dashboard: everything that is going on, once or every second."""

import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from forex_cli import options
from forex_cli.session import errors_as_exit_codes, print_json, session

if TYPE_CHECKING:
    from forex_cli.dashboard_view import Board
    from forex_core.settings import Settings

SECOND = 1.0
PLAIN = (
    "pair horizon role issued_on target_date spot median low_80 high_80 skill coverage_80 count basis version_id "
    "version_days"
).split()


def dashboard(
    context: typer.Context,
    watch: Annotated[bool, typer.Option("--watch", help="Show it anew every second, until Ctrl-C.")] = False,
    plain: Annotated[bool, typer.Option("--plain", help="One forecast a line, separated by tabs.")] = False,
    json: options.Json = False,
) -> None:
    """Every pair and horizon: forecast, band, track record and model; then runs, data, disk and troubles.

    Examples:  forex dashboard    forex dashboard --watch    forex dashboard --plain | cut -f 1,2,7
    """
    with errors_as_exit_codes(context, as_json=json):
        from forex_cli.dashboard_view import lines
        from forex_cli.terminal import here
        from forex_core.calendars import utc_now
        from forex_core.errors import UsageError

        settings, terminal = session(context).settings(), here()
        if watch and (plain or json or not terminal.moves):
            raise UsageError("--watch needs a terminal whose cursor moves, and neither --plain nor --json")
        if watch:
            _watch(settings)
            return
        board = read(settings, utc_now())
        if json:
            print_json({"schema": 1, "command": "dashboard", **described(board)})
        elif plain:
            typer.echo("\n".join("\t".join(row) for row in [PLAIN, *_records(board)]))
        else:
            typer.echo("\n".join(terminal.shown(line) for line in lines(board, terminal)))


def read(settings: "Settings", now: datetime) -> "Board":
    """Look into forex.db, and at the sizes of files."""
    import shutil

    from forex_cli.dashboard_view import Board
    from forex_core.pipeline.health import examine
    from forex_core.store.scoreboard import reading

    with reading(settings.data_dir) as store:
        health, tallies, seen_in = examine(store, settings, now), store.tallies(), store.path.parent
    databases = {path.name: path.stat().st_size for path in _databases(seen_in) if path.exists()}
    return Board(now, settings.environment, health, tallies, shutil.disk_usage(seen_in).free, databases)


def described(board: "Board") -> dict[str, object]:
    """The same for machines: what `forex status --json` says, and how each forecast's like have done."""
    from forex_core.values import INTERVALS

    said = board.health.as_object()
    forecasts = []
    for one in board.health.newest:
        tally, live = board.tally(one), board.live(one)
        forecasts.append(
            {
                "pair": one.pair,
                "horizon": one.horizon,
                "forecast_id": one.forecast_id,
                "role": one.role,
                "issued_on": one.issued_on.isoformat(),
                "target_date": one.target_date.isoformat(),
                "spot": one.spot.value,
                "source": one.spot.source,
                "median": one.median,
                **{f"interval_{p}": [one.quantiles[level] for level in ends] for p, ends in INTERVALS.items()},
                "skill": tally.skill if tally else None,
                "coverage_80": tally.coverage_80 if tally else None,
                "count": tally.count if tally else 0,
                "basis": "track_record" if live else "backtest" if tally else None,
                "version_id": one.version_id,
                "version_days": (board.at - one.version_since).days,
            }
        )
    disk = {"free_bytes": board.free, "databases": board.databases}
    return {"at": board.at.isoformat(), "environment": board.environment, **said, "forecasts": forecasts, "disk": disk}


def _records(board: "Board") -> Iterator[list[str]]:
    """What `--plain` prints; a tab or a newline in a name would be another column."""
    from forex_cli.terminal import Terminal

    for one in described(board)["forecasts"]:  # type: ignore[attr-defined]
        low, high = one["interval_80"]
        cells = one | {"low_80": low, "high_80": high}
        yield ["" if cells[name] is None else Terminal().legible(str(cells[name]), 200) for name in PLAIN]


def _databases(folder: Path) -> tuple[Path, Path]:
    """Both in a data directory, or in its public folder."""
    from forex_core.store.viewing import PUBLIC

    mlflow = folder if folder.name == PUBLIC else folder / "mlflow"
    return folder / "forex.db", mlflow / "mlflow.db"


def _watch(settings: "Settings") -> None:
    """Show the dashboard in place every second; the databases are read when they change, and every minute."""
    from forex_cli.dashboard_view import lines
    from forex_cli.terminal import here
    from forex_cli.watching import cropped, screen
    from forex_core.calendars import utc_now
    from forex_core.errors import ForexError

    now, error = utc_now(), ""
    seen = _state(settings.data_dir, now)
    board = read(settings, now)
    with screen() as show:
        while True:
            now, terminal = utc_now(), here()
            if (state := _state(settings.data_dir, now)) != seen:
                try:
                    board, seen, error = read(settings, now), state, ""
                except ForexError as trouble:  # a restore may be going on: what was seen stays, and is tried again
                    error = f"error: {trouble}"
            frame = [terminal.shown(line) for line in lines(replace(board, at=now), terminal)]
            show(cropped([*frame, terminal.legible(error, terminal.width)] if error else frame, terminal), terminal)
            time.sleep(SECOND - time.time() % SECOND)


def _state(data_dir: Path, now: datetime) -> tuple[object, ...]:
    """What changes when somebody writes, and with the minute: the databases' files, forex.db's journal, the copies."""
    from forex_core.store.viewing import PUBLIC

    stamps = []
    for path in (*_databases(data_dir), data_dir / "forex.db-wal", *_databases(data_dir / PUBLIC)):
        with suppress(OSError):
            status = path.stat()
            stamps.append((status.st_ino, status.st_mtime_ns, status.st_size))
    return (now.replace(second=0), *stamps)
