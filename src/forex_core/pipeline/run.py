"""The state machine of a run, top to bottom.

lock -> preflight -> fetch -> gate -> score what is due -> new backtest windows -> forecast -> freeze -> report ->
track. The caller holds the lock and has opened the stores. Freezing is one commit and is the acknowledgement; every
step after it is idempotent, and the next run completes those that this one leaves open.
"""

from dataclasses import dataclass

from forex_core.backtest.score import score_due
from forex_core.errors import ForexError
from forex_core.horizons import Horizon
from forex_core.pipeline.attempts import Attempts, sweep
from forex_core.pipeline.issue import freeze, identity, role_of
from forex_core.pipeline.market import Market, observe
from forex_core.pipeline.preflight import preflight
from forex_core.pipeline.request import Adapters, HorizonResult, PairResult, Request, RunResult, State
from forex_core.pipeline.steps import complete, complete_earlier, report_revision
from forex_core.pipeline.study import Study, study
from forex_core.values import Forecast


def run_forecast(request: Request, adapters: Adapters) -> RunResult:
    """Forecast every pair at every horizon that was asked for; a failure of one does not stop the others."""
    preflight(adapters)
    sweep(adapters)
    complete_earlier(adapters, request)
    return RunResult(tuple(_run_pair(pair, request, adapters) for pair in request.pairs))


def _run_pair(pair: str, request: Request, adapters: Adapters) -> PairResult:
    attempts = Attempts.start(pair, request, adapters)
    try:
        market = observe(pair, request, adapters.store)
        if request.live:
            score_due(market.rates, adapters.store, request.now)
        issued = {h.key: _issued(h, market, request, adapters) for h in request.horizons}
        todo = [h for h in request.horizons if issued[h.key] is None]
        learned = study(market, todo, request.members, adapters.store) if todo else None
    except ForexError as error:
        for horizon in request.horizons:
            attempts.fail(horizon.key, error)
        failed = tuple(HorizonResult(h.key, "failed", error=error) for h in request.horizons)
        return PairResult(pair, request.source, request.role, None, failed)
    day = _Day(market, learned, request, adapters, attempts)
    results = tuple(day.run(horizon, issued[horizon.key]) for horizon in request.horizons)
    # whoever issued something did the day's work; only with nothing to do is waiting for a late value worth a code
    late = None if todo else market.late
    role = next((result.forecast.role for result in results if result.forecast), request.role)
    return PairResult(pair, market.source, role, market.view, results, market.banners, late)


def _issued(horizon: Horizon, market: Market, request: Request, adapters: Adapters) -> Forecast | None:
    role = role_of(market.rates.pair, horizon, request, adapters.store)
    return adapters.store.forecasts.get(identity(market.rates.pair, horizon, market, role))


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
            notes = complete(forecast, self.adapters, self.request) + self._revision(forecast)
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

    def _revision(self, forecast: Forecast) -> tuple[str, ...]:
        """A note if the value the forecast started from was revised since."""
        now = self.market.view.in_force(forecast.spot.observed_on)
        return () if now == forecast.spot.value else (report_revision(forecast, now, self.adapters),)

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
