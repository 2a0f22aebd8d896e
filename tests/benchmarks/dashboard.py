"""Ten years of runs, and what it costs to look at them: python tests/benchmarks/dashboard.py

Beside both dashboards stands `mlflow.search_runs` on the same store.
"""

import argparse
import os
import sqlite3
import subprocess
import sys
import time
from bisect import bisect_left
from collections.abc import Iterator
from contextlib import closing
from datetime import date, datetime, timedelta
from pathlib import Path
from statistics import NormalDist, median
from tempfile import TemporaryDirectory
from uuid import UUID

import numpy as np
from tabulate import tabulate

sys.path.insert(0, str(Path(__file__).parents[1]))
from conftest import FOREX, ROOT, walk
from forex_core.backtest.score import SETTLED, score_of
from forex_core.calendars import calendar, end_of, release_of, utc_now
from forex_core.horizons import HORIZONS
from forex_core.mlops import embedded
from forex_core.mlops.names import DOCUMENTED_PAIR, experiment_location, experiment_name
from forex_core.mlops.run_content import metrics_of, params_of, run_name, tags_of
from forex_core.store.events import Event
from forex_core.store.store import Store
from forex_core.values import LEVELS, BacktestSummary, Forecast, MemberScore, MemberView, Observation, Score
from samples import sample_forecast

DAYS = 2500  # of four horizons: 10,000 forecasts
HISTORY = 126  # business days of history that a forecast carries
DAILY = 0.006
SHAPE = np.array([NormalDist().inv_cdf(level) for level in LEVELS])
PROBE = """
import resource, subprocess, sys, time
start = time.monotonic()
done = subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
spent = resource.getrusage(resource.RUSAGE_CHILDREN)
print(time.monotonic() - start, spent.ru_utime + spent.ru_stime, spent.ru_maxrss / 1024, done.returncode)
print(done.stderr, file=sys.stderr)
"""  # in a process of its own: ru_maxrss is the largest child's ever


def rates_until(newest: date, days: int, *, seed: int = 7) -> list[tuple[date, float]]:
    """A dolar observado of `days` business days and the history before them."""
    known = calendar("chile").days
    end = bisect_left(known, newest) + 1
    return walk(list(known[end - days - HISTORY : end]), seed=seed)


def forecasts_of(rates: list[tuple[date, float]], version_ids: dict[str, str]) -> Iterator[Forecast]:
    """What would have been issued each day, all horizons: whole bodies of the real size, a Gaussian walk inside."""
    release, days = release_of(DOCUMENTED_PAIR), calendar("chile")
    for position in range(HISTORY, len(rates)):
        issued_on, spot = rates[position]
        known_at = release.known_at(issued_on, days)
        for horizon in HORIZONS.values():
            target = days.target(issued_on, horizon.days)
            steps = days.steps(issued_on, target)
            spread = DAILY * np.sqrt(np.arange(1, steps + 1))[:, None] * SHAPE
            path = tuple(tuple(row) for row in (spot * np.exp(spread)).tolist())
            own, yardstick = path[-1], (spot * np.exp(1.1 * spread[-1])).tolist()
            error = spot * DAILY * steps**0.5 * (1 + 0.1 * np.sin(position / 40))
            seen = MemberScore(error, 0.8 * error, 80 * error / spot)
            yield sample_forecast(
                forecast_id=f"{DOCUMENTED_PAIR}-{horizon.key}-{issued_on}-champion",
                horizon=horizon.key,
                issued_on=issued_on,
                as_of=known_at + timedelta(hours=1),
                created_at=known_at + timedelta(hours=1),
                target_date=target,
                steps=steps,
                spot=Observation(issued_on, spot, known_at, "bcch"),
                path=path,
                random_walk=dict(zip(LEVELS, yardstick, strict=True)),
                members=tuple(
                    MemberView(name, 0.5, dict(zip(LEVELS, own, strict=True)), score=seen)
                    for name in ("random_walk", "empirical")
                ),
                backtest=BacktestSummary(60, *(seen.rmse, seen.mae, seen.mape), 0.52, 0.985, 0.8, 0.05, -1.2, 0.23),
                banners=(),
                history=tuple(rates[position - HISTORY + 1 : position + 1]),
                history_length=position,
                environment="production",
                version_id=version_ids[horizon.key],
            )


def make(data_dir: Path, newest: date, *, days: int = DAYS, seed: int = 7, tracked: bool = True) -> None:
    """A data directory as `days` daily runs would leave it, MLflow's part only if `tracked`."""
    rates = rates_until(newest, days, seed=seed)
    began = release_of(DOCUMENTED_PAIR).known_at(rates[HISTORY][0], calendar("chile"))
    config: dict[str, object] = {"members": ["random_walk", "empirical"], "weighting": "equal"}
    with Store.for_writing(data_dir) as store:
        if tracked:
            embedded.ensure(data_dir / "mlflow", store)
        with store.transaction():
            ids = {key: store.versions.register(DOCUMENTED_PAIR, key, config, began) for key in HORIZONS}
            for key, version_id in ids.items():
                store.versions.crown_first(DOCUMENTED_PAIR, key, version_id, began)
        issued = list(forecasts_of(rates, ids))
        with store.transaction():
            observed = [
                Observation(day, rate, release_of(DOCUMENTED_PAIR).known_at(day, calendar("chile")), "bcch")
                for day, rate in rates
            ]
            store.observations.add(DOCUMENTED_PAIR, "bcch", observed, observed[-1].known_at)
            for number, forecast in enumerate(issued):
                _leave_traces(store, forecast, UUID(int=number).hex)
            for score in scores_of(issued, dict(rates)):
                store.forecasts.score(score, final=True)
    if tracked:
        _track(data_dir / "mlflow", issued)


def scores_of(issued: list[Forecast], rates: dict[date, float]) -> Iterator[Score]:
    """What came of those whose date is settled."""
    newest = max(rates)
    for forecast in issued:
        if forecast.target_date + SETTLED <= newest:
            yield score_of(forecast, rates[forecast.target_date], end_of(forecast.target_date + SETTLED))


def _leave_traces(store: Store, forecast: Forecast, run_id: str) -> None:
    store.forecasts.freeze(forecast)
    at = forecast.created_at
    for kind in ("started", "issued", "finished"):
        detail = {"environment": "production"} if kind == "started" else {"state": "issued"}
        store.events.add(Event(at, kind, run_id, forecast.pair, forecast.horizon, detail))
    store.forecasts.step_done(forecast.forecast_id, "report", f"/reports/{forecast.forecast_id}.html", at)
    store.forecasts.step_done(forecast.forecast_id, "track", run_id, at)


def _track(base_dir: Path, issued: list[Forecast]) -> None:
    """Write MLflow's rows as its own store does; through its interface this takes an hour."""
    with closing(sqlite3.connect(base_dir / "mlflow.db")) as connection, connection:
        known = dict(connection.execute("SELECT name, experiment_id FROM experiments"))
        for number, forecast in enumerate(issued):
            name, run_id = experiment_name(forecast.pair, forecast.horizon), UUID(int=number).hex
            at = int(forecast.created_at.timestamp() * 1000)
            where = f"{experiment_location(base_dir / 'mlruns', name)}/{run_id}/artifacts"
            title = run_name("forecast", forecast.created_at)
            connection.execute(
                "INSERT INTO runs (run_uuid, name, source_type, source_name, entry_point_name, user_id, status, "
                "start_time, end_time, source_version, lifecycle_stage, artifact_uri, experiment_id) "
                "VALUES (?, ?, 'UNKNOWN', '', '', 'forex', 'FINISHED', ?, ?, '', 'active', ?, ?)",
                (run_id, title, at, at + 900, where, known[name]),
            )
            texts = tags_of(forecast, skip_email=False) | {"mlflow.runName": title}
            connection.executemany("INSERT INTO tags VALUES (?, ?, ?)", [(k, v, run_id) for k, v in texts.items()])
            params = [(k, v, run_id) for k, v in params_of(forecast).items()]
            connection.executemany("INSERT INTO params VALUES (?, ?, ?)", params)
            metrics = [(k, float(v), at, run_id) for k, v in metrics_of(forecast).items()]
            connection.executemany(
                "INSERT INTO metrics (key, value, timestamp, run_uuid, step, is_nan) VALUES (?, ?, ?, ?, 0, 0)", metrics
            )
            connection.executemany(
                "INSERT INTO latest_metrics (key, value, timestamp, run_uuid, step, is_nan) VALUES (?, ?, ?, ?, 0, 0)",
                metrics,
            )


def cost(*command: object, data_dir: Path, times: int = 5) -> tuple[float, float, float]:
    """Median wall and CPU seconds of a command in its own process, start included, and its peak MB."""
    environ = {k: v for k, v in os.environ.items() if not k.startswith(("FOREX_", "MLFLOW_"))}
    spent = []
    for _ in range(times):
        done = subprocess.run(
            [sys.executable, "-c", PROBE, *map(str, command)],
            env=environ | {"FOREX_DATA_DIR": str(data_dir)},
            capture_output=True,
            text=True,
            check=True,
        )
        wall, cpu, peak, code = map(float, done.stdout.split())
        assert code in (0, 75), done.stderr
        spent.append((wall, cpu, peak))
    wall, cpu, peak = (median(column) for column in zip(*spent, strict=True))
    return wall, cpu, peak


def main() -> None:
    """Make the store, or use one made before, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--keep", type=Path, help="make the data directory here and keep it, or use it if it is there")
    kept = parser.parse_args().keep
    with TemporaryDirectory() as folder:
        data_dir = kept or Path(folder) / "data"
        if not (data_dir / "forex.db").exists():
            now: datetime = utc_now()
            start = time.monotonic()
            make(data_dir, release_of(DOCUMENTED_PAIR).newest_due(now, calendar("chile")))
            print(f"{DAYS * len(HORIZONS)} forecasts and runs made in {time.monotonic() - start:.0f} s")
        store = (data_dir / "mlflow" / "mlflow.db").absolute()
        search = (
            f"import mlflow; mlflow.set_tracking_uri('sqlite:///{store}'); "
            "print(len(mlflow.search_runs(search_all_experiments=True, max_results=50000)))"
        )
        rows = []
        for name, command in {
            "forex dashboard": (FOREX, "dashboard"),
            "forex status": (FOREX, "status"),
            "forex track-record": (FOREX, "track-record"),
            "scripts/mlflow_dashboard.py": (sys.executable, ROOT / "scripts" / "mlflow_dashboard.py"),
            "mlflow.search_runs": (sys.executable, "-c", search),
        }.items():
            wall, cpu, peak = cost(*command, data_dir=data_dir, times=1 if "search" in name else 5)
            rows.append([name, f"{wall:.2f} s", f"{cpu:.2f} s", f"{peak:.0f} MB"])
        sizes = {path.name: path.stat().st_size / 1e6 for path in (data_dir / "forex.db", store)}
    print(tabulate(rows, ["10,000 runs", "wall", "CPU", "peak"], "github", disable_numparse=True))
    print(", ".join(f"{name} {size:.0f} MB" for name, size in sizes.items()))


if __name__ == "__main__":
    main()
