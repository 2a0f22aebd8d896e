"""The fan chart of a day as a PNG for mails: history, bands, every horizon's range, the random walk; no words in it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date
from io import BytesIO
from typing import TYPE_CHECKING

from forex_core.values import INTERVALS, LEVELS, Forecast

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

INCHES, DPI = (6.0, 3.0), 200  # shown 600 pixels wide, sharp on a dense screen
COLOURS = 64  # of the palette: a third of the bytes, and no eye sees it
INK, SOFT, HUE = "#7f8a98", "#717c89", "#2f7de1"  # to be read on white and on black: the ground is transparent
SHADES = {95: 0.16, 80: 0.22, 50: 0.34}


def fan_chart_png(forecasts: Sequence[Forecast], rate: Callable[[float], str], day: Callable[[date], str]) -> bytes:
    """The fan of the furthest horizon, with the others' medians and 80 % ranges in it.

    rate, day: how the axes write them.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=INCHES, dpi=DPI)
    FigureCanvasAgg(figure)
    axes = figure.add_axes((0.125, 0.105, 0.87, 0.875))
    far = max(forecasts, key=lambda forecast: forecast.steps)
    past = [value for _, value in far.history][-2 * far.steps - 1 :]  # two thirds of the width: no dates collide
    _fan(axes, far, past)
    _ranges(axes, forecasts)
    _frame(axes, far, past, rate, day)
    return _encoded(figure)


def _fan(axes: Axes, far: Forecast, past: Sequence[float]) -> None:
    path = ((far.spot.value,) * len(LEVELS), *far.path)
    ahead = range(len(path))
    for percent, shade in SHADES.items():
        below, above = (LEVELS.index(level) for level in INTERVALS[percent])
        axes.fill_between(
            ahead, [row[below] for row in path], [row[above] for row in path], color=HUE, alpha=shade, linewidth=0
        )
    axes.plot(range(1 - len(past), 1), past, color=INK, linewidth=1.2)
    axes.plot(ahead, [row[LEVELS.index(0.5)] for row in path], color=HUE, linewidth=1.6)
    axes.plot(ahead, [far.spot.value] * len(path), color=INK, linewidth=1.1, linestyle=(0, (3, 3)))


def _ranges(axes: Axes, forecasts: Sequence[Forecast]) -> None:
    """Each horizon as it was issued: where the weights differ, it need not lie on the furthest one's fan."""
    low, high = INTERVALS[80]
    for forecast in forecasts:
        said = forecast.quantiles
        axes.plot([forecast.steps] * 2, [said[low], said[high]], color=HUE, linewidth=1.4, solid_capstyle="butt")
        axes.plot(forecast.steps, forecast.median, "o", color=HUE, markersize=3.5)


def _frame(
    axes: Axes, far: Forecast, past: Sequence[float], rate: Callable[[float], str], day: Callable[[date], str]
) -> None:
    for side in ("top", "right", "left", "bottom"):
        axes.spines[side].set_visible(False)
    axes.grid(axis="y", color=INK, alpha=0.35, linewidth=0.6)
    axes.margins(x=0.01)
    axes.tick_params(colors=SOFT, labelsize=11, length=0)
    axes.locator_params(axis="y", nbins=7)
    axes.yaxis.set_major_formatter(lambda value, _: rate(value))
    axes.set_xticks(
        [1 - len(past), 0, far.steps],
        [day(far.history[-len(past)][0]), day(far.issued_on), day(far.target_date)],
    )
    first, _, last = axes.get_xticklabels()
    first.set_horizontalalignment("left")
    last.set_horizontalalignment("right")


def _encoded(figure: Figure) -> bytes:
    from PIL import Image

    drawn, small = BytesIO(), BytesIO()
    figure.savefig(drawn, format="png", transparent=True)
    with Image.open(drawn) as image:
        image.quantize(COLOURS, method=Image.Quantize.FASTOCTREE).save(small, format="png", optimize=True)
    return small.getvalue()
