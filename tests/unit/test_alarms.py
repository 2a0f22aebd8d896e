"""The rules over a real forex.db: each speaks when it should, with its numbers, and is silent when all is well."""

import os
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from forex_core.pipeline import alarms as rules
from forex_core.pipeline.alarm import READ, Alarm, News, recent
from forex_core.pipeline.alarms import Scene, alarms
from forex_core.pipeline.health import health
from forex_core.pipeline.upkeep import BACKUP_LATE, DRILL_LATE, MAIL_LATE
from forex_core.settings import Settings
from forex_core.store.events import Event
from forex_core.store.scoreboard import Scoreboard
from forex_core.store.store import Store
from forex_core.values import Observation
from samples import ISSUED_AT, freeze, sample_score

DAY = date(2024, 7, 1)


@pytest.fixture
def store(data_dir: Path) -> Iterator[Store]:
    with Store.for_writing(data_dir) as opened:
        yield opened


def found(store: Store, *, later: timedelta = timedelta(0), **wished: Any) -> dict[str, Alarm]:
    """By key, what the rules say."""
    so, silent = alarms(Scene(Scoreboard.of(store), Settings(**wished), ISSUED_AT + later))
    assert not silent
    return {alarm.key: alarm for alarm in so}


def record(store: Store, losses: list[float], *, outside: int = 5, far: float = 964.0, apart: int = 7) -> None:
    """Forecasts that were scored, one every `apart` days; the yardstick lost 2.0 each time.

    Every so many-th outcome is `far`: by default outside the 80 % interval, 947 to 963, and inside the 95 % one.
    """
    for n, loss in enumerate(losses):
        day = DAY - timedelta(days=apart * (len(losses) - n) + 7)
        name = f"f{day}"
        freeze(store, forecast_id=name, issued_on=day, target_date=day + timedelta(days=7))
        outcome = 955.0 if n % outside else far
        score = sample_score(forecast_id=name, loss=loss, yardstick_loss=2.0, outcome=outcome)
        store.forecasts.score(score, final=True)


def test_when_all_is_well_then_no_rule_speaks(store: Store) -> None:
    assert found(store) == {}
    freeze(store)
    record(store, [2.0] * 30)
    store.observations.add("USDCLP", "bcch", [Observation(DAY, 950.0, ISSUED_AT, "bcch")], ISSUED_AT)
    for kind, detail in (("backup", {"archive": "a"}), ("drill", {"archive": "a", "ok": "yes"})):
        store.events.add(Event(ISSUED_AT, kind, None, None, None, detail))
    assert found(store, alert_levels=("USDCLP>990", "USDCLP<900", "EURUSD>1")) == {}


def test_a_failed_run_of_a_configured_pair_is_urgent(store: Store) -> None:
    for pair, horizon, error in (("USDCLP", "7d", "no rates"), ("USDCLP", "15d", "no rates"), ("EURUSD", "7d", "x")):
        detail = {"error": error, "code": "DataError"}
        store.events.add(Event(ISSUED_AT, "failed", f"{pair}{horizon}", pair, horizon, detail))
    said = Alarm("failed USDCLP", "urgent", "the last run of USDCLP 7d, 15d failed: no rates", "USDCLP")
    assert found(store) == {"failed USDCLP": said}


def test_rates_are_stale_when_they_are_older_than_the_setting(store: Store) -> None:
    store.observations.add("USDCLP", "bcch", [Observation(DAY, 950.0, ISSUED_AT, "bcch")], ISSUED_AT)
    assert found(store, later=timedelta(days=3)) == {}
    (said,) = found(store, later=timedelta(days=4)).values()
    assert said.severity == "urgent"
    assert said.message == "the newest rate of USDCLP is of 2024-07-01, 4 business days ago"
    assert found(store, later=timedelta(days=4), stale_after_days=4) == {}


def test_errors_that_grew_beside_the_random_walks_are_drift(store: Store) -> None:
    record(store, [2.0] * 60 + [4.0] * 10)
    (said,) = found(store).values()
    assert (said.key, said.severity, said.horizon) == ("drift USDCLP 7d", "notable", "7d")
    assert said.message == (
        "the errors of USDCLP 7d have grown beside the random walk's: over the last 15 scored forecasts they are 167% "
        "of them, 114% over all 70 (Page-Hinkley)"
    )


def test_both_tests_are_named_when_both_say_so(store: Store) -> None:
    record(store, [2.0] * 60 + [4.0] * 15)
    assert found(store)["drift USDCLP 7d"].message.endswith("(Page-Hinkley and Kolmogorov-Smirnov)")


def test_outcomes_that_too_seldom_come_inside_the_interval_are_told(store: Store) -> None:
    record(store, [2.0] * 20, outside=2, far=1000.0)
    said = found(store)
    assert set(said) == {"coverage USDCLP 7d 80", "coverage USDCLP 7d 95"}
    assert said["coverage USDCLP 7d 80"].message == (
        "of the last 20 forecasts of USDCLP 7d (20 that don't overlap) 50% came inside the 80 % interval"
    )


def test_the_same_share_among_forecasts_that_overlap_proves_nothing(store: Store) -> None:
    record(store, [2.0] * 20, outside=2, far=1000.0, apart=1)
    assert found(store) == {}


@pytest.mark.parametrize(
    ("level", "message"),
    [
        ("USDCLP>950", "USDCLP above 950: it is at 951.02 (2024-07-01), its 7d forecast at 955.00 (2024-07-08)"),
        ("USDCLP>952", "USDCLP above 952: its 7d forecast at 955.00 (2024-07-08)"),
        ("USDCLP<953", "USDCLP below 953: it is at 951.02 (2024-07-01)"),
    ],
)
def test_a_spot_or_a_forecast_beyond_a_level_is_told(store: Store, level: str, message: str) -> None:
    freeze(store)
    assert found(store, alert_levels=(level,), alert_probability=0.9)[f"level {level}"].message == message


def test_a_level_that_is_likely_enough_to_be_passed_is_told(store: Store) -> None:
    freeze(store)  # its quantiles at the target are 945 + 20 * level
    (said,) = found(store, alert_levels=("USDCLP>957", "USDCLP>961")).values()
    assert said.key == "chance USDCLP>957"
    assert said.message == "the chance of USDCLP above 957 is 40% on 2024-07-08 (7d)"
    assert found(store, alert_levels=("USDCLP>957",), alert_probability=0.45) == {}
    assert list(found(store, alert_levels=("USDCLP<951",))) == ["chance USDCLP<951"]


def test_a_forecast_whose_date_is_past_crosses_no_level(store: Store) -> None:
    freeze(store)
    assert found(store, later=timedelta(days=8), alert_levels=("USDCLP>950",)) == {}


def test_a_replay_crosses_no_level(store: Store) -> None:
    freeze(store, role="replay")
    assert found(store, alert_levels=("USDCLP>950",)) == {}


@pytest.mark.fault(47)
def test_a_late_backup_and_a_late_or_failed_drill_are_told_if_there_ever_was_one(store: Store) -> None:
    store.events.add(Event(ISSUED_AT, "backup", None, None, None, {"archive": "a"}))
    store.events.add(Event(ISSUED_AT, "drill", None, None, None, {"archive": "a", "ok": "yes"}))
    assert found(store, later=BACKUP_LATE) == {}
    assert list(found(store, later=BACKUP_LATE + timedelta(seconds=1))) == ["backup"]
    assert set(found(store, later=DRILL_LATE + timedelta(hours=1))) == {"backup", "drill late"}
    store.events.add(Event(ISSUED_AT, "drill", None, None, None, {"archive": "a", "ok": "no", "why": "a bit flipped"}))
    said = Alarm("drill failed", "urgent", "the last restore drill failed: a bit flipped")
    assert found(store) == {"drill failed": said}


def test_a_mail_that_waits_for_more_than_a_day_is_told(store: Store, data_dir: Path) -> None:
    (data_dir / "spool").mkdir()
    for name, age in (("a.eml", MAIL_LATE + timedelta(hours=3)), ("b.once", timedelta(0)), ("c.sent", 9 * MAIL_LATE)):
        path = data_dir / "spool" / name
        path.touch()
        moment = (ISSUED_AT - age).timestamp()
        os.utime(path, (moment, moment))
    assert found(store)["spool"].message == f"2 mails wait in {data_dir / 'spool'}, the oldest for 27 hours"


def test_a_rule_that_breaks_is_an_alarm_and_stops_no_other(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(scene: Scene) -> Iterator[Alarm]:
        raise ZeroDivisionError("by zero")

    freeze(store)
    monkeypatch.setitem(rules.RULES, "failed", broken)
    so, silent = alarms(Scene(Scoreboard.of(store), Settings(alert_levels=("USDCLP>950",)), ISSUED_AT))
    assert silent == {"failed"}
    assert [alarm.key for alarm in so] == ["rule failed", "level USDCLP>950", "chance USDCLP>950"]


def test_health_shows_what_stands_and_counts_as_trouble_what_is_measured(store: Store) -> None:
    drift, level = Alarm("drift USDCLP 7d", "notable", "worse", "USDCLP", "7d"), Alarm("level x", "notable", "beyond")
    for alarm in (drift, level):
        store.events.add(News(ISSUED_AT, "raised", alarm).as_event())
    look = health(store, Settings(), ISSUED_AT)
    assert [one.alarm for one in look.alarms] == [drift, level]
    assert "worse" in look.troubles
    assert "beyond" not in look.troubles
    assert look.as_object()["alarms"] == [
        {"key": one.key, "since": ISSUED_AT.isoformat(), "message": one.message} for one in (drift, level)
    ]
    assert health(store, Settings(pairs=("EURUSD",)), ISSUED_AT).alarms == look.alarms[1:]
    store.events.add(News(ISSUED_AT, "recovered", drift).as_event())
    assert [one.alarm for one in health(store, Settings(), ISSUED_AT).alarms] == [level]


def test_of_many_rows_of_alerts_the_latest_are_read_in_their_order(store: Store) -> None:
    with store.transaction():
        for n in range(READ + 10):
            row = News(ISSUED_AT + timedelta(minutes=n), "raised", Alarm(f"level {n}", "notable", "beyond")).as_event()
            store.events.add(row)
    rows = recent(store.events)
    assert [row.detail["key"] for row in (rows[0], rows[-1])] == ["level 10", f"level {READ + 9}"]
    assert len(rows) == READ
