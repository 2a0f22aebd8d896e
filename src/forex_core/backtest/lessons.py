"""What an origin could learn from earlier windows: their outcomes, as they were known at its close."""

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np

from forex_core.backtest.windows import Window
from forex_core.dataset.view import Rates
from forex_core.horizons import Horizon
from forex_core.values import Series


@dataclass(frozen=True, slots=True)
class Lesson:
    """A window's outcome as it was known at the first origin that knew it. A later revision teaches nobody."""

    learned_on: date
    outcome: float


def lessons(rates: Rates, seen: Sequence[Window], horizon: Horizon) -> dict[date, Lesson]:
    """For each origin of `seen` (ascending) whose target a later one of them had reached, what that one knew.

    It is read from that later window's history, which is what its members saw; so nothing can come in from the future.
    """
    days = [window.origin for window in seen]
    taught = {}
    for window in seen:
        target = rates.calendar.target(window.origin, horizon.days)
        first = bisect_left(days, target)
        if first < len(days):
            taught[window.origin] = Lesson(days[first], _in_force(seen[first].history, target))
    return taught


def _in_force(history: Series, day: date) -> float:
    """The value of the last row not after `day`."""
    return float(history.values[np.searchsorted(history.dates, np.datetime64(day, "D"), side="right") - 1])
