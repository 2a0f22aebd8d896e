"""Render a frozen forecast as one HTML file; every number comes from the values it is given."""

from collections.abc import Sequence
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from forex_core.report.chart import fan_chart
from forex_core.report.numbers import digits_for
from forex_core.report.track_record import TrackRecord
from forex_core.report.verdict import verdict
from forex_core.store.files import replace_durably
from forex_core.values import INTERVALS, Forecast


def render(forecast: Forecast, record: TrackRecord, notes: Sequence[str] = ()) -> str:
    """The report's HTML. `notes` are banners of today, beside those that were frozen."""
    digits = digits_for(forecast.spot.value)
    environment = Environment(
        loader=PackageLoader("forex_core.report", ""),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_printable,
    )
    environment.filters["rate"] = lambda value: f"{value:.{digits}f}"
    environment.filters["percent"] = lambda value: f"{value:.1%}"
    environment.filters["moment"] = lambda moment: f"{moment:%Y-%m-%d %H:%M} UTC"
    return environment.get_template("forecast.html.j2").render(
        forecast=forecast,
        quantiles=forecast.quantiles,
        intervals={percent: INTERVALS[percent] for percent in sorted(INTERVALS)},
        verdict=verdict(forecast.backtest),
        banners=[*notes, *forecast.banners],
        chart=fan_chart(forecast),
        record=record,
    )


def _printable(value: object) -> object:
    """Control characters, which a source's text might carry, have no business in a report."""
    if isinstance(value, str) and not isinstance(value, Markup):
        return "".join(character if character.isprintable() else " " for character in value)
    return value


def write(forecast: Forecast, record: TrackRecord, path: Path, notes: Sequence[str] = ()) -> None:
    """Render and put the file in place, whole."""
    replace_durably(path, render(forecast, record, notes).encode("utf-8"))
