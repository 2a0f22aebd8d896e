"""What if: what would follow if the rate moved far, or if volatility were that of other days."""

from dataclasses import dataclass

from forex_core.report.harmless import GAP
from forex_core.report.language import NONE, Language
from forex_core.report.reading import MONTH, deviation, extremes, returns, share_below, tenths
from forex_core.values import Forecast

SHOWN = 0.8  # the range that a scenario of volatility speaks of


@dataclass(frozen=True, slots=True)
class Scenario:
    """One line of the table, written out."""

    condition: str
    outcome: str
    change: str  # from the spot
    chance: str


def scenarios(forecast: Forecast, language: Language) -> list[Scenario]:
    """Both ways by one standard deviation; then the calmest and the wildest month of the rates before."""
    return [*_moves(forecast, language), *_volatilities(forecast, language)]


def _moves(forecast: Forecast, language: Language) -> list[Scenario]:
    said, spot = forecast.quantiles, forecast.spot.value
    sd = deviation(said)
    below, above = share_below(said, forecast.median - sd), 1 - share_below(said, forecast.median + sd)
    lines = []
    for key, rate, share in (("if_higher", forecast.median + sd, above), ("if_lower", forecast.median - sd, below)):
        change = language.percent(rate / spot - 1, signed=True)
        chance = language.say("or_more", chance=language.chance(share))
        lines.append(Scenario(language.say(key), language.rate(rate), change, chance))
    return lines


def _volatilities(forecast: Forecast, language: Language) -> list[Scenario]:
    found = extremes(returns([rate for _, rate in forecast.history]))
    if found is None:
        return []
    spot, first = forecast.spot.value, language.day(forecast.history[0][0])
    lines = []
    for key, sigma in zip(("if_calm", "if_wild"), found, strict=True):
        low, high = tenths(spot, sigma, forecast.steps)
        condition = language.say(
            key, n=MONTH, first=first, sigma=language.percent(sigma, 2), percent=language.percent(SHOWN, 0)
        )
        down, up = (language.percent(rate / spot - 1, signed=True) for rate in (low, high))
        lines.append(Scenario(condition, language.span(low, high), f"{down}{GAP}– {up}", NONE))
    return lines
