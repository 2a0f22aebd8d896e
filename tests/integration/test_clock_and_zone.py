"""The same instant gives the same forecast in any time zone; a fortnight replayed gives what each day gave."""

from datetime import date, datetime
from pathlib import Path

import pytest

from conftest import business_days, command, walk, write_csv
from forex_core.calendars import calendar, end_of, release_of
from forex_core.horizons import HORIZONS
from forex_core.mlops.untracked import Untracked
from forex_core.models.table import MEMBERS
from forex_core.pipeline.request import Adapters, Request
from forex_core.pipeline.run import run_forecast
from forex_core.sources.http import Web
from forex_core.sources.mindicador import Mindicador
from forex_core.sources.table import Catalog
from forex_core.store.store import Store
from forex_core.values import Forecast
from rate_services import running_services

CODE = """
import os, sys, time
time.tzset()
from datetime import date, datetime
from pathlib import Path
from forex_core.calendars import calendar, release_of
from forex_core.horizons import chosen
from forex_core.mlops.untracked import Untracked
from forex_core.models.table import MEMBERS
from forex_core.pipeline.request import Adapters, Request
from forex_core.pipeline.run import run_forecast
from forex_core.store.store import Store
now = datetime.fromisoformat(sys.argv[1])
request = Request(("USDCLP",), tuple(chosen(["7d"])), f"csv:{sys.argv[2]}", (MEMBERS["random_walk"],), None, now)
with Store.in_memory(Path("nowhere")) as store:
    result = run_forecast(request, Adapters(store, Untracked(), Path("nowhere"), steps=())).pairs[0]
print(result.spot.observed_on, result.horizons[0].forecast.target_date, result.horizons[0].forecast.quantiles)
"""

# Chile's clocks go forward on 2026-09-06 and back on 2026-04-05, both at midnight
MOMENTS = ["2026-09-06T03:59:58+00:00", "2026-09-06T04:30:00+00:00", "2026-04-05T02:59:00+00:00"]


@pytest.mark.fault(19)
@pytest.mark.parametrize("moment", MOMENTS)
def test_neither_the_zone_nor_a_change_of_clocks_changes_a_date_or_a_number(moment: str, tmp_path: Path) -> None:
    import sys

    end = datetime.fromisoformat(moment).date()
    csv = write_csv(tmp_path / "rates.csv", walk(business_days(date(2024, 1, 2), end)))
    said = {
        zone: command(sys.executable, "-c", CODE, moment, csv, data_dir=tmp_path, TZ=zone).stdout
        for zone in ("UTC", "Pacific/Kiritimati", "America/Santiago")
    }
    assert said["UTC"]
    assert len(set(said.values())) == 1


DAYS = business_days(date(2023, 6, 1), date(2024, 6, 28))


def forecasts(data_dir: Path, catalog: Catalog, now: datetime, as_of: date | None) -> list[Forecast]:
    request = Request(
        pairs=("USDCLP",),
        horizons=tuple(HORIZONS.values()),
        source="auto",
        members=(MEMBERS["random_walk"], MEMBERS["rw_const"]),
        as_of=as_of,
        now=now,
    )
    with Store.for_writing(data_dir) as store:
        adapters = Adapters(store, Untracked(), data_dir / "reports", steps=(), catalog=catalog)
        results = run_forecast(request, adapters).pairs[0].horizons
    assert [result.state for result in results] == ["issued"] * len(HORIZONS)
    return [result.forecast for result in results if result.forecast]


def test_a_recorded_fortnight_replayed_says_for_each_day_what_was_said_on_it(data_dir: Path) -> None:
    """Each evening the rate of the next business day is out; the run of that evening is issued for that day."""
    rates = dict(walk(DAYS))
    chile, release = calendar("chile"), release_of("USDCLP")
    live: dict[date, list[Forecast]] = {}
    shown: dict[date, float] = {}
    with running_services({"USDCLP": shown}) as services:
        catalog = Catalog({"mindicador": Mindicador(Web(deadline=5), services.url("mindicador"))})
        for day in DAYS[-10:]:
            evening = release.known_at(day, chile).replace(minute=30)
            shown.clear()
            shown.update({known: rate for known, rate in rates.items() if known <= day})
            live[day] = forecasts(data_dir, catalog, evening, None)
        asked = len(services.asked)
        for day, then in live.items():
            replayed = forecasts(data_dir, catalog, end_of(DAYS[-1]), day)
            for one, other in zip(then, replayed, strict=True):
                assert (one.issued_on, other.issued_on, other.role) == (day, day, "replay")
                same = ("path", "random_walk", "backtest", "spot", "data_hash", "target_date")
                assert [getattr(one, name) for name in same] == [getattr(other, name) for name in same]
        assert len(services.asked) == asked
