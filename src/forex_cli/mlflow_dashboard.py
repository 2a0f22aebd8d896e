"""The MLflow dashboard: one grid an experiment, the last five runs, times in UTC."""

import os
import sys
from pathlib import Path

from tabulate import tabulate

from forex_core.errors import ForexError
from forex_core.mlops.latest_runs import RunLine, latest_runs
from forex_core.settings import Settings

RUNS = 5
WIDTH = 80
HEADERS = ["Timestamp", "RMSE", "MAPE", "Env", "Run ID"]


def main() -> int:
    """Print the dashboard and return the exit code."""
    try:
        settings = Settings.load({}, os.environ, Path.cwd())
        print("\n".join(_lines(settings.data_dir / "mlflow" / "mlflow.db")))  # noqa: T201 - this is its job
    except ForexError as error:
        print(f"error: {error}", file=sys.stderr)  # noqa: T201
        return error.exit_code
    return 0


def _lines(path: Path) -> list[str]:
    lines = ["", "=" * WIDTH, "MLFLOW EXPERIMENT DASHBOARD", "=" * WIDTH]
    for name, runs in latest_runs(path, RUNS):
        lines += ["", name.upper(), "-" * WIDTH]
        cells = [_cells(run) for run in runs]
        lines.append(tabulate(cells, HEADERS, "grid", disable_numparse=True) if cells else "  No runs found")
    return [*lines, "", "=" * WIDTH]


def _cells(run: RunLine) -> list[str]:
    return [
        f"{run.started_at:%Y-%m-%d %H:%M}",
        "N/A" if run.rmse is None else f"{run.rmse:.4f}",
        "N/A" if run.mape is None else f"{run.mape:.2f}%",
        _printable(run.environment) if run.environment else "N/A",
        run.run_id[:8],
    ]


def _printable(text: str) -> str:
    """One line without control characters, so that a tag can't draw on the terminal."""
    return "".join(c if c.isprintable() else "?" for c in text[:20])
