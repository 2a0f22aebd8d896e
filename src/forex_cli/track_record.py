"""forex track-record: how the forecasts that were really issued have done, beside the random walk."""

import csv
import io
from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path
from textwrap import wrap
from typing import TYPE_CHECKING, Annotated

import typer

from forex_cli import options
from forex_cli.session import errors_as_exit_codes, print_json, session

if TYPE_CHECKING:
    from forex_cli.terminal import Line, Terminal
    from forex_core.report.track_record_table import ScoreLine

HEADING = f"{'':5} {'n':>5} {'skill':>7} {'95 % interval':>18} {'t':>6} {'p':>5} {'50 %':>7} {'80 %':>7} {'95 %':>7}"
METHOD = """\
skill: 1 - loss / the random walk's, and its 95 % interval (Fieller's); t, p: Diebold and Mariano's test; both by
equal-weighted cosines, made for forecasts that overlap. 50, 80, 95 %: how many outcomes of a hundred fell inside, and
one standard error, counting only forecasts that don't overlap. MAE and the 80 % interval's score, in rate units, beside
the random walk's: less is better."""


def track_record(
    context: typer.Context,
    pair: Annotated[list[str] | None, typer.Option("--pair", help="Only this pair; may be repeated.")] = None,
    role: Annotated[list[str] | None, typer.Option("--role", help="champion or challenger; may be repeated.")] = None,
    file: Annotated[Path | None, typer.Option("--csv", metavar="FILE", help="Write the lines to a file too.")] = None,
    json: options.Json = False,
) -> None:
    """The scoreboard of issued forecasts: skill with its interval, test, coverage and errors beside the random walk's.

    Examples:  forex track-record    forex track-record --pair USDCLP --role champion --csv record.csv
    """
    with errors_as_exit_codes(context, as_json=json):
        from forex_cli.terminal import here
        from forex_core.calendars import currencies
        from forex_core.errors import UsageError
        from forex_core.report.track_record_table import scoreboard
        from forex_core.store.scoreboard import reading
        from forex_core.values import TRACK_RECORD

        for name in pair or ():
            currencies(name)
        if unknown := [name for name in role or () if name not in TRACK_RECORD]:
            raise UsageError(f"no role {unknown[0]!r} is scored; there are {' and '.join(TRACK_RECORD)}")
        with reading(session(context).settings().data_dir) as store:
            found = scoreboard(store.scored(pair or (), role or TRACK_RECORD))
        if file:
            _write(file, found)
        if json:
            print_json({"schema": 1, "command": "track-record", "rows": [line.as_object() for line in found]})
        else:
            terminal = here()
            typer.echo("\n".join(terminal.shown(line) for line in lines(found, terminal)))
            if file:
                typer.echo(f"Written to: {file}")


def _write(path: Path, found: Sequence["ScoreLine"]) -> None:
    from forex_core.report.track_record_table import COLUMNS
    from forex_core.store.files import replace_durably

    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(line.as_object() for line in found)
    replace_durably(path, text.getvalue().encode())


def lines(found: Sequence["ScoreLine"], terminal: "Terminal") -> Iterator["Line"]:
    """The answer for people: two lines a horizon, by pair and role, and how to read them."""
    if not found:
        yield (("No forecast was scored yet; the first one is when its target date has come.", ""),)
        return
    yield ((HEADING, "dim"),)
    for (pair, role), group in groupby(found, key=lambda line: (line.pair, line.role)):
        rows = list(group)
        issued = f"issued {min(row.first for row in rows)} to {max(row.last for row in rows)}"
        yield (f"{pair} {role}", "bold"), (f", {issued}", "")
        for row in rows:
            yield from _row(row, terminal)
    yield ()
    for part in wrap(METHOD, terminal.width):
        yield ((part, "dim"),)


def _row(row: "ScoreLine", terminal: "Terminal") -> Iterator["Line"]:
    from forex_cli.figures import packed, percent
    from forex_core.report.track_record_table import verdict

    if row.dm_p is None:
        yield ((f"  {row.horizon:<3} {verdict(row)}", ""),)
        said = f"{round(row.count * row.coverage_80)} of {row.count} inside 80 %"
    else:
        sign = "±" if terminal.unicode else "+-"
        shares = (
            (row.coverage_50, row.coverage_error_50),
            (row.coverage_80, row.coverage_error_80),
            (row.coverage_95, row.coverage_error_95),
        )
        inside = "".join(f" {f'{100 * share:.0f}{sign}{100 * error:.0f}':>7}" for share, error in shares)
        interval = f"{percent(row.skill_low)} to {percent(row.skill_high)}"
        test = f"{_t(row.dm_t or 0.0):>6} {row.dm_p:>5.3f}"
        yield ((f"  {row.horizon:<3} {row.count:>5} {percent(row.skill):>7} {interval:>18} {test}{inside}", ""),)
        said = verdict(row)
    errors = f"MAE {row.mae:.4g} (walk {row.walk_mae:.4g})"
    scores = f"80 % score {row.interval_80:.4g} (walk {row.walk_interval_80:.4g})"
    for line in packed((f"{said};", f"{errors},", scores), terminal.width - 6):
        yield ((f"      {line}", "dim"),)


def _t(value: float) -> str:
    return f"{value:.2f}" if abs(value) < 100 else f"{value:.0e}"
