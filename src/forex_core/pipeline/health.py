"""Is all well? What was forecast last, and what is late, open or failed. Reads forex.db alone, in milliseconds."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from forex_core.calendars import calendar_of
from forex_core.horizons import HORIZONS
from forex_core.pipeline.order import STEPS
from forex_core.report.numbers import digits_for
from forex_core.settings import Settings
from forex_core.store.store import Store
from forex_core.values import TRACK_RECORD, Forecast


@dataclass(frozen=True)
class Health:
    """The newest forecast of each pair and horizon, and the troubles, in words."""

    newest: tuple[Forecast, ...]
    troubles: tuple[str, ...]

    def as_object(self) -> dict[str, object]:
        """The same for machines."""
        return {"forecasts": [_described(forecast) for forecast in self.newest], "troubles": list(self.troubles)}

    def lines(self) -> Iterator[str]:
        """At most 80 columns, but for the troubles."""
        yield f"{'pair':<7} {'':<4} {'issued on':<10} {'for':<10} {'median':>9} {'80 %':>19}  role"
        for forecast in self.newest:
            digits = digits_for(forecast.median)
            band = f"{forecast.quantiles[0.1]:.{digits}f}–{forecast.quantiles[0.9]:.{digits}f}"
            median = f"{forecast.median:.{digits}f}"
            yield (
                f"{forecast.pair:<7} {forecast.horizon:<4} {forecast.issued_on} {forecast.target_date} "
                f"{median:>9} {band:>19}  {forecast.role}"
            )
        yield ""
        spots = {forecast.pair: forecast.spot for forecast in self.newest}
        for pair, spot in spots.items():
            value = f"{spot.value:.{digits_for(spot.value)}f}"
            yield f"{pair} started from {value} of {spot.observed_on}, source {spot.source}"
        yield from (f"! {trouble}" for trouble in self.troubles)
        if not self.troubles:
            yield "All is well."


def health(store: Store, settings: Settings, now: datetime) -> Health:
    """Look at every pair that was ever forecast and every pair that should be."""
    pairs = dict.fromkeys([*settings.pairs, *store.forecasts.pairs()])
    newest = [store.forecasts.newest(pair, key) for pair in pairs for key in HORIZONS]
    forecasts = tuple(forecast for forecast in newest if forecast)
    return Health(forecasts, tuple(_troubles(store, settings, forecasts, now)))


def _troubles(store: Store, settings: Settings, newest: tuple[Forecast, ...], now: datetime) -> Iterator[str]:
    for pair in settings.pairs:
        live = [forecast.issued_on for forecast in newest if forecast.pair == pair and forecast.role in TRACK_RECORD]
        if not live:
            yield f"no live forecast of {pair} yet; `forex run` makes one"
        elif (age := calendar_of(pair).steps(max(live), now.date())) > settings.stale_after_days:
            yield f"{pair} was last issued on {max(live)}, {age} business days ago"
    if unfinished := store.forecasts.unfinished(STEPS):
        yield f"{len(unfinished)} forecasts have open steps; the next run completes them"
    for start in store.events.unended():
        begun = f"{start.pair} {start.horizon} was begun {start.at:%Y-%m-%d %H:%M} UTC"
        yield f"{begun} and has not ended: it is running, or was killed"
    failures: dict[tuple[str | None, str], list[str]] = {}
    for end in store.events.last_ends():
        if end.kind == "failed":
            failures.setdefault((end.pair, end.detail["error"]), []).append(end.horizon or "")
    for (failed, error), horizons in failures.items():
        yield f"the last run of {failed} {', '.join(horizons)} failed: {error}"


def _described(forecast: Forecast) -> dict[str, object]:
    return {
        "pair": forecast.pair,
        "horizon": forecast.horizon,
        "forecast_id": forecast.forecast_id,
        "role": forecast.role,
        "issued_on": forecast.issued_on.isoformat(),
        "target_date": forecast.target_date.isoformat(),
        "median": forecast.median,
        "interval_80": [forecast.quantiles[0.1], forecast.quantiles[0.9]],
        "version_id": forecast.version_id,
        "spot": {"value": forecast.spot.value, "observed_on": forecast.spot.observed_on.isoformat()},
        "source": forecast.spot.source,
    }
