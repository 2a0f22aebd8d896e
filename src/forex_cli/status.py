"""forex status: one look at what was forecast last, and whether all is well."""

from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING

import typer

from forex_cli import options
from forex_cli.session import errors_as_exit_codes, print_json, session

if TYPE_CHECKING:
    from forex_cli.terminal import Terminal
    from forex_core.pipeline.health import Health

DEGRADED = 75


def status(context: typer.Context, json: options.Json = False) -> None:
    """The newest forecasts, the last run and what is due. Exit code 0: all is well; 75: something is late or open.

    Examples:  forex status    forex status --json
    """
    with errors_as_exit_codes(context, as_json=json):
        from forex_cli.terminal import here
        from forex_core.calendars import utc_now
        from forex_core.pipeline.health import examine
        from forex_core.store.scoreboard import reading

        settings, now = session(context).settings(), utc_now()
        with reading(settings.data_dir) as board:
            found = examine(board, settings, now)
        if json:
            print_json({"schema": 1, "command": "status", **found.as_object()})
        else:
            for line in lines(found, now, here()):
                typer.echo(line)
    if found.troubles:
        raise typer.Exit(DEGRADED)


def lines(found: "Health", now: datetime, terminal: "Terminal") -> Iterator[str]:
    """The answer for people, within the terminal's width."""
    from forex_cli.dashboard_view import freshness, surroundings, troubles
    from forex_cli.figures import rate
    from forex_core.report.numbers import digits_for

    dash = "–" if terminal.unicode else "-"
    said = [f"{'pair':<7} {'':<4} {'issued on':<10} {'for':<10} {'median':>10} {'80 %':>21}  role"]
    for one in found.newest:
        digits = digits_for(one.spot.value)
        low, middle, high = (rate(one.quantiles[level], digits) for level in (0.1, 0.5, 0.9))
        days = f"{one.issued_on} {one.target_date}"
        band = f"{low}{dash}{high}"
        said.append(f"{one.pair:<7} {one.horizon:<4} {days} {middle:>10} {band:>21}  {one.role}")
    said.append("")
    feeds = {feed.pair: feed for feed in found.feeds}
    for one in {one.pair: one for one in found.newest}.values():
        value = f"{rate(one.spot.value, digits_for(one.spot.value))} of {one.spot.observed_on}"
        age = "".join(f", {word}" for word in freshness(one, feeds[one.pair]))
        said.append(f"{one.pair} started from {value}, source {one.spot.source}{age}")
    yield from (terminal.legible(line, terminal.width) for line in said)
    yield from (terminal.shown(line) for line in surroundings(found, now, terminal))
    yield from (terminal.shown(line) for line in troubles(found.troubles, terminal))
    if not found.troubles:
        yield "All is well."
