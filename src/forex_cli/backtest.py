"""forex backtest: how the members and their ensemble would have done, beside the random walk."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import datetime
from typing import Annotated

import typer

from forex_cli import options
from forex_cli.session import errors_as_exit_codes, print_json, session

YEARS = 10


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
        from forex_core.backtest.panel import backtest, window_count
        from forex_core.backtest.windows import EVERY
        from forex_core.bootstrap import members_of, opened
        from forex_core.dataset.fetch import fetch, utc_now
        from forex_core.sources.table import chain_for

        settings = session(context).settings(pairs=pair, source=source, members=members)
        chosen, now = members_of(settings), utc_now()
        chains = {name: chain_for(name, settings.source) for name in settings.pairs}
        with opened(settings) as adapters:
            panel = [fetch(name, chain, adapters.store, now) for name, chain in chains.items()]
            last = end.date() if end else max(rates.rows[-1].observed_on for rates in panel)
            first = start.date() if start else last.replace(year=last.year - YEARS, day=1)
            with _progress(window_count(panel, first, last)) as tick:
                rows, joint = backtest(panel, first, last, chosen, adapters.store, now, tick)
        if json:
            print_json(
                {
                    "schema": 1,
                    "command": "backtest",
                    "from": first.isoformat(),
                    "to": last.isoformat(),
                    "every": EVERY,
                    "yardstick": "rw_const",
                    "rows": [_described(asdict(row), without="pairs") for row in rows],
                    "panel": [_described(asdict(row), without="pair") for row in joint],
                }
            )
        else:
            from forex_cli.backtest_output import show

            show(rows, joint, first, last)


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
