"""Render frozen forecasts as one HTML file; every number comes from the values it is given."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from forex_core.backtest.metrics import binomial_error
from forex_core.backtest.windows import EVERY
from forex_core.report.chart import Fan
from forex_core.report.harmless import SHORT, harmless
from forex_core.report.language import LANGUAGES
from forex_core.report.section import NEWEST, WORST, Section
from forex_core.report.track_record import TrackRecord
from forex_core.report.verdict import headline, live_losses
from forex_core.store.files import replace_durably
from forex_core.values import INTERVALS, LEVELS, Forecast

MOST = 20  # headlines, events or banners that are shown
KEPT = re.compile(r"\d[\d-]{8}\d|[+−]?[\d.,]{1,9}…[+−]?[\d.,]{1,9}")  # dates and intervals, which no line breaks

NOBODY: Mapping[str, Forecast] = {}


def render_day(
    forecasts: Sequence[Forecast],
    records: Mapping[str, TrackRecord],
    notes: Sequence[str] = (),
    previous: Mapping[str, Forecast] = NOBODY,
    language: str = "en",
) -> str:
    """The HTML of all horizons of a pair and issue date, at least one.

    records and previous: by horizon, the track record and the last forecast of the same role before.
    notes: banners of today, beside those that were frozen.
    """
    shown = sorted(forecasts, key=lambda forecast: forecast.steps)
    newest, longest = max(shown, key=lambda forecast: forecast.created_at), shown[-1]
    spoken = LANGUAGES[language].about(newest.spot.value)
    sections = [
        Section(one, _record(one, records), previous.get(one.horizon), spoken, first=one is longest) for one in shown
    ]
    banners = [*notes, *(banner for forecast in shown for banner in forecast.banners)]
    return (
        _environment(spoken.code, spoken.digits)
        .get_template("forecast.html.j2")
        .render(
            sections=sections,
            newest=newest,
            context=newest.context,
            fan=Fan(longest, shown[:-1]),
            headline=headline(shown, spoken),
            loss=live_losses({section.forecast.horizon: section.record for section in sections}, spoken),
            banners=list(dict.fromkeys(banners)),
            one_start=len({forecast.spot for forecast in shown}) == 1,
        )
    )


def render(
    forecast: Forecast,
    record: TrackRecord,
    notes: Sequence[str] = (),
    previous: Forecast | None = None,
    language: str = "en",
) -> str:
    """The HTML of one horizon."""
    before = {forecast.horizon: previous} if previous else NOBODY
    return render_day([forecast], {forecast.horizon: record}, notes, before, language)


def write(
    forecast: Forecast,
    record: TrackRecord,
    path: Path,
    notes: Sequence[str] = (),
    previous: Forecast | None = None,
    language: str = "en",
) -> None:
    """Render and put the file in place, whole."""
    replace_durably(path, render(forecast, record, notes, previous, language).encode("utf-8"))


def write_day(
    forecasts: Sequence[Forecast],
    records: Mapping[str, TrackRecord],
    path: Path,
    notes: Sequence[str] = (),
    previous: Mapping[str, Forecast] = NOBODY,
    language: str = "en",
) -> None:
    """Render all horizons and put the file in place, whole."""
    replace_durably(path, render_day(forecasts, records, notes, previous, language).encode("utf-8"))


def _record(forecast: Forecast, records: Mapping[str, TrackRecord]) -> TrackRecord:
    """The challenger's own record beside its forecast, the champion's beside any other."""
    record = records.get(forecast.horizon, TrackRecord(()))
    return record.of("challenger" if forecast.role == "challenger" else "champion")


@cache
def _environment(code: str, digits: int) -> Environment:
    """The templates, compiled once for a language and size of rates."""
    language = replace(LANGUAGES[code], digits=digits)
    environment = Environment(
        loader=PackageLoader("forex_core.report", ""),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_printable,
    )
    for name in ("rate", "span", "percent", "number", "day", "moment", "horizon"):
        environment.filters[name] = getattr(language, name)
    environment.filters["kept"] = _kept
    environment.filters["short"] = lambda text: harmless(text, SHORT)
    environment.filters["web"] = lambda link: link.startswith(("https://", "http://"))
    environment.globals |= {
        "t": language.say,
        "count": language.count,
        "name": language.name,
        "language": language,
        "intervals": INTERVALS,
        "levels": len(LEVELS),
        "every": EVERY,
        "most": MOST,
        "newest_shown": NEWEST,
        "worst_shown": WORST,
        "error": binomial_error,
    }
    return environment


def _printable(value: object) -> object:
    """Whatever others wrote is cut and freed of controls; the template escapes it."""
    return harmless(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def _kept(text: str) -> Markup:
    """A sentence whose dates and intervals no line breaks."""
    return Markup(KEPT.sub(r'<span class="kept">\g<0></span>', str(escape(harmless(text)))))
