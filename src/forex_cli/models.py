"""forex models: fetch pretrained models from a hub, and list those that are here."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from forex_cli import options
from forex_cli.session import errors_as_exit_codes, print_json, session

if TYPE_CHECKING:
    from forex_core.models.chronos.download import File, Progress

app = typer.Typer(help="Fetch and list the models that the member chronos can use.", no_args_is_help=True)


@app.command()
def fetch(
    context: typer.Context,
    model: Annotated[str, typer.Argument(metavar="ID", help="owner/name, as amazon/chronos-bolt-small.")],
    revision: Annotated[str | None, typer.Option(help="Commit, branch or tag; main if not given.")] = None,
    dry_run: options.DryRun = False,
    json: options.Json = False,
) -> None:
    """Download a model's configuration and weights (safetensors only), checked; a cut download is gone on with.

    Example:  forex models fetch amazon/chronos-bolt-small
    """
    with errors_as_exit_codes(context, as_json=json):
        import stamina

        from forex_core import bootstrap
        from forex_core.models.chronos import hub
        from forex_core.models.chronos.reference import asked_for

        settings = session(context).settings()
        stamina.instrumentation.set_on_retry_hooks(())  # what is retried is said once, when it failed for good
        reference = asked_for(model, revision)
        if dry_run:
            _show_listing(*hub.listing(reference, settings.hub_url), as_json=json)
            return
        bootstrap.refuse_what_is_not_ours(settings.data_dir)
        with _progress() as progress:
            found = hub.fetch(reference, settings.data_dir / "models", settings.hub_url, progress)
        if json:
            described = {"model": found.model, "bytes": found.bytes, "files": found.files, "folder": str(found.folder)}
            print_json({"schema": 1, "command": "models fetch", **described})
        else:
            typer.echo(f"{found.model}: {found.bytes / 1e6:.1f} MB in {found.folder}")
            typer.echo(f'To use it:  chronos_model = "{found.model}"')


def _show_listing(commit: str, files: "list[File]", *, as_json: bool) -> None:
    if as_json:
        sizes = {file.name: file.size for file in files}
        print_json({"schema": 1, "command": "models fetch --dry-run", "commit": commit, "files": sizes})
    else:
        for file in files:
            typer.echo(f"{file.name:<24} {file.size / 1e6:>8.1f} MB")


@app.command("list")
def show(context: typer.Context, json: options.Json = False) -> None:
    """The models on this machine; the one that chronos uses is marked."""
    with errors_as_exit_codes(context, as_json=json):
        from forex_core.models.chronos import hub, member
        from forex_core.models.chronos.reference import EMBEDDED, EMBEDDED_FOLDER

        settings = session(context).settings()
        folder = settings.data_dir / "models"
        used = member.settled(member.Chronos(settings.chronos_model, runtime=settings.chronos_runtime, folder=folder))
        here = {EMBEDDED: EMBEDDED_FOLDER} | {one.model: one.folder for one in hub.snapshots(folder)}
        rows = [
            (model, sum(file.stat().st_size for file in home.glob("*")), home)
            for model, home in (here | {used.model: member.where(used)}).items()
        ]
        if json:
            models = [
                {"model": model, "bytes": size, "folder": str(home), "used": model == used.model}
                for model, size, home in rows
            ]
            print_json({"schema": 1, "command": "models list", "models": models, "notice": member.notice(used)})
        else:
            for model, size, _ in rows:
                typer.echo(f"{'*' if model == used.model else ' '} {model:<66}{size / 1e6:>8.1f} MB")
            if said := member.notice(used):
                typer.echo(f"! {said}")


@contextmanager
def _progress() -> Iterator["Progress"]:
    """A bar a file on stderr, if that is a terminal."""
    from rich.console import Console
    from rich.progress import DownloadColumn, TaskID, TextColumn, TransferSpeedColumn
    from rich.progress import Progress as Bars

    console = Console(stderr=True)
    columns = TextColumn("{task.description}"), DownloadColumn(), TransferSpeedColumn()
    with Bars(*columns, console=console, transient=True, disable=not console.is_terminal) as bars:
        tasks: dict[str, TaskID] = {}

        def show(name: str, done: int, size: int) -> None:
            if name not in tasks:
                tasks[name] = bars.add_task(name, total=size)
            bars.update(tasks[name], completed=done)

        yield show
