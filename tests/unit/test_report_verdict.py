"""The first sentences of a report claim what the evidence shows and no more, and the worst is said first."""

from dataclasses import replace

import pytest

from forex_core.report.language import ENGLISH, SPANISH
from forex_core.report.render import render
from forex_core.report.track_record import TrackRecord
from forex_core.report.verdict import headline, live_losses, standing, verdict
from forex_core.values import BacktestSummary, Forecast
from report_text import Page
from samples import sample_forecast, sample_score

NOTHING_YET = TrackRecord(())
BACKTEST = BacktestSummary(60, 9.11, 7.22, 0.83, 0.55, 1.014, 0.787, 0.0516, None, None)
WORSE = BACKTEST
PERHAPS = replace(BACKTEST, wql_ratio=0.99, dm_t=-0.5, dm_p=0.6)
BETTER = replace(BACKTEST, wql_ratio=0.97, dm_t=-3.0, dm_p=0.004)


@pytest.mark.parametrize(
    ("ratio", "p", "sentence"),
    [
        (1.0, 0.9, "No better than the random walk: its loss was 0.0% higher over the last 60 windows."),
        (1.023, 0.001, "No better than the random walk: its loss was 2.3% higher over the last 60 windows."),
        (1.023, None, "No better than the random walk: its loss was 2.3% higher over the last 60 windows."),
        (
            0.991,
            0.051,
            "Not shown to be better than the random walk: its loss was 0.9% lower over the last 60 windows, "
            "which may be chance.",
        ),
        (
            0.991,
            0.05,
            "Not shown to be better than the random walk: its loss was 0.9% lower over the last 60 windows, "
            "which may be chance.",
        ),
        (
            0.75,
            None,
            "Not shown to be better than the random walk: its loss was 25.0% lower over the last 60 windows, "
            "which may be chance.",
        ),
        (0.991, 0.049, "Better than the random walk: its loss was 0.9% lower over the last 60 windows."),
    ],
)
def test_the_verdict_claims_what_the_backtest_shows(ratio: float, p: float | None, sentence: str) -> None:
    backtest = replace(BACKTEST, wql_ratio=ratio, dm_p=p)
    assert verdict(backtest) == sentence
    assert Page(render(sample_forecast(backtest=backtest), NOTHING_YET)).text.count(sentence) == 1


def test_without_a_backtest_the_verdict_claims_nothing() -> None:
    sentence = "No better than the random walk as far as anyone knows: no past window could be scored yet."
    assert verdict(None) == sentence
    assert sentence in Page(render(sample_forecast(backtest=None), NOTHING_YET)).text


def test_the_verdict_is_the_first_thing_read() -> None:
    found = Page(render(sample_forecast(banners=("A banner.",)), NOTHING_YET))
    assert found.classes[found.tags.index("main") + 1] == "verdict"


def day(*backtests: BacktestSummary | None) -> list[Forecast]:
    keys = ("7d", "15d", "30d", "90d")
    return [sample_forecast(horizon=key, backtest=one) for key, one in zip(keys, backtests, strict=False)]


def test_a_verdict_stands_for_one_of_four_things() -> None:
    assert [standing(one) for one in (WORSE, None, PERHAPS, BETTER)] == ["no_better", "unknown", "unproven", "better"]


@pytest.mark.parametrize(
    ("backtests", "sentences"),
    [
        (
            (BETTER, PERHAPS, None, WORSE),
            "No better than the random walk at 90 days. "
            "At 30 days nobody knows: no past window could be scored yet. "
            "Not shown to be better than the random walk at 15 days. "
            "Better than the random walk over past windows at 7 days.",
        ),
        ((WORSE, WORSE, WORSE), "No better than the random walk at 7, 15 and 30 days."),
        ((BETTER, BETTER), "Better than the random walk over past windows at 7 and 15 days."),
        ((PERHAPS,), verdict(PERHAPS)),
    ],
)
def test_the_headline_says_the_worst_first(backtests: tuple[BacktestSummary | None, ...], sentences: str) -> None:
    assert headline(day(*backtests)) == sentences


def test_the_headline_speaks_spanish() -> None:
    assert headline(day(WORSE, BETTER), SPANISH) == (
        "No es mejor que el paseo aleatorio a 7 días. "
        "Es mejor que el paseo aleatorio en las ventanas pasadas a 15 días."
    )


def scored(loss: float, yardstick: float) -> TrackRecord:
    return TrackRecord(((sample_forecast(), sample_score(loss=loss, yardstick_loss=yardstick)),))


def test_issued_forecasts_that_lost_more_are_named_and_no_others() -> None:
    records = {"7d": scored(2.2, 2.0), "15d": scored(1.9, 2.0), "30d": NOTHING_YET, "90d": scored(2.5, 2.0)}
    sentence = (
        "Issued forecasts that came due have so far lost more than the random walk: 7 days 10.0% and 90 days 25.0%."
    )
    assert live_losses(records, ENGLISH) == sentence
    assert live_losses({"7d": scored(2.0, 2.0), "15d": NOTHING_YET}, ENGLISH) == ""


def test_what_issued_forecasts_lost_is_said_on_the_page() -> None:
    sentence = "Issued forecasts that came due have so far lost more than the random walk: 7 days 10.0%."
    assert sentence in Page(render(sample_forecast(), scored(2.2, 2.0))).lines
    assert "Issued forecasts that" not in Page(render(sample_forecast(), scored(1.9, 2.0))).text
