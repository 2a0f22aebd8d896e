"""One suite for every source on the network, and what is special to each."""

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

import pytest
import stamina

from conftest import business_days, walk
from faults import IN_CSV, IN_JSON
from forex_core.calendars import Release, calendar, calendar_of
from forex_core.errors import SourceUnavailable
from forex_core.sources.bcch import Bcch
from forex_core.sources.cmf import Cmf
from forex_core.sources.frankfurter import FrankfurterEcb, FrankfurterObservado
from forex_core.sources.fred import Fred
from forex_core.sources.http import Web
from forex_core.sources.mindicador import Mindicador
from forex_core.sources.source import Source
from forex_core.values import Observation
from rate_services import KEY, PASSWORD, SECRETS, TOKEN, USER, Services, running_services

ECB_DAYS = business_days(date(2022, 12, 1), date(2024, 6, 28), calendar("ecb"))
RATES = {
    "USDCLP": dict(walk(business_days(date(2022, 12, 1), date(2024, 7, 2)), start=990)),
    "EURUSD": dict(walk(ECB_DAYS, start=1.08)),
    "EURMXN": dict(walk(ECB_DAYS[1:], start=18.5, seed=8)),
}
NOW = datetime(2024, 7, 1, 23, tzinfo=UTC)
START, END = date(2023, 11, 4), date(2024, 6, 27)  # the first is a Saturday, the last not the newest
OBSERVADO = Release(time(22), day_before=True)


@dataclass(frozen=True)
class Case:
    """A source, the service it asks, and a pair that it has."""

    service: str
    pair: str
    make: Callable[[Web, str], Source]

    def source(self, services: Services, **options: object) -> Source:
        return self.make(Web(**({"deadline": 2.0, "secrets": SECRETS} | options)), services.url(self.service))


CASES = {
    "bcch": Case("bcch", "USDCLP", lambda web, url: Bcch(web, url, TOKEN)),
    "bcch with a password": Case("bcch", "USDCLP", lambda web, url: Bcch(web, url, user=USER, password=PASSWORD)),
    "mindicador": Case("mindicador", "USDCLP", Mindicador),
    "findic": Case("findic", "USDCLP", lambda web, url: Mindicador(web, url, "findic")),
    "cmf": Case("cmf", "USDCLP", lambda web, url: Cmf(web, url, KEY)),
    "frankfurter": Case("frankfurter", "USDCLP", FrankfurterObservado),
    "frankfurter_ecb": Case("frankfurter", "EURUSD", FrankfurterEcb),
    "fred": Case("fred", "EURUSD", lambda web, url: Fred(web, url, KEY)),
    "fred without a key": Case("fred_csv", "EURUSD", Fred),
}
GARBAGE = [
    (name, kind)
    for name, case in CASES.items()
    for kind in (IN_CSV if case.service == "fred_csv" else IN_JSON)
    if kind != "empty"
]


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
def services(server: Services) -> Services:
    """The server, doing nothing wrong and with nothing asked."""
    server.asked.clear()
    server.faults.clear()
    return server


@pytest.fixture(params=CASES.values(), ids=CASES.keys())
def case(request: pytest.FixtureRequest) -> Case:
    return request.param


def served(pair: str, start: date = START, end: date = END) -> list[tuple[date, float]]:
    return [(day, value) for day, value in sorted(RATES[pair].items()) if start <= day <= end]


def plain(rows: list[Observation]) -> list[tuple[date, float]]:
    return [(row.observed_on, row.value) for row in rows]


def test_the_rates_are_exactly_those_served_within_the_dates_and_ascending(case: Case, services: Services) -> None:
    assert plain(case.source(services).fetch(case.pair, START, END, NOW)) == served(case.pair)


def test_each_rate_says_its_source_and_when_it_became_known(case: Case, services: Services) -> None:
    source = case.source(services)
    days = calendar_of(case.pair)
    for row in source.fetch(case.pair, START, END, NOW):
        assert row.source == source.name
        assert row.known_at == source.release.known_at(row.observed_on, days)


def test_when_the_end_is_far_ahead_then_what_there_is_comes_and_nothing_impossible_is_asked(
    case: Case, services: Services
) -> None:
    rows = case.source(services).fetch(case.pair, date(2024, 6, 20), date(2079, 12, 31), NOW)
    assert plain(rows) == served(case.pair, date(2024, 6, 20), date.max)
    assert not any("2079" in path for path in services.asked)


def test_a_pair_that_the_source_has_not_is_refused_unasked(case: Case, services: Services) -> None:
    source = case.source(services)
    with pytest.raises(SourceUnavailable, match=f"{source.name} has no rates of EURCLP"):
        source.fetch("EURCLP", START, END, NOW)
    assert services.asked == []


def test_a_long_span_without_a_rate_is_a_fault(case: Case, services: Services) -> None:
    with pytest.raises(SourceUnavailable):
        case.source(services).fetch(case.pair, date(2021, 1, 1), date(2021, 12, 31), NOW)


@pytest.mark.parametrize(("name", "kind"), GARBAGE)
def test_garbage_is_refused_and_kept_as_bad(name: str, kind: str, services: Services) -> None:
    kept: list[bool] = []
    services.fail(CASES[name].service, kind)
    source = CASES[name].source(services, keep=lambda _, good, body: kept.append(good))
    with pytest.raises(SourceUnavailable, match=f"^{source.name} answered what can't be used: .{{5,200}}$"):
        source.fetch(CASES[name].pair, START, END, NOW)
    assert kept[-1] is False


@pytest.mark.parametrize("mode", ["broken", "no such page", "echo", "refused", "empty", "cut"])
def test_a_server_in_trouble_is_unavailable_and_no_credential_is_told(
    case: Case, mode: str, services: Services
) -> None:
    services.fail(case.service, mode)
    with pytest.raises(SourceUnavailable) as caught:
        case.source(services).fetch(case.pair, START, END, NOW)
    assert not any(secret in str(caught.value) for secret in SECRETS)


def test_no_source_shows_its_credentials(case: Case, services: Services) -> None:
    assert not any(secret in repr(case.source(services)) for secret in SECRETS)


def test_values_that_are_no_rates_are_left_to_the_gate(services: Services, monkeypatch: pytest.MonkeyPatch) -> None:
    day = date(2024, 6, 28)
    monkeypatch.setitem(RATES["USDCLP"], day, 9443.4)
    for name in ("bcch", "mindicador", "cmf", "frankfurter"):
        assert plain(CASES[name].source(services).fetch("USDCLP", day, day, NOW)) == [(day, 9443.4)]


@pytest.mark.parametrize("name", ["bcch", "mindicador", "findic", "cmf", "frankfurter"])
def test_the_observado_of_a_day_is_known_on_the_business_day_before(name: str, services: Services) -> None:
    source = CASES[name].source(services)
    assert source.release == OBSERVADO
    (monday,) = source.fetch("USDCLP", date(2024, 7, 1), date(2024, 7, 1), NOW)
    assert monday.known_at == datetime(2024, 6, 28, 22, tzinfo=UTC)


# Banco Central


@pytest.mark.parametrize(
    ("code", "meaning"),
    [(-5, "credentials are refused"), (-50, "knows no series F073"), (-1, "can't read the dates"), (-9, "Whatever")],
)
def test_when_the_central_bank_answers_a_code_then_its_meaning_is_told(
    code: int, meaning: str, services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    body = f'{{"Codigo": {code}, "Descripcion": "Whatever", "Series": {{"Obs": null}}, "SeriesInfos": []}}'
    with pytest.raises(SourceUnavailable, match=f"Codigo {code}: .*{meaning}"):
        answered(Bcch(Web(), "", TOKEN), body, monkeypatch)


def test_when_the_token_is_wrong_then_the_central_bank_says_so(services: Services) -> None:
    with pytest.raises(SourceUnavailable, match="Codigo -5: the credentials are refused"):
        Bcch(Web(), services.url("bcch"), "wrong").fetch("USDCLP", START, END, NOW)


def test_without_credentials_neither_the_central_bank_nor_the_cmf_is_asked(services: Services) -> None:
    for source in (Bcch(Web(), services.url("bcch"), user=USER), Cmf(Web(), services.url("cmf"))):
        with pytest.raises(SourceUnavailable, match="wants a"):
            source.fetch("USDCLP", START, END, NOW)
    assert services.asked == []


@pytest.mark.parametrize(
    ("value", "status", "kept"),
    [
        ("944.34", "OK", [944.34]),
        ("1,049.21", "OK", [1049.21]),
        *[(value, "OK", []) for value in ("NaN", "ND", "", "NA", "NeuN", "0", "-1")],
        ("944.34", "ND", []),
        ("NaN", "ND", []),
    ],
)
def test_the_central_bank_means_a_rate_only_with_ok_and_a_positive_number(
    value: str, status: str, kept: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = answered(Bcch(Web(), "", TOKEN), _series(value, status), monkeypatch)
    assert [row.value for row in rows] == kept


@pytest.mark.parametrize("value", ["944,34", "abc", "9e2", "1,049"])
def test_what_the_central_bank_can_not_mean_is_refused(value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SourceUnavailable, match=f"'{value}' is no number"):
        answered(Bcch(Web(), "", TOKEN), _series(value, "OK"), monkeypatch)


def test_another_series_than_the_one_asked_for_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SourceUnavailable, match="the series is F072"):
        answered(Bcch(Web(), "", TOKEN), _series("944.34", "OK").replace("F073", "F072"), monkeypatch)


def _series(value: str, status: str) -> str:
    row = f'{{"indexDateString": "28-06-2024", "value": "{value}", "statusCode": "{status}"}}'
    return f'{{"Codigo": 0, "Series": {{"seriesId": "F073.TCO.PRE.Z.D", "Obs": [{row}]}}}}'


# mindicador


def test_mindicador_is_asked_once_for_the_last_month_and_year_by_year_beyond_it(services: Services) -> None:
    source = CASES["mindicador"].source(services)
    source.fetch("USDCLP", NOW.date() - timedelta(days=28), END, NOW)
    source.fetch("USDCLP", NOW.date() - timedelta(days=29), END, NOW)
    source.fetch("USDCLP", date(2022, 12, 30), END, NOW)
    years = [f"/mindicador/dolar/{year}" for year in (2022, 2023, 2024)]
    assert services.asked == ["/mindicador/dolar", years[-1], *years]


def test_a_year_without_rates_is_no_fault_if_another_has_some(services: Services) -> None:
    rows = CASES["findic"].source(services).fetch("USDCLP", date(2021, 6, 1), END, NOW)
    assert plain(rows) == served("USDCLP", date.min)


def test_the_date_of_mindicador_is_what_is_written_not_what_a_time_zone_makes_of_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    body = '{"codigo": "dolar", "serie": [{"fecha": "2024-06-28T03:00:00.000Z", "valor": 944}]}'
    assert plain(answered(Mindicador(Web(), ""), body, monkeypatch)) == [(date(2024, 6, 28), 944.0)]
    with pytest.raises(SourceUnavailable, match="not dolar"):
        answered(Mindicador(Web(), ""), body.replace('"dolar"', '"euro"'), monkeypatch)


# CMF


@pytest.mark.parametrize(
    ("text", "value"),
    [("890,13", 890.13), ("1.234,56", 1234.56), ("1.234", 1234.0), ("890", 890.0), ("1234,5", 1234.5)],
)
def test_the_cmf_writes_a_decimal_comma(text: str, value: float, monkeypatch: pytest.MonkeyPatch) -> None:
    assert [row.value for row in answered(Cmf(Web(), "", KEY), _dolares(text), monkeypatch)] == [value]


@pytest.mark.parametrize("text", ["890.13", "1,234.56", "1.23,4", "", "NaN", "8 90"])
def test_what_the_cmf_can_not_mean_is_refused(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SourceUnavailable, match="no number with a decimal comma"):
        answered(Cmf(Web(), "", KEY), _dolares(text), monkeypatch)


def test_when_the_cmf_has_nothing_for_a_weekend_then_there_is_nothing(services: Services) -> None:
    cmf = CASES["cmf"].source(services)
    assert cmf.fetch("USDCLP", date(2024, 6, 29), date(2024, 6, 30), NOW) == []
    assert services.asked[0].startswith("/cmf/dolar/periodo/2024/06/dias_i/29/2024/06/dias_f/30?")
    with pytest.raises(SourceUnavailable, match="CodigoHTTP 404: No hay datos"):
        cmf.fetch("USDCLP", date(2021, 1, 1), date(2021, 1, 12), NOW)


def test_when_the_key_is_wrong_then_the_cmf_is_unavailable(services: Services) -> None:
    with pytest.raises(SourceUnavailable, match=r"cmf .* did not answer: HTTP 401"):
        Cmf(Web(), services.url("cmf"), "wrong").fetch("USDCLP", START, END, NOW)


def _dolares(text: str) -> str:
    return f'{{"Dolares": [{{"Valor": "{text}", "Fecha": "2024-06-28"}}]}}'


# Frankfurter


def test_a_row_of_another_pair_is_refused_and_one_of_the_base_itself_is_skipped(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    row = '{"date": "2024-06-28", "base": "USD", "quote": "CLP", "rate": 944.34}'
    one = row.replace("CLP", "USD").replace("944.34", "1")
    later = row.replace("06-28", "06-30")
    source = FrankfurterObservado(Web(), "")
    assert [r.value for r in answered(source, f"[{one}, {row}, {later}]", monkeypatch)] == [944.34]
    for wrong in (row.replace("CLP", "COP"), row.replace("USD", "EUR")):
        with pytest.raises(SourceUnavailable, match="1 of its rows are of another pair"):
            answered(source, f"[{row}, {wrong}]", monkeypatch)


def test_a_cross_is_the_ratio_of_two_rates_per_euro_on_days_that_have_both(services: Services) -> None:
    source = CASES["frankfurter_ecb"].source(services)
    rows = source.fetch("USDMXN", date(2022, 11, 30), END, NOW)
    assert [row.observed_on for row in rows] == ECB_DAYS[1 : ECB_DAYS.index(END) + 1]
    assert all(row.value == RATES["EURMXN"][row.observed_on] / RATES["EURUSD"][row.observed_on] for row in rows)
    assert rows[0].known_at == datetime.combine(ECB_DAYS[1], time(15), UTC)


@pytest.mark.parametrize(
    "wrong", ['"base": "USD"', '"base": "EUR", "amount": 10', '"base": "EUR", "rates": {"2024-06-28": {"USD": 0}}']
)
def test_rates_that_are_not_those_of_one_euro_are_refused(wrong: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SourceUnavailable, match=r"one euro|is 0"):
        answered(FrankfurterEcb(Web(), ""), f'{{{wrong}, "more": {{}}}}', monkeypatch, "EURUSD")


# FRED


@pytest.mark.parametrize("day", [date(2024, 6, 24), date(2024, 6, 28)])
def test_the_rates_of_a_week_are_known_on_the_tuesday_after(day: date) -> None:
    release, days = Fred.release, calendar_of("EURUSD")
    assert release.known_at(day, days) == datetime(2024, 7, 2, 22, tzinfo=UTC)
    assert release.newest_due(datetime(2024, 7, 2, 21, tzinfo=UTC), days) == date(2024, 6, 21)
    assert release.newest_due(datetime(2024, 7, 2, 22, tzinfo=UTC), days) == date(2024, 6, 28)


def test_the_older_header_of_fred_is_read_too_and_days_without_a_rate_are_no_rows(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    body = "DATE,DEXUSEU\n2024-06-26,\n2024-06-27,.\n2024-06-28,1.0711\n"
    assert plain(answered(Fred(Web(), ""), body, monkeypatch, "EURUSD")) == [(date(2024, 6, 28), 1.0711)]


def test_when_the_key_is_wrong_then_fred_is_unavailable(services: Services) -> None:
    with pytest.raises(SourceUnavailable, match=r"fred .* did not answer: HTTP 400"):
        Fred(Web(), services.url("fred"), "wrong").fetch("EURUSD", START, END, NOW)


def answered(source: Source, body: str, monkeypatch: pytest.MonkeyPatch, pair: str = "USDCLP") -> list[Observation]:
    """What a source makes of this reply, asked on Friday 2024-06-28 for the week to that day."""
    monkeypatch.setattr(Web, "get", lambda *_, **__: body.encode())
    return source.fetch(pair, date(2024, 6, 22), date(2024, 6, 28), NOW)
