"""forex backtest: how the members and their ensemble would have done, beside the random walk."""

import shlex
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from forex_cli import options
from forex_cli.session import errors_as_exit_codes, print_json, session

if TYPE_CHECKING:
    from forex_core.backtest.rows import Row
    from forex_core.pipeline.backtesting import Backtested

Start = Annotated[datetime | None, typer.Option("--from", formats=["%Y-%m-%d"], help="First origin.")]
End = Annotated[datetime | None, typer.Option("--to", formats=["%Y-%m-%d"], help="Last origin.")]
Conformal = Annotated[bool, typer.Option("--conformal", help="Add the ensemble after conformal calibration.")]
Html = Annotated[Path | None, typer.Option("--html", help="Write everything to one page as well.")]
Track = Annotated[bool, typer.Option("--track", help="Record each member in MLflow, in PAIR_Experiments.")]


def backtest(
    context: typer.Context,
    pair: options.Pairs = None,
    source: options.Source = None,
    start: Start = None,
    end: End = None,
    members: options.Members = None,
    conformal: Conformal = False,
    html: Html = None,
    track: Track = False,
    json: options.Json = False,
) -> None:
    """Score every member at each origin of the grid (every 21st business day), seeing only what was known then.

    Examples:  forex backtest --pair EURUSD    forex backtest --pair USDMXN --pair USDBRL --from 2015-01-01
    """
    with errors_as_exit_codes(context, as_json=json):
        from forex_core.bootstrap import check, members_of, opened
        from forex_core.errors import UsageError
        from forex_core.pipeline.backtesting import Asked, run_backtest
        from forex_core.pipeline.backtesting import track as record

        settings = session(context).settings(pairs=pair, source=source, members=members)
        check(settings)
        first, last = start.date() if start else None, end.date() if end else None
        if first and last and first > last:
            raise UsageError(f"--from {first} lies after --to {last}")
        asked = Asked(settings.pairs, settings.source, members_of(settings), first, last, settings.weighting, conformal)
        with opened(settings) as adapters:
            found = run_backtest(asked, adapters, _progress)
            if track:
                record(found, adapters)
        if html:
            _write_page(html, found)
        if json:
            print_json(_described(found))
        else:
            from forex_cli.backtest_output import show

            show(found, html)


def _described(found: "Backtested") -> dict[str, object]:
    """The documented shape."""
    from forex_core.backtest.windows import EVERY
    from forex_core.models.table import YARDSTICK

    return {
        "schema": 1,
        "command": "backtest",
        "from": found.plan.start.isoformat(),
        "to": found.plan.end.isoformat(),
        "every": EVERY,
        "yardstick": YARDSTICK.name,
        "rows": [_plain(row, without="pairs") for row in found.rows],
        "panel": [_plain(row, without="pair") for row in found.panel],
    }


def _plain(row: "Row", *, without: str) -> dict[str, object]:
    from forex_core.values import LEVELS

    below = {str(level): share for level, share in zip(LEVELS, row.below, strict=True)}
    return {key: value for key, value in (asdict(row) | {"below": below}).items() if key != without}


def _write_page(path: Path, found: "Backtested") -> None:
    from forex_core.bootstrap import code_version
    from forex_core.report.backtest_page import Page, write

    command = shlex.join(["forex", *sys.argv[1:]])
    write(Page(found.plan, found.rows, found.panel, command, code_version()), path)


@contextmanager
def _progress(windows: int) -> Iterator[Callable[[], None]]:
    """A bar on stderr while it lasts, if that is a terminal."""
    from rich.console import Console
    from rich.progress import Progress

    console = Console(stderr=True)
    with Progress(console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task("windows", total=windows)
        yield lambda: progress.advance(task)
