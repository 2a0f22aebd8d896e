"""forex tune: search better parameters of a member, and say honestly whether they are."""

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from forex_cli import options
from forex_cli.session import errors_as_exit_codes, print_json, session

if TYPE_CHECKING:
    from forex_core.pipeline.tuning import Tuned
    from forex_core.settings import Settings

Name = Annotated[str, typer.Argument(metavar="MEMBER", help="Such as random_walk, empirical, linear, lstm.")]
Minutes = Annotated[float, typer.Option(min=0.01, help="How long to search; the verdict comes after it.")]
Trials = Annotated[int | None, typer.Option(min=1, help="Stop after so many trials.")]
Source = Annotated[str, typer.Option(help="Where the rates are from; no server is asked.")]
Start = Annotated[datetime | None, typer.Option("--from", formats=["%Y-%m-%d"], help="First origin; 2006-01-01.")]
End = Annotated[datetime | None, typer.Option("--to", formats=["%Y-%m-%d"], help="Last origin; 2014-12-31.")]
Judged = Annotated[
    datetime | None, typer.Option("--verdict-from", formats=["%Y-%m-%d"], help="First held-out origin; 2015-01-01.")
]


def tune(
    context: typer.Context,
    member: Name,
    minutes: Minutes = 10.0,
    trials: Trials = None,
    pair: options.Pairs = None,
    source: Source = "ecb",
    start: Start = None,
    end: End = None,
    verdict_from: Judged = None,
    dry_run: options.DryRun = False,
    json: options.Json = False,
) -> None:
    """Search a member's windows, decays, shrinkage or size on 2006-2014; judge the best on the years after that.

    It changes nothing that runs use: the best is a candidate in models/candidates, each trial a run in MLflow's Tuning.
    Unless told otherwise on seven pairs of the ECB. Ctrl-C ends the search, and the best so far gets its verdict.

    Examples:  forex tune random_walk    forex tune linear --minutes 30    forex tune empirical --pair EURUSD
    """
    with errors_as_exit_codes(context, as_json=json):
        from forex_core.bootstrap import check, opened
        from forex_core.models.search_space import Search
        from forex_core.models.table import configured, members_named
        from forex_core.pipeline import tuning

        settings = session(context).settings(pairs=pair or list(tuning.PAIRS), source=source)
        check(settings)
        (today,) = members_named((member,), configured(settings))
        Search(today)  # says at once what is not known, or not installed
        given = {"start": start, "end": end, "verdict_from": verdict_from}
        days = {name: day.date() for name, day in given.items() if day}
        with opened(settings, dry_run=dry_run) as adapters:
            panel, now = tuning.rates_for(settings.pairs, source, today, adapters), adapters.clock()
        # the lock is free while it searches, so that the day's runs need not wait
        found = tuning.tune(tuning.Task(today, panel, **days, minutes=minutes, trials=trials), now, _say)
        path, run_id = (None, None) if dry_run else _kept(found, settings)
        if json:
            print_json(_described(found, path, run_id))
        else:
            _show(found, path, run_id)


def _kept(found: "Tuned", settings: "Settings") -> tuple[Path | None, str]:
    """Write the candidate and record the search; the file and the run's id."""
    from forex_core.bootstrap import opened
    from forex_core.mlops.tracker import MlflowTracker
    from forex_core.mlops.tuning_runs import record_tuning
    from forex_core.pipeline.candidates import as_runs, keep

    with opened(settings) as adapters:
        assert isinstance(adapters.tracker, MlflowTracker)  # this is no dry run
        now = adapters.clock()
        path = keep(found, settings.pairs, settings.source, now, settings.data_dir)
        adapters.tracker.prepare(adapters.store)
        search, trials = as_runs(found, settings.pairs, now)
        return path, record_tuning(adapters.tracker, found.best.name, search, trials)


def _described(found: "Tuned", path: Path | None, run_id: str | None) -> dict[str, object]:
    """The documented shape."""
    from forex_core.models.member import parameters
    from forex_core.pipeline.candidates import described

    return {
        "schema": 1,
        "command": "tune",
        "member": found.best.name,
        "trials": len(found.trials),
        "stopped": found.stopped or None,
        "today": {"parameters": parameters(found.task.member), "wql_ratio": found.trials[0].loss},
        "best": {"parameters": parameters(found.best), "wql_ratio": found.best_trial.loss},
        "verdict": described(found.verdict) if found.verdict else None,
        "said": found.said,
        "candidate": str(path) if path else None,
        "run_id": run_id,
    }


def _show(found: "Tuned", path: Path | None, run_id: str | None) -> None:
    if found.stopped:
        typer.echo(f"Stopped {found.stopped}.")
    typer.echo(f"In the search: {found.best_trial.loss:.4f} of rw_const's loss, today's {found.trials[0].loss:.4f}.")
    for name, value in found.best_trial.values.items():
        typer.echo(f"  {name} {found.trials[0].values[name]:.4g} -> {value:.4g}")
    typer.echo(found.said)
    if found.verdict and found.verdict.failings:
        typer.echo(f"  It fails the gate: {'; '.join(found.verdict.failings)}.")
    if path:
        typer.echo(f"  Candidate: {path}. The champion is what it was.")
    if run_id:
        typer.echo(f"  MLflow run: {run_id}")


def _say(line: str) -> None:
    """Progress, for people who watch."""
    from rich.console import Console

    console = Console(stderr=True)
    if console.is_terminal:
        console.print(line, highlight=False)
