"""The daily job on real parts: its own process, SQLite, MLflow, files."""

import json
import sqlite3
import subprocess
import sys
from collections import Counter
from contextlib import closing
from datetime import date, timedelta
from pathlib import Path

import pytest

from conftest import business_days, command, forex, walk, write_csv
from forex_core.calendars import calendar
from forex_core.horizons import HORIZONS
from forex_core.values import LEVELS

AS_OF = date(2024, 6, 28)


def run_all(csv: Path, data_dir: Path, *more: str) -> dict:
    asked = (
        "run",
        "all",
        "--pair",
        "USDCLP",
        "--source",
        f"csv:{csv}",
        "--as-of",
        AS_OF,
        "--skip-email",
        "--json",
        *more,
    )
    done = forex(*asked, data_dir=data_dir)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with the rates of four years and half of another that no run may see."""
    home = tmp_path_factory.mktemp("a home")
    write_csv(home / "observado.csv", walk(business_days(date(2020, 1, 2), date(2024, 12, 31))))
    return home


@pytest.fixture(scope="module")
def answer(home: Path) -> dict:
    return run_all(home / "observado.csv", home / "data")


def rows(home: Path, database: str, query: str) -> list[tuple]:
    with closing(sqlite3.connect(home / "data" / database)) as connection:
        return connection.execute(query).fetchall()


def shape(value: object) -> object:
    """Keys and types, numbers alike."""
    if isinstance(value, dict):
        return {key: shape(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [shape(value[0])] if value else []
    return "number" if isinstance(value, int | float) and not isinstance(value, bool) else type(value).__name__


def test_the_json_has_exactly_the_documented_shape(answer: dict) -> None:
    quantiles = {str(level): "number" for level in LEVELS}
    forecast = {
        "horizon": "str",
        "state": "str",
        "error": "NoneType",
        "forecast_id": "str",
        "version_id": "str",
        "target_date": "str",
        "steps": "number",
        "median": "number",
        "quantiles": quantiles,
        "random_walk": quantiles,
        "members": [{"name": "str", "weight": "number", "state": "str", "reason": "NoneType"}],
        "backtest": {
            "origins": "number",
            "wql_ratio": "number",
            "coverage_80": "number",
            "rmse": "number",
            "mape": "number",
        },
        "run_id": "str",
        "report": "str",
    }
    part = dict.fromkeys(("name", "source", "newest", "note"), "str") | {"age": "number", "quarantined": "number"}
    pair = {
        "pair": "str",
        "issued_on": "str",
        "as_of": "str",
        "role": "str",
        "source": "str",
        "spot": {"observed_on": "str", "value": "number", "known_at": "str"},
        "banners": ["str"],
        "report": "str",
        "context": {"parts": [part], "headlines": "number", "events": "number"},
        "forecasts": [forecast],
    }
    assert shape(answer) == {"schema": "number", "command": "str", "pairs": [pair], "exit_code": "number"}


def test_every_horizon_lands_on_its_last_chilean_business_day(answer: dict) -> None:
    chile = calendar("chile")
    forecasts = answer["pairs"][0]["forecasts"]
    assert [f["horizon"] for f in forecasts] == list(HORIZONS)
    for forecast, horizon in zip(forecasts, HORIZONS.values(), strict=True):
        target = date.fromisoformat(forecast["target_date"])
        assert chile.is_open(target)
        after = [AS_OF + timedelta(days=n) for n in range((target - AS_OF).days + 1, horizon.days + 1)]
        assert not any(chile.is_open(day) for day in after)
        assert forecast["steps"] == len(business_days(AS_OF + timedelta(days=1), target))


def test_the_future_of_the_file_changes_nothing(answer: dict, home: Path, tmp_path: Path) -> None:
    text = (home / "observado.csv").read_text().splitlines(keepends=True)
    cut = tmp_path / "cut.csv"
    cut.write_text("".join(line for line in text if line.startswith("date") or line[:10] <= AS_OF.isoformat()))
    again = run_all(cut, tmp_path / "data")
    for forecast, other in zip(answer["pairs"][0]["forecasts"], again["pairs"][0]["forecasts"], strict=True):
        for key in ("quantiles", "random_walk", "backtest", "target_date"):
            assert forecast[key] == other[key]


def test_when_it_runs_again_then_nothing_is_issued_or_tracked_twice(answer: dict, home: Path) -> None:
    again = run_all(home / "observado.csv", home / "data")
    assert {f["state"] for f in answer["pairs"][0]["forecasts"]} == {"issued"}
    assert {f["state"] for f in again["pairs"][0]["forecasts"]} == {"already_issued"}
    same = ("forecast_id", "quantiles", "run_id", "report")
    assert [[f[key] for key in same] for f in again["pairs"][0]["forecasts"]] == [
        [f[key] for key in same] for f in answer["pairs"][0]["forecasts"]
    ]
    assert rows(home, "mlflow/mlflow.db", "SELECT status, count(*) FROM runs GROUP BY status") == [("FINISHED", 4)]
    assert rows(home, "forex.db", "SELECT count(*) FROM forecasts") == [(4,)]


def test_the_run_says_what_the_contract_promises(answer: dict, home: Path) -> None:
    names = rows(home, "mlflow/mlflow.db", "SELECT name FROM experiments ORDER BY name")
    assert [name for (name,) in names] == sorted(["Default", *(f"forecaster_{key}" for key in HORIZONS)])
    run_id = answer["pairs"][0]["forecasts"][0]["run_id"]
    of_run = f"WHERE run_uuid = '{run_id}'"
    params = dict(rows(home, "mlflow/mlflow.db", f"SELECT key, value FROM params {of_run}"))
    documented = {"num_sources", "num_news", "num_events", "series_length", "usdclp_series_length"}
    documented |= {"copper_features_available", "forecast_mean", "forecast_std"}
    assert documented <= params.keys()
    assert params["series_length"] == params["usdclp_series_length"] == str(len(business_days(date(2020, 1, 2), AS_OF)))
    quantiles = answer["pairs"][0]["forecasts"][0]["quantiles"]
    deciles = [quantiles[f"0.{n}"] for n in range(1, 10)]
    assert float(params["forecast_mean"]) == pytest.approx(sum(deciles) / 9)
    assert float(params["forecast_std"]) == pytest.approx((quantiles["0.9"] - quantiles["0.1"]) / 2.563)
    metrics = dict(rows(home, "mlflow/mlflow.db", f"SELECT key, value FROM latest_metrics {of_run}"))
    assert metrics["7d_rmse"] == answer["pairs"][0]["forecasts"][0]["backtest"]["rmse"]
    expected = {"7d_rmse", "7d_mae", "7d_mape", "7d_directional_accuracy", "7d_wql_ratio", "7d_coverage_80"}
    expected |= {
        f"{member}_{name}" for member in ("random_walk", "empirical") for name in ("rmse", "mae", "mape", "weight")
    }
    assert expected == metrics.keys()
    tags = dict(rows(home, "mlflow/mlflow.db", f"SELECT key, value FROM tags {of_run}"))
    assert (tags["environment"], tags["skip_email"], tags["horizon"]) == ("production", "True", "7d")
    assert tags["forecast_id"] == answer["pairs"][0]["forecasts"][0]["forecast_id"]
    locations = rows(home, "mlflow/mlflow.db", "SELECT artifact_location FROM experiments")
    root = (home / "data" / "mlflow" / "mlruns").as_uri()
    assert all(location.startswith(root) for (location,) in locations)


def test_the_report_is_one_small_file_linked_into_the_run(answer: dict, home: Path) -> None:
    for forecast in answer["pairs"][0]["forecasts"]:
        report = Path(forecast["report"])
        assert report == home / "data" / "reports" / "USDCLP" / AS_OF.isoformat() / f"{forecast['horizon']}.html"
        assert report.stat().st_size <= 60_000
        (artifact,) = (home / "data").glob(f"mlflow/mlruns/*/{forecast['run_id']}/artifacts/reports/*.html")
        assert artifact.samefile(report)


SNIPPETS = {
    "best": """
from forex_core.mlops.mlflow_config import MLflowConfig
best = MLflowConfig.get_best_run("forecaster_7d", metric="7d_rmse"); print(best.data.metrics["7d_rmse"])
best = MLflowConfig.get_best_run("forecaster_30d", metric="30d_rmse"); print(best.data.metrics["30d_rmse"])
""",
    "search": """
import mlflow
from forex_core.mlops.mlflow_config import MLflowConfig
mlflow.set_tracking_uri(MLflowConfig().tracking_uri)
print(len(mlflow.search_experiments()))
print(mlflow.search_runs(experiment_names=["forecaster_7d"], order_by=["metrics.7d_rmse ASC"], max_results=10)[
    ["run_id", "metrics.7d_rmse", "metrics.7d_mape", "start_time"]])
""",
    "model": """
import mlflow, pandas
from forex_core.mlops.mlflow_config import MLflowConfig
best = MLflowConfig.get_best_run("forecaster_90d", metric="90d_rmse")
mlflow.set_tracking_uri(MLflowConfig().tracking_uri)
model = mlflow.pyfunc.load_model(f"runs:/{best.info.run_id}/model")
rates = pandas.read_csv("RATES", parse_dates=["date"])
print(model.predict(rates[rates.date <= "2024-06-28"]).iloc[-1].to_json())
""",
}


@pytest.mark.parametrize("name", SNIPPETS)
def test_a_documented_snippet_runs_in_a_fresh_shell_from_anywhere(
    name: str, answer: dict, home: Path, tmp_path: Path
) -> None:
    code = SNIPPETS[name].replace("RATES", str(home / "observado.csv"))
    done = command(sys.executable, "-W", "error::ResourceWarning", "-c", code, data_dir=home / "data")
    assert done.returncode == 0, done.stderr
    assert list(tmp_path.iterdir()) == []  # no stray mlflow.db, no mlruns
    if name == "model":
        said = {float(level): rate for level, rate in json.loads(done.stdout).items()}
        frozen = {float(level): rate for level, rate in answer["pairs"][0]["forecasts"][-1]["quantiles"].items()}
        assert said == pytest.approx(frozen)


def test_the_dashboard_script_runs_with_any_python_from_anywhere(answer: dict, home: Path) -> None:
    script = Path(__file__).parents[2] / "scripts" / "mlflow_dashboard.py"
    done = command(sys.executable, script, data_dir=home / "data")
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert "MLFLOW EXPERIMENT DASHBOARD" in lines
    assert [line for line in lines if line.startswith("FORECASTER_")] == [
        f"FORECASTER_{key.upper()}" for key in HORIZONS
    ]
    first = answer["pairs"][0]["forecasts"][0]
    cells = [cell.strip() for cell in next(line for line in lines if first["run_id"][:8] in line).split("|")[1:-1]]
    assert cells[1:] == [
        f"{first['backtest']['rmse']:.4f}",
        f"{first['backtest']['mape']:.2f}%",
        "production",
        first["run_id"][:8],
    ]
    assert max(map(len, lines)) <= 80


def test_a_service_says_what_it_made_and_where(home: Path, tmp_path: Path) -> None:
    arguments = ("--source", f"csv:{home / 'observado.csv'}", "--as-of", "2024-06-27", "--skip-email")
    module = ("-m", "services.forecaster_15d.cli", "run")
    done = command(sys.executable, *module, *arguments, "--output-dir", tmp_path / "out", data_dir=tmp_path / "data")
    assert done.returncode == 0, done.stderr
    assert "Forecast completed successfully!" in done.stdout
    assert f"Report saved to: {tmp_path / 'out' / 'USDCLP' / '2024-06-27' / '15d.html'}" in done.stdout
    assert (tmp_path / "out" / "USDCLP" / "2024-06-27" / "15d.html").exists()
    assert "MLflow run: " in done.stdout
    assert max(len(line) for line in done.stdout.splitlines() if not line.startswith(("Report", "USDCLP"))) <= 80


def test_a_service_explains_itself(data_dir: Path) -> None:
    done = command(sys.executable, "-m", "services.forecaster_7d.cli", "info", data_dir=data_dir)
    assert done.returncode == 0
    assert "experiments  forecaster_7d" in done.stdout
    assert not data_dir.exists()


def test_a_dry_run_shows_the_forecast_and_writes_nothing(home: Path, data_dir: Path) -> None:
    arguments = ("run", "--source", f"csv:{home / 'observado.csv'}", "--as-of", AS_OF, "--dry-run", "--json")
    done = forex(*arguments, data_dir=data_dir)
    assert [f["state"] for f in json.loads(done.stdout)["pairs"][0]["forecasts"]] == ["issued"] * 4
    assert not data_dir.exists()


def test_the_members_agree_with_the_ensemble_on_what_was_frozen(answer: dict, home: Path) -> None:
    bodies = [json.loads(body) for (body,) in rows(home, "forex.db", "SELECT body FROM forecasts")]
    for body in bodies:
        for level, rate in zip(LEVELS, body["path"][-1], strict=True):
            said = [member["quantiles"][str(level)] * member["weight"] for member in body["members"]]
            assert rate == pytest.approx(sum(said))
    assert Counter(body["role"] for body in bodies) == {"replay": 4}


def test_an_output_that_cannot_be_written_is_an_error_in_one_line() -> None:
    with Path("/dev/full").open("w") as full:
        program = Path(sys.executable).with_name("forex")
        done = subprocess.run([program, "config", "show"], stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert (done.returncode, done.stderr) == (73, "error: the answer could not be written: No space left on device\n")
