"""The fan chart as inline SVG: history, the 95, 80 and 50 % bands, the median and the random walk's line.

Every shape carries its colours, which a PDF needs; the page's style sheet overrides them by class.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from html import escape

from forex_core.report.language import ENGLISH, Language
from forex_core.report.scale import BOTTOM, HEIGHT, LEFT, RIGHT, TOP, WIDTH, Scale, fitting
from forex_core.values import INTERVALS, LEVELS, Forecast

INK, SOFT, LINE, HUE = "#1c2330", "#5b6675", "#d5dae1", "#1f6feb"
STYLES = {
    "band95": f'fill="{HUE}" fill-opacity=".15"',
    "band80": f'fill="{HUE}" fill-opacity=".22"',
    "band50": f'fill="{HUE}" fill-opacity=".36"',
    "history": f'fill="none" stroke="{INK}" stroke-width="1.3"',
    "median": f'fill="none" stroke="{HUE}" stroke-width="2"',
    "walk": f'fill="none" stroke="{INK}" stroke-width="1.1" stroke-dasharray="3 4"',
    "mark": f'stroke="{INK}" stroke-width="2"',
    "grid": f'stroke="{LINE}" stroke-width="1"',
}
TEXT = f'font-family="sans-serif" font-size="12" fill="{SOFT}"'
DATE = 76  # pixels that a date takes


@dataclass(frozen=True, slots=True)
class Fan:
    """What a fan chart shows. others: forecasts of the same day whose ranges are marked at their target dates."""

    forecast: Forecast
    others: Sequence[Forecast] = ()
    past: int | None = None  # how many of the newest rates; all if not told

    @property
    def history(self) -> tuple[tuple[date, float], ...]:
        """The rates before the forecast, the last one its spot."""
        return self.forecast.history[-self.past :] if self.past else self.forecast.history

    @property
    def path(self) -> tuple[tuple[float, ...], ...]:
        """[1 + steps][levels], from the spot on."""
        return ((self.forecast.spot.value,) * len(LEVELS), *self.forecast.path)

    @property
    def scale(self) -> Scale:
        """One that shows it all."""
        marked = [other.quantiles[level] for other in self.others for level in INTERVALS[80]]
        rates = [rate for _, rate in self.history] + [rate for row in self.path for rate in (row[0], row[-1])]
        return fitting(-len(self.history) + 1, len(self.path) - 1, rates + marked)


def fan_chart(fan: Fan, name: str, language: Language = ENGLISH) -> str:
    """One <svg> element; `name` is unique in the page and begins its ids."""
    scale, forecast, spot = fan.scale, fan.forecast, fan.forecast.spot.value
    past = [rate for _, rate in fan.history]
    parts = [
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-labelledby="{name}-title {name}-desc">',
        f'<title id="{name}-title">{escape(_title(fan, language))}</title>',
        f'<desc id="{name}-desc">{escape(describe(fan, language))}</desc>',
        *_grid(scale, language),
        *(_band(scale, fan.path, percent) for percent in sorted(INTERVALS, reverse=True)),
        _line("history", scale.points(past, scale.first)),
        _line("median", scale.points([row[LEVELS.index(0.5)] for row in fan.path], 0)),
        _line("walk", scale.points([spot] * len(fan.path), 0)),
        *(_mark(scale, other, language) for other in fan.others),
        *_dates(scale, fan.history[0][0], forecast, language),
        "</svg>",
    ]
    return "".join(parts)


def describe(fan: Fan, language: Language) -> str:
    """The chart in a sentence."""
    forecast = fan.forecast
    low, high = (forecast.quantiles[level] for level in INTERVALS[80])
    return language.say(
        "fan_desc",
        n=len(fan.history),
        last=language.rate(forecast.spot.value),
        issued_on=language.day(forecast.issued_on),
        day=language.day(forecast.target_date),
        median=language.rate(forecast.median),
        low=language.rate(low),
        high=language.rate(high),
    )


def _title(fan: Fan, language: Language) -> str:
    first, day = language.day(fan.history[0][0]), language.day(fan.forecast.target_date)
    return language.say("fan_title", pair=fan.forecast.pair, first=first, day=day)


def _line(style: str, points: str) -> str:
    return f'<polyline class="{style}" {STYLES[style]} points="{points}"/>'


def _band(scale: Scale, path: Sequence[Sequence[float]], percent: int) -> str:
    below, above = (LEVELS.index(level) for level in INTERVALS[percent])
    lower = scale.points([row[below] for row in path], 0)
    upper = " ".join(reversed(scale.points([row[above] for row in path], 0).split()))
    style = f"band{percent}"
    return f'<polygon class="{style}" {STYLES[style]} points="{lower} {upper}"/>'


def _mark(scale: Scale, other: Forecast, language: Language) -> str:
    """Another horizon's 80 % range at its target date, as a line with its median across."""
    low, high = (other.quantiles[level] for level in INTERVALS[80])
    x, top, bottom, middle = scale.x(other.steps), scale.y(high), scale.y(low), scale.y(other.median)
    shown = {"low": low, "high": high, "median": other.median}
    said = language.say(
        "mark_title", horizon=language.horizon(other.horizon), **{k: language.rate(v) for k, v in shown.items()}
    )
    ends = "".join(f"M{x - 3:.1f} {y:.1f}h6" for y in (top, middle, bottom))
    drawn = f"M{x:.1f} {top:.1f}V{bottom:.1f}{ends}"
    return f'<path class="mark" {STYLES["mark"]} d="{drawn}"><title>{escape(said)}</title></path>'


def _grid(scale: Scale, language: Language) -> Iterator[str]:
    marks, digits = scale.marks
    for rate in marks:
        y = scale.y(rate)
        yield f'<line class="grid" {STYLES["grid"]} x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>'
        yield f'<text {TEXT} x="{LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{language.number(rate, digits)}</text>'
    x = scale.x(0)
    yield f'<line class="grid" {STYLES["grid"]} x1="{x:.1f}" x2="{x:.1f}" y1="{TOP}" y2="{HEIGHT - BOTTOM}"/>'


def _dates(scale: Scale, first: date, forecast: Forecast, language: Language) -> Iterator[str]:
    """The first, the issue and the target date, those that find room."""
    x, start, end = scale.x(0), LEFT, WIDTH - RIGHT
    if x - start > 1.5 * DATE:
        yield _label(start, "start", language.day(first))
    if x - start >= DATE / 2 and end - x > 1.5 * DATE:
        yield _label(x, "middle", language.day(forecast.issued_on))
    yield _label(end, "end", language.day(forecast.target_date))


def _label(x: float, anchor: str, text: str) -> str:
    return f'<text {TEXT} x="{x:.1f}" y="{HEIGHT - 8}" text-anchor="{anchor}">{text}</text>'
