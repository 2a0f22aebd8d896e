"""What came of a forecast, beside what would have come of the random walk's."""

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest

from forex_core.backtest.score import score_due, score_of
from forex_core.calendars import calendar_of, end_of, release_of
from forex_core.dataset.view import Rates
from forex_core.store.store import Store
from forex_core.values import DECILES, LEVELS, Observation, Quantiles
from samples import freeze, sample_forecast

NOW = datetime(2024, 9, 30, 12, tzinfo=UTC)


def decile_loss(quantiles: Quantiles, outcome: float) -> float:
    """Twice the pinball loss over the nine deciles, by its definition."""
    losses = [
        2 * (level if outcome > quantiles[level] else level - 1) * (outcome - quantiles[level]) for level in DECILES
    ]
    return sum(losses) / len(losses)


def test_a_score_holds_the_forecasts_loss_and_the_random_walks_own() -> None:
    wide = dict(zip(LEVELS, (900 + 7 * n for n in range(len(LEVELS))), strict=True))
    forecast = replace(sample_forecast(), random_walk=wide)
    outcome = forecast.median + 11
    score = score_of(forecast, outcome, NOW)
    assert score.error == pytest.approx(-11)
    assert score.loss == pytest.approx(decile_loss(forecast.quantiles, outcome))
    assert score.yardstick_loss == pytest.approx(decile_loss(wide, outcome))
    assert score.yardstick_loss != pytest.approx(score.loss)


@pytest.mark.parametrize("percent", [50, 80, 95])
def test_an_outcome_on_the_edge_is_inside_and_one_beyond_it_is_not(percent: int) -> None:
    forecast = sample_forecast()
    edge = forecast.quantiles[{50: 0.75, 80: 0.9, 95: 0.975}[percent]]
    assert score_of(forecast, edge, NOW).inside[percent]
    assert not score_of(forecast, edge + 1e-6, NOW).inside[percent]


def test_a_source_that_begins_after_the_target_date_scores_nothing_and_breaks_nothing(data_dir: object) -> None:
    with Store.for_writing(data_dir) as store:  # type: ignore[arg-type]
        forecast = freeze(store)
        days = [date(2024, 9, 25), date(2024, 9, 26)]
        rows = tuple(Observation(day, 950.0, end_of(day), "csv") for day in days)
        rates = Rates("USDCLP", rows, calendar_of("USDCLP"), release_of("USDCLP"))
        assert score_due(rates, store, NOW) == []
        assert [f.forecast_id for f in store.forecasts.unscored("USDCLP", days[-1])] == [forecast.forecast_id]
