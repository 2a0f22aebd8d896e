"""forex backup restore and drill: put a backup in place of the data directory, and prove on trial that it could be."""

import sys
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from forex_cli import options
from forex_cli.backup import Folder, found
from forex_cli.backup import app as app  # to which these two belong
from forex_cli.session import errors_as_exit_codes, print_json, session


@app.command()
def restore(
    context: typer.Context,
    archive: Annotated[Path | None, typer.Argument(metavar="[FILE]", help="The newest good one if not named.")] = None,
    to: Annotated[Path | None, typer.Option(help="Restore into this empty or missing directory instead.")] = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Don't ask.")] = False,
    backup_dir: Folder = None,
    json: options.Json = False,
) -> None:
    """Put a backup in place of the data directory in one step; the old one is kept beside it.

    The new tree is unpacked and proved first. Cut short, the same command again finishes. What a backup does not hold
    (the backups themselves, unsent mail) stays. No forecast may be running.

    Examples:  forex backup restore    forex backup restore FILE --to /srv/forex/data
    """
    with errors_as_exit_codes(context, as_json=json):
        from forex_core.bootstrap import refuse_what_is_not_ours
        from forex_core.calendars import utc_now
        from forex_core.ops.restore.restore import restore

        settings = session(context).settings(backup_dir=backup_dir and backup_dir.absolute())
        home = (to or settings.data_dir).absolute()
        refuse_what_is_not_ours(home)
        _confirm(home, sure=yes or to is not None)
        done = restore(settings, archive and found(archive, settings), to, utc_now())
        kept = done.kept if Path(done.kept).exists() else None
        if json:
            print_json({"schema": 1, "command": "backup restore", **asdict(done), "kept": kept})
        else:
            typer.echo(f"{done.data_dir} is as it was at {done.made_at}, from {done.archive}.")
            if kept:
                typer.echo(f"What was there before is in {kept}; delete it when all is well.")
            if done.left_behind:
                typer.echo(f"{done.left_behind} forecasts that were issued since are only there.")


def _confirm(home: Path, *, sure: bool) -> None:
    """Ask a person; a script says --yes."""
    from forex_core.errors import UsageError

    if sure or not (home / "forex.db").exists():
        return
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise UsageError("nobody is there to be asked", untouched="nothing was changed", hint="say --yes")
    if not typer.confirm(f"Put a backup in place of {home}? What is there now is kept beside it.", err=True):
        raise UsageError("not restored", untouched="nothing was changed")


@app.command()
def drill(context: typer.Context, backup_dir: Folder = None, json: options.Json = False) -> None:
    """Restore the newest backup on trial, open every artifact in it through MLflow, re-read the others; note it.

    Ends with 74 if anything is wrong; then the newest good backup is not what it should be.
    """
    with errors_as_exit_codes(context, as_json=json):
        from forex_core.bootstrap import refuse_what_is_not_ours
        from forex_core.calendars import utc_now
        from forex_core.errors import CorruptStore
        from forex_core.ops.drill import drill

        settings = session(context).settings(backup_dir=backup_dir and backup_dir.absolute())
        refuse_what_is_not_ours(settings.data_dir)
        tried = drill(settings, utc_now())
        if not tried.is_good:
            hint = "`forex backup create`, then look at that archive"
            raise CorruptStore(f"the drill failed at {tried.archive or 'the first step'}: {tried.why}", hint=hint)
        if json:
            found = {"archive": tried.archive, "counts": tried.counts, "artifacts": tried.artifacts}
            print_json({"schema": 1, "command": "backup drill", **found})
        else:
            held = f"{tried.counts['forecasts']} forecasts, {tried.counts['runs']} runs, {tried.artifacts} artifacts"
            typer.echo(f"{tried.archive} can be restored: {held}, all opened.")
