"""The command line of one service: `run` and `info`, for one horizon."""

from collections.abc import Callable
from functools import wraps
from inspect import signature
from typing import Any

import typer

from forex_cli.run import run as run_command
from forex_cli.session import begin, errors_as_exit_codes, session
from forex_core.horizons import HORIZONS


def build_app(key: str) -> typer.Typer:
    """The app of `python -m services.forecaster_<key>.cli`."""
    horizon = HORIZONS[key]
    app = typer.Typer(help=f"Forecast {horizon.days} days ahead.", pretty_exceptions_enable=False)
    app.callback(invoke_without_command=True)(begin)

    app.command(help="Forecast, freeze, report and track this horizon.")(_run_of(key))

    @app.command()
    def info(context: typer.Context) -> None:
        """Say what this service does with the settings in force."""
        with errors_as_exit_codes(context):
            from forex_core.mlops.names import experiment_name

            settings = session(context).settings()
            typer.echo(f"service      forecaster_{key}")
            typer.echo(f"horizon      {horizon.days} calendar days")
            for name in ("pairs", "source", "members", "data_dir", "environment"):
                typer.echo(f"{name:<12} {settings.shown(name)}")
            typer.echo(f"experiments  {', '.join(experiment_name(pair, key) for pair in settings.pairs)}")

    return app


def _run_of(key: str) -> Callable[..., None]:
    """`forex run` with all its options but without the choice of horizons, which is made."""

    @wraps(run_command)
    def run(context: typer.Context, **options: Any) -> None:
        run_command(context, [key], **options)

    whole = signature(run_command)
    shown = [one for name, one in whole.parameters.items() if name != "horizons"]
    run.__signature__ = whole.replace(parameters=shown)  # type: ignore[attr-defined]
    return run
