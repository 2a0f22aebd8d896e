"""Events: the week of Forex Factory and the kept dates, read strictly; what is wrong is named by its entry."""

import random
import time as clock
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
import stamina
from hypothesis import given
from hypothesis import strategies as st

from faults import IN_JSON, ON_THE_WIRE
from forex_core.calendars import calendar
from forex_core.errors import DataError, SourceUnavailable
from forex_core.sources.agenda import ahead
from forex_core.sources.events import IMPACTS, ForexFactory, upcoming
from forex_core.sources.http import Web
from forex_core.sources.kept_events import Rule, kept_events, parse
from forex_core.values import Event
from rate_services import Services, running_services

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
SLACK = 0.4  # seconds


@pytest.fixture(autouse=True)
def _quick_and_quiet(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(random, "uniform", lambda low, high: 0.05)
    stamina.instrumentation.set_on_retry_hooks(())
    yield
    stamina.instrumentation.set_on_retry_hooks(None)


@pytest.fixture(scope="module", autouse=True)
def _calendar_built() -> None:
    """Once, so that no test that takes the time waits for it."""
    calendar("chile")


@pytest.fixture
def services() -> Iterator[Services]:
    with running_services({}) as services:
        services.events = [row(), row(title="OPEC Meetings", country="All", impact="Medium")]
        yield services


def row(**changes: str) -> dict[str, str]:
    """An event as Forex Factory tells it."""
    told = {
        "title": "Core PCE Price Index m/m",
        "country": "USD",
        "date": "2026-11-25T08:30:00-05:00",
        "impact": "High",
    }
    return told | {"forecast": "0.3%", "previous": "0.2%"} | changes


def factory(services: Services, **options: object) -> ForexFactory:
    return ForexFactory(Web(**({"deadline": 2.0} | options)), services.url("forex_factory"))


# Forex Factory


def test_the_week_is_told_in_utc(services: Services) -> None:
    at = datetime(2026, 11, 25, 13, 30, tzinfo=UTC)
    assert factory(services).week() == [
        Event(at, "USD", "Core PCE Price Index m/m", "high", "forex_factory"),
        Event(at, "ALL", "OPEC Meetings", "medium", "forex_factory"),
    ]


def test_every_impact_is_known(services: Services) -> None:
    services.events = [row(impact=impact) for impact in ("High", "Medium", "Low", "Holiday")]
    assert [event.impact for event in factory(services).week()] == list(IMPACTS)


BAD = {
    "entry 2: date is missing": {key: value for key, value in row().items() if key != "date"},
    "entry 2: date is '2026-11-25T08:30:00', not like": row(date="2026-11-25T08:30:00"),
    "entry 2: date is '25-11-2026', not like": row(date="25-11-2026"),
    "entry 2: month must be in": row(date="2026-13-25T08:30:00-05:00"),
    "entry 2: date value out of range": row(date="0001-01-01T00:00:00+14:00"),
    "entry 2: impact is 'Huge', not one of": row(impact="Huge"),
    "entry 2: country is 'Chile', not a currency": row(country="Chile"),
    "entry 2: title is empty": row(title="<b> </b>"),
    "entry 2: title is int, not str": row() | {"title": 7},
}


@pytest.mark.parametrize(("why", "wrong"), BAD.items(), ids=BAD.keys())
def test_a_wrong_entry_is_named(why: str, wrong: dict[str, str], services: Services) -> None:
    services.events = [row(), wrong]
    with pytest.raises(SourceUnavailable, match=why):
        factory(services).week()


def test_a_hostile_title_is_made_harmless(services: Services) -> None:
    services.events = [row(title="CPI\x1b[31m <script>x</script>\n&amp; more" + "x" * 100_000)]
    (event,) = factory(services).week()
    assert event.title.startswith("CPI & morexxx")
    assert len(event.title) == 200


@pytest.mark.parametrize("mode", [*ON_THE_WIRE, *IN_JSON, "refused"])
def test_when_forex_factory_is_in_trouble_then_that_is_a_note_and_the_kept_dates_stand(
    mode: str, services: Services
) -> None:
    services.fail("forex_factory", mode)
    began = clock.monotonic()
    found = ahead("USDCLP", factory(services, deadline=0.8), NOW, days=20)
    assert clock.monotonic() - began <= 0.8 + SLACK
    assert {"FOMC decision", "IPC (INE)"} < {event.title for event in found.events}
    noted = [note for note in found.notes if note.startswith("forex_factory")]
    fine = mode in ("reset at first", "wait a moment", "busy twice")
    assert len(noted) == (not fine)
    assert ("OPEC Meetings" in {event.title for event in found.events}) == fine


# what is ahead


def event(hours: float, currency: str = "USD", title: str = "CPI", source: str = "forex_factory") -> Event:
    return Event(NOW + timedelta(hours=hours), currency, title, "high", source)


def test_only_the_events_of_the_pair_in_the_days_to_come_are_ahead_and_in_time() -> None:
    events = [event(48), event(1), event(-1), event(14 * 24), event(14 * 24 + 1), event(2, "JPY"), event(3, "ALL")]
    assert upcoming(events, NOW, currencies=("USD", "CLP")) == [events[1], events[6], events[0], events[3]]
    assert upcoming(events, NOW, currencies=("USD", "CLP"), days=1) == [events[1], events[6]]


def test_an_event_that_both_tell_is_told_once() -> None:
    kept, told = event(5, title="FOMC decision", source="events.yaml"), event(5, title="Federal Funds Rate")
    other = event(5, "CLP", "IPC", "events.yaml")
    assert upcoming([kept, told, told, other], NOW, currencies=("USD", "CLP")) == [other, told]


# kept dates


def test_the_file_of_the_program_is_in_order() -> None:
    kept = kept_events()
    assert [entry.title for entry in kept.entries if entry.rule] == ["IPC (INE)", "Imacec (Banco Central de Chile)"]
    assert all(day.weekday() < 5 for entry in kept.entries for day in entry.days)
    (fomc,) = (entry for entry in kept.entries if entry.title == "FOMC decision")
    assert all(day.weekday() == 2 for day in fomc.days)
    assert kept.ends_on == min(entry.days[-1] for entry in kept.entries if entry.days)


def test_the_dates_stand_in_utc_in_winter_and_in_summer() -> None:
    found = {
        e.at
        for e in kept_events().within(datetime(2026, 12, 1, tzinfo=UTC), datetime(2027, 4, 1, tzinfo=UTC))
        if e.currency == "USD"
    }
    hours = [(date(2026, 12, 9), 19), (date(2027, 1, 27), 19), (date(2027, 3, 17), 18)]
    assert found == {datetime(day.year, day.month, day.day, hour, tzinfo=UTC) for day, hour in hours}


def test_dates_by_rule_are_approximate_and_the_others_are_not() -> None:
    events = kept_events().within(NOW, NOW + timedelta(days=30))
    assert {(event.title.split()[0], event.at.date(), event.approximate) for event in events} == {
        ("FOMC", date(2026, 12, 9), False),
        ("IPC", date(2026, 12, 7), True),  # the 8th is a holiday
        ("Imacec", date(2026, 12, 1), True),
    }


ENTRY = """
- title: A
  currency: USD
  impact: high
  time: "14:00"
  zone: America/New_York
  days: [2026-12-09, 2027-01-27]
"""
RULED = ENTRY.replace("days: [2026-12-09, 2027-01-27]", "rule: {day: 8, business_day: before}").replace("A\n", "B\n", 1)


def test_a_file_that_ends_soon_says_so() -> None:
    kept = parse(ENTRY + RULED)
    assert kept.ends_on == date(2027, 1, 27)
    assert kept.ending(datetime(2026, 12, 28, tzinfo=UTC), ("USD", "CLP")) == ()
    soon = kept.ending(datetime(2026, 12, 29, tzinfo=UTC), ("USD", "CLP"))
    assert soon == ("events.yaml knows A up to 2027-01-27 only: add the dates that follow",)
    assert kept.ending(datetime(2026, 12, 29, tzinfo=UTC), ("EUR",)) == ()
    assert parse(RULED).ends_on is None


WRONG = {
    "no YAML": ENTRY + "\t- [",
    "a list is missing": "title: A",
    "a list is missing ": "",
    "entry 1: it is no mapping": "- A",
    r"entry 2 \(A\): it has .*; it needs currency": ENTRY + ENTRY.replace("zone", "zones"),
    "it has title, currency, impact, time, zone;": ENTRY.replace("  days: [2026-12-09, 2027-01-27]\n", ""),
    "it has .*, days, rule;": ENTRY + "  rule: {day: 8, business_day: before}\n",
    "a key stands there twice": ENTRY.replace("impact: high", "impact: high\n  impact: low"),
    r"entry 1 \(A\): currency is 'usd'": ENTRY.replace("USD", "usd"),
    r"entry 1 \(A\): impact is 'huge'": ENTRY.replace("high", "huge"),
    r"entry 1 \(A\): time is '1400'": ENTRY.replace("14:00", "1400"),
    r"entry 1 \(A\): hour must be": ENTRY.replace("14:00", "25:00"),
    r"entry 1 \(A\): there is no zone 'Mars'": ENTRY.replace("America/New_York", "Mars"),
    r"entry 1 \(A\): '2026-12-32' is no date": ENTRY.replace("2026-12-09", "2026-12-32"),
    r"entry 1 \(A\): days are none, or do not ascend": ENTRY.replace("2026-12-09", "2027-12-09"),
    r"entry 1 \(A\): days are none, or do not ascend ": ENTRY.replace("2026-12-09, 2027-01-27", ""),
    r"entry 1 \(B\): a rule is a day": RULED.replace("day: 8", "day: 31"),
    r"entry 1 \(B\): a rule is a day ": RULED.replace("before", "near"),
    r"entry 1 \(B\): a rule is a day  ": RULED.replace("day: 8, ", ""),
    "entry 1: a text is missing": ENTRY.replace("title: A", "title: []"),
    "two entries have the same title": ENTRY + ENTRY,
}


@pytest.mark.parametrize(("why", "text"), WRONG.items(), ids=WRONG.keys())
def test_a_wrong_file_is_refused_and_the_entry_named(why: str, text: str) -> None:
    with pytest.raises(DataError, match=f"events.yaml.*{why.strip()}"):
        parse(text)


@given(st.text(max_size=200))
def test_whatever_the_file_holds_it_is_read_or_refused(text: str) -> None:
    with pytest.raises(DataError, match=r"^events\.yaml"):
        parse(text)


@given(st.integers(1, 28), st.booleans(), st.dates(date(2020, 1, 1), date(2030, 1, 1)), st.integers(0, 400))
def test_a_rule_gives_business_days_in_order_and_misses_none(day: int, before: bool, start: date, length: int) -> None:
    rule, end = Rule(day, before), start + timedelta(days=length)
    found = list(rule.dates(start, end))
    assert all(start <= on <= end and calendar("chile").is_open(on) for on in found)
    assert found == sorted(set(found))
    slow = [on for on in rule.dates(start - timedelta(days=70), end + timedelta(days=70)) if start <= on <= end]
    assert found == slow


def test_a_file_that_can_not_be_read_is_a_note(
    services: Services, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    from forex_core.sources import agenda

    monkeypatch.setattr(agenda, "kept_events", lambda: parse("- A"))
    found = ahead("EURUSD", factory(services), NOW)
    assert [event.title for event in found.events] == ["OPEC Meetings", "Core PCE Price Index m/m"]
    assert found.notes == ("events.yaml, entry 1: it is no mapping",)
