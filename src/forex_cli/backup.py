"""forex backup: archives of all that can't be made again: made and proved, listed, and pruned by the calendar."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from forex_cli import options
from forex_cli.session import errors_as_exit_codes, print_json, session

if TYPE_CHECKING:
    from forex_core.ops.backup.archive import Archive
    from forex_core.ops.backup.prune import Verdict
    from forex_core.settings import Settings

app = typer.Typer(help="Make, prove, list and prune backups.", no_args_is_help=True)
Folder = Annotated[Path | None, typer.Option("--backup-dir", help="The folder of the backups, instead of backup_dir.")]


@app.command()
def create(context: typer.Context, backup_dir: Folder = None, json: options.Json = False) -> None:
    """Make one archive of the databases, artifacts, models, reports and configuration; print its path.

    Forecasts may run meanwhile. The archive has its name only once it was read back whole. It holds no secret.
    """
    with errors_as_exit_codes(context, as_json=json):
        from forex_core.bootstrap import refuse_what_is_not_ours
        from forex_core.calendars import utc_now
        from forex_core.ops.backup.create import create
        from forex_core.settings import config_file

        settings = session(context).settings(backup_dir=backup_dir and backup_dir.absolute())
        if settings.data_dir.exists():
            refuse_what_is_not_ours(settings.data_dir)
        made = create(settings, config_file(Path.cwd(), session(context).config), utc_now())
        if json:
            print_json({"schema": 1, "command": "backup create", **described(made)})
        else:
            typer.echo(made.path)


@app.command()
def verify(
    context: typer.Context,
    archive: Annotated[Path, typer.Argument(metavar="FILE", help="An archive; see `forex backup list`.")],
    json: options.Json = False,
) -> None:
    """Prove an archive: every byte hashed, all of it restored into a scratch folder, both databases checked."""
    with errors_as_exit_codes(context, as_json=json):
        from forex_core.ops.backup.archive import Archive
        from forex_core.ops.backup.verify import verify

        settings = session(context).settings()
        archive = found(archive, settings)
        manifest = verify(archive, settings.backup_key)
        if json:
            print_json({"schema": 1, "command": "backup verify", **described(Archive(archive, manifest))})
        else:
            typer.echo(f"{archive} is whole: {len(manifest.files)} files, {manifest.counts['forecasts']} forecasts.")


def found(archive: Path, settings: "Settings") -> Path:
    """The file itself, or what `forex backup list` calls by that name."""
    from forex_core.ops.backup.create import folder_of

    listed = folder_of(settings) / archive.name
    return listed if archive.name == str(archive) and not archive.exists() and listed.exists() else archive


@app.command(name="list")
def list_(context: typer.Context, backup_dir: Folder = None, json: options.Json = False) -> None:
    """The archives, newest first, by what each says of itself; `forex backup verify` proves one."""
    with errors_as_exit_codes(context, as_json=json):
        from forex_core.ops.backup.archive import archives
        from forex_core.ops.backup.create import folder_of

        settings = session(context).settings(backup_dir=backup_dir and backup_dir.absolute())
        folder = folder_of(settings)
        found = archives(folder, settings.backup_key)
        if json:
            rows = [described(archive) for archive in found]
            print_json({"schema": 1, "command": "backup list", "backup_dir": str(folder), "archives": rows})
        else:
            for line in lines(found, folder):
                typer.echo(line)


@app.command()
def prune(
    context: typer.Context, backup_dir: Folder = None, dry_run: options.DryRun = False, json: options.Json = False
) -> None:
    """Remove the archives that keep_daily, keep_weekly and keep_monthly have no use for; those that stay, say why.

    Each archive is read whole first: one that is damaged counts for nothing, stays, and ends this with an error.
    """
    with errors_as_exit_codes(context, as_json=json):
        from forex_core.calendars import utc_now
        from forex_core.errors import CorruptStore
        from forex_core.ops.backup.prune import prune

        settings = session(context).settings(backup_dir=backup_dir and backup_dir.absolute())
        verdicts = prune(settings, utc_now(), dry_run=dry_run)
        if json:
            rows = [_judged(verdict) for verdict in verdicts]
            print_json({"schema": 1, "command": "backup prune", "dry_run": dry_run, "archives": rows})
        else:
            for verdict in verdicts:
                done = ("would go" if dry_run else "removed") if verdict.goes else f"kept: {verdict.why}"
                typer.echo(f"{verdict.path.name}  {done}")
        if damaged := [verdict for verdict in verdicts if verdict.damaged]:
            raise CorruptStore(
                f"{len(damaged)} damaged, the first is {damaged[0].path.name}: {damaged[0].why}",
                untouched="it was kept",
                hint="move it away when you have looked at it",
            )


def described(archive: "Archive") -> dict[str, object]:
    """An archive for machines."""
    manifest = archive.manifest
    known: dict[str, object] = {"archive": str(archive.path), "bytes": archive.path.stat().st_size}
    if manifest is None:
        return known | {"trouble": archive.trouble}
    return known | {
        "created_at": manifest.created_at.isoformat(),
        "app": manifest.app,
        "mlflow": manifest.mlflow,
        "data_dir": manifest.data_dir,
        "counts": dict(manifest.counts),
        "newest_forecast": manifest.newest_forecast,
    }


def lines(found: "list[Archive]", folder: Path) -> Iterator[str]:
    """The archives for people."""
    if not found:
        yield f"There is no backup in {folder}; `forex backup create` makes one."
    for archive in found:
        size = f"{archive.path.stat().st_size / 1e6:8.1f} MB"
        if manifest := archive.manifest:
            held = f"{manifest.counts['forecasts']:>6} forecasts {manifest.counts['runs']:>6} runs"
            yield f"{manifest.created_at:%Y-%m-%d %H:%M:%S} UTC {size} {held}  {archive.path.name}"
        else:
            yield f"{'unreadable':<23} {size} {archive.path.name}: {archive.trouble}"


def _judged(verdict: "Verdict") -> dict[str, object]:
    return {
        "archive": str(verdict.path),
        "goes": verdict.goes,
        "why": verdict.why,
        "damaged": verdict.damaged,
    }
