"""The MLflow dashboard: one grid an experiment, the last runs and the best one, times in UTC."""

import argparse
import json
import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from tabulate import tabulate

from forex_cli.terminal import Terminal, here
from forex_core.errors import CannotWrite, ForexError
from forex_core.mlops.latest_runs import Experiment, RunLine, latest_runs
from forex_core.settings import Settings

WIDTH = 80
HEADERS = ["Timestamp", "RMSE", "MAPE", "Env", "Run ID"]
ABOVE_RUNS = 3  # lines of a grid before its first row
LONGEST = 9_999_999  # a larger number is shown as a power of ten


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the dashboard and return the exit code."""
    asked = _parser().parse_args(arguments)
    try:
        settings = Settings.load({}, os.environ, Path.cwd())
        experiments = latest_runs(settings.data_dir, asked.limit)
        answer = json.dumps(_object(experiments)) if asked.json else "\n".join(_lines(experiments, here()))
        print(answer, flush=True)  # noqa: T201 - this is its job
    except BrokenPipeError:
        _abandon_stdout()  # whoever read us has enough
    except OSError as error:
        _abandon_stdout()
        return _say(CannotWrite(f"the answer could not be written: {error.strerror}"), as_json=asked.json)
    except ForexError as error:
        return _say(error, as_json=asked.json)
    return 0


def _abandon_stdout() -> None:
    """What is still buffered would fail again while Python ends."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _say(error: ForexError, *, as_json: bool) -> int:
    from forex_cli.session import say_error  # brings Typer, which an answer needs not wait for

    say_error(error, as_json=as_json)
    return error.exit_code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="mlflow_dashboard.py", description="The last runs of each MLflow experiment.")
    parser.add_argument("--limit", type=_positive, default=5, metavar="N", help="runs of each experiment (5)")
    parser.add_argument("--json", action="store_true", help="one JSON object on stdout")
    return parser


def _positive(text: str) -> int:
    if not text.isdecimal() or not 0 < int(text) < 10**9:
        raise argparse.ArgumentTypeError(f"must be a whole number above 0, got {text[:20]!r}")
    return int(text)


def _lines(experiments: Sequence[Experiment], terminal: Terminal) -> Iterator[str]:
    yield from ("", "=" * WIDTH, "MLFLOW EXPERIMENT DASHBOARD", "=" * WIDTH)
    for experiment in experiments:
        yield from ("", terminal.legible(experiment.name, WIDTH).upper(), "-" * WIDTH)
        yield from _grid(experiment, terminal) if experiment.runs else ["  No runs found"]
    yield from ("", "=" * WIDTH)


def _grid(experiment: Experiment, terminal: Terminal) -> Iterator[str]:
    """The grid, and beside and below it a star for the best run."""
    best = experiment.best
    rows = [_cells(run, terminal) for run in experiment.runs]
    marked = {ABOVE_RUNS + 2 * n for n, run in enumerate(experiment.runs) if best and run.run_id == best.run_id}
    for number, line in enumerate(tabulate(rows, HEADERS, "grid", disable_numparse=True).splitlines()):
        yield f"{line} *" if number in marked else line
    if best:
        moment, rmse, mape, _, run_id = _cells(best, terminal)
        yield f"  * lowest RMSE of all: {rmse}, MAPE {mape}, {moment}, run {run_id}"


def _cells(run: RunLine, terminal: Terminal) -> list[str]:
    return [
        f"{run.started_at:%Y-%m-%d %H:%M}",
        _number(run.rmse, ".4f"),
        _number(run.mape, ".2f") + ("" if run.mape is None else "%"),
        terminal.legible(run.environment, 20) if run.environment else "N/A",
        terminal.legible(run.run_id, 8 + len(terminal.cut))[:8],
    ]


def _number(value: float | None, form: str) -> str:
    return "N/A" if value is None else f"{value:{form if abs(value) <= LONGEST else '.4e'}}"


def _object(experiments: Sequence[Experiment]) -> dict[str, object]:
    """The same for machines."""
    described = [
        {"name": one.name, "runs": [_plain(run) for run in one.runs], "best": _plain(one.best) if one.best else None}
        for one in experiments
    ]
    return {"schema": 1, "command": "mlflow_dashboard", "experiments": described}


def _plain(run: RunLine) -> dict[str, object]:
    return {
        "run_id": run.run_id,
        "started_at": run.started_at.isoformat(),
        "rmse": run.rmse,
        "mape": run.mape,
        "environment": run.environment,
    }


if __name__ == "__main__":
    sys.exit(main())
