"""What is read for the terminal: the newest forecasts, the track record and its evidence, health, and MLflow's runs."""

import csv
import shutil
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import t as student

from forex_cli.track_record import _write
from forex_core.backtest import metrics
from forex_core.errors import CorruptStore, SettingsError, VersionMismatch
from forex_core.mlops.latest_runs import latest_runs
from forex_core.models.student import t_below, t_quantile
from forex_core.pipeline.health import Health, examine, health
from forex_core.pipeline.upkeep import BACKUP_LATE, TIGHT
from forex_core.report.overlapping import FEWEST, evidence
from forex_core.report.track_record_table import COLUMNS, ScoreLine, interval_score, scoreboard, verdict
from forex_core.settings import Settings
from forex_core.store.events import Event
from forex_core.store.scoreboard import Scored, reading
from forex_core.store.store import Store
from forex_core.values import LEVELS, Observation
from samples import ISSUED_AT, VERSION, freeze, sample_forecast, sample_score

DAY = date(2024, 7, 1)


def issue(store: Store, n: int, **changes: Any) -> str:
    """A frozen forecast of the n-th day after DAY, and its id."""
    day = DAY + timedelta(days=n)
    name = f"{changes.get('pair', 'USDCLP')}-{changes.get('horizon', '7d')}-{n}-{changes.get('role', 'champion')}"
    dated: dict[str, Any] = {"forecast_id": name, "issued_on": day, "target_date": day + timedelta(days=7)}
    freeze(store, **dated | changes)
    return name


@pytest.fixture
def store(data_dir: Path) -> Iterator[Store]:
    with Store.for_writing(data_dir) as opened:
        yield opened


def look(store: Store, now: datetime = ISSUED_AT, **changes: Any) -> Health:
    return health(store, Settings(**changes), now)


def test_the_newest_forecast_is_the_champions_of_the_last_issue_date(store: Store) -> None:
    for n, role in ((0, "champion"), (1, "challenger"), (1, "champion"), (5, "replay")):
        issue(store, n, role=role)
    (found,) = look(store).newest
    assert (found.forecast_id, found.role) == ("USDCLP-7d-1-champion", "champion")


def test_when_only_the_challenger_was_issued_lately_then_it_is_the_newest(store: Store) -> None:
    issue(store, 0)
    issue(store, 1, role="challenger")
    assert look(store).newest[0].role == "challenger"


def test_an_outlook_says_what_the_forecast_says(store: Store) -> None:
    whole = freeze(store)
    (found,) = look(store).newest
    assert (found.quantiles, found.median, found.spot) == (whole.quantiles, whole.median, whole.spot)
    assert (found.version_id, found.version_since, found.history) == (VERSION, ISSUED_AT, (944.34, 951.02))
    assert found.backtest
    assert (found.backtest.count, found.backtest.coverage_80) == (60, 0.78)
    assert found.backtest.skill == pytest.approx(-0.01)


def test_a_forecast_without_a_backtest_has_none_to_show(store: Store) -> None:
    freeze(store, backtest=None)
    assert look(store).newest[0].backtest is None


def test_pairs_stand_in_the_order_of_the_settings_and_horizons_by_length(store: Store) -> None:
    for pair in ("EURUSD", "USDCLP", "USDMXN"):
        for horizon in ("90d", "7d"):
            issue(store, 0, pair=pair, horizon=horizon)
    found = look(store, pairs=("USDMXN", "USDCLP")).newest
    said = [f"{one.pair} {one.horizon}" for one in found]
    assert said == ["USDMXN 7d", "USDMXN 90d", "USDCLP 7d", "USDCLP 90d", "EURUSD 7d", "EURUSD 90d"]


def test_a_tally_counts_one_role_of_one_pair_and_horizon(store: Store, data_dir: Path) -> None:
    with store.transaction():
        for n, (loss, inside) in enumerate(((1.0, True), (2.0, False), (4.5, True))):
            store.forecasts.score(
                sample_score(
                    forecast_id=issue(store, n), loss=loss, yardstick_loss=2.5, inside={50: False, 80: inside, 95: True}
                ),
                final=True,
            )
        store.forecasts.score(sample_score(forecast_id=issue(store, 0, role="challenger"), loss=9.0), final=False)
    with reading(data_dir) as board:
        found = board.tallies()
    assert found.keys() == {("USDCLP", "7d", "champion"), ("USDCLP", "7d", "challenger")}
    tally = found["USDCLP", "7d", "champion"]
    assert (tally.count, tally.skill, tally.coverage_80) == (3, pytest.approx(0.0), pytest.approx(2 / 3))


def test_when_nothing_was_ever_recorded_then_the_reader_says_so(data_dir: Path) -> None:
    with pytest.raises(SettingsError, match="there is no"), reading(data_dir):
        pass


def test_damage_that_is_met_while_reading_is_named(data_dir: Path) -> None:
    with Store.for_writing(data_dir) as store:
        issue(store, 0)
    path = data_dir / "forex.db"
    content = bytearray(path.read_bytes())
    content[4096:] = b"\xff" * (len(content) - 4096)
    path.write_bytes(content)
    with pytest.raises(CorruptStore, match="damaged"), reading(data_dir) as board:
        board.outlooks()


# health


def test_all_is_well_right_after_a_live_run(store: Store) -> None:
    finished(store, issue(store, 0))
    found = look(store)
    assert found.troubles == ()
    assert found.last_run
    assert (found.last_run.kind, found.last_run.pair) == ("finished", "USDCLP")


def finished(store: Store, forecast_id: str, kind: str = "finished", **detail: str) -> None:
    for step in ("report", "track"):
        store.forecasts.step_done(forecast_id, step, "done", ISSUED_AT)
    store.events.add(Event(ISSUED_AT, kind, "a1", "USDCLP", "7d", detail))


def test_an_old_forecast_is_a_trouble_once_it_is_staler_than_the_setting(store: Store) -> None:
    finished(store, issue(store, 0))
    assert look(store, ISSUED_AT + timedelta(days=3)).troubles == ()
    (said,) = look(store, ISSUED_AT + timedelta(days=4)).troubles
    assert said == "USDCLP was last issued on 2024-07-01, 4 business days ago"


def test_the_next_forecast_is_due_when_the_next_value_can_be_known(store: Store) -> None:
    issue(store, 0)
    (feed,) = look(store).feeds
    assert feed.due == datetime(2024, 7, 1, 22, tzinfo=UTC)  # the observado of a day comes out the evening before


def test_a_pair_that_is_not_configured_is_never_due(store: Store) -> None:
    issue(store, 0, pair="EURUSD", role="demo")
    assert {feed.pair: feed.due is None for feed in look(store).feeds} == {"USDCLP": False, "EURUSD": True}


def test_the_age_of_the_data_is_that_of_the_newest_rate_stored(store: Store) -> None:
    issue(store, 0)
    rows = [Observation(DAY + timedelta(days=n), 950.0, ISSUED_AT, "bcch") for n in (0, 1)]
    store.observations.add("USDCLP", "bcch", rows, ISSUED_AT)
    (feed,) = look(store, ISSUED_AT + timedelta(days=4)).feeds
    assert (feed.newest, feed.source, feed.age) == (date(2024, 7, 2), "bcch", 3)
    (feed,) = look(store, ISSUED_AT).feeds
    assert feed.age == 0  # tomorrow's value, known today


def test_open_steps_are_counted_by_what_is_missing(store: Store) -> None:
    finished(store, issue(store, 0))
    issue(store, 1)
    store.forecasts.step_done(issue(store, 2), "report", "x", ISSUED_AT)
    found = look(store)
    assert found.open_steps == {"report": 1, "track": 2}
    assert "1 forecast has no report, 2 forecasts have no MLflow run yet; the next run completes that" in found.troubles


def test_horizons_that_began_together_and_did_not_end_are_one_trouble(store: Store) -> None:
    finished(store, issue(store, 0))
    for attempt, horizon in (("b1", "7d"), ("b2", "15d")):
        store.events.add(Event(ISSUED_AT, "started", attempt, "USDCLP", horizon, {"environment": "test"}))
    assert look(store).troubles == ("USDCLP 7d, 15d begun 2024-07-01 12:00 UTC have not ended: running, or killed",)


def test_a_failed_run_is_a_trouble_until_one_ends_well(store: Store) -> None:
    finished(store, issue(store, 0), "failed", error="no source answered", code="SourceUnavailable")
    assert look(store).troubles == ("the last run of USDCLP 7d failed: no source answered",)
    store.events.add(Event(ISSUED_AT, "finished", "a2", "USDCLP", "7d", {}))
    assert look(store).troubles == ()


def test_a_backup_is_shown_and_a_trouble_once_it_is_late(store: Store) -> None:
    finished(store, issue(store, 0))
    assert look(store).backup_at is None
    for age in (timedelta(days=30), BACKUP_LATE):
        store.events.add(Event(ISSUED_AT - age, "backup", None, None, None, {"archive": "a.tar", "bytes": "1"}))
    assert look(store).backup_at == ISSUED_AT - BACKUP_LATE
    assert look(store).troubles == ()
    assert look(store, ISSUED_AT + timedelta(seconds=1)).troubles == ("the last backup is 26 hours old",)


def test_a_disk_that_is_nearly_full_is_a_trouble(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    finished(store, issue(store, 0))
    usage = shutil.disk_usage(store.path.parent)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=TIGHT - 1))
    (said,) = look(store).troubles
    assert "only 200 MB are free" in said


# the scoreboard


def scored(losses: Sequence[float], yardstick: Sequence[float], *, open_days: int = 7, **changes: Any) -> list[Scored]:
    """One forecast a day with these losses; each is open for `open_days`."""
    said = {level: 940.0 + 20 * level for level in LEVELS}
    return [
        Scored(
            **{
                "pair": "USDCLP",
                "horizon": "7d",
                "role": "champion",
                "issued_on": DAY + timedelta(days=n),
                "target_date": DAY + timedelta(days=n + open_days),
                "outcome": 948.5,
                "loss": loss,
                "yardstick_loss": walk,
                "said": said,
                "walked": {level: rate - 5 for level, rate in said.items()},
            }
            | changes
        )
        for n, (loss, walk) in enumerate(zip(losses, yardstick, strict=True))
    ]


def line(losses: Sequence[float], yardstick: Sequence[float], **changes: Any) -> ScoreLine:
    (found,) = scoreboard(scored(losses, yardstick, **changes))
    return found


def noisy(n: int, gain: float, seed: int = 3) -> tuple[list[float], list[float]]:
    """Losses that move together, ours smaller by `gain` on average."""
    rng = np.random.default_rng(seed)
    walk = 5 + rng.normal(0, 1, n)
    return (walk * (1 - gain) + rng.normal(0, 0.2, n)).tolist(), walk.tolist()


def test_the_record_is_read_from_the_store_as_it_was_scored(store: Store, data_dir: Path) -> None:
    whole = sample_forecast()
    store.forecasts.score(sample_score(forecast_id=issue(store, 1), loss=1.0), final=True)
    store.forecasts.score(sample_score(forecast_id=issue(store, 0)), final=True)
    store.forecasts.score(sample_score(forecast_id=issue(store, 0, role="challenger")), final=True)
    store.forecasts.score(sample_score(forecast_id=issue(store, 0, pair="EURUSD")), final=True)
    with reading(data_dir) as board:
        found = board.scored(("USDCLP",), ("champion",))
        assert len(board.scored((), ("champion", "challenger"))) == 4
    assert [(one.issued_on, one.loss) for one in found] == [(DAY, 2.0), (DAY + timedelta(days=1), 1.0)]
    assert (found[0].said, found[0].walked, found[0].outcome) == (whole.quantiles, whole.random_walk, 948.5)


def test_errors_and_coverage_stand_beside_the_random_walks() -> None:
    found = line([2.0] * 4, [2.5] * 4, outcome=946.0)
    assert found.skill == pytest.approx(0.2)
    assert (found.mae, found.walk_mae) == (pytest.approx(4.0), pytest.approx(1.0))
    assert (found.coverage_50, found.coverage_80, found.coverage_95) == (1.0, 1.0, 1.0)
    assert (found.interval_80, found.walk_interval_80) == (pytest.approx(16.0), pytest.approx(16.0))
    missed = line([2.0] * 4, [2.5] * 4, outcome=961.0)
    assert (missed.coverage_50, missed.coverage_80, missed.coverage_95) == (0.0, 0.0, 0.0)
    assert missed.interval_80 == pytest.approx(16.0 + 2 / 0.2 * 3.0)


def test_the_interval_score_is_the_backtests() -> None:
    said = {level: 940.0 + 20 * level for level in LEVELS}
    rows = np.array([list(said.values())])
    for outcome in (930.0, 942.0, 950.0, 961.0):
        for percent in (50, 80, 95):
            theirs = metrics.interval_score(rows, np.array([outcome]), percent)[0]
            assert interval_score(said, outcome, percent) == pytest.approx(theirs)


def test_forecasts_of_which_seven_share_a_day_count_as_a_seventh_for_the_error_of_coverage() -> None:
    found = line(*noisy(140, 0.1))
    assert (found.count, found.overlap, found.independent) == (140, 7, 20)
    assert found.coverage_error_80 == pytest.approx((0.8 * 0.2 / 20) ** 0.5)
    alone = line(*noisy(140, 0.1), open_days=1)
    assert (alone.overlap, alone.independent) == (1, 140)


def test_twelve_forecasts_say_nothing_yet() -> None:
    found = line(*noisy(12, 0.5))
    assert (found.skill_low, found.skill_high, found.dm_t, found.dm_p) == (None, None, None, None)
    assert verdict(found) == "12 scored, no more than 1 of which don't overlap: nothing can be said yet"
    assert verdict(line(*noisy(9, 0.5), open_days=1)) == "9 scored: nothing can be said yet"


@pytest.mark.parametrize(
    ("gain", "said"), [(0.1, "better than the walk"), (0.0, "no difference shown"), (-0.1, "worse than the walk")]
)
def test_a_verdict_claims_what_the_test_shows(gain: float, said: str) -> None:
    found = line(*noisy(300, gain), open_days=1)
    assert verdict(found) == said
    assert found.skill_low is not None
    assert found.skill_high is not None
    assert (found.skill_low > 0, found.skill_high < 0) == (gain > 0, gain < 0)


def test_losses_like_the_random_walks_can_not_be_told_from_them() -> None:
    walk = noisy(100, 0.0)[1]
    assert verdict(line(walk, walk, open_days=1)) == "100 scored: they can't be told from the random walk's"


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    gain=st.floats(-0.5, 0.5),
    overlap=st.integers(1, 8),
    scale=st.sampled_from([1e-9, 1.0, 1e9]),
)
def test_the_interval_leaves_out_zero_exactly_when_the_test_is_significant(
    seed: int, gain: float, overlap: int, scale: float
) -> None:
    mine, walk = noisy(100, gain, seed)
    found = evidence([scale * loss for loss in mine], [scale * loss for loss in walk], overlap)
    assert found
    assert found.low <= found.skill <= found.high
    assert (found.low > 0 or found.high < 0) == (found.p < 0.05)
    assert (found.t < 0) == (found.skill > 0)


def test_overlapping_forecasts_that_are_equally_good_are_seldom_called_different() -> None:
    """At 40 overlaps of 400, where as many cosines as without overlap would do so in more than 20 of 100 cases."""
    rng, overlap, n, refused = np.random.default_rng(11), 40, 400, 0
    for _ in range(200):
        moves = rng.normal(size=n + overlap)
        sums = np.convolve(moves, np.ones(overlap), "valid")[:n] / overlap**0.5
        walk = 5 + np.abs(sums)
        found = evidence((walk + sums).tolist(), walk.tolist(), overlap)
        refused += bool(found and found.p < 0.05)
    assert refused <= 24


def test_students_distribution_is_the_known_one() -> None:
    for freedom in (1, 2, 3, 4, 7, 30, 73):
        for t in (-12.0, -2.1, -0.3, 0.0, 0.8, 5.0):
            assert t_below(t, freedom) == pytest.approx(student.cdf(t, freedom), abs=1e-12)
        assert t_quantile(0.975, freedom) == pytest.approx(student.ppf(0.975, freedom))


def test_evidence_needs_ten_forecasts_that_do_not_overlap() -> None:
    mine, walk = noisy(10 * FEWEST, 0.1)
    assert evidence(mine, walk, 10)
    assert evidence(mine[1:], walk[1:], 10) is None


def test_roles_and_horizons_have_their_own_lines() -> None:
    many = [
        one
        for changes in ({"role": "challenger"}, {"horizon": "90d"}, {}, {"pair": "EURUSD"})
        for one in scored([1.0], [1.0], **changes)
    ]
    said = [f"{found.pair} {found.role} {found.horizon}" for found in scoreboard(many)]
    assert said == ["EURUSD champion 7d", "USDCLP challenger 7d", "USDCLP champion 7d", "USDCLP champion 90d"]


def test_the_csv_holds_every_column_of_every_line(tmp_path: Path) -> None:
    found = scoreboard([*scored(*noisy(12, 0.1)), *scored(*noisy(100, 0.1), horizon="15d", open_days=1)])
    _write(tmp_path / "new" / "record.csv", found)
    with (tmp_path / "new" / "record.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [list(row) for row in rows] == [list(COLUMNS)] * 2
    assert (rows[0]["count"], rows[0]["dm_p"], rows[0]["first"]) == ("12", "", "2024-07-01")
    assert float(rows[1]["skill"]) == found[1].skill


# MLflow's runs


@pytest.fixture(scope="module")
def empty_mlflow(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """mlflow.db as the first run makes it."""
    from forex_core.mlops import embedded

    data_dir = tmp_path_factory.mktemp("mlflow") / "data"
    with Store.for_writing(data_dir) as store:
        embedded.ensure(data_dir / "mlflow", store)
    return data_dir / "mlflow" / "mlflow.db"


@pytest.fixture
def mlflow_db(empty_mlflow: Path, tmp_path: Path) -> Path:
    (tmp_path / "mlflow").mkdir()
    return Path(shutil.copy(empty_mlflow, tmp_path / "mlflow" / "mlflow.db"))


def record(path: Path, run_id: str, hour: int, rmse: float | None, **changes: Any) -> None:
    """A run of forecaster_7d at this hour of DAY."""
    run = {"status": "FINISHED", "lifecycle_stage": "active", "nan": False, "environment": "test"} | changes
    at = int(datetime(2024, 7, 1, hour, tzinfo=UTC).timestamp() * 1000)
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(
            "INSERT INTO runs (run_uuid, status, start_time, lifecycle_stage, experiment_id) "
            "SELECT ?, ?, ?, ?, experiment_id FROM experiments WHERE name = 'forecaster_7d'",
            (run_id, run["status"], at, run["lifecycle_stage"]),
        )
        if rmse is not None:
            connection.execute(
                "INSERT INTO latest_metrics VALUES ('7d_rmse', ?, ?, 0, ?, ?)", (rmse, at, run["nan"], run_id)
            )
        connection.execute("INSERT INTO tags VALUES ('environment', ?, ?)", (run["environment"], run_id))


def test_the_last_runs_come_newest_first_and_no_more_than_asked(mlflow_db: Path) -> None:
    for hour in range(6):
        record(mlflow_db, f"r{hour}", hour, 9.0 - hour)
    first = latest_runs(mlflow_db.parents[1], 2)[0]
    assert (first.name, [run.run_id for run in first.runs]) == ("forecaster_7d", ["r5", "r4"])
    assert [(run.rmse, run.mape, run.environment) for run in first.runs] == [(4.0, None, "test"), (5.0, None, "test")]
    assert len(latest_runs(mlflow_db.parents[1], 50)[0].runs) == 6


def test_the_best_run_is_the_finished_one_with_the_lowest_error_however_old(mlflow_db: Path) -> None:
    record(mlflow_db, "best", 1, 3.0)
    record(mlflow_db, "later", 2, 4.0)
    record(mlflow_db, "failed", 3, 1.0, status="FAILED")
    record(mlflow_db, "deleted", 4, 1.0, lifecycle_stage="deleted")
    record(mlflow_db, "no number", 5, 0.0, nan=True)
    record(mlflow_db, "nothing", 6, None)
    first = latest_runs(mlflow_db.parents[1], 1)[0]
    assert first.best
    assert (first.best.run_id, first.best.rmse) == ("best", 3.0)
    assert [run.run_id for run in first.runs] == ["nothing"]


def test_a_metric_that_is_no_number_is_missing(mlflow_db: Path) -> None:
    record(mlflow_db, "no number", 5, 0.0, nan=True)
    first = latest_runs(mlflow_db.parents[1], 1)[0]
    assert (first.runs[0].rmse, first.best) == (None, None)


def test_the_documented_experiments_come_first_and_strangers_not_at_all(mlflow_db: Path) -> None:
    with closing(sqlite3.connect(mlflow_db)) as connection, connection:
        for name in ("forecaster_30d_EURUSD", "forecaster_7d_EURUSD", "EURUSD_Experiments", "forecasterless"):
            connection.execute("INSERT INTO experiments (name, lifecycle_stage) VALUES (?, 'active')", (name,))
    names = [one.name for one in latest_runs(mlflow_db.parents[1], 1)]
    documented = ["forecaster_7d", "forecaster_15d", "forecaster_30d", "forecaster_90d"]
    assert names == [*documented, "forecaster_7d_EURUSD", "forecaster_30d_EURUSD"]


def test_a_newer_database_is_refused(data_dir: Path) -> None:
    Store.for_writing(data_dir).close()
    with closing(sqlite3.connect(data_dir / "forex.db")) as connection:
        connection.execute("PRAGMA user_version = 9999")
    with pytest.raises(VersionMismatch), reading(data_dir):
        pass


def test_a_store_and_a_reader_see_the_same_health(store: Store, data_dir: Path) -> None:
    issue(store, 0)
    asked = replace(Settings(), data_dir=data_dir)
    with reading(data_dir) as board:
        assert examine(board, asked, ISSUED_AT) == health(store, asked, ISSUED_AT)
