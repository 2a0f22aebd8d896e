"""forex status: one look at what was forecast last, and whether all is well."""

import typer

from forex_cli import options
from forex_cli.session import errors_as_exit_codes, print_json, session

DEGRADED = 75


def status(context: typer.Context, json: options.Json = False) -> None:
    """The newest forecasts and the last run. Exit code 0: all is well; 75: something is late or open."""
    with errors_as_exit_codes(context, as_json=json):
        from forex_core.calendars import utc_now
        from forex_core.pipeline.health import health
        from forex_core.store.store import Store

        settings = session(context).settings()
        with Store.for_reading(settings.data_dir) as store:
            found = health(store, settings, utc_now())
        if json:
            print_json({"schema": 1, "command": "status", **found.as_object()})
        else:
            for line in found.lines():
                typer.echo(line)
    if found.troubles:
        raise typer.Exit(DEGRADED)
