"""forex upgrade: take the data to this version of the program, or leave them as they were."""

from dataclasses import replace
from typing import TYPE_CHECKING

import typer

from forex_cli import options
from forex_cli.session import errors_as_exit_codes, print_json, say_error, session

if TYPE_CHECKING:
    from forex_core.settings import Settings


def upgrade(context: typer.Context, json: options.Json = False) -> None:
    """Copy both databases, migrate them, try a run that leaves no trace; put them back if anything fails.

    Run it with the new version before the first job: git pull && scripts/set-up && forex upgrade
    (deploy/install.sh and deploy/update.sh do it themselves.)
    """
    with errors_as_exit_codes(context, as_json=json):
        from forex_core.bootstrap import publication, refuse_what_is_not_ours
        from forex_core.ops.upgrade import upgrade

        settings = session(context).settings()
        refuse_what_is_not_ours(settings.data_dir)
        done = upgrade(settings, lambda: _trial(settings), lambda: publication(settings).renew([]))
        for error in done.unpublished:  # the next run tries again
            say_error(error, as_json=json)
        if json:
            print_json(
                {
                    "schema": 1,
                    "command": "upgrade",
                    "migrated": list(done.migrated),
                    "kept": done.kept and str(done.kept),
                }
            )
        else:
            typer.echo(f"Migrated: {', '.join(done.migrated) or 'nothing, the data are of this version'}.")
            if done.kept:
                typer.echo(f"The databases of before are in {done.kept}.")


def _trial(settings: "Settings") -> None:
    """What the last run forecast, forecast again in memory."""
    from datetime import date

    from forex_core.bootstrap import opened, request_for
    from forex_core.calendars import utc_now
    from forex_core.errors import DataError
    from forex_core.horizons import HORIZONS
    from forex_core.pipeline.run import run_forecast
    from forex_core.store.scoreboard import reading

    with reading(settings.data_dir) as board:
        newest: dict[str, date] = {one.pair: one.issued_on for one in board.outlooks()}
    today = utc_now().date()  # a rate may be of tomorrow
    for pair, day in newest.items():
        one = replace(settings, pairs=(pair,))
        request = request_for(one, list(HORIZONS.values()), as_of=min(day, today), skip_email=True)
        with opened(one, dry_run=True) as adapters:
            result = run_forecast(request, adapters)
        if errors := [one for one in result.errors if not isinstance(one, DataError)]:
            raise errors[0]  # rates that are missing or too few are no fault of this version
