"""The fan chart as inline SVG: history, the 95, 80 and 50 % bands, the median and the random walk's line."""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from math import ceil, floor, log10

from forex_core.report.numbers import digits_for
from forex_core.values import INTERVALS, LEVELS, Forecast

WIDTH, HEIGHT = 720, 320
LEFT, RIGHT, TOP, BOTTOM = 64, 12, 12, 28


@dataclass(frozen=True, slots=True)
class _Scale:
    """Business-day positions and rates to pixels; position 0 is the spot."""

    first: int
    last: int
    low: float
    high: float

    def x(self, position: float) -> float:
        return LEFT + (position - self.first) / (self.last - self.first) * (WIDTH - LEFT - RIGHT)

    def y(self, rate: float) -> float:
        return HEIGHT - BOTTOM - (rate - self.low) / (self.high - self.low) * (HEIGHT - TOP - BOTTOM)

    def points(self, rates: Sequence[float], first: int) -> str:
        return " ".join(f"{self.x(first + n):.1f},{self.y(rate):.1f}" for n, rate in enumerate(rates))


def fan_chart(forecast: Forecast) -> str:
    """The forecast's history and path as one <svg> element."""
    past = [rate for _, rate in forecast.history]
    path = ((forecast.spot.value,) * len(LEVELS), *forecast.path)
    outermost = [row[0] for row in path] + [row[-1] for row in path] + past
    scale = _Scale(-len(past) + 1, len(path) - 1, *_padded(min(outermost), max(outermost)))
    parts = [
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(_caption(forecast))}">',
        *_grid(scale),
        *(_band(scale, path, percent) for percent in sorted(INTERVALS, reverse=True)),
        f'<polyline class="history" points="{scale.points(past, scale.first)}"/>',
        f'<polyline class="median" points="{scale.points([row[LEVELS.index(0.5)] for row in path], 0)}"/>',
        f'<polyline class="walk" points="{scale.points([forecast.spot.value] * len(path), 0)}"/>',
        *_dates(scale, forecast),
        "</svg>",
    ]
    return "".join(parts)


def _caption(forecast: Forecast) -> str:
    digits = digits_for(forecast.spot.value)
    low, high = (forecast.quantiles[level] for level in INTERVALS[80])
    return (
        f"{forecast.pair}: {len(forecast.history)} past rates, then the forecast to {forecast.target_date}, "
        f"in 8 of 10 cases between {low:.{digits}f} and {high:.{digits}f}"
    )


def _padded(low: float, high: float) -> tuple[float, float]:
    margin = (high - low or abs(high) * 0.01) * 0.05
    return low - margin, high + margin


def _band(scale: _Scale, path: Sequence[Sequence[float]], percent: int) -> str:
    below, above = (LEVELS.index(level) for level in INTERVALS[percent])
    lower = scale.points([row[below] for row in path], 0)
    upper = scale.points([row[above] for row in path], 0).split()
    return f'<polygon class="band{percent}" points="{lower} {" ".join(reversed(upper))}"/>'


def _grid(scale: _Scale) -> list[str]:
    step = _round_step((scale.high - scale.low) / 7)
    digits = max(0, -floor(log10(step)))
    lines = []
    for n in range(ceil(scale.low / step), floor(scale.high / step) + 1):
        y = scale.y(n * step)
        lines.append(f'<line class="grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>')
        lines.append(f'<text x="{LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{n * step:.{digits}f}</text>')
    return lines


def _round_step(rough: float) -> float:
    """The next of 1, 2, 5 times a power of ten."""
    power = float(10 ** floor(log10(rough)))
    return next(factor * power for factor in (1, 2, 5, 10) if factor * power >= rough)


def _dates(scale: _Scale, forecast: Forecast) -> list[str]:
    y = HEIGHT - 8
    return [
        f'<text x="{LEFT}" y="{y}">{forecast.history[0][0]}</text>',
        f'<text x="{scale.x(0):.1f}" y="{y}" text-anchor="middle">{forecast.issued_on}</text>',
        f'<text x="{WIDTH - RIGHT}" y="{y}" text-anchor="end">{forecast.target_date}</text>',
    ]
