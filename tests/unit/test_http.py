"""The fetch layer against a server that does everything wrong."""

import json
import logging
import random
import re
import socket
import time
from collections.abc import Iterator
from contextlib import suppress
from datetime import date
from urllib.parse import quote, quote_plus

import pytest
import stamina
from hypothesis import given
from hypothesis import strategies as st

from conftest import business_days, walk
from faults import HTML, IN_CSV, IN_JSON
from forex_core.errors import SourceUnavailable
from forex_core.sources import http
from forex_core.sources.http import Web, strict_csv, strict_json
from forex_core.sources.reading import by_day, decimal, iso_day, item, number
from rate_services import PASSWORD, SECRETS, TOKEN, USER, Services, running_services

RATES = {"USDCLP": dict(walk(business_days(date(2024, 6, 3), date(2024, 6, 28))))}
ROWS = {"from": "2024-06-03", "to": "2024-06-28"}
CSV = b"date,value\n" + b"".join(f"{day},{value}\n".encode() for day, value in RATES["USDCLP"].items())
SLACK = 0.3  # seconds


@pytest.fixture(autouse=True)
def _quick_and_quiet(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Retries write no log here and wait hardly at all."""
    monkeypatch.setattr(random, "uniform", lambda low, high: 0.05)
    stamina.instrumentation.set_on_retry_hooks(())
    yield
    stamina.instrumentation.set_on_retry_hooks(None)


@pytest.fixture
def services() -> Iterator[Services]:
    with running_services(RATES) as services:
        yield services


def ask(services: Services, web: Web) -> bytes:
    return web.get("frankfurter", services.url("frankfurter") + "/v2/rates", ROWS)


def failure(services: Services, web: Web) -> str:
    """What it says when it fails, which it must in time."""
    began = time.monotonic()
    with pytest.raises(SourceUnavailable) as caught:
        ask(services, web)
    assert time.monotonic() - began <= web.deadline + SLACK
    return str(caught.value)


def test_what_a_server_answers_is_what_comes_back(services: Services) -> None:
    assert json.loads(ask(services, Web()))[1]["quote"] == "CLP"
    assert services.asked == ["/frankfurter/v2/rates?from=2024-06-03&to=2024-06-28"]


def test_a_reply_is_kept_as_good_only_when_it_could_be_read(services: Services) -> None:
    kept: list[tuple[str, bool, bytes]] = []
    web = Web(keep=lambda *reply: kept.append(reply))
    address = services.url("frankfurter") + "/v2/rates"
    rows = web.read("frankfurter", address, ROWS, http.strict_json)
    assert [(source, good, json.loads(body)) for source, good, body in kept] == [("frankfurter", True, rows)]
    services.fail("frankfurter", "html")
    with pytest.raises(SourceUnavailable):
        web.read("frankfurter", address, ROWS, http.strict_json)
    assert [good for _, good, _ in kept] == [True, False]


@pytest.mark.fault(14, 29, 30)
@pytest.mark.parametrize(
    ("mode", "why", "requests"),
    [
        ("refused", "did not answer: .*refused", 0),
        ("black hole", "timed out|not done within 2 s", None),
        ("drip", "not done within 2 s", 1),
        ("drip in the header", "not done within 2 s", 1),
        ("reset", "did not answer: .+", 3),
        ("redirect loop", "redirects", 4),
        ("gzip bomb", "more than 20 MB", 1),
        ("no such page", "HTTP 404", 1),
        ("not modified", "HTTP 304", 1),
        ("a part", "HTTP 206", 1),
        ("wait a day", "HTTP 429", 1),
        ("broken", "HTTP 500", 3),
        ("empty", "an empty answer", 3),
    ],
)
def test_every_fault_ends_in_time_with_the_source_and_the_reason(
    services: Services, mode: str, why: str, requests: int | None
) -> None:
    services.fail("frankfurter", mode)
    message = failure(services, Web(deadline=2))
    assert message.startswith("frankfurter (127.0.0.1:")
    assert re.search(why, message)
    assert requests is None or len(services.asked) == requests


def test_when_a_certificate_is_not_trusted_then_nothing_is_asked() -> None:
    with running_services(RATES, tls=True) as services:
        assert "certificate" in failure(services, Web(deadline=2)).lower()
        assert services.asked == []


def test_when_a_name_is_looked_up_forever_then_the_deadline_holds(monkeypatch: pytest.MonkeyPatch) -> None:
    def slow(*args: object, **options: object) -> None:
        time.sleep(2.5)
        raise socket.gaierror("no such name")

    monkeypatch.setattr(socket, "getaddrinfo", slow)
    began = time.monotonic()
    with pytest.raises(SourceUnavailable, match="not done within 1 s"):
        Web(deadline=1).get("ecb", "http://rates.example/")
    assert time.monotonic() - began <= 1 + SLACK


@pytest.mark.parametrize("address", ["", "no address", "http://[", "ftp://rates.example/", "http://a:b:c/"])
def test_when_an_address_is_none_then_the_source_is_unavailable(address: str) -> None:
    with pytest.raises(SourceUnavailable, match=r"ecb .* did not answer"):
        Web(deadline=2).get("ecb", address)


@pytest.mark.parametrize(("mode", "requests"), [("busy twice", 3), ("wait a moment", 2), ("reset at first", 2)])
def test_when_a_server_recovers_then_the_question_is_asked_again(services: Services, mode: str, requests: int) -> None:
    services.fail("frankfurter", mode)
    assert json.loads(ask(services, Web(deadline=3)))
    assert len(services.asked) == requests


@pytest.mark.parametrize(
    ("asked", "waited"),
    [("3", 3.0), ("0", 0.0), ("9.9", False), ("100000", False), ("nan", False), ("inf", False), ("-1", False)],
)
def test_a_wait_that_the_server_asks_for_is_kept_if_there_is_time(asked: str, waited: float | bool) -> None:
    assert http._again(http.BadStatus(429, asked), left=9.9) == waited


def test_a_date_to_wait_for_is_no_number_and_the_usual_pause_is_made() -> None:
    assert http._again(http.BadStatus(503, "Wed, 21 Oct 2026 07:28:00 GMT"), left=9.9) == 0.05


def test_a_status_that_is_wanted_comes_back(services: Services) -> None:
    services.fail("frankfurter", "no such page")
    body = Web().get("frankfurter", services.url("frankfurter") + "/v2/rates", ROWS, also=(404,))
    assert body.startswith(b"echo of /frankfurter")


@pytest.mark.parametrize("mode", ["broken", "no such page", "echo"])
def test_no_secret_reaches_a_message_a_log_or_what_is_kept(
    services: Services, mode: str, caplog: pytest.LogCaptureFixture
) -> None:
    """The server sends the whole address back, secrets included, and retries are logged."""
    stamina.instrumentation.set_on_retry_hooks(None)
    caplog.set_level(logging.DEBUG)
    said: list[str] = []
    web = Web(3, SECRETS, keep=lambda source, good, body: said.append(body.decode()))
    services.fail("frankfurter", mode)
    with pytest.raises(SourceUnavailable) as caught:
        web.read("frankfurter", services.url("frankfurter") + "/v2/rates", _login(), _quoting)
    said += [str(caught.value), caplog.text]
    assert "***" in "".join(said)
    for secret in SECRETS:
        for form in (secret, quote(secret), quote(secret, safe=""), quote_plus(secret)):
            assert form not in "".join(said)


def _login() -> dict[str, str]:
    return {"from": "2024-06-03"} | {f"key{number}": secret for number, secret in enumerate(SECRETS)}


def _quoting(body: bytes) -> object:
    raise ValueError(f"it says {body.decode()} and {TOKEN} and {json.dumps(PASSWORD)}")


def test_a_secret_within_another_is_taken_out_whole() -> None:
    assert Web(secrets=("ab", "abc", "")).scrub("abc ab x") == "*** *** x"
    assert Web(secrets=("",)).scrub("abc") == "abc"
    assert Web(secrets=SECRETS).scrub(quote(USER, safe="").lower()) == "***"
    assert TOKEN not in repr(Web(secrets=SECRETS))


def test_an_address_with_a_password_is_not_shown() -> None:
    with pytest.raises(SourceUnavailable) as caught:
        Web(deadline=1).get("ecb", "http://ana:hunter2@127.0.0.1:1/")
    assert "hunter2" not in str(caught.value)


def test_a_question_in_the_address_is_kept_beside_the_parameters(services: Services) -> None:
    Web().get("frankfurter", services.url("frankfurter") + "/v2/rates?from=2024-06-03", {"to": "2024-06-28"})
    assert services.asked == ["/frankfurter/v2/rates?from=2024-06-03&to=2024-06-28"]


GOOD = b'[{"date": "2024-06-28", "rate": 944.34}]'
SHAPELESS = [
    "NaN",
    "Infinity",
    "1e999",
    "a key twice",
    "byte-order mark",
    "latin-1",
    "html",
    "empty",
    "half",
    "too deep",
]


@pytest.mark.fault(31)
@pytest.mark.parametrize("kind", SHAPELESS)
def test_garbage_is_no_json(kind: str) -> None:
    assert strict_json(GOOD) == [{"date": "2024-06-28", "rate": 944.34}]
    with pytest.raises(ValueError):
        strict_json(IN_JSON[kind](GOOD))


def test_a_number_of_ten_thousand_digits_is_no_json() -> None:
    with pytest.raises(ValueError):
        strict_json(b"9" * 10_000)


@pytest.mark.fault(32)
@pytest.mark.parametrize("kind", sorted(IN_CSV.keys() - {"no such day", "NaN", "1e3", "latin-1"}))
def test_garbage_is_no_csv(kind: str) -> None:
    with pytest.raises(ValueError):
        strict_csv(IN_CSV[kind](CSV), ["date", "value"])


def test_a_csv_may_end_its_lines_as_windows_does() -> None:
    assert strict_csv(CSV.replace(b"\n", b"\r\n"), ["date", "value"]) == strict_csv(CSV, ["date", "value"])


def test_only_a_newline_ends_a_line() -> None:
    """str.splitlines would also split at a form feed or U+2028, and make two rows of one."""
    assert strict_csv("a,b\n1,2\f3\n4,5\u2028\n".encode(), ["a", "b"]) == [["1", "2\f3"], ["4", "5\u2028"]]


@pytest.mark.fault(32)
@given(st.integers(0, len(CSV)), st.booleans())
def test_a_csv_that_is_cut_never_yields_a_row_that_was_not_there(length: int, windows: bool) -> None:
    text = CSV.replace(b"\n", b"\r\n") if windows else CSV
    whole = strict_csv(text, ["date", "value"])
    with suppress(ValueError):
        rows = strict_csv(text[:length], ["date", "value"])
        assert rows == whole[: len(rows)]


@pytest.mark.parametrize("text", ["2024-6-28", "20240628", "2024-W26-5", "2024-02-30", "28-06-2024", "", " 2024-06-28"])
def test_a_date_is_written_in_one_way(text: str) -> None:
    assert iso_day("2024-06-28") == date(2024, 6, 28)
    with pytest.raises(ValueError, match="no date"):
        iso_day(text)


@pytest.mark.parametrize(
    "text",
    ["nan", "inf", "1e3", "1_0", " 1", "1,5", "1,234", "1.234,5", "12,34.5", "1.", ".5", "", "\u0661", "9" * 400],
)
def test_a_decimal_is_written_with_a_point(text: str) -> None:
    assert [decimal(good) for good in ("944.34", "-7", "1,049.21", "0")] == [944.34, -7, 1049.21, 0]
    with pytest.raises(ValueError, match=r"no number|too large"):
        decimal(text)


@pytest.mark.parametrize("value", [True, "1", None, [], {}, 10**400, float("nan"), float("inf")])
def test_a_number_is_a_finite_number(value: object) -> None:
    assert number(7) == 7.0
    with pytest.raises(ValueError):
        number(value)


def test_a_value_is_picked_only_if_it_is_of_its_kind() -> None:
    assert item({"Codigo": -5}, "Codigo", int) == -5
    for reply, why in (({}, "missing"), ({"Codigo": "0"}, "str"), ({"Codigo": True}, "bool"), ([], "list")):
        with pytest.raises(ValueError, match=why):
            item(reply, "Codigo", int)


def test_a_date_has_one_value() -> None:
    day = date(2024, 6, 28)
    assert by_day([(day, 1.0), (day, 1.0)]) == {day: 1.0}
    with pytest.raises(ValueError, match="2024-06-28 has two values, 1 and 2"):
        by_day([(day, 1.0), (day, 2.0)])


def test_a_text_is_shown_whole_or_not_at_all() -> None:
    """Half a secret at the end of a cut text could not be recognised."""
    with pytest.raises(ValueError, match="the header is a text of 63 characters, not date"):
        strict_csv(HTML + b"\n", ["date"])
    with pytest.raises(ValueError, match="a text of 100 characters"):
        decimal("x" * 100)
