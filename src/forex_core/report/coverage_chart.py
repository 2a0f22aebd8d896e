"""Coverage as inline SVG: the share of outcomes inside each range, its error bar, and the share that was promised."""

from collections.abc import Iterator, Mapping
from html import escape

from forex_core.backtest.metrics import binomial_error
from forex_core.report.chart import HUE, STYLES, TEXT
from forex_core.report.language import Language

WIDTH, ROW, LEFT, RIGHT, BOTTOM = 480, 26, 66, 30, 24
ERRORS = 2  # standard errors that the bar reaches to each side
TICKS = (0.0, 0.25, 0.5, 0.75, 1.0)


def coverage_chart(shares: Mapping[int, float], count: int, name: str, language: Language) -> str:
    """One <svg> element. shares: by interval in percent; count: of outcomes; `name` begins its id."""
    height = ROW * len(shares) + BOTTOM
    said = ", ".join(f"{language.percent(of / 100, 0)}: {language.percent(share)}" for of, share in shares.items())
    desc = language.say("coverage_desc", shares=said)
    return "".join(
        [
            f'<svg viewBox="0 0 {WIDTH} {height}" role="img" aria-labelledby="{name}-title">',
            f'<title id="{name}-title">{escape(desc)}</title>',
            *_axis(height, language),
            *(_row(n, of, share, count, language) for n, (of, share) in enumerate(shares.items())),
            "</svg>",
        ]
    )


def _x(share: float) -> float:
    return LEFT + min(max(share, 0), 1) * (WIDTH - LEFT - RIGHT)


def _axis(height: int, language: Language) -> Iterator[str]:
    for share in TICKS:
        x = f"{_x(share):.1f}"
        yield f'<line class="grid" {STYLES["grid"]} x1="{x}" x2="{x}" y1="0" y2="{height - BOTTOM}"/>'
        yield f'<text {TEXT} x="{x}" y="{height - 6}" text-anchor="middle">{language.percent(share, 0)}</text>'


def _row(n: int, of: int, share: float, count: int, language: Language) -> str:
    """The bar around what was promised, a tick on it, and a dot where the outcomes are."""
    y, promised, reach = ROW * (n + 0.5), of / 100, ERRORS * binomial_error(of, count)
    left, right, x = _x(promised - reach), _x(promised + reach), _x(promised)
    return (
        f'<text {TEXT} x="{LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">{language.percent(promised, 0)}</text>'
        f'<rect class="band80" {STYLES["band80"]} x="{left:.1f}" y="{y - 6}" width="{right - left:.1f}" height="12"/>'
        f'<path class="mark" {STYLES["mark"]} d="M{x:.1f} {y - 8}V{y + 8}"/>'
        f'<circle class="dot" fill="{HUE}" cx="{_x(share):.1f}" cy="{y}" r="5"/>'
    )
