"""What a second day costs, and that it says the same as a first one would."""

from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from itertools import pairwise
from pathlib import Path
from typing import ClassVar

import pytest

from conftest import business_days, walk, write_csv
from forex_core.calendars import calendar
from forex_core.horizons import HORIZONS
from forex_core.mlops.untracked import Untracked
from forex_core.models import table
from forex_core.models.member import NO_PARAMETER, Member
from forex_core.models.table import MEMBERS, YARDSTICK
from forex_core.pipeline import run, study
from forex_core.pipeline.request import Adapters, Request
from forex_core.store.store import Store
from forex_core.values import QuantilePath, Series

FITS: Counter[str] = Counter()


@dataclass(frozen=True)
class Counted:
    """A member that counts its fits."""

    inner: Member = field(metadata=NO_PARAMETER)
    revision: ClassVar[int] = 1

    @property
    def name(self) -> str:
        return self.inner.name

    def forecast(self, history: Series, steps: int) -> QuantilePath:
        FITS[self.name] += 1
        return self.inner.forecast(history, steps)


@pytest.fixture(autouse=True)
def _count(monkeypatch: pytest.MonkeyPatch) -> None:
    FITS.clear()
    counted = Counted(YARDSTICK)
    monkeypatch.setattr(study, "YARDSTICK", counted)
    monkeypatch.setattr(table, "YARDSTICK", counted)


def forecast(csv: Path, data_dir: Path, day: date) -> list[tuple]:
    members = tuple(Counted(MEMBERS[name]) for name in ("random_walk", "empirical"))
    request = Request(
        pairs=("USDCLP",),
        horizons=tuple(HORIZONS.values()),
        source=f"csv:{csv}",
        members=members,
        as_of=day,
        now=datetime(2024, 7, 5, tzinfo=UTC),
    )
    with Store.for_writing(data_dir) as store:
        result = run.run_forecast(request, Adapters(store, Untracked(), data_dir / "reports"))
    assert not result.errors
    forecasts = [horizon.forecast for horizon in result.pairs[0].horizons]
    return [(f.quantiles, f.random_walk, f.backtest) for f in forecasts if f]


@pytest.fixture
def csv(tmp_path: Path) -> Path:
    return write_csv(tmp_path / "rates.csv", walk(business_days(date(2019, 1, 2), date(2024, 6, 28))))


def newest_origin(day: date) -> date:
    """The newest origin of the grid whose first target, 7 days ahead, has come by `day`."""
    chile = calendar("chile")
    grid = chile.grid(date(2023, 1, 1), day, every=21, anchor=date(2000, 1, 3))
    return max(origin for origin in grid if chile.target(origin, 7) <= day)


def test_the_next_day_fits_each_member_once_and_once_per_new_origin(csv: Path, tmp_path: Path) -> None:
    days = business_days(date(2024, 5, 20), date(2024, 6, 28))
    forecast(csv, tmp_path / "one", days[0])
    new_origins = 0
    for yesterday, today in pairwise(days):
        FITS.clear()
        forecast(csv, tmp_path / "one", today)
        new = newest_origin(yesterday) != newest_origin(today)
        new_origins += new
        assert dict.fromkeys(("random_walk", "empirical", "rw_const"), 1 + new) == FITS, today
    assert new_origins == 1


def test_the_next_day_says_what_an_empty_store_would_say(csv: Path, tmp_path: Path) -> None:
    forecast(csv, tmp_path / "one", date(2024, 6, 27))
    assert forecast(csv, tmp_path / "one", date(2024, 6, 28)) == forecast(csv, tmp_path / "two", date(2024, 6, 28))
