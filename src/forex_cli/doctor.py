"""forex doctor: examine the whole house; each failure comes with the command that repairs it."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from forex_cli.session import errors_as_exit_codes, session

if TYPE_CHECKING:
    from forex_core.ops.doctor.finding import Finding, Place

UNWELL = 75  # as `forex status` says it
COLOURS = {"ok": "green", "warning": "yellow", "failed": "red"}


def doctor(
    context: typer.Context,
    fix: Annotated[bool, typer.Option("--fix", help="Mend what can be mended without losing anything.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Print the findings as JSON.")] = False,
) -> None:
    """Examine settings, files, databases, machine, backups and services; exit code 75 if something has failed.

    Examples:  forex doctor    forex doctor --fix    forex doctor --json
    """
    with errors_as_exit_codes(context, as_json=json):
        from forex_cli.session import print_json
        from forex_core.ops.doctor.examination import examine, mend

        place = _place(context)
        found = _told(place, quiet=json or fix)
        mended = mend(found) if fix else []
        if mended:
            found = list(examine(place))
        if fix and not json:
            _tell(found, mended)
        if json:
            checks = [{"check": f.check, "state": f.state, "said": f.said, "repair": f.repair} for f in found]
            print_json({"schema": 1, "command": "doctor", "mended": [f.said for f in mended], "checks": checks})
    if any(finding.state == "failed" for finding in found):
        raise typer.Exit(UNWELL)


def _place(context: typer.Context) -> "Place":
    from forex_core.bootstrap import catalog, mail_server
    from forex_core.calendars import utc_now
    from forex_core.ops.doctor.finding import Place

    settings = session(context).settings()
    return Place(settings, utc_now(), Path.cwd(), catalog(settings), mail_server(settings))


def _told(place: "Place", *, quiet: bool) -> "list[Finding]":
    """Every finding, shown as soon as it is known: services may take their time."""
    from forex_core.ops.doctor.examination import examine

    found = []
    for finding in examine(place):
        found.append(finding)
        if not quiet:
            _show(finding)
    return found


def _tell(found: "Sequence[Finding]", mended: "Sequence[Finding]") -> None:
    for finding in mended:
        typer.echo(f"mended   {finding.check:<13} {finding.said}")
    for finding in found:
        _show(finding)


def _show(finding: "Finding") -> None:
    import textwrap

    plain = bool(os.environ.get("NO_COLOR"))
    state = typer.style(f"{finding.state:<8}", fg=None if plain else COLOURS[finding.state])
    lines = textwrap.wrap(finding.said, 80 - 23, break_long_words=False, break_on_hyphens=False) or [""]
    typer.echo(f"{state} {finding.check:<13} {lines[0]}")
    for line in lines[1:]:
        typer.echo(f"{'':23}{line}")
    if finding.repair and finding.state != "ok":
        typer.echo(f"{'':23}repair: {finding.repair}")
