"""forex backtest: how the members and their ensemble would have done, beside the random walk."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import datetime
from typing import Annotated

import typer

from forex_cli import options
from forex_cli.session import errors_as_exit_codes, print_json, session


def backtest(
    context: typer.Context,
    pair: options.Pairs = None,
    source: options.Source = None,
    start: Annotated[datetime | None, typer.Option("--from", formats=["%Y-%m-%d"], help="First origin.")] = None,
    end: Annotated[datetime | None, typer.Option("--to", formats=["%Y-%m-%d"], help="Last origin.")] = None,
    members: options.Members = None,
    json: options.Json = False,
) -> None:
    """Score every member at each origin of the grid (every 21st business day), seeing only what was known then.

    Examples:  forex backtest --pair EURUSD    forex backtest --pair USDMXN --pair USDBRL --from 2015-01-01
    """
    with errors_as_exit_codes(context, as_json=json):
        from forex_core.backtest.windows import EVERY
        from forex_core.bootstrap import check, members_of, opened
        from forex_core.errors import UsageError
        from forex_core.models.table import YARDSTICK
        from forex_core.pipeline.backtesting import run_backtest

        settings = session(context).settings(pairs=pair, source=source, members=members)
        check(settings)
        first, last = start.date() if start else None, end.date() if end else None
        if first and last and first > last:
            raise UsageError(f"--from {first} lies after --to {last}")
        with opened(settings) as adapters:
            found = run_backtest(
                settings.pairs, settings.source, members_of(settings), first, last, adapters, _progress
            )
        if json:
            print_json(
                {
                    "schema": 1,
                    "command": "backtest",
                    "from": found.start.isoformat(),
                    "to": found.end.isoformat(),
                    "every": EVERY,
                    "yardstick": YARDSTICK.name,
                    "rows": [_described(asdict(row), without="pairs") for row in found.rows],
                    "panel": [_described(asdict(row), without="pair") for row in found.panel],
                }
            )
        else:
            from forex_cli.backtest_output import show

            show(found.rows, found.panel, found.start, found.end)


def _described(row: dict[str, object], *, without: str) -> dict[str, object]:
    return {key: value for key, value in row.items() if key != without}


@contextmanager
def _progress(windows: int) -> Iterator[Callable[[], None]]:
    """A bar on stderr while it lasts, if that is a terminal."""
    from rich.console import Console
    from rich.progress import Progress

    console = Console(stderr=True)
    with Progress(console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task("windows", total=windows)
        yield lambda: progress.advance(task)
