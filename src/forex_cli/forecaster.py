"""The command line of one service: `run` and `info`, for one horizon."""

import typer

from forex_cli import options
from forex_cli.run import run as run_command
from forex_cli.session import begin, errors_as_exit_codes, session
from forex_core.horizons import HORIZONS


def build_app(key: str) -> typer.Typer:
    """The app of `python -m services.forecaster_<key>.cli`."""
    horizon = HORIZONS[key]
    app = typer.Typer(help=f"Forecast {horizon.days} days ahead.", pretty_exceptions_enable=False)
    app.callback(invoke_without_command=True)(begin)

    @app.command()
    def run(
        context: typer.Context,
        pair: options.Pairs = None,
        source: options.Source = None,
        as_of: options.AsOf = None,
        members: options.Members = None,
        skip_email: options.SkipEmail = False,
        output_dir: options.OutputDir = None,
        dry_run: options.DryRun = False,
        json: options.Json = False,
    ) -> None:
        """Forecast, freeze, report and track this horizon."""
        run_command(
            context,
            [key],
            pair=pair,
            source=source,
            as_of=as_of,
            members=members,
            skip_email=skip_email,
            output_dir=output_dir,
            dry_run=dry_run,
            json=json,
        )

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
