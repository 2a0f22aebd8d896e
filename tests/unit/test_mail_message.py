"""The message: its headers can't be forged, it is small, complete, and the same for the same forecasts."""

import random
import re
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from email.message import EmailMessage
from email.parser import BytesParser
from email.policy import default
from html.parser import HTMLParser
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forex_core.errors import SettingsError
from forex_core.notify.address import checked_address
from forex_core.notify.content import Morning
from forex_core.notify.language import language_of
from forex_core.notify.message import Letterhead, addressed, compose, message_id, preview
from forex_core.report.png import fan_chart_png
from forex_core.values import LEVELS, Context, Event, Forecast, Headline, Observation
from samples import sample_forecast

NOON = datetime(2024, 7, 1, 12, tzinfo=UTC)
HEAD = Letterhead("forex@example.org", language_of("en"))
HEADERS = [
    "MIME-Version", "Content-Type", "From", "Subject", "Date", "Auto-Submitted", "X-Auto-Response-Suppress", "List-Id",
    "Content-Language", "To", "Message-ID",
]  # fmt: skip
PNG = b"\x89PNG a picture"


def morning(**changes: Any) -> Morning:
    return Morning((sample_forecast(**changes),), "No better than the random walk.", "/reports/7d.html")


def received(told: Morning, head: Letterhead = HEAD) -> EmailMessage:
    """The mail as it comes out of its bytes at the other end."""
    message = compose(told, head, NOON)
    raw = addressed(message, "ana@example.org", message_id(told, "ana@example.org", head)).as_bytes()
    parsed = BytesParser(policy=default).parsebytes(raw)
    assert isinstance(parsed, EmailMessage)
    return parsed


def body(mail: EmailMessage, kind: str) -> str:
    part = mail.get_body((kind,))
    assert part is not None
    return str(part.get_content()).replace("\r\n", "\n")


class Tags(HTMLParser):
    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))


# --- headers


def test_the_headers_are_these_and_no_other() -> None:
    mail = received(morning())

    assert mail.keys() == HEADERS
    assert (mail["From"], mail["To"]) == ("forex <forex@example.org>", "ana@example.org")
    assert mail["Subject"] == "USDCLP 951.02; 80%: 7d 947.00 to 963.00"
    assert mail["Date"].datetime == NOON
    assert (mail["Auto-Submitted"], mail["List-Id"]) == ("auto-generated", "<usdclp.forex.example.org>")


@settings(max_examples=40, deadline=None)
@given(
    st.one_of(st.text(), st.sampled_from(["\r\nBcc: x@y.z", "a\n\nbody", "=?utf-8?q?=0D=0ABcc:_x?=", "\x00", "\ud800"]))
)
def test_no_text_can_add_a_header_or_change_who_it_goes_to(text: str) -> None:
    text = f"a{text}\r\nBcc: evil@example.org\r\n\r\nbody"
    news = Context(headlines=(Headline(text, text, text, NOON),), events=(Event(NOON, text, text, text, text),))
    source = Observation(date(2024, 7, 1), 951.02, NOON, text)
    forecast = sample_forecast(
        pair=text, role=text, version_id=text, forecast_id=text, spot=source, banners=(text,), context=news
    )
    mail = received(Morning((forecast,), text, text, (text,)))

    assert mail.keys() == HEADERS
    assert mail["To"] == "ana@example.org"
    assert not re.search(r"[\r\n]", mail["Subject"])
    assert [part.get_content_type() for part in mail.walk()] == ["multipart/alternative", "text/plain", "text/html"]


def test_a_long_domain_leaves_the_message_id_whole() -> None:
    domain = ".".join(["a-rather-long-label"] * 6) + ".example.org"
    told, head = morning(), Letterhead(f"forex@{domain}", HEAD.language)
    raw = addressed(compose(told, head, NOON), "ana@example.org", message_id(told, "ana@example.org", head)).as_bytes()

    assert re.search(rb"\r\nMessage-ID:\s+<USDCLP\.2024-07-01\.[0-9a-f]{16}@" + domain.encode() + rb">\r\n", raw)


@pytest.mark.parametrize(
    "address",
    [
        "", "ana", "ana@", "@example.org", "a b@example.org", "a@b\r\nBcc: c@d", "Ana <ana@example.org>", "a@b..org",
        "ana@exámple.org", "ana@example.org,ben@example.org", "a..b@example.org", ".a@example.org", "a@-b.org", "a@b\n",
    ],
)  # fmt: skip
def test_what_is_no_address_is_refused(address: str) -> None:
    with pytest.raises(SettingsError, match="is no mail address"):
        checked_address(address)


@given(st.emails(domains=st.sampled_from(["example.org", "localhost", "a-b.example.org"])))
def test_every_plain_address_is_one(address: str) -> None:
    assert checked_address(address) == address


# --- the same mail is the same


def test_the_message_id_depends_on_the_forecasts_and_the_recipient_only() -> None:
    told = morning()
    same = replace(told, verdict="another", notes=("revised",), report="/elsewhere")
    others = [
        message_id(morning(forecast_id="f2"), "ana@example.org", HEAD),
        message_id(Morning((sample_forecast(), sample_forecast(forecast_id="f2")), "v", "/r"), "ana@example.org", HEAD),
        message_id(told, "ben@example.org", HEAD),
    ]

    assert message_id(told, "ana@example.org", HEAD) == message_id(same, "ana@example.org", HEAD)
    assert len({message_id(told, "ana@example.org", HEAD), *others}) == 4
    assert re.fullmatch(r"USDCLP\.2024-07-01\.[0-9a-f]{16}@example\.org", message_id(told, "ana@example.org", HEAD))


@given(st.text())
def test_a_message_id_is_a_safe_file_name(pair: str) -> None:
    assert re.fullmatch(r"[\w.@-]+", message_id(morning(pair=pair), "ana@example.org", HEAD), re.ASCII)


def test_the_order_of_the_forecasts_makes_no_other_mail() -> None:
    one, two = sample_forecast(), sample_forecast(forecast_id="f2", target_date=date(2024, 7, 31))
    ids = {message_id(Morning(order, "v", "/r"), "ana@example.org", HEAD) for order in ((one, two), (two, one))}

    assert len(ids) == 1


# --- parts


def test_the_first_line_of_both_parts_is_the_verdict() -> None:
    mail = received(morning())
    shown = re.sub(r"<title>.*</title>|<[^>]*>", " ", body(mail, "html")).split()

    assert body(mail, "plain").startswith("No better than the random walk.\n")
    assert " ".join(shown).startswith("No better than the random walk.")


def test_both_parts_say_the_same() -> None:
    news = Context(
        headlines=(Headline("Copper falls", "https://example.org/copper", "Reuters", NOON),),
        events=(Event(NOON, "CLP", "Rate decision", "high", "bcch"),),
    )
    mail = received(replace(morning(context=news, banners=("weak data",)), notes=("start value revised",)))

    for words in (
        "951.02", "955.00", "947.00", "963.00", "941.20", "958.80", "2024-07-08", "70%", "weak data",
        "start value revised", "Copper falls", "https://example.org/copper", "Rate decision", "/reports/7d.html",
        "No advice to buy or sell.",
    ):  # fmt: skip
        assert words in body(mail, "plain"), words
        assert words in body(mail, "html"), words


def test_the_text_is_readable_at_78_columns() -> None:
    long = "a banner of many words " * 20
    lines = body(received(morning(banners=(long,))), "plain").splitlines()

    assert max(map(len, lines)) <= 78


def test_the_chart_is_inside_and_the_page_shows_it() -> None:
    mail = received(replace(morning(), draw=lambda: PNG))
    [image] = [part for part in mail.walk() if part.get_content_maintype() == "image"]
    [shown] = [attributes for tag, attributes in Tags(body(mail, "html")).found if tag == "img"]

    assert image.get_content() == PNG
    assert image.get_content_disposition() == "inline"
    assert shown["src"] == f"cid:{image['Content-ID'].strip('<>')}"
    assert (shown["alt"] or "").startswith("Fan chart of USDCLP: ")


@pytest.mark.parametrize(
    "error", [ImportError("no matplotlib"), OSError("no font"), ValueError("odd"), RuntimeError("?")]
)
def test_when_the_chart_cant_be_drawn_then_the_mail_goes_without_it(error: Exception) -> None:
    def fail() -> bytes:
        raise error

    mail = received(replace(morning(), draw=fail))

    assert [part.get_content_type() for part in mail.walk()] == ["multipart/alternative", "text/plain", "text/html"]
    assert "<img" not in body(mail, "html")
    assert "955.00" in body(mail, "html")


def test_the_preview_holds_the_chart() -> None:
    page = preview(compose(replace(morning(), draw=lambda: PNG), HEAD, NOON))

    assert "data:image/png;base64,iVBORyBhIHBpY3R1cmU=" in page
    assert "cid:" not in page


def test_in_spanish_the_whole_mail_is() -> None:
    mail = received(morning(), Letterhead("forex@example.org", language_of("es-CL")))

    assert mail["Content-Language"] == "es"
    assert '<html lang="es">' in body(mail, "html")
    for part in ("plain", "html"):
        assert "paseo" in body(mail, part)
        assert "955,00" in body(mail, part)
        assert not re.search(r"random walk,|chance|955\.00|No advice", body(mail, part))


def test_every_style_is_inline_and_nothing_is_fetched_or_run() -> None:
    html = body(received(replace(morning(), draw=lambda: PNG)), "html")

    assert {tag for tag, _ in Tags(html).found} <= {
        "html", "head", "meta", "title", "body", "table", "tr", "td", "th", "span", "br", "b", "img",
    }  # fmt: skip
    assert not re.search(r"<style|<script|url\(|https?://", html)


@pytest.mark.fault(38)
def test_script_and_terminal_codes_of_others_become_text() -> None:
    hostile = '<script>alert(1)</script>\x1b[31m"><img src=x onerror=alert(2)>'
    news = Context(headlines=(Headline(hostile, 'https://a/"onmouseover="x', hostile, NOON),))
    mail = received(Morning((sample_forecast(banners=(hostile,), context=news),), hostile, hostile))
    tags = Tags(body(mail, "html")).found

    assert {tag for tag, _ in tags} & {"script", "img"} == set()
    assert not [name for _, attributes in tags for name in attributes if name.startswith("on")]
    assert "\x1b" not in body(mail, "plain") + body(mail, "html")


def test_signs_that_mean_something_in_html_are_escaped_in_it_and_only_in_it() -> None:
    words = 'skill 3 < 4 & "5" on 2024-07-08'
    mail = received(replace(morning(banners=(words,)), verdict=words, report=words))

    assert body(mail, "plain").count(words) == 3
    assert words not in body(mail, "html")
    assert len(re.findall("skill 3 &lt; 4 &amp; &#34;5&#34; on ", body(mail, "html"))) == 3


def largest(letter: str) -> tuple[Forecast, ...]:
    """Forecasts with more texts than fit, each longer than it may be."""
    long = letter * 9000
    news = Context(
        headlines=tuple(Headline(long, f"https://example.org/{n}/" + "a" * 330, long, NOON) for n in range(20)),
        events=tuple(Event(NOON, long, long, long, long) for _ in range(20)),
    )
    banners = tuple(f"{n} {long}" for n in range(50))
    return tuple(
        sample_forecast(forecast_id=key, horizon=key, banners=banners, context=news, role=long, version_id=long)
        for key in ("7d", "15d", "30d", "90d")
    )


@pytest.mark.parametrize("letter", ["a", "ñ", "&", "漢", "\N{CHART WITH UPWARDS TREND}"])
def test_the_largest_mail_stays_under_80_kilobytes_if_need_be_without_the_chart(letter: str) -> None:
    told = Morning(largest(letter), letter * 9000, letter * 9000, draw=lambda: bytes(60_000))
    mail = received(told)

    assert len(mail.as_bytes()) < 80_000
    assert "image/png" not in [part.get_content_type() for part in mail.walk()]


def test_a_chart_of_a_wild_market_goes_with_the_mail() -> None:
    drawn = random.Random(7)
    rates = [900 + drawn.uniform(-90, 90) for _ in range(126)]
    history = tuple((date(2024, 7, 1) - timedelta(days=125 - n), rate) for n, rate in enumerate(rates))
    path = tuple(tuple(sorted(drawn.uniform(700, 1200) for _ in LEVELS)) for _ in range(64))
    wild, language = sample_forecast(steps=64, path=path, history=history), HEAD.language
    told = replace(morning(), draw=lambda: fan_chart_png([wild], language.rates_like(951.0), language.day))
    mail = received(told)

    assert len(mail.as_bytes()) < 80_000
    assert "image/png" in [part.get_content_type() for part in mail.walk()]
