"""What the press writes about a pair: a few headlines of the last days, harmless, for people to read."""

import re
import unicodedata
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from io import BytesIO
from time import struct_time
from typing import Any
from urllib.parse import quote, urlsplit

from forex_core.calendars import currencies
from forex_core.errors import SourceUnavailable
from forex_core.sources.http import HOST, Web
from forex_core.sources.plain_text import plain
from forex_core.values import Headline

MOST = 10
RECENT = timedelta(days=3)
LARGEST = 2_000_000  # bytes of a feed
TAGS = 125_000  # in a feed; more only keep the parser busy
LONGEST_LINK = 2_000
LINK = re.compile(r"https?://[!-~]+", re.IGNORECASE)
CLOSED = re.compile(rb"</(rss|feed|rdf:RDF)\s*>", re.IGNORECASE)
UNSAFE = re.compile(r"[\"'<>`\\^{}|]")

# What a headline of a general newspaper speaks of when it is about a currency; in small letters without accents.
ABOUT = {
    "CLP": r"dolar|dolares|peso chileno|cobre|inflacion|ipc|imacec|tpm|banco central|tasas? de interes|tipo de cambio",
    "USD": r"dolar|dolares|fed|reserva federal|wall street",
    "EUR": r"euro|euros|bce|banco central europeo",
}


@dataclass(frozen=True, slots=True)
class News:
    """Headlines, newest first, and which feeds could not be read."""

    headlines: tuple[Headline, ...]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Press:
    """Google News and a few feeds of newspapers. google_url: where its search answers as RSS."""

    web: Web
    google_url: str
    feeds: tuple[str, ...] = ()

    def about(self, pair: str, now: datetime) -> News:
        """The newest headlines about a pair. A feed that fails is a note; all of them take one question's time."""
        threads = ThreadPoolExecutor(max_workers=len(self.feeds) + 1)
        asked = {threads.submit(self._search, pair, now): "google_news"}
        asked |= {threads.submit(self._read, feed, pair, now): _host(feed) for feed in self.feeds}
        done, late = wait(asked, timeout=self.web.deadline)
        threads.shutdown(wait=False, cancel_futures=True)
        found: list[Headline] = []
        notes = [f"{asked[future]} did not answer within {self.web.deadline:g} s" for future in late]
        for future in sorted(done, key=lambda future: asked[future]):
            try:
                found += future.result()
            except SourceUnavailable as error:
                notes.append(error.message)
        return News(newest(found, now), tuple(sorted(notes)))

    def _search(self, pair: str, now: datetime) -> list[Headline]:
        wanted = {"q": f"{_query(pair)} when:{RECENT.days}d", "hl": "es-419", "gl": "CL", "ceid": "CL:es-419"}
        return self.web.read("google_news", self.google_url, wanted, partial(_headlines, outlet="Google News"))

    def _read(self, feed: str, pair: str, now: datetime) -> list[Headline]:
        host = _host(feed)
        every = self.web.read(host, feed, {}, partial(_headlines, outlet=host))
        return [headline for headline in every if _is_about(pair, headline.title)]


def newest(headlines: Iterable[Headline], now: datetime) -> tuple[Headline, ...]:
    """The newest of the last days, each story once: neither a link nor a title twice."""
    links: set[str] = set()
    titles: set[str] = set()
    kept: list[Headline] = []
    for headline in sorted(headlines, key=lambda h: (h.published_at, h.title), reverse=True):
        title = _letters(headline.title)
        if not now - RECENT <= headline.published_at <= now or headline.link in links or title in titles:
            continue
        links.add(headline.link)
        titles.add(title)
        kept.append(headline)
    return tuple(kept[:MOST])


def _headlines(body: bytes, *, outlet: str) -> list[Headline]:
    """Every usable item of a feed; ValueError if it is none."""
    import feedparser

    if len(body) > LARGEST or body.count(b"<") > TAGS:
        raise ValueError(f"a feed of {len(body)} bytes with {body.count(b'<')} tags")
    if b"\0" in body or re.search(rb"<!(DOCTYPE|ENTITY)", body, re.IGNORECASE):
        raise ValueError("it declares a document type, or hides one in UTF-16, as no feed does")
    try:
        # from a stream: a text or bytes it might take for an address, or for the name of a file
        feed = feedparser.parse(BytesIO(body), sanitize_html=False, resolve_relative_uris=False)
    except Exception as error:  # its parser of last resort fails in many ways on what is no feed
        raise ValueError(f"it can't be read: {type(error).__name__}") from error
    if not feed.get("version"):
        raise ValueError("it is no feed")
    if not CLOSED.search(body):
        raise ValueError("it was cut short")
    outlet = plain(str(feed.feed.get("title", "")), 60) or outlet
    return list(_usable(feed.entries, outlet))


def _usable(entries: Iterable[Any], outlet: str) -> Iterator[Headline]:
    """The items that have a title, a date and a link that can be followed."""
    for entry in entries:
        title, link, at = plain(str(entry.get("title", ""))), _link(entry.get("link")), _moment(entry)
        source = plain(str(entry.get("source", {}).get("title", "")), 60)
        if source:
            title = title.removesuffix(f" - {source}")  # as Google News writes it
        if title and link and at:
            yield Headline(title, link, source or outlet, at)


def _moment(entry: Any) -> datetime | None:
    parsed = entry.get("published_parsed") or entry.get("updated_parsed")
    if not isinstance(parsed, struct_time):
        return None
    try:
        return datetime(*parsed[:6], tzinfo=UTC)
    except (ValueError, OverflowError):
        return None


def _link(text: object) -> str | None:
    """The address if it is one of a web page and nothing else; other letters than ASCII are escaped."""
    if not isinstance(text, str) or len(text) > LONGEST_LINK:
        return None
    address = quote(text.strip(), safe="".join(map(chr, range(0x21, 0x7F))))
    try:
        named = bool(urlsplit(address).hostname) and "@" not in urlsplit(address).netloc
    except ValueError:
        return None
    return address if named and LINK.fullmatch(address) and not UNSAFE.search(address) else None


def _query(pair: str) -> str:
    return "dólar peso chileno" if pair == "USDCLP" else " ".join(currencies(pair))


def _is_about(pair: str, title: str) -> bool:
    words = "|".join(ABOUT.get(currency, currency.lower()) for currency in currencies(pair))
    return bool(re.search(rf"\b({words})\b", _letters(title)))


def _letters(title: str) -> str:
    """A title as it is compared: small letters and digits without accents, blanks between words."""
    bare = unicodedata.normalize("NFKD", title.casefold())
    return " ".join(re.findall(r"[a-z0-9]+", "".join(c for c in bare if not unicodedata.combining(c))))


def _host(feed: str) -> str:
    return match[1] if (match := HOST.match(feed)) else feed
