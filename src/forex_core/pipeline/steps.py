"""What follows a freeze, each step done once: the report, then the tracking. An open step is done by a later run."""

from collections.abc import Callable, Sequence
from pathlib import Path

from loguru import logger

from forex_core.errors import ForexError, TrackingError
from forex_core.pipeline.request import Adapters, Request
from forex_core.report.render import write
from forex_core.report.track_record import TrackRecord
from forex_core.store.store import Store
from forex_core.values import Forecast


def complete(forecast: Forecast, adapters: Adapters, request: Request) -> tuple[str, ...]:
    """Do the open steps of a frozen forecast; return notes on what could not be tracked."""
    notes: list[str] = []
    for step in adapters.steps:
        done = adapters.store.forecasts.steps(forecast.forecast_id)
        if step in done:
            continue
        try:
            ref = DOERS[step](forecast, adapters, request)
        except TrackingError as error:
            logger.warning("{}", error)
            notes.append(f"Not tracked yet: {error.message}.")
            continue
        with adapters.store.transaction():
            adapters.store.forecasts.step_done(forecast.forecast_id, step, ref, request.now)
    return tuple(notes)


def complete_earlier(adapters: Adapters, request: Request) -> None:
    """Finish what earlier runs froze and left open; a step that still can't be done does not stop today's run."""
    for forecast in adapters.store.forecasts.unfinished(adapters.steps):
        try:
            complete(forecast, adapters, request)
        except ForexError as error:
            logger.warning("{} stays open: {}", forecast.forecast_id, error)


def report_revision(forecast: Forecast, revised: float, adapters: Adapters, request: Request) -> str:
    """Write the report again, saying that the value it started from was revised; the forecast stands."""
    note = f"Start value revised from {forecast.spot.value:g} to {revised:g}; the forecast stands as issued."
    if "report" in adapters.steps:
        _write_report(forecast, adapters, request, [note])
    return note


def _write_report(forecast: Forecast, adapters: Adapters, request: Request, notes: Sequence[str] = ()) -> str:
    path = report_path(forecast, adapters.reports, adapters.store)
    record = TrackRecord(tuple(adapters.store.forecasts.scores(forecast.pair, forecast.horizon)))
    write(forecast, record, path, notes, adapters.store.forecasts.before(forecast), request.language)
    return str(path)


def _report(forecast: Forecast, adapters: Adapters, request: Request) -> str:
    return _write_report(forecast, adapters, request)


def _track(forecast: Forecast, adapters: Adapters, request: Request) -> str:
    report = Path(adapters.store.forecasts.steps(forecast.forecast_id)["report"] or "")
    if not report.is_file():
        report = Path(_write_report(forecast, adapters, request))  # someone tidied up; the forecast has all it needs
    return adapters.tracker.track(forecast, report, skip_email=request.skip_email)


DOERS: dict[str, Callable[[Forecast, Adapters, Request], str]] = {"report": _report, "track": _track}


def report_path(forecast: Forecast, root: Path, store: Store) -> Path:
    """<PAIR>/<issued_on>/<horizon>.html; beside a champion's, or an earlier one's, a file carries its role."""
    roles = store.forecasts.roles(forecast.pair, forecast.horizon, forecast.issued_on)
    plain = forecast.role == "champion" or ("champion" not in roles and forecast.role == roles[0])
    name = forecast.horizon if plain else f"{forecast.horizon}.{forecast.role}"
    return root / forecast.pair / forecast.issued_on.isoformat() / f"{name}.html"
