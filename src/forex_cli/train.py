"""forex train: train what is trained beforehand, and fit the rest on the newest data to look into."""

from typing import Annotated

import typer

from forex_cli import options
from forex_cli.session import errors_as_exit_codes, print_json, session

CHOICES = "all | linear | arima | lstm | chronos-mini"


def train(
    context: typer.Context,
    kinds: Annotated[list[str] | None, typer.Argument(metavar=f"[{CHOICES}]")] = None,
    pair: options.Pairs = None,
    source: options.Source = None,
    json: options.Json = False,
) -> None:
    """Train, keep the weights, record it in MLflow, and say what changed. `all` is linear, arima and lstm.

    lstm makes weights up to yesterday, and those of each year's end that backtests need; what is there is left alone.
    linear and arima are one fit to look into: runs fit their own. chronos-mini takes a quarter of an hour.

    Examples:  forex train lstm    forex train linear --pair EURUSD
    """
    with errors_as_exit_codes(context, as_json=json):
        from forex_core.bootstrap import opened
        from forex_core.errors import UsageError
        from forex_core.mlops.tracker import MlflowTracker
        from forex_core.mlops.training_runs import record_training
        from forex_core.pipeline.training import KINDS
        from forex_core.pipeline.training import train as train_kinds

        settings = session(context).settings(pairs=pair, source=source)
        wanted = tuple(kinds or ["all"])
        wanted = KINDS[:3] if wanted == ("all",) else wanted
        if unknown := [kind for kind in wanted if kind not in KINDS]:
            raise UsageError(f"nothing to train is called {unknown[0]!r}; there are all, {', '.join(KINDS)}")
        done = []
        with opened(settings) as adapters:
            assert isinstance(adapters.tracker, MlflowTracker)  # this is no dry run
            adapters.tracker.prepare(adapters.store)
            models = settings.data_dir / "models"
            for one in train_kinds(wanted, settings.pairs[0], settings.source, adapters, models, _say):
                run_id = record_training(adapters.tracker, one.kind, one.name, one.params, one.curves, one.files)
                done.append({"kind": one.kind, "name": one.name, "said": one.said, "run_id": run_id})
                if not json:
                    typer.echo(f"{one.said}\n  MLflow run: {run_id}")
        if json:
            print_json({"schema": 1, "command": "train", "trained": done})
        elif not done:
            typer.echo("Nothing changed: all weights are there.")


def _say(line: str) -> None:
    """Progress, for people who watch."""
    from rich.console import Console

    console = Console(stderr=True)
    if console.is_terminal:
        console.print(line, highlight=False)
