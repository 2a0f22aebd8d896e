"""The state machine of a run, top to bottom.

lock -> preflight -> fetch -> gate -> score what is due -> new backtest windows -> forecast -> freeze -> report ->
track -> tell -> watch -> publish. The caller holds the lock and has opened the stores. Freezing is one commit and is
the acknowledgement; every step after it is idempotent, and the next run completes those that this one leaves open.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from forex_core.backtest.score import score_due
from forex_core.errors import ForexError
from forex_core.horizons import Horizon
from forex_core.pipeline.attempts import Attempts, sweep
from forex_core.pipeline.issue import freeze, identity, role_of, version_config
from forex_core.pipeline.market import Market, among, observe
from forex_core.pipeline.preflight import preflight
from forex_core.pipeline.request import Adapters, HorizonResult, PairResult, Request, RunResult, State
from forex_core.pipeline.steps import complete, complete_earlier, report_revision
from forex_core.pipeline.study import Study, study
from forex_core.pipeline.telling import tell
from forex_core.pipeline.watching import watch
from forex_core.values import Forecast


def run_forecast(request: Request, adapters: Adapters) -> RunResult:
    """Forecast every pair at every horizon that was asked for; a failure of one does not stop the others."""
    preflight(adapters)
    sweep(adapters)
    complete_earlier(adapters, request)
    adapters.notifier.retry(request.now)
    pairs = tuple(_run_pair(pair, request, adapters) for pair in request.pairs)
    watch(request, adapters)
    return RunResult(pairs, _publish(pairs, adapters))


def _publish(pairs: tuple[PairResult, ...], adapters: Adapters) -> tuple[ForexError, ...]:
    """Let view-only users see what came of it; what prevented it, if anything did."""
    if not adapters.publication:
        return ()
    return adapters.publication.renew([(one.pair, Path(one.report)) for one in pairs if one.report])


def _run_pair(pair: str, request: Request, adapters: Adapters) -> PairResult:
    attempts = Attempts.start(pair, request, adapters)
    try:
        market = observe(pair, request, adapters)
        if request.live:
            score_due(market.rates, adapters.store, request.now)
        issued = {h.key: _issued(h, market, request, adapters) for h in request.horizons}
        todo = [h for h in request.horizons if issued[h.key] is None]
        market = among(market, request, adapters) if todo else market
        learned = study(market, todo, request, adapters.store) if todo else None
    except ForexError as error:
        for horizon in request.horizons:
            attempts.fail(horizon.key, error)
        failed = tuple(HorizonResult(h.key, "failed", error=error) for h in request.horizons)
        return PairResult(pair, request.role, None, failed)
    day = _Day(market, learned, request, adapters, attempts)
    results = tuple(day.run(horizon, issued[horizon.key]) for horizon in request.horizons)
    forecasts = [result.forecast for result in results if result.forecast]
    told = tell(results, market.banners, request, adapters)
    return PairResult(
        pair,
        role=forecasts[0].role if forecasts else request.role,
        spot=forecasts[0].spot if forecasts else market.view.spot,
        horizons=results,
        banners=market.banners,
        # whoever issued something did the day's work; only with nothing to do is waiting for a late value worth a code
        late=None if todo else market.late,
        report=told.report,
        notes=told.notes,
        error=told.error,
    )


def _issued(horizon: Horizon, market: Market, request: Request, adapters: Adapters) -> Forecast | None:
    """The forecast of this issue date; live, one of a newer date too: nothing is ever issued backwards."""
    forecasts, pair = adapters.store.forecasts, market.rates.pair
    role = role_of(pair, horizon, request, adapters.store)
    if (found := forecasts.get(identity(pair, horizon, market, role))) or not request.live:
        return found
    newest = forecasts.newest_live(pair, horizon.key, role)
    return newest if newest and newest.issued_on > market.issued_on else None


@dataclass(frozen=True)
class _Day:
    """One pair on one day: what is known, what was learned of it, and the traces the run leaves."""

    market: Market
    learned: Study | None  # None when every horizon was issued before
    request: Request
    adapters: Adapters
    attempts: Attempts

    def run(self, horizon: Horizon, issued: Forecast | None) -> HorizonResult:
        """Freeze unless it was issued before, then do its open steps."""
        forecast = issued
        try:
            if forecast is None:
                forecast = self._freeze(horizon)
            notes = (*complete(forecast, self.adapters, self.request), *self._notes(horizon, forecast))
        except ForexError as error:
            if forecast is None:
                self.attempts.fail(horizon.key, error)
                return self._result(horizon, None, "failed", error=error)
            self.attempts.leave_open(horizon.key, error)
            return self._result(horizon, forecast, "already_issued" if issued else "issued", error=error)
        state: State = "already_issued" if issued else "issued"
        self.attempts.finish(horizon.key, state)
        return self._result(horizon, forecast, state, notes)

    def _freeze(self, horizon: Horizon) -> Forecast:
        assert self.learned is not None  # there is something to do, so it was studied
        return freeze(horizon, self.market, self.learned, self.request, self.adapters, self.attempts)

    def _notes(self, horizon: Horizon, forecast: Forecast) -> Iterator[str]:
        """What has changed since a forecast was issued; it stands all the same."""
        store, pair = self.adapters.store, forecast.pair
        if forecast.issued_on > self.market.issued_on:
            yield f"Issued before for {forecast.issued_on}; the rates at hand end on {self.market.issued_on}."
        if store.versions.find(pair, horizon.key, version_config(self.request)) != forecast.version_id:
            yield f"Issued before as version {forecast.version_id}; what was asked for now is another."
        if forecast.spot.source not in self.market.rates.sources:
            yield f"Issued before from {forecast.spot.source}."
            return
        now = self.market.view.on(forecast.spot.observed_on)
        if now is not None and now != forecast.spot.value:
            yield report_revision(forecast, now, self.adapters, self.request)

    def _result(
        self,
        horizon: Horizon,
        forecast: Forecast | None,
        state: State,
        notes: tuple[str, ...] = (),
        error: ForexError | None = None,
    ) -> HorizonResult:
        done = self.adapters.store.forecasts.steps(forecast.forecast_id) if forecast else {}
        return HorizonResult(horizon.key, state, forecast, done.get("track"), done.get("report"), notes, error)
