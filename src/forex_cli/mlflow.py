"""forex mlflow: care of the embedded MLflow store, mlflow.db and its artifacts."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from forex_cli import options
from forex_cli.session import errors_as_exit_codes, print_json, say_error, session

if TYPE_CHECKING:
    from forex_core.settings import Settings

app = typer.Typer(help="Care for the embedded MLflow store.", no_args_is_help=True)


@app.command()
def relocate(
    context: typer.Context,
    old: Annotated[
        Path | None, typer.Option("--from", help="The data directory it was in; what mlflow.db says if not given.")
    ] = None,
    dry_run: options.DryRun = False,
    json: options.Json = False,
) -> None:
    """After the data directory was moved: rewrite the addresses of its artifacts, then prove that they are there.

    MLflow keeps absolute ones, and lists nothing, without an error, where they are wrong.
    """
    with errors_as_exit_codes(context, as_json=json):
        from forex_core.mlops.relocate import relocate, root_of
        from forex_core.store.moved import move_reports

        settings = session(context).settings()
        with _alone_with(settings) as path:
            home = settings.data_dir.absolute()
            was = (old and old.absolute()) or root_of(path) or home
            moved = relocate(path, was, home, dry_run=dry_run)
            if not dry_run:
                move_reports(home / "forex.db", was, home)
        if json:
            found = {"from": str(was), "to": str(home), "changed": moved.changed, "runs": moved.runs}
            print_json({"schema": 1, "command": "mlflow relocate", "dry_run": dry_run, **found})
        else:
            would = "would be" if dry_run else "were"
            typer.echo(f"{moved.changed} addresses {would} moved from {was} to {home}.")
            typer.echo(f"{moved.runs} finished runs have their artifacts there.")


@app.command()
def upgrade(context: typer.Context, json: options.Json = False) -> None:
    """Bring an mlflow.db of an older MLflow to this program's, on a copy that is checked; the old one is kept."""
    with errors_as_exit_codes(context, as_json=json):
        from forex_core.bootstrap import publication
        from forex_core.mlops.upgrade import upgrade

        settings = session(context).settings()
        with _alone_with(settings) as path:
            kept = upgrade(path)
            for error in publication(settings).renew([]):  # the next run tries again
                say_error(error, as_json=json)
        if json:
            print_json({"schema": 1, "command": "mlflow upgrade", "kept": str(kept) if kept else None})
        else:
            typer.echo(f"Upgraded; the old one is {kept}." if kept else "It is of this program's MLflow already.")


@contextmanager
def _alone_with(settings: "Settings") -> "Iterator[Path]":
    """The path of mlflow.db, while nobody else writes to it or has it open."""
    from forex_core.bootstrap import refuse_what_is_not_ours
    from forex_core.errors import SettingsError
    from forex_core.store.lock import writer_lock
    from forex_core.store.openers import refuse_opened

    path = settings.data_dir / "mlflow" / "mlflow.db"
    if not path.exists():
        raise SettingsError(
            f"there is no {path}", hint="`forex run` makes a first one, `forex demo` an example; or set FOREX_DATA_DIR"
        )
    refuse_what_is_not_ours(settings.data_dir)
    with writer_lock(settings.data_dir, settings.lock_wait_seconds):
        refuse_opened(path)
        yield path
