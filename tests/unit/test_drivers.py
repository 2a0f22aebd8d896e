"""The drivers: what each source says and when it became known, and that asking for them never hurts."""

import random
import time as clock
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path

import numpy as np
import pytest
import stamina

from conftest import business_days
from driver_services import NAMES, NOW, WEEKDAYS, chains_at, driver_rates, services_at, weekend_after
from faults import IN_CSV, IN_JSON, ON_THE_WIRE
from forex_core.calendars import calendar, end_of
from forex_core.dataset.drivers import DriverStanding, learn
from forex_core.dataset.gate import admit
from forex_core.errors import SettingsError, SourceUnavailable
from forex_core.sources.drivers import DRIVERS, Bound, chains
from forex_core.store.store import Store
from forex_core.values import Observation
from rate_services import SECRETS, UNITS, Services, running_services

START, END = date(2023, 3, 4), date(2024, 6, 27)
SLACK = 0.4  # seconds
RATES = driver_rates()
SERVICES = ("yahoo", "bcch", "mindicador", "fred")
CASES = [(driver.name, feed.service, feed.code) for driver in DRIVERS for feed in driver.feeds]
ONE_EACH = [("copper", "yahoo", ""), ("imacec", "bcch", ""), ("tpm", "mindicador", ""), ("vix", "fred", "")]


@pytest.fixture(autouse=True)
def _quick_and_quiet(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(random, "uniform", lambda low, high: 0.05)
    stamina.instrumentation.set_on_retry_hooks(())
    yield
    stamina.instrumentation.set_on_retry_hooks(None)


@pytest.fixture(scope="module")
def server() -> Iterator[Services]:
    with running_services(RATES) as services:
        yield services


@pytest.fixture
def services(server: Services) -> Iterator[Services]:
    """The server, doing nothing wrong and with nothing asked."""
    server.asked.clear()
    server.faults.clear()
    server.rates = driver_rates()
    return server


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.in_memory(tmp_path) as store:
        yield store


def source_of(services: Services, name: str, service: str, **options: object) -> Bound:
    """The source of a driver at a service."""
    (chain,) = chains_at(services, [name], **options)
    return next(source for source in chain.sources if source.name == service)


def asked_of(services: Services) -> Counter[str]:
    return Counter(path.split("/")[1].split("?")[0] for path in services.asked)


# sources


@pytest.mark.parametrize(("name", "service", "code"), CASES)
def test_a_source_answers_with_exactly_the_values_of_the_dates(
    name: str, service: str, code: str, services: Services
) -> None:
    source = source_of(services, name, service)
    rows = source.fetch(name, START, END, NOW)
    table = RATES["imacec"] if name == "imacec" else RATES[code]
    served = {day: value for day, value in table.items() if START <= day <= END}
    assert {row.observed_on: round(row.value, 1 if name == "imacec" else 9) for row in rows} == served
    assert [row.observed_on for row in rows] == sorted(served)
    assert {row.source for row in rows} == {service}
    assert all(row.known_at <= NOW for row in rows)


RELEASES = [
    ("copper", "yahoo", date(2024, 6, 21), date(2024, 6, 21)),
    ("copper", "bcch", date(2024, 6, 21), date(2024, 6, 24)),
    ("copper", "mindicador", date(2024, 6, 21), date(2024, 6, 24)),
    ("vix", "fred", date(2024, 6, 20), date(2024, 6, 24)),
    ("us10y", "fred", date(2024, 6, 21), date(2024, 6, 25)),
    ("fed_funds", "fred", date(2024, 6, 21), date(2024, 6, 25)),
    ("dollar_index", "fred", date(2024, 6, 17), date(2024, 6, 25)),
    ("dollar_index", "fred", date(2024, 6, 21), date(2024, 6, 25)),
    ("wti", "fred", date(2024, 6, 11), date(2024, 6, 20)),
    ("tpm", "bcch", date(2024, 6, 19), date(2024, 6, 19)),
    ("ipc", "bcch", date(2024, 5, 1), date(2024, 6, 10)),  # the 8th is a Saturday
    ("ipc", "mindicador", date(2023, 11, 1), date(2023, 12, 11)),  # the 8th is a holiday, and a Friday
    ("imacec", "bcch", date(2024, 4, 1), date(2024, 6, 3)),  # the 1st is a Saturday
    ("imacec", "mindicador", date(2024, 3, 1), date(2024, 5, 2)),  # the 1st is a holiday
    ("imacec", "mindicador", date(2023, 11, 1), date(2024, 1, 2)),
]


@pytest.mark.parametrize(("name", "service", "day", "known"), RELEASES)
def test_a_value_is_known_when_it_is_released_and_not_on_its_date(
    name: str, service: str, day: date, known: date, services: Services
) -> None:
    (row,) = source_of(services, name, service).fetch(name, day, day, NOW)
    assert row.known_at == datetime.combine(known, time(22), UTC)


def test_a_value_that_is_read_before_its_rule_says_is_known_on_reading(services: Services) -> None:
    (row,) = source_of(services, "vix", "fred").fetch("vix", date(2024, 6, 28), date(2024, 6, 28), NOW)
    assert row.known_at == NOW


def test_values_that_are_zero_or_negative_are_values(services: Services) -> None:
    services.rates["ipc"] = {date(2024, 4, 1): 0, date(2024, 5, 1): -0.2}
    services.rates["DCOILWTICO"] = {date(2024, 6, 20): -36.98}
    ipc = source_of(services, "ipc", "mindicador").fetch("ipc", date(2024, 3, 1), END, NOW)
    oil = source_of(services, "wti", "fred").fetch("wti", date(2024, 6, 20), END, NOW)
    assert [row.value for row in [*ipc, *oil]] == [0.0, -0.2, -36.98]


def test_a_series_told_in_another_unit_is_refused(services: Services, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(UNITS, "imacec", "Índice")
    with pytest.raises(SourceUnavailable, match="mindicador answered what can't be used: the unit is not Porcentaje"):
        source_of(services, "imacec", "mindicador").fetch("imacec", START, END, NOW)


def test_a_long_span_without_a_value_is_a_fault_and_a_short_one_is_not(services: Services) -> None:
    for name, service, _ in ONE_EACH:
        source = source_of(services, name, service)
        with pytest.raises(SourceUnavailable, match=f"{service} has no value of {name} from 1999-01-01"):
            source.fetch(name, date(1999, 1, 1), date(1999, 12, 31), NOW)
        assert source.fetch(name, date(2024, 6, 8), date(2024, 6, 9), NOW) == []


def test_an_unknown_series_is_unavailable_and_the_others_of_the_service_are_asked_all_the_same(
    services: Services, store: Store
) -> None:
    for code in ("DGS10", "HG=F", "F022.TPM.TIN.D001.NO.Z.D"):
        del services.rates[code]
    standings = by_name(learn(chains_at(services), store, NOW))
    assert "fred (127.0.0.1" in standings["us10y"].failures[0]
    assert standings["copper"].source == "bcch"
    assert "it knows no series F022.TPM" in standings["tpm"].failures[0]
    assert [name for name, standing in standings.items() if standing.missing] == ["us10y"]


GARBAGE = [
    (name, service, kind, True)
    for name, service, _ in ONE_EACH
    for kind in IN_JSON
    if kind != "empty" and (service, kind) != ("yahoo", "no such day")  # it tells seconds, not dates
]
GARBAGE += [("vix", "fred", kind, False) for kind in IN_CSV if kind != "empty"]


@pytest.mark.parametrize(("name", "service", "kind", "with_keys"), GARBAGE)
def test_garbage_is_refused_and_kept_apart_from_the_replies_about_pairs(
    name: str, service: str, kind: str, with_keys: bool, services: Services
) -> None:
    kept: list[tuple[str, bool]] = []
    services.fail(service if with_keys else "fred_csv", kind)
    source = source_of(services, name, service, with_keys=with_keys, keep=lambda of, good, _: kept.append((of, good)))
    with pytest.raises(SourceUnavailable, match=f"^{service} answered what can't be used: .{{5,200}}$"):
        source.fetch(name, START, END, NOW)
    assert kept == [(f"{service}.{source.feed.code}", False)]


@pytest.mark.parametrize("mode", [*ON_THE_WIRE, "refused", "empty"])
@pytest.mark.parametrize(("name", "service", "code"), ONE_EACH)
def test_in_trouble_no_question_lasts_longer_than_it_may_and_nothing_wrong_comes_out(
    name: str, service: str, code: str, mode: str, services: Services
) -> None:
    services.fail(service, mode)
    source = source_of(services, name, service, deadline=0.6)
    began = clock.monotonic()
    try:
        rows = (
            source.fetch(name, date(2024, 6, 3), END, NOW) if name != "imacec" else source.fetch(name, START, END, NOW)
        )
    except SourceUnavailable as error:
        assert not any(secret in str(error) for secret in SECRETS)
    else:
        assert mode in ("reset at first", "wait a moment", "busy twice")
        table = RATES[source.feed.code] if name != "imacec" else RATES["imacec"]
        assert all(round(row.value, 1 if name == "imacec" else 9) == table[row.observed_on] for row in rows)
    assert clock.monotonic() - began <= 0.6 + SLACK


def test_no_source_shows_its_credentials(services: Services) -> None:
    shown = repr(chains_at(services))
    assert not any(secret in shown for secret in SECRETS)


# chains


def test_the_peso_is_moved_by_chile_and_any_dollar_by_the_united_states(services: Services) -> None:
    serving = {pair: [c.driver.name for c in chains_at(services) if c.serves(pair)] for pair in ("USDCLP", "EURUSD")}
    assert serving == {"USDCLP": list(NAMES), "EURUSD": ["vix", "us10y", "fed_funds", "dollar_index", "wti"]}
    assert [c.driver.name for c in chains_at(services) if c.serves("EURCLP")] == ["copper", "tpm", "ipc", "imacec"]


def test_without_credentials_a_chain_is_shorter(services: Services) -> None:
    found = {c.driver.name: [s.name for s in c.sources] for c in chains_at(services, with_keys=False)}
    assert found["copper"] == ["yahoo", "mindicador"]
    assert found["tpm"] == ["mindicador"]


def test_a_survey_is_a_driver_of_the_peso_with_the_name_of_its_series(services: Services, store: Store) -> None:
    services.rates["F089.DOL.MED.11.M"] = {date(2024, month, 1): 900.0 + month for month in range(1, 7)}
    (survey,) = (c for c in chains(services_at(services), ["F089.DOL.MED.11.M"]) if c.driver.name not in NAMES)
    assert (survey.driver.name, survey.serves("USDCLP"), survey.serves("EURUSD")) == (
        "survey:F089.DOL.MED.11.M",
        True,
        False,
    )
    (standing,) = learn([survey], store, NOW)
    assert (standing.newest, standing.missing) == (date(2024, 6, 1), "")
    assert standing.history.as_of(end_of(date(2024, 5, 31))).newest == date(2024, 4, 1)


@pytest.mark.parametrize("code", ["", "F089", "../etc", "F089.DOL\n", "f089.dol"])
def test_a_survey_that_is_no_code_is_an_error_of_the_settings(code: str, services: Services) -> None:
    with pytest.raises(SettingsError, match="survey_series"):
        chains(services_at(services), [code])


# learning


def by_name(standings: tuple[DriverStanding, ...]) -> dict[str, DriverStanding]:
    return {standing.name: standing for standing in standings}


def stored(store: Store) -> int:
    return sum(len(store.observations.all_of(driver.name, SERVICES)) for driver in DRIVERS)


def test_every_driver_is_asked_stored_and_told(services: Services, store: Store) -> None:
    standings = by_name(learn(chains_at(services), store, NOW))
    assert list(standings) == list(NAMES)
    found = {name: (s.source, s.newest, s.age, s.missing, s.fallback, s.failures) for name, s in standings.items()}
    fine = ("", False, ())
    assert found == {
        "copper": ("yahoo", date(2024, 7, 1), 0, *fine),
        "vix": ("fred", date(2024, 6, 28), 1, *fine),
        "us10y": ("fred", date(2024, 6, 28), 1, *fine),
        "fed_funds": ("fred", date(2024, 6, 28), 1, *fine),
        "dollar_index": ("fred", date(2024, 6, 21), 6, *fine),
        "wti": ("fred", date(2024, 6, 24), 5, *fine),
        "tpm": ("bcch", date(2024, 7, 1), 0, *fine),
        "ipc": ("bcch", date(2024, 5, 1), 43, *fine),
        "imacec": ("bcch", date(2024, 4, 1), 65, *fine),
    }
    assert str(standings["copper"]) == "copper of 2024-07-01 from yahoo, 0 business days old"
    assert asked_of(services) == {"yahoo": 1, "bcch": 3, "fred": 5}


def test_the_first_question_goes_back_eight_years_and_the_next_ten_days(services: Services, store: Store) -> None:
    for _ in range(2):
        learn(chains_at(services, ["us10y", "tpm"]), store, NOW)
    fred = [path for path in services.asked if path.startswith("/fred")]
    assert ["observation_start=2016-06" in path for path in fred] == [True, False]
    assert "observation_start=2024-06-18" in fred[1]
    assert "firstdate=2024-06-21" in services.asked[-1] or "firstdate=2024-06-21" in services.asked[-2]


def test_when_the_first_choice_fails_then_the_next_serves_and_the_reason_is_told(
    services: Services, store: Store
) -> None:
    services.fail("yahoo", "broken")
    services.fail("bcch", "html")
    standings = by_name(learn(chains_at(services), store, NOW))
    copper = standings["copper"]
    assert (copper.source, copper.fallback, copper.missing) == ("mindicador", True, "")
    assert [failure.split(" ")[0] for failure in copper.failures] == ["yahoo", "bcch"]
    assert "yahoo (127.0.0.1" in str(copper)
    assert "did not answer: HTTP 500" in str(copper)


def test_when_the_first_choice_fails_but_its_stored_value_is_fresh_then_it_serves_on(
    services: Services, store: Store
) -> None:
    learn(chains_at(services, ["copper"]), store, NOW)
    services.fail("yahoo", "refused")
    (copper,) = learn(chains_at(services, ["copper"]), store, NOW + timedelta(days=1))
    assert (copper.source, copper.fallback) == ("yahoo", False)
    assert copper.failures
    (copper,) = learn(chains_at(services, ["copper"]), store, NOW + timedelta(days=8))
    assert (copper.source, copper.missing) == (
        "yahoo",
        "the newest value is of 2024-07-01, 6 business days old; the limit is 5",
    )


def test_a_source_that_answers_with_old_values_only_is_passed_over(services: Services, store: Store) -> None:
    services.rates["HG=F"] = {day: v for day, v in services.rates["HG=F"].items() if day <= date(2024, 6, 21)}
    (copper,) = learn(chains_at(services, ["copper"]), store, NOW)
    assert copper.source == "bcch"
    assert copper.failures == ("the newest value of yahoo is of 2024-06-21; the limit is 5 business days",)


@pytest.mark.parametrize("mode", ["refused", "broken", "black hole", "drip in the header", "html", "gzip bomb"])
def test_when_everything_is_down_then_all_is_told_in_time_and_nothing_is_stored(
    mode: str, services: Services, store: Store
) -> None:
    for service in (*SERVICES, "fred_csv"):
        services.fail(service, mode)
    began = clock.monotonic()
    standings = learn(chains_at(services, deadline=0.6), store, NOW)
    assert clock.monotonic() - began <= 2 * 0.6 + SLACK
    assert [standing.name for standing in standings] == list(NAMES)
    assert all(standing.missing == "no value of it is known" and standing.failures for standing in standings)
    assert all(len(standing.history.as_of(NOW)) == 0 for standing in standings)
    assert stored(store) == 0


@pytest.mark.parametrize("mode", ["broken", "refused", "reset", "black hole"])
def test_a_service_in_trouble_is_asked_once_in_a_run(mode: str, services: Services, store: Store) -> None:
    services.fail("fred", mode)
    standings = by_name(learn(chains_at(services, ["us10y", "fed_funds", "vix"], deadline=0.5), store, NOW))
    assert len({path.split("?")[1] for path in services.asked if path.startswith("/fred")}) == (mode != "refused")
    assert standings["fed_funds"].failures[0].startswith("fred was not asked again: fred (127.0.0.1:")
    assert standings["vix"].source == "yahoo"


def test_credentials_that_are_refused_are_not_tried_again(services: Services, store: Store) -> None:
    from forex_core.sources.bcch import Bcch
    from forex_core.sources.http import Web

    wrong = Bcch(Web(2.0, ("wrong",)), services.url("bcch"), "wrong")
    standings = by_name(learn(chains([wrong]), store, NOW))
    assert asked_of(services) == {"bcch": 1}
    assert "the credentials are refused" in standings["ipc"].failures[0]
    assert standings["us10y"].missing == "no source can be asked without credentials for fred"


def test_services_are_asked_at_the_same_time(services: Services, store: Store) -> None:
    for service in ("yahoo", "fred", "mindicador"):
        services.fail(service, "black hole")
    began = clock.monotonic()
    standings = by_name(learn(chains_at(services, deadline=0.8), store, NOW))
    assert clock.monotonic() - began <= 0.8 + SLACK
    assert {name for name, standing in standings.items() if standing.source} == {"copper", "tpm", "ipc", "imacec"}


def test_when_the_time_for_all_is_over_then_who_did_not_answer_is_told(services: Services, store: Store) -> None:
    """Yahoo takes one deadline and the Central Bank another; nothing is left for the third."""
    for service in SERVICES:
        services.fail(service, "black hole")
    began = clock.monotonic()
    (copper,) = learn(chains_at(services, ["copper"], deadline=0.5), store, NOW)
    assert clock.monotonic() - began <= 2 * 0.5 + SLACK
    assert [failure.split(" ")[0] for failure in copper.failures] == ["yahoo", "bcch", "mindicador"]
    assert all("did not answer" in failure for failure in copper.failures)


def test_a_replay_asks_nobody_and_sees_what_was_known(services: Services, store: Store) -> None:
    learn(chains_at(services), store, NOW)
    services.asked.clear()
    then = end_of(date(2024, 6, 24))
    standings = by_name(learn(chains_at(services), store, then, replay=True))
    assert services.asked == []
    assert standings["dollar_index"].newest == date(2024, 6, 14)
    assert standings["ipc"].newest == date(2024, 5, 1)
    assert all(not standing.missing for standing in standings.values())


def test_a_revision_is_known_since_it_was_fetched(services: Services, store: Store) -> None:
    day, later = date(2024, 6, 28), NOW + timedelta(hours=20)
    learn(chains_at(services, ["copper"]), store, NOW)
    services.rates["HG=F"][day] = 4.4444
    (copper,) = learn(chains_at(services, ["copper"]), store, later)
    before, after = (copper.history.as_of(moment) for moment in (later - timedelta(seconds=1), later))
    assert before.values[-2] == after.values[-2] == RATES["HG=F"][day]  # of the newest date, which did not change
    services.rates["HG=F"][date(2024, 7, 1)] = 4.5555
    (copper,) = learn(chains_at(services, ["copper"]), store, later + timedelta(hours=1))
    assert copper.history.as_of(later).values[-1] == RATES["HG=F"][date(2024, 7, 1)]
    assert copper.history.as_of(later + timedelta(hours=1)).values[-1] == 4.5555


def test_a_number_that_no_service_means_is_refused_by_the_gate_and_told(services: Services, store: Store) -> None:
    services.rates["HG=F"][date(2024, 6, 28)] *= 100
    (copper,) = learn(chains_at(services, ["copper"]), store, NOW)
    assert (copper.quarantined, copper.newest) == (1, date(2024, 7, 1))
    assert "1 row refused" in str(copper)


# a dirty series


def dirty(services: Services) -> tuple[dict[date, float], set[date]]:
    """Copper as Yahoo might tell it: two ticks a hundred times off, bars of weekends, days without a price, and today's
    bar. The good values and the days of the ticks."""
    good = dict(services.rates["HG=F"])
    table = services.rates["HG=F"]
    ticks = {WEEKDAYS[150], WEEKDAYS[400]}
    table[WEEKDAYS[150]] /= 100
    table[WEEKDAYS[400]] *= 100
    for day in (WEEKDAYS[33], WEEKDAYS[210], WEEKDAYS[500]):
        table[day] = float("nan")
        del good[day]
    for day in WEEKDAYS[100:500:80]:
        table |= {closed: table[day] * 1.01 for closed in weekend_after(day)}
    table[date(2024, 7, 2)] = 4.0
    return good, ticks


def test_of_a_dirty_series_every_wrong_tick_is_refused_and_nothing_good_is_lost(
    services: Services, store: Store
) -> None:
    good, ticks = dirty(services)
    (copper,) = learn(chains_at(services, ["copper"]), store, NOW + timedelta(hours=20))
    series = copper.history.as_of(NOW + timedelta(hours=20))
    assert {quarantined.observed_on for quarantined in series.quarantined} == ticks
    seen = dict(zip(series.observed_on.tolist(), series.values.tolist(), strict=True))
    assert set(seen) <= set(good)
    assert all(seen[day] == good[day] for day in seen)
    assert len(set(good) - ticks - set(seen)) <= 0.005 * len(good)
    joined = series.join(np.array([end_of(day).replace(tzinfo=None) for day in sorted(ticks)], dtype="datetime64[s]"))
    assert joined.tolist() == [good[WEEKDAYS[149]], good[WEEKDAYS[399]]]


def test_the_gate_of_rates_takes_the_same_dirty_series_as_well(services: Services) -> None:
    good, ticks = dirty(services)
    days = business_days(WEEKDAYS[0], date(2024, 7, 1), calendar("weekdays"))
    rows = [
        Observation(day, value, datetime.combine(day, time(22), UTC), "csv")
        for day, value in sorted(services.rates["HG=F"].items())
    ]
    trusted = admit(rows, calendar=calendar("weekdays"), newest=days[-1])
    seen = {row.observed_on: row.value for row in trusted.rows}
    assert not ticks & set(seen)
    assert all(good[day] == value for day, value in seen.items())
    assert len(set(good) - ticks - set(seen)) <= 0.005 * len(good)
