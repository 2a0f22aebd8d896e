"""Score issued forecasts when their dates come: against the rate in force, beside the yardstick's own loss."""

from datetime import datetime, timedelta
from functools import cache

import numpy as np

from forex_core.backtest import metrics
from forex_core.calendars import end_of
from forex_core.dataset.view import Rates
from forex_core.store.store import Store
from forex_core.values import INTERVALS, LEVELS, Floats, Forecast, Quantiles, Score

SETTLED = timedelta(days=10)  # a revision within these days still counts


def score_due(rates: Rates, store: Store, now: datetime) -> list[Score]:
    """Score the pair's track record whose target date has come; a score is final once its outcome is settled."""
    as_of = cache(rates.as_of)  # what still settles is looked at as of the same moment
    newest = as_of(now).rows[-1].observed_on
    scored = []
    with store.transaction():
        for forecast in store.forecasts.unscored(rates.pair, newest):
            settled = end_of(forecast.target_date + SETTLED)
            outcome = as_of(min(now, settled)).on(forecast.target_date)
            if outcome is None or forecast.spot.source not in rates.sources:
                continue  # no trusted rate of that very day, or none from where the forecast began: it stays open
            score = score_of(forecast, outcome, now)
            store.forecasts.score(score, final=now >= settled)
            scored.append(score)
    return scored


def score_of(forecast: Forecast, outcome: float, now: datetime) -> Score:
    """Compare a forecast with what came; losses in rate units."""
    said, yardstick, came = _row(forecast.quantiles), _row(forecast.random_walk), np.array([outcome])
    return Score(
        forecast_id=forecast.forecast_id,
        scored_at=now,
        outcome=outcome,
        error=float(metrics.errors(said, came)[0]),
        loss=float(metrics.decile_loss(said, came)[0]),
        yardstick_loss=float(metrics.decile_loss(yardstick, came)[0]),
        inside={percent: bool(metrics.inside(said, came, percent)[0]) for percent in INTERVALS},
    )


def _row(quantiles: Quantiles) -> Floats:
    return np.array([[quantiles[level] for level in LEVELS]])
