"""The rates that somebody wants to be told of, such as USDCLP>950, beside what is and what is forecast."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from forex_core.notify.content import chance_above
from forex_core.report.numbers import digits_for
from forex_core.store.scoreboard import Outlook


@dataclass(frozen=True)
class Level:
    """One such rate, and the forecasts of its pair whose dates are still to come, the nearest first."""

    name: str
    pair: str
    above: bool
    rate: float
    outlooks: tuple[Outlook, ...]

    @property
    def words(self) -> str:
        """above 950"""
        return f"{'above' if self.above else 'below'} {self.rate:g}"

    def passed_by(self, value: float) -> bool:
        """True if this rate lies beyond."""
        return value > self.rate if self.above else value < self.rate

    def chance(self, one: Outlook) -> float:
        """The probability of being beyond on the forecast's target date."""
        above = chance_above(one.quantiles, self.rate)
        return above if self.above else 1 - above

    def shown(self, value: float) -> str:
        """A rate as people write it."""
        return f"{value:.{digits_for(value)}f}"


def levels_of(written: tuple[str, ...], outlooks: list[Outlook], today: date) -> Iterator[Level]:
    """The levels of the pairs that have a forecast."""
    for name in written:
        pair, sign, rate = re.split("([<>])", name)
        found = tuple(one for one in outlooks if one.pair == pair and one.target_date >= today)
        if found:
            yield Level(name, pair, sign == ">", float(rate), found)
