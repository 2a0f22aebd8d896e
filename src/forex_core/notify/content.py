"""What the mail of a pair and issue date says: each text made from the values, harmless and of bounded length."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from forex_core.notify.language import Language
from forex_core.sources.plain_text import plain
from forex_core.values import INTERVALS, LEVELS, Event, Forecast, Headline, Quantiles

MOST_BANNERS = 6
MOST_NEWS = 3  # headlines, and events: a mail is a summary
LONGEST = 180  # characters of any text that comes from elsewhere


@dataclass(frozen=True)
class Morning:
    """What there is to tell: the forecasts of one pair, issue date and role.

    verdict: the first line, in the mail's language; report: where the full report lies, an address or a path;
    notes: banners of today; draw: makes the chart, a PNG.
    """

    forecasts: tuple[Forecast, ...]
    verdict: str
    report: str
    notes: tuple[str, ...] = ()
    draw: Callable[[], bytes] | None = None

    def __post_init__(self) -> None:
        if len({(forecast.pair, forecast.issued_on, forecast.role) for forecast in self.forecasts}) != 1:
            raise ValueError("a mail tells the forecasts of one pair, issue date and role")
        nearest_first = sorted(self.forecasts, key=lambda forecast: forecast.target_date)
        object.__setattr__(self, "forecasts", tuple(nearest_first))


@dataclass(frozen=True, slots=True)
class Row:
    """One horizon as the table shows it."""

    horizon: str
    day: str
    median: str
    low: str
    high: str
    walk_low: str
    walk_high: str
    above: str


@dataclass(frozen=True, slots=True)
class Item:
    """A line of news; link is empty if it has none that is safe."""

    text: str
    about: str
    link: str = ""


@dataclass(frozen=True, slots=True)
class Content:
    """The mail's texts, still to be escaped where they become HTML."""

    subject: str
    verdict: str
    pair: str
    spot: str
    spot_day: str
    known: str
    banners: tuple[str, ...]
    rows: tuple[Row, ...]
    reading: str
    chart: str
    events: tuple[Item, ...]
    headlines: tuple[Item, ...]
    report: str
    report_link: str
    provenance: str


def content(morning: Morning, language: Language) -> Content:
    """Everything the mail says; the templates add only the language's fixed words."""
    last = morning.forecasts[-1]
    spot = last.spot
    rate = language.rates_like(spot.value)
    rows = tuple(_row(forecast, language) for forecast in morning.forecasts)
    far, pair = rows[-1], plain(last.pair, 20)
    return Content(
        subject=_subject(pair, rate(spot.value), rows, language),
        verdict=plain(morning.verdict, 2 * LONGEST),
        pair=pair,
        spot=rate(spot.value),
        spot_day=_spot_day(last, language),
        known=language.known.format(moment=language.moment(spot.known_at), source=plain(spot.source, 80)),
        banners=_banners(morning, language),
        rows=rows,
        reading=language.reading.format(day=far.day, low=far.low, high=far.high),
        chart=language.chart.format(pair=pair, day=far.day, median=far.median, low=far.low, high=far.high),
        events=tuple(_event(event, language) for event in last.context.events[:MOST_NEWS]),
        headlines=tuple(_headline(line, language) for line in last.context.headlines[:MOST_NEWS]),
        report=plain(morning.report, 2 * LONGEST),
        report_link=_safe_link(morning.report),
        provenance=language.provenance.format(
            role=plain(last.role, 20), version=plain(last.version_id, 40), moment=language.moment(last.created_at)
        ),
    )


def chance_above(quantiles: Quantiles, rate: float) -> float:
    """The probability of more than `rate`, linear between the levels; never beyond the outermost levels."""
    if equal := [level for level in LEVELS if quantiles[level] == rate]:
        return 1 - sum(equal) / len(equal)
    for low, high in pairwise(LEVELS):
        below, above = quantiles[low], quantiles[high]
        if below < rate < above:
            return 1 - (low + (high - low) * (rate - below) / (above - below))
    return 1 - (LEVELS[0] if rate < quantiles[LEVELS[0]] else LEVELS[-1])


def _row(forecast: Forecast, language: Language) -> Row:
    rate = language.rates_like(forecast.spot.value)
    low, high = INTERVALS[80]
    return Row(
        horizon=forecast.horizon,
        day=language.day(forecast.target_date),
        median=rate(forecast.median),
        low=rate(forecast.quantiles[low]),
        high=rate(forecast.quantiles[high]),
        walk_low=rate(forecast.random_walk[low]),
        walk_high=rate(forecast.random_walk[high]),
        above=_chance(chance_above(forecast.quantiles, forecast.spot.value), language),
    )


def _chance(share: float, language: Language) -> str:
    """51%; beyond the outermost levels nothing more is known than that."""
    if share >= 1 - LEVELS[0]:
        return f">{language.percent(1 - LEVELS[0], 1)}"
    if share <= 1 - LEVELS[-1]:
        return f"<{language.percent(LEVELS[0], 1)}"
    return language.percent(share)


def _subject(pair: str, spot: str, rows: Sequence[Row], language: Language) -> str:
    """USDCLP 948.37; 80%: 7d 936.10 to 961.02, 90d 905.20 to 1001.33."""
    ends = rows if len(rows) == 1 else (rows[0], rows[-1])
    return f"{pair} {spot}; 80%: " + ", ".join(f"{row.horizon} {row.low} {language.to} {row.high}" for row in ends)


def _spot_day(forecast: Forecast, language: Language) -> str:
    """Which day's rate the spot is, and how far it moved from the one before."""
    said = language.spot.format(day=language.day(forecast.spot.observed_on))
    before = [(day, rate) for day, rate in forecast.history if day < forecast.spot.observed_on]
    if not before:
        return said
    day, rate = before[-1]
    moved = language.percent(forecast.spot.value / rate - 1, 2, signed=True)
    return f"{said}, {language.moved.format(percent=moved, day=language.day(day))}"


def _banners(morning: Morning, language: Language) -> tuple[str, ...]:
    """Today's and the frozen ones, each once; what does not fit is counted."""
    frozen = (banner for forecast in morning.forecasts for banner in forecast.banners)
    banners = [plain(banner, LONGEST) for banner in dict.fromkeys((*morning.notes, *frozen))]
    left = len(banners) - MOST_BANNERS
    return tuple(banners[:MOST_BANNERS] + ([language.more.format(count=left)] if left > 0 else []))


def _event(event: Event, language: Language) -> Item:
    when = language.moment(event.at) + (f", {language.about}" if event.approximate else "")
    return Item(f"{when}: {plain(event.title, LONGEST)}", plain(f"{event.currency}, {event.impact}", 40))


def _headline(line: Headline, language: Language) -> Item:
    about = f"{plain(line.outlet, 60)}, {language.moment(line.published_at)}"
    return Item(plain(line.title, LONGEST), about, _safe_link(line.link))


def _safe_link(address: str) -> str:
    """The address if it is one that a browser may be sent to and holds nothing odd, else nothing."""
    clean = address.startswith(("https://", "http://")) and address.isprintable() and " " not in address
    return address if clean and len(address) <= 2 * LONGEST else ""
