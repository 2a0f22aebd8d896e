"""A whole day as it comes to be: four horizons, nine members, news, events, and 250 scored forecasts each."""

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from itertools import accumulate

import numpy as np

from conftest import business_days, walk
from forex_core.backtest.score import score_of
from forex_core.calendars import calendar
from forex_core.horizons import HORIZONS, Horizon
from forex_core.report.track_record import TrackRecord
from forex_core.values import (
    LEVELS,
    BacktestSummary,
    Context,
    Event,
    Forecast,
    Headline,
    MemberScore,
    MemberView,
    Observation,
    Part,
    Quantiles,
)
from samples import sample_forecast

CHILE = calendar("chile")
WALK = walk(business_days(date(2022, 1, 3), date(2024, 7, 1)))
RATES = [(day, round(rate * 948.37 / WALK[-1][1], 2)) for day, rate in WALK]  # which ends at 948.37
NORMAL = np.array(
    [-1.96, -1.645, -1.282, -0.842, -0.674, -0.524, -0.253, 0, 0.253, 0.524, 0.674, 0.842, 1.282, 1.645, 1.96]
)
NAMES = ("random_walk", "empirical", "garch", "theta", "ets", "arima", "linear", "chronos", "rw_const")
BACKTESTS = (
    BacktestSummary(60, 9.11, 7.22, 0.83, 0.55, 0.981, 0.787, 0.0516, -2.31, 0.024),
    BacktestSummary(60, 13.4, 10.9, 1.21, 0.517, 0.992, 0.767, 0.0516, -0.87, 0.388),
    BacktestSummary(60, 18.8, 15.1, 1.66, 0.483, 1.004, 0.833, 0.0516, 0.31, 0.758),
    BacktestSummary(58, 33.7, 27.3, 2.98, 0.534, 1.021, 0.741, 0.0525, 1.12, 0.267),
)


@dataclass(frozen=True)
class Day:
    """What `render_day` takes."""

    forecasts: tuple[Forecast, ...]
    records: dict[str, TrackRecord]
    previous: dict[str, Forecast]


def sample_day(scored: int = 250) -> Day:
    """2024-07-01; every value is a function of the seeds."""
    issued_on, before = RATES[-1][0], RATES[-2][0]
    forecasts = [
        replace(_forecast(horizon, issued_on, 0.0061), backtest=backtest, context=_context())
        for horizon, backtest in zip(HORIZONS.values(), BACKTESTS, strict=True)
    ]
    previous = {h.key: _shifted(_forecast(h, before, 0.0057)) for h in HORIZONS.values()}
    records = {h.key: _record(h, scored) for h in HORIZONS.values()}
    return Day(tuple(forecasts), records, previous)


def _forecast(horizon: Horizon, issued_on: date, sigma: float) -> Forecast:
    past = [(day, rate) for day, rate in RATES if day <= issued_on]
    spot, target = past[-1][1], CHILE.target(issued_on, horizon.days)
    steps = CHILE.steps(issued_on, target)
    noon = datetime(issued_on.year, issued_on.month, issued_on.day, 12, tzinfo=UTC)
    path = _path(spot, sigma, steps)
    return sample_forecast(
        forecast_id=f"USDCLP-{horizon.key}-{issued_on}-champion",
        horizon=horizon.key,
        issued_on=issued_on,
        as_of=noon,
        created_at=noon,
        target_date=target,
        steps=steps,
        spot=Observation(issued_on, spot, noon - timedelta(hours=14), "mindicador"),
        path=tuple(map(tuple, path.tolist())),
        random_walk=_said(_path(spot, 0.0066, steps)[-1]),
        members=_members(spot, sigma, steps),
        backtest=None,
        banners=("bcch could not be used: it needs a token.", "The newest rate comes from mindicador."),
        history=tuple(past[-126:]),
        history_length=len(past),
        environment="test",
        version_id="v2024-06-28--12h00",
        data_hash="d5" * 32,
        content_hash="c4" * 32,
        weights_hashes={"chronos": "a1" * 32},
    )


def _path(spot: float, sigma: float, steps: int) -> np.ndarray:
    spread = sigma * np.sqrt(np.arange(1, steps + 1))
    return np.asarray(spot * np.exp(spread[:, None] * NORMAL[None, :]))


def _said(rates: np.ndarray) -> Quantiles:
    return dict(zip(LEVELS, map(float, rates), strict=True))


def _members(spot: float, sigma: float, steps: int) -> tuple[MemberView, ...]:
    views = []
    for n, name in enumerate(NAMES[:-1]):
        said = _said(_path(spot * (1 + 0.001 * (n - 3)), sigma * (1 + 0.05 * (n - 3)), steps)[-1])
        views.append(MemberView(name, 0.125, said, score=MemberScore(9.0 + n / 4, 7.0 + n / 4, 0.8 + n / 50)))
    return (*views, MemberView(NAMES[-1], 0.0, None, "too few rows"))


def _shifted(forecast: Forecast) -> Forecast:
    """As it was the day before: other weights, one member missing that is back, another source."""
    weights = dict(zip(NAMES, (0.20, 0.15, 0.15, 0.10, 0.10, 0.10, 0.20, 0.0, 0.0), strict=True))
    members = tuple(
        replace(m, weight=weights[m.name]) if m.name != "chronos" else MemberView(m.name, 0.0, None, "no weights")
        for m in forecast.members
    )
    return replace(
        forecast, members=members, spot=replace(forecast.spot, source="bcch"), version_id="v2024-06-03--12h00"
    )


def _record(horizon: Horizon, scored: int) -> TrackRecord:
    known = dict(RATES)
    issued = [day for day, _ in RATES if CHILE.target(day, horizon.days) <= RATES[-1][0]][-scored:] if scored else []
    rows = []
    for day in reversed(issued):
        target = CHILE.target(day, horizon.days)
        spot, steps = known[day], CHILE.steps(day, target)
        said, yardstick = (_path(spot, sigma, steps)[-1] for sigma in (0.0061, 0.0066))
        forecast = sample_forecast(
            forecast_id=f"USDCLP-{horizon.key}-{day}-champion",
            horizon=horizon.key,
            issued_on=day,
            target_date=target,
            steps=steps,
            spot=Observation(day, spot, datetime(day.year, day.month, day.day, tzinfo=UTC), "mindicador"),
            path=(tuple(map(float, said)),),  # the record reads the target's row alone
            random_walk=_said(yardstick),
        )
        rows.append((forecast, score_of(forecast, known[target], forecast.created_at)))
    return TrackRecord(tuple(rows))


def _context() -> Context:
    noon = datetime(2024, 7, 1, 12, tzinfo=UTC)
    parts = (
        Part("USDCLP", "mindicador", date(2024, 7, 1), 0, 2, "bcch could not be used: it needs a token"),
        Part("copper", "yahoo", date(2024, 6, 28), 1),
        Part("eurusd", "ecb", date(2024, 6, 28), 1),
        Part("vix", note="fred did not answer within 20 s"),
        Part("headlines", "La Tercera, Diario Financiero", date(2024, 7, 1)),
        Part("events", "forex_factory, kept", date(2024, 7, 1)),
    )
    headlines = tuple(
        Headline(
            f"El dólar {'sube' if n % 2 else 'baja'} y cierra en ${940 + n}: qué mira el mercado, parte {n}",
            f"https://www.example.cl/economia/2024/07/01/el-dolar-{n}.html",
            "La Tercera" if n % 3 else "Diario Financiero",
            noon - timedelta(hours=3 * n),
        )
        for n in range(10)
    )
    hours = accumulate([9] * 20)
    events = tuple(
        Event(
            noon + timedelta(hours=hour),
            "USD" if n % 2 else "CLP",
            ("Non-Farm Employment Change", "IPC de junio", "FOMC Member Speaks", "Reunión de política monetaria")[
                n % 4
            ],
            ("high", "medium", "low", "holiday")[n % 4],
            "forex_factory",
            approximate=n % 5 == 0,
        )
        for n, hour in enumerate(hours)
    )
    return Context(parts, headlines, events)
