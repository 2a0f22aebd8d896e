"""What is told of alarms, and when: whatever happens in whatever order, once, again each day if urgent, and its end."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st

from forex_core.pipeline.alarm import Alarm, News, standing
from forex_core.pipeline.due import REMINDER, due, told
from forex_core.settings import Settings
from forex_core.store.events import Event

START = datetime(2024, 7, 1, 12, tzinfo=UTC)  # 08:00 in Santiago
STALE = Alarm("stale USDCLP", "urgent", "the newest rate is old", "USDCLP")
LEVEL = Alarm("level USDCLP>950", "notable", "USDCLP is above 950", "USDCLP")
DRIFT = Alarm("drift USDCLP 7d", "notable", "worse", "USDCLP", "7d")
ALL = (STALE, LEVEL, Alarm("disk", "urgent", "it is full"), DRIFT)

runs = st.lists(
    st.tuples(
        st.timedeltas(timedelta(minutes=1), timedelta(hours=40)),
        st.lists(st.sampled_from(ALL), unique=True),
        st.booleans(),  # whether somebody could be told
    ),
    max_size=25,
)
wishes = st.fixed_dictionaries(
    {
        "quiet_hours": st.sampled_from([None, "22:00-07:00", "00:00-12:00", "09:00-18:30"]),
        "daily_digest": st.booleans(),
        "time_zone": st.sampled_from(["America/Santiago", "UTC", "Asia/Kathmandu"]),
    }
)


class Life:
    """One data directory, run after run: its rows, and what people heard when."""

    def __init__(self, **wished: Any) -> None:
        self.settings = Settings(**wished)
        self.rows: list[Event] = []
        self.heard: list[tuple[datetime, News]] = []

    def run(self, now: datetime, *alarms: Alarm, reached: bool = True, unknown: tuple[str, ...] = ()) -> list[str]:
        """What was told, as `state key`."""
        found = due(alarms, self.rows, now, self.settings, unknown)
        self.rows += [news.as_event() for news in found.record]
        if not reached:
            return []
        self.rows += [told(news, now) for news in found.tell]
        self.heard += [(now, news) for news in found.tell]
        return [f"{news.state} {news.alarm.key}" for news in found.tell]


def lived(wished: dict[str, Any], history: list[tuple[timedelta, list[Alarm], bool]]) -> tuple[Life, datetime]:
    life, now = Life(**wished), START
    for later, alarms, reached in history:
        now += later
        life.run(now, *alarms, reached=reached)
    return life, now


@examples(max_examples=150)
@given(wishes, runs)
def test_nobody_hears_of_an_alarm_twice_within_the_reminder_time_unless_it_was_over(
    wished: dict[str, Any], history: list[tuple[timedelta, list[Alarm], bool]]
) -> None:
    life, _ = lived(wished, history)
    last: dict[str, datetime] = {}
    for at, news in life.heard:
        if news.state == "recovered":
            last.pop(news.alarm.key, None)
            continue
        before = last.get(news.alarm.key)
        assert before is None or at - before >= REMINDER
        assert (before is None) == (news.state == "raised")
        last[news.alarm.key] = at


@examples(max_examples=150)
@given(wishes, runs)
def test_every_alarm_is_told_and_its_end_once_and_nothing_is_lost(
    wished: dict[str, Any], history: list[tuple[timedelta, list[Alarm], bool]]
) -> None:
    life, now = lived(wished, history)
    for hours in range(0, 72, 3):  # at some of these nobody sleeps, and digests are due
        life.run(now + timedelta(hours=hours + 1))
    written = Counter((row.detail["state"], row.detail["key"], row.at) for row in life.rows)
    heard = Counter((news.state, news.alarm.key, news.at) for _, news in life.heard if news.state != "reminded")
    assert heard == {what: 1 for what in written if what[0] in ("raised", "recovered")}
    for key in {alarm.key for alarm in ALL}:
        turns = [news.state for _, news in life.heard if news.alarm.key == key and news.state != "reminded"]
        assert turns == ["raised", "recovered"] * (len(turns) // 2)
    assert standing(life.rows) == ()


@examples(max_examples=100)
@given(wishes, runs, st.randoms())
def test_the_order_in_which_rules_speak_changes_nothing(
    wished: dict[str, Any], history: list[tuple[timedelta, list[Alarm], bool]], random: Any
) -> None:
    shuffled = [(later, random.sample(alarms, len(alarms)), reached) for later, alarms, reached in history]
    one, other = lived(wished, history)[0], lived(wished, shuffled)[0]
    assert Counter(map(str, one.heard)) == Counter(map(str, other.heard))


@examples(max_examples=100)
@given(wishes, runs)
def test_what_is_urgent_is_told_at_once_when_somebody_can_be_told(
    wished: dict[str, Any], history: list[tuple[timedelta, list[Alarm], bool]]
) -> None:
    life, now = lived(wished, history)
    life.run(now + timedelta(minutes=1), STALE)
    assert any(news.alarm == STALE for _, news in life.heard)


def test_an_urgent_alarm_is_told_reminded_of_daily_and_its_end_told() -> None:
    life, day = Life(), timedelta(days=1)
    assert life.run(START, STALE) == ["raised stale USDCLP"]
    assert life.run(START + day / 2, STALE) == []
    assert life.run(START + day - timedelta(minutes=20), STALE) == ["reminded stale USDCLP"]
    assert life.run(START + day, STALE) == []
    assert life.run(START + 2 * day) == ["recovered stale USDCLP"]
    assert life.run(START + 4 * day) == []


def test_a_notable_alarm_is_told_once() -> None:
    life = Life()
    assert life.run(START, LEVEL) == ["raised level USDCLP>950"]
    assert [life.run(START + timedelta(days=n), LEVEL) for n in (1, 2, 9)] == [[], [], []]


@pytest.mark.parametrize(
    ("hour", "heard"), [(1, True), (2, False), (10, False), (11, True)]
)  # 21:59, 22:00, 06:59 and 07:00 in Santiago, four hours behind in July
def test_in_the_quiet_hours_only_what_is_urgent_is_told(hour: int, heard: bool) -> None:
    life = Life(quiet_hours="22:00-07:00")
    minutes = 59 if hour in (1, 10) else 0
    now = datetime(2024, 7, 2, hour, minutes, tzinfo=UTC)
    said = life.run(now, LEVEL, STALE)
    assert said == ["raised stale USDCLP", *(["raised level USDCLP>950"] if heard else [])]


@pytest.mark.parametrize(
    ("span", "heard"),
    [
        ("08:00-09:00", False),
        ("07:00-08:00", True),
        ("07:00-08:01", False),
        ("09:00-08:00", True),
        ("00:00-00:00", False),
    ],
)
def test_the_quiet_hours_begin_with_their_first_minute_and_end_before_the_last(span: str, heard: bool) -> None:
    assert bool(Life(quiet_hours=span).run(START, LEVEL)) == heard  # it is 08:00 in Santiago


def test_what_came_and_went_in_the_quiet_hours_is_told_after_them() -> None:
    life, night = Life(quiet_hours="22:00-07:00"), datetime(2024, 7, 2, 4, tzinfo=UTC)
    assert life.run(night, LEVEL) == life.run(night + timedelta(hours=2)) == []
    assert life.run(night + timedelta(hours=8)) == ["raised level USDCLP>950", "recovered level USDCLP>950"]


def test_a_digest_gathers_a_day_and_lets_what_is_urgent_pass() -> None:
    life = Life(daily_digest=True)
    assert life.run(START, LEVEL) == ["raised level USDCLP>950"]
    assert life.run(START + timedelta(hours=2), DRIFT) == []
    assert life.run(START + timedelta(hours=3), DRIFT, STALE) == ["raised stale USDCLP"]
    tomorrow = ["raised drift USDCLP 7d", "recovered level USDCLP>950"]
    assert sorted(life.run(START + timedelta(hours=20), DRIFT, STALE)) == tomorrow


def test_a_rule_that_gave_no_answer_and_a_run_of_another_pair_end_no_alarm() -> None:
    life = Life()
    life.run(START, STALE, LEVEL)
    assert life.run(START + timedelta(hours=1), unknown=("stale", "level")) == []
    life.settings = Settings(pairs=("EURUSD",))
    assert life.run(START + timedelta(hours=2)) == []
    assert len(standing(life.rows)) == 2


def test_when_nobody_could_be_told_then_the_next_run_tells() -> None:
    life = Life()
    assert life.run(START, STALE, reached=False) == []
    assert life.run(START + timedelta(minutes=5), STALE) == ["raised stale USDCLP"]
