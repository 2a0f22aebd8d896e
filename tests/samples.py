"""Whole values for tests that need one and care about a field or two of it."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

from forex_core.store.store import Store
from forex_core.values import LEVELS, BacktestSummary, Forecast, MemberScore, MemberView, Observation, Score

ISSUED_AT = datetime(2024, 7, 1, 12, tzinfo=UTC)
VERSION = f"{ISSUED_AT:v%Y-%m-%d--%Hh%M}"  # what a store calls the first version of that minute


def sample_forecast(**changes: Any) -> Forecast:
    """A dolar observado forecast of 2024-07-01, seven days ahead; name only what should differ."""
    path = tuple(tuple(940.0 + step + 20 * level for level in LEVELS) for step in range(1, 6))
    at_target = dict(zip(LEVELS, path[-1], strict=True))
    forecast = Forecast(
        forecast_id="f1",
        pair="USDCLP",
        horizon="7d",
        role="champion",
        issued_on=date(2024, 7, 1),
        as_of=ISSUED_AT,
        created_at=ISSUED_AT,
        target_date=date(2024, 7, 8),
        steps=5,
        spot=Observation(date(2024, 7, 1), 951.02, ISSUED_AT - timedelta(hours=14), "csv:/rates.csv"),
        path=path,
        random_walk={level: 950.0 + 22 * (level - 0.5) for level in LEVELS},
        members=(
            MemberView("random_walk", 1.0, at_target, score=MemberScore(9.1, 7.2, 0.8)),
            MemberView("empirical", 0.0, None, "too few rows"),
        ),
        backtest=BacktestSummary(60, 9.1, 7.2, 0.8, 0.55, 1.01, 0.78, 0.05, None, None),
        banners=("a banner",),
        history=((date(2024, 6, 28), 944.34), (date(2024, 7, 1), 951.02)),
        history_length=1100,
        environment="test",
        weighting="equal",
        version_id=VERSION,
        data_hash="d" * 64,
        content_hash="c" * 64,
        code_version="0.1.0",
    )
    return replace(forecast, **changes)


def sample_score(**changes: Any) -> Score:
    """What came of `sample_forecast`."""
    score = Score("f1", ISSUED_AT + timedelta(days=8), 948.5, 1.5, 2.0, 2.1, {50: True, 80: True, 95: True})
    return replace(score, **changes)


def freeze(store: Store, **changes: Any) -> Forecast:
    """A frozen `sample_forecast`, its version registered as a run does it."""
    forecast = sample_forecast(**changes)
    store.versions.register("USDCLP", "7d", {"members": ["random_walk"]}, ISSUED_AT)
    store.forecasts.freeze(forecast)
    return forecast
