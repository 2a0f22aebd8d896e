"""Headlines: whatever a feed sends, what comes out is a few lines of plain text, and a feed that fails is a note."""

import random
import re
import time
import unicodedata
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NoReturn

import pytest
import stamina
from hypothesis import example, given
from hypothesis import strategies as st

from faults import IN_XML, ON_THE_WIRE
from forex_core.sources import headlines
from forex_core.sources.headlines import LONGEST_LINK, MOST, Press, newest
from forex_core.sources.http import Web
from forex_core.sources.plain_text import plain
from forex_core.values import Headline
from rate_services import Services, Story, running_services

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
SLACK = 0.4  # seconds
HOUR = timedelta(hours=1)


@pytest.fixture(autouse=True)
def _quick_and_quiet(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(random, "uniform", lambda low, high: 0.05)
    stamina.instrumentation.set_on_retry_hooks(())
    yield
    stamina.instrumentation.set_on_retry_hooks(None)


@pytest.fixture
def services() -> Iterator[Services]:
    with running_services({}) as services:
        yield services


def story(n: int, title: str = "", **changes: object) -> Story:
    """A story of n hours ago, about the dollar unless a title is given."""
    told = {
        "title": title or f"El dólar, noticia {n}",
        "link": f"https://diario.cl/{n}",
        "published_at": NOW - n * HOUR,
    }
    return Story(**(told | changes))


def press(services: Services, feeds: tuple[str, ...] = ("first",), **options: object) -> Press:
    addresses = tuple(f"{services.url('newspaper')}/{feed}" for feed in feeds)
    return Press(Web(**({"deadline": 3.0} | options)), services.url("google_news"), addresses)


def titles(services: Services, pair: str = "USDCLP", **options: object) -> list[str]:
    return [headline.title for headline in press(services, **options).about(pair, NOW).headlines]


def test_the_headlines_of_all_feeds_come_newest_first_with_outlet_link_and_time(services: Services) -> None:
    services.stories["google_news"] = [story(2, "Sube el cobre - El Mercurio", outlet="El Mercurio")]
    services.stories["first"] = [story(1), story(3)]
    news = press(services).about("USDCLP", NOW)
    assert news.headlines == (
        Headline("El dólar, noticia 1", "https://diario.cl/1", "Un diario", NOW - HOUR),
        Headline("Sube el cobre", "https://diario.cl/2", "El Mercurio", NOW - 2 * HOUR),
        Headline("El dólar, noticia 3", "https://diario.cl/3", "Un diario", NOW - 3 * HOUR),
    )
    assert news.notes == ()


@pytest.mark.parametrize(("pair", "query"), [("USDCLP", "d%C3%B3lar%20peso%20chileno"), ("EURUSD", "EUR%20USD")])
def test_google_is_asked_for_the_pair_in_the_last_days(pair: str, query: str, services: Services) -> None:
    titles(services, pair)
    asked = next(path for path in services.asked if path.startswith("/google_news")).replace("+", "%20")
    assert asked == f"/google_news?q={query}%20when%3A3d&hl=es-419&gl=CL&ceid=CL%3Aes-419"


def test_of_a_newspaper_only_what_is_about_the_pair_is_taken(services: Services) -> None:
    about = ["Dólar cierra al alza", "Cobre cae 2%", "IPC de octubre sorprende", "Banco Central sube la tasa"]
    other = ["Colo Colo gana el clásico", "Federación de tenis en crisis", "Corte eléctrico en Ñuñoa", "El pesoluche"]
    services.stories["first"] = [story(n, title) for n, title in enumerate(about + other)]
    assert titles(services) == about
    assert titles(services, "EURUSD") == ["Dólar cierra al alza"]


def test_a_story_told_twice_is_one(services: Services) -> None:
    services.stories["google_news"] = [story(1, "Dólar: ¡sube 5 pesos!"), story(5, link="https://diario.cl/9")]
    services.stories["first"] = [
        story(2, "DOLAR sube 5 pesos", link="https://otro.cl/7"),
        story(6, "El dólar, con el mismo enlace", link="https://diario.cl/9"),
    ]
    assert titles(services) == ["Dólar: ¡sube 5 pesos!", "El dólar, noticia 5"]


def test_only_the_newest_of_the_last_days_are_kept(services: Services) -> None:
    services.stories["first"] = [story(n) for n in range(-2, 20)] + [story(72), story(73)]
    assert titles(services) == [f"El dólar, noticia {n}" for n in range(MOST)]
    services.stories["first"] = [story(n) for n in (-1, 71, 72, 73)]
    assert titles(services) == ["El dólar, noticia 71", "El dólar, noticia 72"]


def test_an_item_without_a_date_a_title_or_a_link_is_left_out(services: Services) -> None:
    services.stories["first"] = [
        story(1, published_at=None),
        story(2, link=""),
        story(3, " <b></b> "),
        story(4),
    ]
    assert titles(services) == ["El dólar, noticia 4"]


BAD_LINKS = [
    "javascript:alert(1)",
    "JaVaScRiPt:alert('dólar')",
    "data:text/html,<script>alert(1)</script>",
    "file:///etc/passwd",
    "ftp://diario.cl/1",
    "//diario.cl/1",
    "https://?1",
    "https://user:word@diario.cl/",
    'https://diario.cl/"onmouseover="alert(1)',
    "https://diario.cl/<script>",
    "https://diario.cl/" + "a" * LONGEST_LINK,
    "https://[::1",
    " ",
]


@pytest.mark.parametrize("link", BAD_LINKS, ids=lambda link: link[:30])
def test_a_link_that_is_no_address_of_a_web_page_is_left_out(link: str, services: Services) -> None:
    services.stories["first"] = [story(1, link=link), story(2)]
    assert titles(services) == ["El dólar, noticia 2"]


def test_a_link_with_other_letters_is_escaped(services: Services) -> None:
    services.stories["first"] = [story(1, link="https://diario.cl/dólar hoy?a=1&b=2")]
    (headline,) = press(services).about("USDCLP", NOW).headlines
    assert headline.link == "https://diario.cl/d%C3%B3lar%20hoy?a=1&b=2"


@pytest.mark.parametrize("mode", [*ON_THE_WIRE, *IN_XML, "refused"])
def test_a_feed_in_trouble_is_a_note_and_costs_no_more_than_its_time(mode: str, services: Services) -> None:
    services.stories["google_news"] = [story(1)]
    services.stories["first"] = [story(2)]
    services.fail("newspaper", mode)
    began = time.monotonic()
    news = press(services, deadline=1.0).about("USDCLP", NOW)
    assert time.monotonic() - began <= 1.0 + SLACK
    if mode in ("reset at first", "wait a moment", "busy twice"):
        assert (len(news.headlines), news.notes) == (2, ())
    else:
        assert [headline.title for headline in news.headlines] == ["El dólar, noticia 1"]
        assert len(news.notes) == 1
        why = "answered what can't be used" if mode in {*IN_XML, "cut", "echo"} - {"empty"} else "did not answer"
        assert re.match(rf"127\.0\.0\.1:\d+ (\(.*\) )?{why}", news.notes[0])
        assert len(news.notes[0]) < 300


def test_when_every_feed_is_down_then_there_are_notes_and_no_headlines_in_one_questions_time(
    services: Services,
) -> None:
    for name in ("google_news", "newspaper"):
        services.fail(name, "black hole")
    began = time.monotonic()
    news = press(services, ("a", "b", "c", "d", "e"), deadline=0.6).about("USDCLP", NOW)
    assert time.monotonic() - began <= 0.6 + SLACK
    assert (news.headlines, len(news.notes)) == ((), 6)


def test_a_feed_that_takes_long_to_read_is_left_behind(services: Services, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(headlines, "_headlines", lambda body, outlet: time.sleep(1.5) or [])
    began = time.monotonic()
    news = press(services, deadline=0.4).about("USDCLP", NOW)
    assert time.monotonic() - began <= 0.4 + SLACK
    assert len(news.notes) == 2
    assert all(note.endswith(" did not answer within 0.4 s") for note in news.notes)


def test_nothing_in_a_feed_makes_the_parser_ask_or_open_anything(
    services: Services, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    import builtins

    import feedparser.http

    def forbidden(*_: object, **__: object) -> NoReturn:
        raise AssertionError("it asks, or opens, something")

    (tmp_path / "a").write_text("secret")
    monkeypatch.setattr(feedparser.http, "get", forbidden)
    for body in (b"http://127.0.0.1/feed", str(tmp_path / "a").encode(), b"a"):
        with monkeypatch.context() as patched:
            patched.setattr(builtins, "open", forbidden)
            with pytest.raises(ValueError, match="no feed"):
                headlines._headlines(body, outlet="x")


# hostile text


HOSTILE = {
    "<script>alert('dólar')</script>El dólar sube": "El dólar sube",
    "El dólar &lt;b&gt;sube&lt;/b&gt;": "El dólar sube",
    "El dólar &amp;lt;script&amp;gt;alert(1)&amp;lt;/script&amp;gt; sube": "El dólar sube",
    "El dólar\x1b[31m sube\x1b[0m": "El dólar sube",
    "El dólar\x1b]0;title\x07 sube": "El dólar sube",
    "El dólar\r\nX-Header: 1\n\nsube": "El dólar X-Header: 1 sube",
    "El dólar\u2028sube\u202e\u200b\x00\x85\x9b31m": "El dólar sube",
    "El dólar &nbsp; sube &aacute;&#233;": "El dólar sube áé",
    "El dólar <img src=x onerror=alert(1)>sube": "El dólar sube",
    "El dólar sube <img src=x onerror=alert(1)": "El dólar sube",
    "El dólar sube < 5 y > 3 & 4": "El dólar sube < 5 y > 3 & 4",
    "o\u0301dolar": "ódolar",
}


@pytest.mark.fault(38)
@pytest.mark.parametrize(("text", "harmless"), HOSTILE.items(), ids=range(len(HOSTILE)))
def test_a_hostile_text_becomes_one_line_without_tags_entities_or_control_characters(text: str, harmless: str) -> None:
    assert plain(text) == harmless


def test_a_text_is_cut_and_a_long_one_costs_nothing() -> None:
    assert plain("a" * 200) == "a" * 200
    assert plain("a" * 201) == "a" * 199 + "…"
    began = time.monotonic()
    for text in ("<" * 1_000_000, "<script>" * 200_000, "&" * 1_000_000, "\x1b]" * 500_000, "a" * 1_000_000):
        assert len(plain(text)) <= 200
    assert time.monotonic() - began < 1


PIECES = st.sampled_from(
    ["<", ">", "&lt;", "&gt;", "&amp;", "script", "</script>", "\x1b", "[31m", "]0;", "\n", "&#x1b;", "a ", "&#10;"]
)


@given(st.one_of(st.text(max_size=300), st.lists(PIECES, max_size=30).map("".join)))
@example("&amp;amp;amp;lt;script&amp;amp;amp;gt;")
def test_whatever_the_text_the_line_is_printable_and_holds_no_tag(text: str) -> None:
    line = plain(text)
    assert len(line) <= 200
    assert not any(unicodedata.category(c)[0] == "C" or c in "\u2028\u2029" for c in line)
    assert line == " ".join(line.split())
    assert not re.search(r"<[a-zA-Z/!?]", line)


def test_ten_thousand_items_and_a_title_of_a_megabyte_are_no_trouble(services: Services) -> None:
    services.stories["first"] = [story(n % 70, f"El dólar {'x' * 1_000_000 if n == 3 else n}") for n in range(500)]
    services.stories["second"] = [
        Story(f"d{n} dólar", f"https://x.cl/{n}", NOW - timedelta(seconds=n)) for n in range(10_000)
    ]
    began = time.monotonic()
    news = press(services, ("first", "second"), deadline=20.0).about("USDCLP", NOW)
    assert time.monotonic() - began < 15
    assert len(news.headlines) == MOST
    assert all(len(headline.title) <= 200 for headline in news.headlines)
    assert news.notes == ()


@given(st.binary(max_size=300), st.integers(0, 400))
def test_whatever_a_feed_holds_it_is_read_or_refused(body: bytes, at: int) -> None:
    feed = b'<rss version="2.0"><channel><item><title>dolar</title><link>https://x.cl</link></item></channel></rss>'
    for hostile in (body, feed[:at] + body + feed[at:], b"<rss><item><title>" + body):
        try:
            found = headlines._headlines(hostile, outlet="x")
        except ValueError:
            continue
        assert all(re.match("https?://", headline.link) for headline in found)


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5), st.integers(-10, 100)), max_size=30))
def test_no_link_and_no_title_comes_twice_and_none_is_out_of_time(told: list[tuple[int, int, int]]) -> None:
    kept = newest([Headline(f"t{t}", f"https://x/{n}", "o", NOW - h * HOUR) for t, n, h in told], NOW)
    assert len({h.link for h in kept}) == len({h.title for h in kept}) == len(kept) <= MOST
    assert all(NOW - timedelta(days=3) <= h.published_at <= NOW for h in kept)
    assert [h.published_at for h in kept] == sorted((h.published_at for h in kept), reverse=True)
    if any(0 <= hours <= 72 for _, _, hours in told):
        assert kept
