"""forex alerts: what is wrong or worth knowing, and whether word of it would get through."""

from collections.abc import Iterator
from textwrap import wrap
from typing import TYPE_CHECKING

import typer

from forex_cli import options
from forex_cli.session import errors_as_exit_codes, print_json, session

if TYPE_CHECKING:
    from forex_core.pipeline.alarm import Story
    from forex_core.store.events import Event

app = typer.Typer(help="What is wrong or worth knowing, and who is told.", no_args_is_help=True)
LATEST = 20


@app.command(name="list")
def show(context: typer.Context, json: options.Json = False) -> None:
    """The alarms that stand, and what was last raised, told and over.

    Examples:  forex alerts list    forex alerts list --json
    """
    with errors_as_exit_codes(context, as_json=json):
        from forex_core.pipeline.alarm import recent, standing
        from forex_core.store.scoreboard import reading

        with reading(session(context).settings().data_dir) as board:
            past = recent(board.events)
        found, latest = standing(past), past[: -LATEST - 1 : -1]
        if json:
            print_json({"schema": 1, "command": "alerts list", **_described(found, latest)})
        else:
            typer.echo("\n".join(_lines(found, latest)))


@app.command()
def test(context: typer.Context, json: options.Json = False) -> None:
    """Send one test message through every channel that is set, and say what each answered.

    Examples:  forex alerts test
    """
    with errors_as_exit_codes(context, as_json=json):
        from loguru import logger

        from forex_core.bootstrap.alerting import send_test
        from forex_core.errors import ForexError

        logger.disable("forex_core.notify")  # the answers are shown below
        answers = send_test(session(context).settings())
        failed = [answer for answer in answers if answer.why]
        if json:
            channels = [{"channel": one.channel, "ok": not one.why, "why": one.why} for one in answers]
            print_json({"schema": 1, "command": "alerts test", "channels": channels})
        else:
            for one in answers:
                typer.echo(f"{one.channel}: {one.why or 'taken'}")
        if failed:
            raise ForexError(
                f"{len(failed)} of {len(answers)} channels did not take the test", hint="see `forex config show`"
            )


def _described(found: tuple["Story", ...], latest: list["Event"]) -> dict[str, object]:
    rows = [{"at": row.at.isoformat(), "pair": row.pair, "horizon": row.horizon, **row.detail} for row in latest]
    return {
        "standing": [
            {
                "key": one.alarm.key,
                "severity": one.alarm.severity,
                "pair": one.alarm.pair,
                "horizon": one.alarm.horizon,
                "message": one.alarm.message,
                "since": one.since.isoformat(),
                "told_at": one.told_at.isoformat() if one.told_at else None,
            }
            for one in found
        ],
        "recent": rows,
    }


def _lines(found: tuple["Story", ...], latest: list["Event"]) -> Iterator[str]:
    from forex_cli.terminal import here

    terminal = here()
    yield "No alarm stands." if not found else "Standing:"
    for one in found:
        told = f"told {one.told_at:%Y-%m-%d %H:%M}" if one.told_at else "not told yet"
        head = f"  {one.alarm.severity:<8} since {one.since:%Y-%m-%d %H:%M} UTC, {told}"
        yield terminal.legible(head, terminal.width)
        yield from (f"    {part}" for part in wrap(terminal.legible(one.alarm.message, 600), terminal.width - 4))
    if latest:
        yield ""
        yield "Latest:"
    for row in latest:
        said = f"  {row.at:%Y-%m-%d %H:%M} {row.detail['state']:<9} {row.detail['message']}"
        yield terminal.legible(said, terminal.width)
