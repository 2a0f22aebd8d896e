"""Calibration as inline SVG: how far the share of outcomes below each level lies from what the level says."""

from collections.abc import Mapping, Sequence
from html import escape
from math import ceil

from forex_core.backtest.calibration import share_errors
from forex_core.values import LEVELS

WIDTH, HEIGHT = 720, 240
LEFT, RIGHT, TOP, BOTTOM = 48, 12, 12, 28
STEP = 0.05  # a grid line every five points
CHANCE = 1.96  # standard errors: where 19 of 20 shares lie under perfect calibration
LABELLED = (0.025, 0.1, 0.25, 0.5, 0.75, 0.9, 0.975)


def calibration_chart(title: str, shares: Mapping[str, Sequence[float]], count: int, styles: Mapping[str, str]) -> str:
    """One <svg> element. shares: by member, of outcomes below each of LEVELS; styles: by member, the line's class.

    count: how many outcomes there were, for the band that chance explains.
    """
    errors = [CHANCE * float(error) for error in share_errors(count)]
    furthest = max([*errors, *(abs(d) for below in shares.values() for d in _distances(below))])
    top = STEP * ceil(max(furthest, STEP) / STEP)
    parts = [
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(_caption(title, shares))}">',
        *_grid(top),
        f'<polygon class="band80" points="{_points(errors, top)} {_points([-e for e in errors], top, turned=True)}"/>',
        *(_line(name, below, styles.get(name, "other"), top) for name, below in shares.items()),
        "</svg>",
    ]
    return "".join(parts)


def _distances(below: Sequence[float]) -> list[float]:
    return [share - level for share, level in zip(below, LEVELS, strict=True)]


def _caption(title: str, shares: Mapping[str, Sequence[float]]) -> str:
    furthest = {name: max(map(abs, _distances(below))) for name, below in shares.items()}
    said = ", ".join(f"{name} {100 * distance:.1f}" for name, distance in furthest.items())
    return f"{title}: the largest distance from perfect calibration in percentage points: {said}"


def _x(level: float) -> float:
    return LEFT + level * (WIDTH - LEFT - RIGHT)


def _y(distance: float, top: float) -> float:
    return TOP + (top - distance) / (2 * top) * (HEIGHT - TOP - BOTTOM)


def _points(distances: Sequence[float], top: float, *, turned: bool = False) -> str:
    points = [f"{_x(level):.1f},{_y(distance, top):.1f}" for level, distance in zip(LEVELS, distances, strict=True)]
    return " ".join(reversed(points) if turned else points)


def _line(name: str, below: Sequence[float], style: str, top: float) -> str:
    points = _points(_distances(below), top)
    return f'<polyline class="{style}" points="{points}"><title>{escape(name)}</title></polyline>'


def _grid(top: float) -> list[str]:
    lines = []
    steps = round(top / STEP)
    for n in range(-steps, steps + 1):
        y = _y(n * STEP, top)
        lines.append(f'<line class="grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>')
        lines.append(f'<text x="{LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{100 * n * STEP:+.0f}</text>')
    for level in LABELLED:
        lines.append(f'<text x="{_x(level):.1f}" y="{HEIGHT - 8}" text-anchor="middle">{100 * level:g} %</text>')
    return lines
