"""The commands that show: status, backtest, config, demo, help."""

import json
import re
import sqlite3
from contextlib import closing
from datetime import date
from pathlib import Path

import pytest

from conftest import ROOT, business_days, forex, walk, write_csv

PAIRS = ("--pair", "EURUSD", "--pair", "USDNOK", "--from", "2024-01-01", "--to", "2025-12-31")


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """The data directory and the output of `forex demo`."""
    data_dir = tmp_path_factory.mktemp("demo") / "data"
    done = forex("demo", data_dir=data_dir)
    assert (done.returncode, done.stderr) == (0, "")
    return data_dir, done.stdout


def test_the_readme_shows_what_the_demo_prints(demo: tuple[Path, str]) -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    shown = next(block for block in re.findall(r"```\n(.*?)```", readme, re.DOTALL) if block.startswith("EURUSD"))
    said = [line.rstrip() for line in demo[1].splitlines()]
    varies = ("Report saved to:", "Report of the day:", "MLflow run:", "...")
    for line in shown.splitlines():
        assert line.startswith(varies) or line.rstrip() in said, line


def test_the_demo_makes_four_finished_runs_and_four_reports_and_names_the_next_commands(demo: tuple[Path, str]) -> None:
    data_dir, said = demo
    with closing(sqlite3.connect(data_dir / "mlflow" / "mlflow.db")) as connection:
        runs = connection.execute(
            "SELECT e.name, status FROM runs r JOIN experiments e USING (experiment_id) ORDER BY r.start_time, r.rowid"
        ).fetchall()
    assert runs == [(f"forecaster_{key}_EURUSD", "FINISHED") for key in ("7d", "15d", "30d", "90d")]
    reports = {path.name for path in (data_dir / "reports").rglob("*.html")}
    assert reports == {"7d.html", "15d.html", "30d.html", "90d.html", "report.demo.html"}
    assert "run --pair USDCLP --source csv:PATH" in said
    assert max(map(len, (line for line in said.splitlines() if not line.startswith("Report")))) <= 80


def test_without_a_terminal_there_are_no_escape_codes(demo: tuple[Path, str]) -> None:
    assert "\x1b" not in demo[1]


def test_status_shows_the_newest_forecasts_and_its_code_says_what_is_missing(demo: tuple[Path, str]) -> None:
    done = forex("status", data_dir=demo[0])
    assert (done.returncode, done.stderr) == (75, "")
    assert len(re.findall(r"^EURUSD .* demo$", done.stdout, re.MULTILINE)) == 4
    assert "EURUSD started from 1.1172 of 2026-10-30, source ecb" in done.stdout
    assert "! no live forecast of USDCLP yet" in done.stdout
    assert max(map(len, done.stdout.splitlines()[1:])) <= 80  # the first line names the file
    answer = json.loads(forex("status", "--json", data_dir=demo[0]).stdout)
    assert [forecast["horizon"] for forecast in answer["forecasts"]] == ["7d", "15d", "30d", "90d"]
    assert {forecast["source"] for forecast in answer["forecasts"]} == {"ecb"}


def test_the_backtest_answers_in_the_documented_shape(tmp_path: Path) -> None:
    done = forex("backtest", *PAIRS, "--members", "random_walk", "--json", data_dir=tmp_path / "data")
    assert (done.returncode, done.stderr) == (0, "")
    answer = json.loads(done.stdout)
    keys = "horizon member origins wql_ratio wql rmse rmse_ratio mae mape directional_accuracy interval_80 interval_95"
    keys += (
        " coverage_50 coverage_80 coverage_95 coverage_se dm_t dm_p dm_ensemble_t dm_ensemble_p below in_confidence_set"
    )
    assert {key: answer[key] for key in answer if key not in ("rows", "panel")} == {
        "schema": 1,
        "command": "backtest",
        "from": "2024-01-01",
        "to": "2025-12-31",
        "every": 21,
        "yardstick": "rw_const",
    }
    assert all(list(row) == ["pair", *keys.split()] for row in answer["rows"])
    assert all(set(row) == {"pairs", *keys.split()} for row in answer["panel"])
    assert {row["member"] for row in answer["rows"]} == {"ensemble", "random_walk", "rw_const"}
    assert [row["pair"] for row in answer["rows"][:1] + answer["rows"][-1:]] == ["EURUSD", "USDNOK"]
    assert all(row["wql_ratio"] == 1 for row in answer["rows"] if row["member"] == "rw_const")
    assert all(0 < row["rmse"] < 0.2 and 0 <= row["coverage_80"] <= 1 for row in answer["rows"])


def test_the_backtest_prints_within_80_columns_and_shows_no_bar_in_a_pipe(tmp_path: Path) -> None:
    done = forex("backtest", *PAIRS, data_dir=tmp_path / "data")
    assert (done.returncode, done.stderr) == (0, "")
    assert "panel of 2 pairs" in done.stdout
    assert max(map(len, done.stdout.splitlines()[1:])) <= 80  # the first line names the file
    assert "…" not in done.stdout


def test_a_backtest_without_any_window_says_so(tmp_path: Path) -> None:
    done = forex("backtest", "--pair", "EURUSD", "--from", "1999-01-01", "--to", "1999-06-01", data_dir=tmp_path / "d")
    assert (done.returncode, "no window between 1999-01-01 and 1999-06-01" in done.stderr) == (65, True)


def test_config_show_names_the_origin_of_each_value_and_masks_passwords(data_dir: Path, tmp_path: Path) -> None:
    (tmp_path / "forex.toml").write_text('environment = "laptop"\n')
    environ = {"MLFLOW_TRACKING_URI": "https://me:hunter2@mlflow.example.org", "FOREX_PAIRS": "EURUSD,USDNOK"}
    done = forex("config", "show", "--json", data_dir=data_dir, **environ)
    said = {row["name"]: (row["value"], row["origin"]) for row in json.loads(done.stdout)["settings"]}
    assert said["environment"] == ("laptop", str(tmp_path / "forex.toml"))
    assert said["pairs"] == ("EURUSD, USDNOK", "FOREX_PAIRS")
    assert said["members"] == ("random_walk, empirical", "default")
    assert "hunter2" not in done.stdout + forex("config", "show", data_dir=data_dir, **environ).stdout
    assert not data_dir.exists()


def test_a_good_configuration_is_called_valid(data_dir: Path) -> None:
    done = forex("config", "validate", data_dir=data_dir, FOREX_PAIRS="EURUSD")
    assert (done.returncode, done.stdout) == (0, "The configuration is valid.\n")


@pytest.mark.parametrize("arguments", [(), ("run",), ("demo",), ("backtest",), ("status",), ("config",)], ids=str)
def test_every_help_fits_80_columns(arguments: tuple[str, ...], data_dir: Path) -> None:
    done = forex(*arguments, "--help", data_dir=data_dir)
    assert done.returncode == 0
    assert max(map(len, done.stdout.splitlines()[1:])) <= 80  # the first line names the file
    assert not data_dir.exists()


@pytest.mark.parametrize("start", [9.5, 950.0, 9_100.0, 16_000.0])
def test_a_run_loses_no_digit_at_80_columns_whatever_the_rate(start: float, data_dir: Path, tmp_path: Path) -> None:
    rates = write_csv(
        tmp_path / "rates.csv", walk(business_days(date(2022, 1, 3), date(2024, 6, 28)), start=start, sd=1e-3)
    )
    done = forex("run", "all", "--source", f"csv:{rates}", "--as-of", "2024-06-28", "--dry-run", data_dir=data_dir)
    assert done.returncode == 0, done.stderr
    assert "\u2026" not in done.stdout
    assert max(map(len, done.stdout.splitlines()[1:])) <= 80  # the first line names the file


def test_an_archive_is_found_by_the_name_that_the_list_shows(demo: tuple[Path, str]) -> None:
    made = forex("backup", "create", data_dir=demo[0])
    name = Path(made.stdout.strip()).name
    assert name in forex("backup", "list", data_dir=demo[0]).stdout
    assert forex("backup", "verify", name, data_dir=demo[0]).returncode == 0


def test_a_drill_without_a_backup_makes_nothing(data_dir: Path) -> None:
    assert forex("backup", "drill", data_dir=data_dir).returncode == 78
    assert not data_dir.exists()
