"""The honest first sentence: is the forecast better than the random walk, and how do we know?"""

from collections.abc import Mapping, Sequence
from typing import Literal

from forex_core.horizons import HORIZONS
from forex_core.report.language import ENGLISH, Language
from forex_core.report.track_record import TrackRecord
from forex_core.values import BacktestSummary, Forecast

CERTAIN = 0.05  # two-sided p below which a difference is called shown

Standing = Literal["no_better", "unknown", "unproven", "better"]
STANDINGS: tuple[Standing, ...] = ("no_better", "unknown", "unproven", "better")  # what is worst is said first


def standing(backtest: BacktestSummary | None) -> Standing:
    """What the backtest shows; without evidence nothing."""
    if backtest is None:
        return "unknown"
    if backtest.wql_ratio >= 1:
        return "no_better"
    return "unproven" if backtest.dm_p is None or backtest.dm_p >= CERTAIN else "better"


def verdict(backtest: BacktestSummary | None, language: Language = ENGLISH) -> str:
    """One sentence from the backtest; without evidence it claims nothing."""
    if backtest is None:
        return language.say("verdict_unknown")
    change = language.percent(abs(1 - backtest.wql_ratio))
    return language.say(f"verdict_{standing(backtest)}", change=change, n=backtest.origins)


def headline(forecasts: Sequence[Forecast], language: Language = ENGLISH) -> str:
    """The verdicts of several horizons in a few words, the worst first."""
    if len(forecasts) == 1:
        return verdict(forecasts[0].backtest, language)
    said = []
    for kind in STANDINGS:
        if keys := [one.horizon for one in forecasts if standing(one.backtest) == kind]:
            said.append(language.say(f"headline_{kind}", horizons=_horizons(keys, language)))
    return " ".join(said)


def live_losses(records: Mapping[str, TrackRecord], language: Language = ENGLISH) -> str:
    """One sentence on the horizons, by key, whose issued forecasts have so far lost more than the random walk."""
    losses = [
        language.say("live_loss", horizon=language.horizon(key), change=language.percent(-record.skill))
        for key, record in records.items()
        if record.skill is not None and record.skill < 0
    ]
    return language.say("live_worse", losses=language.listed(losses)) if losses else ""


def _horizons(keys: Sequence[str], language: Language) -> str:
    """7, 15 and 30 days."""
    if not all(key in HORIZONS for key in keys):
        return language.listed(list(keys))
    days = [HORIZONS[key].days for key in keys]
    return language.listed([*(language.number(n) for n in days[:-1]), language.count("days", days[-1])])
