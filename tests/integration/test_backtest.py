"""`forex backtest` from end to end: the page, the guard, the championship, and a second call that says the same."""

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from conftest import forex

MEMBERS = ("--members", "random_walk,empirical")


@pytest.fixture
def one(observado: Path) -> tuple[str, ...]:
    """The arguments of a small backtest of one pair."""
    return ("--source", f"csv:{observado}", "--from", "2022-06-01", "--to", "2024-06-28", *MEMBERS)


def rows_of(data_dir: Path, *arguments: str) -> list[dict]:
    done = forex("backtest", *arguments, "--json", data_dir=data_dir)
    assert (done.returncode, done.stderr) == (0, "")
    return json.loads(done.stdout)["rows"]


def test_the_guard_the_page_and_the_championship_come_from_one_call(tmp_path: Path, one: tuple[str, ...]) -> None:
    data_dir, page = tmp_path / "data", tmp_path / "pages" / "backtest.html"
    rows = rows_of(data_dir, *one, "--conformal", "--track", "--html", str(page))
    members = ["ensemble", "ensemble+conformal", "random_walk", "empirical", "rw_const"]
    assert [row["member"] for row in rows] == members * 4
    assert {row["origins"] for row in rows if row["horizon"] == "7d"} == {24}
    assert all(list(row["below"].values()) == sorted(row["below"].values()) for row in rows)
    assert rows[0]["dm_ensemble_t"] is None
    assert rows[2]["dm_ensemble_t"] is not None
    html = page.read_text(encoding="utf-8")
    assert f"forex backtest {' '.join(one)} --conformal --track --html {page} --json" in html
    for row in rows:
        assert f"<td>{row['wql_ratio']:.3f}</td>" in html

    assert rows_of(data_dir, *one, "--conformal", "--track") == rows
    with closing(sqlite3.connect(data_dir / "mlflow" / "mlflow.db")) as connection:
        runs = connection.execute(
            "SELECT e.name, status, count(*) FROM runs JOIN experiments e USING (experiment_id) GROUP BY 1, 2"
        ).fetchall()
        largest = connection.execute("SELECT max(value) FROM latest_metrics WHERE key = 'rmse'").fetchone()[0]
    assert runs == [("USDCLP_Experiments", "FINISHED", 20)], "the same pass is recorded once"
    assert largest == max(row["rmse"] for row in rows)


def test_without_track_nothing_is_recorded(tmp_path: Path, one: tuple[str, ...]) -> None:
    rows_of(tmp_path / "data", *one)
    assert not (tmp_path / "data" / "mlflow").exists()


def test_the_panel_is_told_in_80_columns_with_a_row_for_each_pair(tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    pairs = ("--source", "ecb", "--pair", "USDBRL", "--pair", "USDMXN", "--from", "2024-01-01")
    chosen = (*pairs, "--members", "random_walk", "--conformal", "--html", page)
    done = forex("backtest", *chosen, data_dir=tmp_path / "data")
    assert (done.returncode, done.stderr) == (0, "")
    *lines, last = done.stdout.splitlines()
    assert max(map(len, lines)) <= 80
    assert "…" not in done.stdout
    assert sum(line.split()[1:2] == ["ensemble"] for line in lines) == 3 * 4, "each pair's, and the panel's"
    assert sum("ensemble+conformal" in line for line in lines if line.startswith("  ")) == 4
    assert "No median comes closer than the last value." in " ".join(done.stdout.split())
    assert last == f"Report saved to: {page}"


def test_a_page_that_cannot_be_written_is_an_error_that_names_it(tmp_path: Path, one: tuple[str, ...]) -> None:
    (tmp_path / "file").touch()
    done = forex("backtest", *one, "--html", tmp_path / "file" / "page.html", data_dir=tmp_path / "data")
    assert done.returncode == 73
    assert "page.html" in done.stderr


@pytest.mark.parametrize("weighting", ["median", "inverse_rmse"])
def test_the_weighting_is_that_of_the_settings(tmp_path: Path, one: tuple[str, ...], weighting: str) -> None:
    page = tmp_path / "page.html"
    done = forex("backtest", *one, "--html", page, data_dir=tmp_path / "data", FOREX_WEIGHTING=weighting)
    assert (done.returncode, done.stderr) == (0, "")
    assert f"weighting {weighting};" in page.read_text(encoding="utf-8")
