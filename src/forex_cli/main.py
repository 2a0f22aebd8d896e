"""The `forex` command: every command by name; their bodies import the library when called."""

import typer

from forex_cli import audit, backtest, config, dashboard, data, models, run, status, track_record, train, tune
from forex_cli.session import begin

app = typer.Typer(
    name="forex",
    help="Honest exchange-rate forecasts, every business day.\n\nFirst steps:  forex demo    forex status    forex run",
    pretty_exceptions_enable=False,
)
app.callback(invoke_without_command=True)(begin)
app.command()(run.run)
app.command()(run.demo)
app.command()(status.status)
app.command()(dashboard.dashboard)
app.command(name="track-record")(track_record.track_record)
app.command()(backtest.backtest)
app.command()(train.train)
app.command()(tune.tune)
app.add_typer(audit.app, name="audit")
app.add_typer(models.app, name="models")
app.add_typer(data.app, name="data")
app.add_typer(config.app, name="config")


def main() -> None:
    """The console script."""
    app()
