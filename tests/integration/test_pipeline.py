"""The state machine: who is champion, what is scored, what a failure leaves open, and that the next run closes it."""

import sqlite3
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import ClassVar

import pytest

from conftest import business_days, series, walk, write_csv
from forex_core.errors import CannotWrite, ModelError, TrackingError
from forex_core.horizons import HORIZONS, chosen
from forex_core.mlops.tracker import Attempt
from forex_core.models.table import MEMBERS
from forex_core.pipeline import preflight, steps
from forex_core.pipeline.request import Adapters, Request, RunResult
from forex_core.pipeline.run import run_forecast
from forex_core.store.store import Store
from forex_core.values import Forecast, QuantilePath, Series

DAYS = business_days(date(2022, 1, 3), date(2024, 7, 31))
RATES = walk(DAYS)


@dataclass
class Notebook:
    """A tracker that keeps a list; `down` makes it a server that can't be reached."""

    down: bool = False
    tracked: list[str] = field(default_factory=list)
    ended: list[tuple[str, str]] = field(default_factory=list)

    def prepare(self, store: Store) -> None:
        pass

    def track(self, forecast: Forecast, report: Path, *, skip_email: bool) -> str:
        if self.down:
            raise TrackingError("the server is down")
        assert report.exists()
        self.tracked.append(forecast.forecast_id)
        return f"run of {forecast.forecast_id}"

    def record_end(self, attempt: Attempt, status: str, message: str) -> str:
        self.ended.append((status, message))
        return "run"


@dataclass(frozen=True)
class Silent:
    """A member that never has anything to say."""

    name: ClassVar[str] = "silent"
    revision: ClassVar[int] = 1

    def forecast(self, history: Series, steps: int) -> QuantilePath:
        raise ModelError("silent has nothing to say")


@dataclass
class House:
    """One data directory and its runs."""

    data_dir: Path
    tracker: Notebook = field(default_factory=Notebook)

    def rates(self, until: date, revised: dict[date, float]) -> str:
        """A file of the rates known by `until`, with these changes."""
        path = self.data_dir.with_name("rates.csv")
        return f"csv:{write_csv(path, [(day, revised.get(day, rate)) for day, rate in RATES if day <= until])}"

    def run(self, until: date, revised: dict[date, float] | None = None, **asked: object) -> RunResult:
        """A live run at noon UTC of the day after `until`, unless told otherwise."""
        request = Request(
            pairs=("USDCLP",),
            horizons=tuple(chosen(["7d"])),
            source=self.rates(until, revised or {}),
            members=(MEMBERS["random_walk"], MEMBERS["empirical"]),
            as_of=None,
            now=datetime.combine(until + timedelta(days=1), datetime.min.time(), UTC).replace(hour=12),
        )
        with self.store() as store:
            adapters = Adapters(store, self.tracker, self.data_dir / "reports")
            return run_forecast(replace(request, **asked), adapters)  # type: ignore[arg-type]

    def store(self) -> Store:
        return Store.for_writing(self.data_dir)


@pytest.fixture
def house(data_dir: Path) -> House:
    return House(data_dir)


DAY = date(2024, 6, 28)


def test_the_first_live_version_is_champion_and_another_one_its_challenger(house: House) -> None:
    first = house.run(DAY).pairs[0]
    other = house.run(DAY, members=(MEMBERS["random_walk"],)).pairs[0]
    again = house.run(DAYS[DAYS.index(DAY) + 1]).pairs[0]
    assert [pair.role for pair in (first, other, again)] == ["champion", "challenger", "champion"]
    versions = [pair.horizons[0].forecast.version_id for pair in (first, other, again)]  # type: ignore[union-attr]
    assert versions[0] == versions[2] != versions[1]


def test_a_replay_never_becomes_champion(house: House) -> None:
    house.run(DAY, as_of=DAY - timedelta(days=30), members=(MEMBERS["rw_const"],))
    with house.store() as store:
        assert store.versions.champion("USDCLP", "7d") is None
    assert house.run(DAY).pairs[0].role == "champion"


def test_a_replay_says_what_the_live_run_of_that_day_said(house: House, tmp_path: Path) -> None:
    live = house.run(DAY, horizons=tuple(HORIZONS.values())).pairs[0]
    later = House(tmp_path / "later")
    replay = later.run(DAYS[-1], as_of=DAY, horizons=tuple(HORIZONS.values())).pairs[0]
    for then, now in zip(live.horizons, replay.horizons, strict=True):
        assert then.forecast and now.forecast
        assert (now.forecast.role, now.forecast.path) == ("replay", then.forecast.path)
        assert now.forecast.backtest == then.forecast.backtest
        assert now.forecast.content_hash != then.forecast.content_hash


def test_an_issued_forecast_is_scored_when_its_date_comes_and_settles_after_ten_days(house: House) -> None:
    issued = house.run(DAY).pairs[0].horizons[0].forecast
    assert issued
    before, due = issued.target_date - timedelta(days=1), issued.target_date
    house.run(before)
    with house.store() as store:
        assert store.forecasts.scores("USDCLP", "7d") == []
    house.run(due)
    with house.store() as store:
        ((forecast, score),) = store.forecasts.scores("USDCLP", "7d")
        assert forecast.forecast_id == issued.forecast_id
        assert score.outcome == dict(RATES)[due]
        assert score.error == pytest.approx(issued.median - score.outcome)
        assert [f.forecast_id for f in store.forecasts.unscored("USDCLP", due)] == [issued.forecast_id]
    house.run(due + timedelta(days=12))
    with house.store() as store:
        assert issued.forecast_id not in [f.forecast_id for f in store.forecasts.unscored("USDCLP", due)]


def test_a_revision_within_ten_days_counts_and_a_later_one_does_not(house: House) -> None:
    issued = house.run(DAY).pairs[0].horizons[0].forecast
    assert issued
    due = issued.target_date

    def revise(by: float, on: date) -> float:
        house.run(on, {due: dict(RATES)[due] + by})
        with house.store() as store:
            return next(s.outcome for f, s in store.forecasts.scores("USDCLP", "7d") if f.target_date == due)

    true = dict(RATES)[due]
    assert revise(0, due) == true
    assert revise(5, due + timedelta(days=5)) == pytest.approx(true + 5)
    assert revise(9, due + timedelta(days=13)) == pytest.approx(true + 5)


def test_the_track_record_is_in_the_next_report(house: House) -> None:
    issued = house.run(DAY).pairs[0].horizons[0].forecast
    assert issued
    report = house.run(issued.target_date).pairs[0].horizons[0].report
    assert "1 issued forecast has come due" in Path(report or "").read_text()


def test_when_the_start_value_is_revised_then_the_forecast_stands_and_the_report_says_so(house: House) -> None:
    first = house.run(DAY).pairs[0].horizons[0]
    revised = {DAY: dict(RATES)[DAY] + 1}
    again = house.run(DAY, revised, now=datetime(2024, 6, 29, 15, tzinfo=UTC)).pairs[0].horizons[0]
    assert first.forecast and again.forecast
    assert (again.state, again.forecast) == ("already_issued", first.forecast)
    spot = first.forecast.spot.value
    note = f"Start value revised from {spot:g} to {spot + 1:g}"
    assert note in again.notes[0]
    assert note in Path(again.report or "").read_text()
    with house.store() as store:
        source = first.forecast.spot.source
        assert [row.value for row in store.observations.revisions("USDCLP", source, DAY)] == [spot, spot + 1]


def test_when_a_member_fails_then_it_drops_out_by_name(house: House) -> None:
    result = house.run(DAY, members=(MEMBERS["random_walk"], Silent()))
    forecast = result.pairs[0].horizons[0].forecast
    assert result.exit_code == 0
    assert forecast
    assert [(m.name, m.state, m.weight) for m in forecast.members] == [
        ("random_walk", "ok", 1.0),
        ("silent", "dropped", 0.0),
    ]
    assert "silent dropped out: silent has nothing to say." in forecast.banners
    history = series([row for row in RATES if row[0] <= DAY])
    alone = MEMBERS["random_walk"].forecast(history, forecast.steps).at(forecast.steps)
    assert forecast.quantiles == pytest.approx(alone)


def test_when_no_member_speaks_then_nothing_is_issued_and_the_failure_is_recorded(house: House) -> None:
    result = house.run(DAY, members=(Silent(),))
    assert (result.exit_code, result.pairs[0].horizons[0].state) == (70, "failed")
    ((status, message),) = house.tracker.ended
    assert (status, "silent has nothing to say" in message) == ("FAILED", True)
    with house.store() as store:
        assert store.forecasts.pairs() == []
        assert [end.kind for end in store.events.last_ends()] == ["failed"]


def test_a_pair_that_fails_does_not_stop_the_next(house: House) -> None:
    result = house.run(DAY, pairs=("USDZZZ", "USDCLP"), source="auto")
    assert [pair.horizons[0].state for pair in result.pairs] == ["failed", "failed"]
    assert (result.exit_code, len(house.tracker.ended)) == (69, 2)


def test_when_the_server_is_down_then_the_forecast_stands_and_the_next_run_tracks_it(house: House) -> None:
    house.tracker.down = True
    first = house.run(DAY)
    assert (first.exit_code, first.pairs[0].horizons[0].run_id) == (0, None)
    assert first.pairs[0].horizons[0].notes == ("Not tracked yet: the server is down.",)
    house.tracker.down = False
    second = house.run(DAY).pairs[0].horizons[0]
    assert house.tracker.tracked == [second.forecast.forecast_id]  # type: ignore[union-attr]
    assert (second.state, second.run_id) == ("already_issued", f"run of {house.tracker.tracked[0]}")


def test_when_the_report_cannot_be_written_then_the_forecast_stands_and_the_next_run_writes_it(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise CannotWrite("cannot write: No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(steps, "write", full)
        first = house.run(DAY)
    assert (first.exit_code, first.pairs[0].horizons[0].state) == (73, "issued")
    assert house.tracker.ended == []  # it is no run without a forecast
    second = house.run(DAY)
    assert second.exit_code == 0
    assert Path(second.pairs[0].horizons[0].report or "").exists()
    assert len(house.tracker.tracked) == 1


def test_an_attempt_that_died_is_recorded_as_killed_once(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    from forex_core.pipeline import run

    def die(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(run, "observe", die)
        house.run(DAY)
    for _ in range(2):
        house.run(DAY)
    assert [status for status, _ in house.tracker.ended] == ["KILLED"]


def test_an_attempt_that_died_after_the_freeze_is_completed_and_not_called_killed(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    from forex_core.pipeline import run

    def die(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(run, "complete", die)
        house.run(DAY)
    again = house.run(DAY)
    assert [result.state for result in again.pairs[0].horizons] == ["already_issued"]
    assert (house.tracker.ended, len(house.tracker.tracked)) == ([], 1)
    with house.store() as store:
        assert store.events.unended() == []


def test_when_a_value_is_overdue_then_a_run_with_nothing_to_do_says_try_later(house: House) -> None:
    assert house.run(DAY).exit_code == 0
    monday_evening = datetime(2024, 7, 2, 12, tzinfo=UTC)
    late = house.run(DAY, now=monday_evening)
    assert (late.exit_code, late.pairs[0].horizons[0].state) == (75, "already_issued")
    assert "2024-07-01 is due" in str(late.errors[0])


def test_on_a_weekend_nothing_is_newer_and_nothing_is_wrong(house: House) -> None:
    assert house.run(DAY).exit_code == 0
    sunday = house.run(DAY, now=datetime(2024, 6, 30, 12, tzinfo=UTC))
    assert (sunday.exit_code, sunday.pairs[0].horizons[0].state) == (0, "already_issued")


def test_when_the_newest_rate_is_late_but_not_too_old_then_it_is_used_and_said(house: House) -> None:
    late = house.run(DAY, now=datetime(2024, 7, 3, 12, tzinfo=UTC))
    assert (late.exit_code, late.pairs[0].horizons[0].state) == (0, "issued")
    assert "Not the newest rate" in late.pairs[0].banners[0]
    too_old = House(house.data_dir.with_name("other")).run(DAY, now=datetime(2024, 7, 5, 12, tzinfo=UTC))
    assert too_old.exit_code == 65


def test_a_later_role_for_the_same_day_has_a_report_of_its_own(house: House) -> None:
    live = house.run(DAY).pairs[0].horizons[0].report
    replay = house.run(DAY, as_of=DAY).pairs[0].horizons[0].report
    assert live and replay
    assert (Path(live).name, Path(replay).name) == ("7d.html", "7d.replay.html")


@pytest.mark.fault(6)
def test_when_the_disk_is_nearly_full_then_nothing_is_begun(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(preflight, "ROOM", 10**18)
    with pytest.raises(CannotWrite, match="free in"):
        house.run(DAY)
    with house.store() as store:
        assert store.events.unended() == []


def test_version_and_freeze_are_one_commit(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """Break the freeze at its last statement: neither version nor champion may remain."""
    from forex_core.pipeline.attempts import Attempts

    def die(*_: object) -> None:
        raise sqlite3.IntegrityError("planted")

    with monkeypatch.context() as patch, pytest.raises(sqlite3.IntegrityError):
        patch.setattr(Attempts, "issued", die)
        house.run(DAY)
    with house.store() as store:
        assert store.forecasts.pairs() == []
        assert store.versions.champion("USDCLP", "7d") is None


def test_a_forecast_is_scored_only_with_rates_from_where_it_began(house: House) -> None:
    issued = house.run(DAY).pairs[0].horizons[0].forecast
    assert issued
    other = write_csv(
        house.data_dir.with_name("another.csv"), [(day, 2.8) for day, _ in RATES if day <= issued.target_date]
    )
    noon = datetime.combine(issued.target_date + timedelta(days=1), datetime.min.time(), UTC).replace(hour=12)
    house.run(issued.target_date, source=f"csv:{other}", now=noon)
    with house.store() as store:
        assert store.forecasts.scores("USDCLP", "7d") == []


def test_when_the_rate_of_the_target_date_is_missing_then_no_other_days_rate_stands_in(house: House) -> None:
    issued = house.run(DAY).pairs[0].horizons[0].forecast
    assert issued
    later = issued.target_date + timedelta(days=20)
    house.run(later, {issued.target_date: float("nan")})
    with house.store() as store:
        assert store.forecasts.scores("USDCLP", "7d") == []
    house.run(later)
    with house.store() as store:
        assert [f.forecast_id for f, _ in store.forecasts.scores("USDCLP", "7d")] == []  # known too late: it stays open


def test_a_bad_revision_leaves_the_good_value_in_force(house: House) -> None:
    house.run(DAY)
    spoiled = house.run(DAYS[DAYS.index(DAY) + 1], {DAY: dict(RATES)[DAY] * 10}).pairs[0]
    forecast = spoiled.horizons[0].forecast
    assert forecast
    assert dict(forecast.history)[DAY] == dict(RATES)[DAY]
    assert "a jump of +" in forecast.banners[-1]


@pytest.mark.fault(18)
def test_nothing_is_ever_issued_backwards(house: House) -> None:
    newest = house.run(DAY).pairs[0].horizons[0].forecast
    shorter = DAYS[DAYS.index(DAY) - 2]
    result = house.run(shorter, now=datetime(2024, 6, 29, 12, tzinfo=UTC)).pairs[0].horizons[0]
    assert (result.state, result.forecast) == ("already_issued", newest)
    assert f"the rates at hand end on {shorter}" in result.notes[0]


def test_when_other_members_are_asked_for_after_the_issue_then_the_answer_says_whose_it_is(house: House) -> None:
    first = house.run(DAY, as_of=DAY).pairs[0].horizons[0].forecast
    again = house.run(DAY, as_of=DAY, members=(MEMBERS["rw_const"],)).pairs[0].horizons[0]
    assert first
    assert again.forecast == first
    assert again.notes == (f"Issued before as version {first.version_id}; what was asked for now is another.",)


def test_when_a_report_was_deleted_before_it_was_tracked_then_it_is_written_again(house: House) -> None:
    house.tracker.down = True
    report = Path(house.run(DAY).pairs[0].horizons[0].report or "")
    report.unlink()
    house.tracker.down = False
    house.run(DAY)
    assert report.exists()
    assert len(house.tracker.tracked) == 1


def test_the_champions_report_has_the_plain_name_even_after_a_replay(house: House) -> None:
    house.run(DAY, as_of=DAY)
    report = house.run(DAY).pairs[0].horizons[0].report
    assert Path(report or "").name == "7d.html"
    assert "never track record" not in Path(report or "").read_text()


def test_health_remembers_the_failure_of_one_pair_while_another_does_well(house: House) -> None:
    from forex_core.pipeline.health import health
    from forex_core.settings import Settings

    house.run(DAY, pairs=("USDCOP",), source="auto")
    house.run(DAY)
    now = datetime(2024, 6, 30, 12, tzinfo=UTC)
    with house.store() as store:
        found = health(store, Settings(stale_after_days=3), now)
    assert [trouble for trouble in found.troubles if "USDCOP 7d failed" in trouble]


def test_a_member_that_trips_over_its_arithmetic_drops_out_too(house: House) -> None:
    @dataclass(frozen=True)
    class Clumsy(Silent):
        name: ClassVar[str] = "clumsy"

        def forecast(self, history: Series, steps: int) -> QuantilePath:
            raise ZeroDivisionError("float division by zero")

    result = house.run(DAY, members=(MEMBERS["random_walk"], Clumsy()))
    assert result.exit_code == 0
    forecast = result.pairs[0].horizons[0].forecast
    assert forecast
    assert "clumsy dropped out: clumsy failed: float division by zero." in forecast.banners
