"""The backtest's tables for people: 80 columns, the panel last, and what it all shows in words."""

from collections.abc import Sequence
from pathlib import Path
from textwrap import fill

import typer
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from forex_core.backtest.rows import Row
from forex_core.pipeline.backtesting import Backtested
from forex_core.report.backtest_words import sentences

COLUMNS = ("", "member", "n", "WQL", "RMSE", "80 %", "95 %", "up/down", "DM t", "p", "set")

HEAD = """\
Origins {first} to {last}. WQL and RMSE are ratios to rw_const on the
same windows, below 1 is better; 80 and 95 %: how often the outcome fell inside;
up/down: how often the direction was right; DM: tested against rw_const;
set: in if it can't be told apart from the best."""


def show(found: Backtested, page: Path | None) -> None:
    """Print one pair's table, or the ensemble's rows of each pair and the panel's table; `page` was written."""
    typer.echo(HEAD.format(first=found.plan.start, last=found.plan.end))
    pairs = list(dict.fromkeys(row.pair or "" for row in found.rows))
    if len(pairs) == 1:
        _print(pairs[0], found.rows)
    else:
        first = found.panel[0].member
        for pair in pairs:
            _print(pair, [row for row in found.rows if row.pair == pair and row.member == first])
        _print(f"panel of {found.panel[0].pairs} pairs", found.panel)
    for horizon in dict.fromkeys(row.horizon for row in found.panel):
        _say(horizon, sentences([row for row in found.panel if row.horizon == horizon]))
    if page:
        typer.echo(f"Report saved to: {page}")
    elif len(pairs) > 1:
        typer.echo("Every member's rows of each pair: --html FILE, or --json.")


def _print(title: str, rows: Sequence[Row]) -> None:
    table = Table(box=SIMPLE_HEAD, pad_edge=False, padding=0, title=title, title_justify="left")
    for name in COLUMNS:
        table.add_column(name, justify="left" if name in ("", "member") else "right", no_wrap=True)
    before = ""
    for row in rows:
        table.add_row("" if row.horizon == before else row.horizon, *_cells(row))
        before = row.horizon
    Console(highlight=False).print(table)


def _cells(row: Row) -> list[str]:
    return [
        row.member,
        str(row.origins),
        f"{row.wql_ratio:.3f}",
        f"{row.rmse_ratio:.3f}",
        f"{100 * row.coverage_80:.1f}",
        f"{100 * row.coverage_95:.1f}",
        f"{100 * row.directional_accuracy:.1f}",
        "" if row.dm_t is None else f"{row.dm_t:.2f}",
        "" if row.dm_p is None else f"{row.dm_p:.3f}",
        {None: "", True: "in", False: "out"}[row.in_confidence_set],
    ]


def _say(horizon: str, said: Sequence[str]) -> None:
    typer.echo(fill(" ".join(said), 80, initial_indent=f"{horizon:5}", subsequent_indent=5 * " "))
