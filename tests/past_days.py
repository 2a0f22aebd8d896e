"""A history of live forecasts on the embedded rates of EUR/USD, as daily runs would have left it.

Each is a real run whose clock stands at the end of a past day, so that it knows nothing later and the track record is
what it would have been.
"""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from forex_core.bootstrap import opened, request_for
from forex_core.calendars import calendar, end_of
from forex_core.dataset.context import Surroundings
from forex_core.horizons import HORIZONS
from forex_core.pipeline.order import STEPS
from forex_core.pipeline.run import run_forecast
from forex_core.settings import Settings
from forex_core.sources.ecb import EmbeddedEcb
from forex_core.sources.table import OFFLINE

NEWEST = EmbeddedEcb().newest()
CLOCK = end_of(NEWEST) - timedelta(hours=3)  # of the last run


def settings_of(data_dir: Path) -> Settings:
    """Under which the history is made and looked at."""
    return Settings.load({"pairs": ["EURUSD"], "source": "ecb", "data_dir": str(data_dir)}, {}, data_dir.parent)


def make_history(data_dir: Path, days: int) -> Path:
    """Run on the last `days` business days of the file; the report of the last."""
    settings = settings_of(data_dir)
    request = request_for(settings, list(HORIZONS.values()), as_of=None)
    with opened(settings) as adapters:
        adapters = replace(adapters, catalog=OFFLINE, around=Surroundings(), clock=lambda: CLOCK)
        for day in [day for day in calendar("ecb").days if day < NEWEST][1 - days :]:
            earlier = replace(request, now=CLOCK - (NEWEST - day))
            made = run_forecast(earlier, replace(adapters, steps=()))
            # a thousand reports and MLflow runs would take minutes, and nobody looks at them
            with adapters.store.transaction():
                for forecast in (one.forecast for one in made.pairs[0].horizons if one.forecast):
                    for step in STEPS:
                        adapters.store.forecasts.step_done(forecast.forecast_id, step, "", earlier.now)
        made = run_forecast(replace(request, now=CLOCK), adapters)
    assert not made.errors, made.errors
    return Path(made.pairs[0].report or "")
