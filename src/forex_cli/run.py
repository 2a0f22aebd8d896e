"""forex run, forex demo, and the `run` of the four services: one way to start a run."""

import os
import shutil
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from forex_cli import options
from forex_cli.session import errors_as_exit_codes, print_json, say_error, session
from forex_core.horizons import HORIZONS

if TYPE_CHECKING:
    from forex_core.pipeline.request import Request
    from forex_core.settings import Settings

NEXT_AFTER_DEMO = """
USD/CLP itself needs a live source, or a file of rates (header date,value):
  {forex} data check
  {forex} run --pair USDCLP
  {forex} run --pair USDCLP --source csv:PATH
To see what was recorded, and every other command:
  {forex} status
  {forex} --help"""


def run(
    context: typer.Context,
    horizons: Annotated[list[str] | None, typer.Argument(metavar=f"[{' '.join(HORIZONS)} | all]")] = None,
    pair: options.Pairs = None,
    source: options.Source = None,
    as_of: options.AsOf = None,
    members: options.Members = None,
    skip_email: options.SkipEmail = False,
    email_preview: options.EmailPreview = None,
    output_dir: options.OutputDir = None,
    dry_run: options.DryRun = False,
    json: options.Json = False,
) -> None:
    """Forecast, freeze, report and track: the daily job. Run again, it finishes what is open and repeats nothing.

    Examples:  forex run    forex run 7d --pair EURUSD    forex run all --source csv:rates.csv --as-of 2024-06-28
    """
    with errors_as_exit_codes(context, as_json=json):
        from forex_core.bootstrap import request_for
        from forex_core.errors import UsageError
        from forex_core.horizons import chosen

        if dry_run and email_preview:
            raise UsageError("--dry-run writes nothing, so --email-preview can't", hint="leave one of them out")
        settings = session(context).settings(pairs=pair, source=source, members=members, output_dir=output_dir)
        day = as_of.date() if as_of else None
        request = request_for(settings, chosen(horizons or []), as_of=day, skip_email=skip_email)
        request = replace(request, email_preview=email_preview)
        _run_and_show(settings, request, dry_run=dry_run, as_json=json)


def demo(context: typer.Context, json: options.Json = False, dry_run: options.DryRun = False) -> None:
    """The main job on embedded real rates of EUR/USD: no network, no keys."""
    with errors_as_exit_codes(context, as_json=json):
        from forex_core.bootstrap import request_for
        from forex_core.horizons import chosen
        from forex_core.sources.ecb import EmbeddedEcb

        settings = session(context).settings(pairs=["EURUSD"], source="ecb")
        request = request_for(settings, chosen([]), as_of=EmbeddedEcb().newest(), demo=True, skip_email=True)
        _run_and_show(settings, request, dry_run=dry_run, as_json=json)
        if not json:
            typer.echo(NEXT_AFTER_DEMO.format(forex=_as_typed()))


def _as_typed() -> str:
    """How this program can be called from here."""
    called = Path(sys.argv[0])
    if shutil.which("forex"):
        return "forex"
    return str(called.relative_to(Path.cwd()) if called.is_relative_to(Path.cwd()) else called)


def _run_and_show(settings: "Settings", request: "Request", *, dry_run: bool, as_json: bool) -> None:
    from forex_core.notify.heartbeat import beating

    job = request.horizons[0].key if len(request.horizons) == 1 else "run"
    with beating(settings, job, os.environ, main=True, silent=dry_run or not request.live):
        _run_and_say(settings, request, dry_run=dry_run, as_json=as_json)


def _run_and_say(settings: "Settings", request: "Request", *, dry_run: bool, as_json: bool) -> None:
    from forex_cli.run_output import as_object, show
    from forex_core.bootstrap import opened
    from forex_core.notify.post import Silent
    from forex_core.pipeline.run import run_forecast

    with opened(settings, dry_run=dry_run) as adapters:
        if request.skip_email:
            adapters = replace(adapters, notifier=Silent())
        # the wait for the lock may have been long, and whoever held it may have stored newer rates
        result = run_forecast(replace(request, now=adapters.clock()), adapters)
    if as_json:
        print_json(as_object(result, request))
    else:
        show(result, dry_run=dry_run)
    for error in list(dict.fromkeys(result.errors))[: 1 if as_json else None]:
        say_error(error, as_json=as_json)
    if result.exit_code:
        raise typer.Exit(result.exit_code)
