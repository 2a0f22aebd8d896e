"""What to train on, and for which days: the ECB's pairs, and the cut-offs that runs and backtests need."""

from datetime import date, timedelta

from forex_core.calendars import calendar_of, release_of, utc_now
from forex_core.dataset.view import Rates
from forex_core.models.lstm.recipe import PANEL
from forex_core.sources.ecb import EmbeddedEcb

FIRST_YEAR = 2005  # before it too little history lies


def embedded_panel(pairs: tuple[str, ...] = PANEL) -> tuple[Rates, ...]:
    """The pairs from the file that comes with the program."""
    now = utc_now()
    asked = {pair: EmbeddedEcb().fetch(pair, date.min, date.max, now) for pair in pairs}
    return tuple(Rates(pair, tuple(rows), calendar_of(pair), release_of(pair)) for pair, rows in asked.items())


def cut_offs(today: date) -> tuple[date, ...]:
    """The last day of each year since FIRST_YEAR, and yesterday: weights of it may speak today."""
    ends = [date(year, 12, 31) for year in range(FIRST_YEAR, today.year)]
    return tuple(dict.fromkeys([*ends, today - timedelta(days=1)]))
