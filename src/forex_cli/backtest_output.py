"""The backtest's table for people: 80 columns, the panel last."""

from datetime import date

import typer
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from forex_core.backtest.rows import Row

COLUMNS = ("", "member", "n", "WQL", "RMSE", "80 %", "95 %", "up/down", "DM t", "p")

HEAD = """\
Origins {first} to {last}. WQL and RMSE are ratios to rw_const on the
same windows, below 1 is better; 80 and 95 %: how often the outcome fell inside;
up/down: how often the direction was right."""


def show(rows: list[Row], panel: list[Row], first: date, last: date) -> None:
    """Print a table a pair, and one for the panel where there are several."""
    typer.echo(HEAD.format(first=first, last=last))
    for pair in dict.fromkeys(row.pair for row in rows):
        _print(pair or "", [row for row in rows if row.pair == pair])
    if len({row.pair for row in rows}) > 1:
        _print(f"panel of {panel[0].pairs} pairs", panel)


def _print(title: str, rows: list[Row]) -> None:
    table = Table(box=SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0), title=title, title_justify="left")
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
        f"{row.coverage_80:.1%}",
        f"{row.coverage_95:.1%}",
        f"{row.directional_accuracy:.1%}",
        "" if row.dm_t is None else f"{row.dm_t:.2f}",
        "" if row.dm_p is None else f"{row.dm_p:.3f}",
    ]
