"""The `forex` command: every command by name; their bodies import the library when called."""

import typer

from forex_cli import (
    alerts,
    audit,
    backtest,
    config,
    dashboard,
    data,
    doctor,
    mlflow,
    models,
    restore,
    run,
    score,
    status,
    track_record,
    train,
    tune,
    upgrade,
)
from forex_cli.session import begin

app = typer.Typer(
    name="forex",
    help="Honest exchange-rate forecasts, every business day.\n\nFirst steps:  forex demo    forex status    forex run",
    pretty_exceptions_enable=False,
)
app.callback(invoke_without_command=True)(begin)
app.command()(run.run)
app.command()(run.demo)
app.command()(score.score)
app.command()(status.status)
app.command()(dashboard.dashboard)
app.command(name="track-record")(track_record.track_record)
app.command()(backtest.backtest)
app.command()(train.train)
app.command()(tune.tune)
app.command()(doctor.doctor)
app.command()(upgrade.upgrade)

app.add_typer(restore.app, name="backup")  # the app of backup.py, with restore and drill
app.add_typer(alerts.app, name="alerts")
app.add_typer(audit.app, name="audit")
app.add_typer(mlflow.app, name="mlflow")
app.add_typer(models.app, name="models")
app.add_typer(data.app, name="data")
app.add_typer(config.app, name="config")


def main() -> None:
    """The console script."""
    app()
