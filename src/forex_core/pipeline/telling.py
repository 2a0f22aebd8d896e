"""After the horizons of a pair: one report of the day, and one mail. Both are made again until they are done."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from forex_core.errors import ForexError
from forex_core.notify.content import Morning
from forex_core.notify.language import language_of
from forex_core.notify.message import Letterhead, compose, preview
from forex_core.notify.post import GivenUp, Spooled, Unsent
from forex_core.pipeline.request import Adapters, HorizonResult, Request
from forex_core.report.language import LANGUAGES
from forex_core.report.pdf import write_pdf
from forex_core.report.png import fan_chart_png
from forex_core.report.render import render_day
from forex_core.report.track_record import TrackRecord
from forex_core.report.verdict import headline
from forex_core.store.files import replace_durably
from forex_core.values import Forecast

SEND = "send"
NOBODY = "forex@example.org"  # who writes a mail that is only looked at


@dataclass(frozen=True)
class Told:
    """The day's report, and what a person should know of how it was made or sent."""

    report: str | None = None
    notes: tuple[str, ...] = ()
    error: ForexError | None = None  # the forecasts stand, and the next run tells of them


def tell(results: Sequence[HorizonResult], banners: Sequence[str], request: Request, adapters: Adapters) -> Told:
    """Write the report of the newest issue date among the results, and mail it if it was not mailed before."""
    if not adapters.steps:
        return Told()  # a dry run
    forecasts = _of_one_day(results)
    if not forecasts:
        return Told()
    notes = [note for result in results for note in result.notes]
    try:
        path = _day_path(forecasts[0], adapters)
        page = _page(forecasts, notes, request, adapters)
        replace_durably(path, page.encode("utf-8"))
    except ForexError as error:
        return Told(error=error)
    pdf = write_pdf(page, path.with_suffix(".pdf")) if request.pdf else None
    mail = morning(forecasts, path, [*banners, *notes], request.language)
    if request.email_preview:
        _show(mail, request.email_preview, request)
    return Told(str(path), tuple(filter(None, (pdf, _send(mail, forecasts, request, adapters)))))


def _of_one_day(results: Sequence[HorizonResult]) -> list[Forecast]:
    """The forecasts of the newest issue date and its role; after a long stop an older one may be among the results."""
    found = [result.forecast for result in results if result.forecast]
    newest = max(found, key=lambda forecast: forecast.created_at, default=None)
    return [f for f in found if newest and (f.issued_on, f.role) == (newest.issued_on, newest.role)]


def _day_path(forecast: Forecast, adapters: Adapters) -> Path:
    name = "report" if forecast.role == "champion" else f"report.{forecast.role}"
    return adapters.reports / forecast.pair / forecast.issued_on.isoformat() / f"{name}.html"


def _page(forecasts: Sequence[Forecast], notes: Sequence[str], request: Request, adapters: Adapters) -> str:
    store = adapters.store.forecasts
    records = {f.horizon: TrackRecord(tuple(store.scores(f.pair, f.horizon))) for f in forecasts}
    previous = {f.horizon: before for f in forecasts if (before := store.before(f))}
    return render_day(forecasts, records, notes, previous, request.language)


def _show(mail: Morning, path: Path, request: Request) -> None:
    """Write the mail to a file: as it would be sent (.eml), or its HTML for a browser."""
    message = compose(mail, Letterhead(NOBODY, language_of(request.language)), request.now)
    whole = message.as_bytes() if path.suffix == ".eml" else preview(message).encode()
    replace_durably(path, whole)


def _send(mail: Morning, forecasts: Sequence[Forecast], request: Request, adapters: Adapters) -> str | None:
    """Send, note it as done, and say what went wrong."""
    store = adapters.store
    unsent = [f for f in forecasts if SEND not in store.forecasts.steps(f.forecast_id)]
    if not request.live or not unsent:
        return None
    answer = adapters.notifier.send(mail, request.now)
    if not isinstance(answer, Unsent):
        reason = getattr(answer, "reason", "")
        with store.transaction():
            for forecast in unsent:
                store.forecasts.step_done(forecast.forecast_id, SEND, f"{type(answer).__name__} {reason}", request.now)
    if isinstance(answer, Spooled | GivenUp | Unsent):
        return f"The mail was not sent: {answer.reason}."
    return None


def morning(forecasts: Sequence[Forecast], report: Path, notes: Sequence[str], language: str) -> Morning:
    """What the mail tells."""
    words = language_of(language)
    spoken = LANGUAGES[language].about(forecasts[0].spot.value)
    rate = words.rates_like(forecasts[0].spot.value)
    return Morning(
        tuple(forecasts),
        headline(sorted(forecasts, key=lambda forecast: forecast.steps), spoken),
        str(report),
        tuple(dict.fromkeys(notes)),
        draw=lambda: fan_chart_png(tuple(forecasts), rate, words.day),
    )
