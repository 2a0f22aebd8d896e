"""Backtest windows: anchored, free of what came later, fitted once."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest

from conftest import business_days, walk
from forex_core.backtest.windows import ANCHOR, EVERY, Window, last_origins, origins, windows
from forex_core.calendars import calendar, release_of
from forex_core.dataset.view import MINIMUM_ROWS, Rates
from forex_core.errors import ModelError
from forex_core.horizons import HORIZONS, LONGEST_PATH
from forex_core.models.member import Member
from forex_core.models.table import MEMBERS
from forex_core.store.store import Store
from forex_core.values import LEVELS, Observation, QuantilePath, Series

CHILE = calendar("chile")
RELEASE = release_of("USDCLP")
DAYS = business_days(date(2022, 1, 3), date(2024, 6, 28))
ROWS = walk(DAYS)


@dataclass(frozen=True)
class Spy:
    """A member that notes every history that it was fitted on."""

    width: float = 0.01
    refuses_before: str = ""
    name: ClassVar[str] = "spy"
    revision: ClassVar[int] = 1
    fitted: ClassVar[list[Series]] = []

    def forecast(self, history: Series, steps: int) -> QuantilePath:
        self.fitted.append(history)
        if str(history.dates[-1]) < self.refuses_before:
            raise ModelError("too early")
        spread = self.width * np.sqrt(np.arange(1, steps + 1)) * history.values[-5:].std()
        return QuantilePath(history.last + spread[:, None] * (np.array(LEVELS) - 0.5)[None, :])


class Revised(Spy):
    revision: ClassVar[int] = 2


class Renamed(Spy):
    name: ClassVar[str] = "another"


@pytest.fixture(autouse=True)
def _nothing_fitted_yet() -> None:
    Spy.fitted.clear()


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.for_writing(tmp_path) as store:
        yield store


def rates_of(rows: list[tuple[date, float]], pair: str = "USDCLP") -> Rates:
    seen = tuple(Observation(day, value, RELEASE.known_at(day, CHILE), "test") for day, value in rows)
    return Rates(pair, seen, CHILE, RELEASE)


RATES = rates_of(ROWS)
GRID = origins(RATES, DAYS[MINIMUM_ROWS - 1], DAYS[-1])  # the origins old enough


def run(store: Store, rates: Rates = RATES, *members: Member) -> list[Window]:
    return list(windows(rates, origins(rates, DAYS[0], date(2024, 12, 31)), members or (Spy(),), store))


def fits() -> list[date]:
    """The origins fitted since the last call."""
    days = [history.dates[-1].item() for history in Spy.fitted]
    Spy.fitted.clear()
    return days


# --- origins


def test_origins_are_every_21st_business_day_since_the_anchor_whatever_the_range() -> None:
    since = business_days(date(2000, 1, 3), DAYS[-1])
    assert all(since.index(origin) % EVERY == 0 for origin in GRID)
    assert [day for day in origins(RATES, ANCHOR, DAYS[-1]) if day >= GRID[0]] == GRID
    assert len(GRID) == len([day for day in since if day >= GRID[0]]) // EVERY + 1


@pytest.mark.parametrize("key", HORIZONS)
def test_the_last_origins_are_those_whose_target_has_come(key: str) -> None:
    days, issued_on = HORIZONS[key].days, date(2024, 6, 28)
    due = [day for day in origins(RATES, ANCHOR, issued_on) if CHILE.target(day, days) <= issued_on]
    assert last_origins(RATES, issued_on, days, 6) == due[-6:]


def test_an_origin_counts_from_the_very_day_of_its_target() -> None:
    origin = GRID[-3]
    target = CHILE.target(origin, 7)
    assert last_origins(RATES, target, 7, 1) == [origin]
    assert last_origins(RATES, CHILE.last_open(target - timedelta(days=1)), 7, 1) == [GRID[-4]]


# --- what a window sees


def test_each_origin_old_enough_has_a_window_that_ends_there(store: Store) -> None:
    seen = run(store)
    assert [window.origin for window in seen] == GRID
    assert fits() == GRID
    for window in seen:
        assert list(zip(window.history.dates.tolist(), window.history.values.tolist(), strict=True)) == [
            row for row in ROWS if row[0] <= window.origin
        ]


def test_no_member_sees_a_row_after_the_origin_even_if_it_was_out_by_then(store: Store) -> None:
    origin = GRID[3]
    assert RATES.as_of(RELEASE.known_at(CHILE.next_open(origin), CHILE)).spot.observed_on > origin
    list(windows(RATES, [origin], (Spy(),), store))
    assert fits() == [origin]


def test_a_path_reaches_the_longest_horizon(store: Store) -> None:
    assert {len(window.paths["spy"]) for window in run(store)} == {LONGEST_PATH}


def test_an_origin_without_a_rate_on_its_day_is_skipped(store: Store) -> None:
    missing, refused = GRID[2], GRID[4]
    rows = [(day, -1.0 if day == refused else value) for day, value in ROWS if day != missing]
    assert [window.origin for window in run(store, rates_of(rows))] == [d for d in GRID if d not in (missing, refused)]


@pytest.mark.parametrize(("rates", "first"), [(MINIMUM_ROWS, GRID[3]), (MINIMUM_ROWS - 1, GRID[4])])
def test_an_origin_needs_250_rates(store: Store, rates: int, first: date) -> None:
    until = DAYS.index(GRID[3]) + 1
    assert run(store, rates_of(ROWS[until - rates :]))[0].origin == first


def test_every_origin_asked_for_ticks_once(store: Store) -> None:
    days = origins(RATES, DAYS[0], DAYS[-1])
    ticks: list[None] = []
    list(windows(RATES, days, (Spy(),), store, tick=lambda: ticks.append(None)))
    assert len(ticks) == len(days) > len(GRID)


def test_a_member_that_refuses_has_no_window_there_and_others_do(store: Store) -> None:
    seen = run(store, RATES, Spy(refuses_before=str(GRID[3])), Renamed())
    assert [window.origin for window in seen if "spy" in window.paths] == GRID[3:]
    assert [window.origin for window in seen if "another" in window.paths] == GRID


# --- fitted once


def test_a_second_time_nothing_is_fitted_and_the_paths_are_the_same_bits(store: Store, tmp_path: Path) -> None:
    first = run(store, RATES, Spy(), *MEMBERS.values())
    fits()
    with Store.for_writing(tmp_path) as again:
        second = run(again, RATES, Spy(), *MEMBERS.values())
    assert fits() == []
    assert [window.origin for window in second] == GRID
    for before, after in zip(first, second, strict=True):
        assert {n: p.rates.tobytes() for n, p in before.paths.items()} == {
            n: p.rates.tobytes() for n, p in after.paths.items()
        }


def test_when_days_are_added_then_only_new_origins_are_fitted(store: Store) -> None:
    cut = GRID[-2]
    run(store, rates_of([row for row in ROWS if row[0] < cut]))
    fits()
    run(store, rates_of([row for row in ROWS if row[0] <= cut]))
    assert fits() == [cut]
    for day in business_days(cut, GRID[-1])[1:]:
        run(store, rates_of([row for row in ROWS if row[0] <= day]))
        assert fits() == ([day] if day == GRID[-1] else [])


def test_the_same_values_on_other_days_are_another_history(store: Store) -> None:
    until = [row for row in ROWS if row[0] <= GRID[-1]]
    run(store, rates_of(until[:50] + until[51:]))
    fits()
    run(
        store, rates_of([(day, value) for (day, _), (_, value) in zip(until[1:], until[:50] + until[51:], strict=True)])
    )
    assert fits()[-1] == GRID[-1]


def test_when_a_value_of_the_past_changes_then_the_origins_from_there_on_are_fitted_again(store: Store) -> None:
    run(store)
    fits()
    changed = GRID[5]
    run(store, rates_of([(day, value + 0.01 if day == changed else value) for day, value in ROWS]))
    assert fits() == GRID[5:]


def test_a_longer_past_is_another_history(store: Store) -> None:
    run(store, rates_of(ROWS[1:]))
    fits()
    run(store)
    assert fits() == GRID


@pytest.mark.parametrize("other", [Spy(width=0.02), Revised(), Renamed()], ids=["parameter", "revision", "name"])
def test_when_the_member_is_another_then_all_is_fitted_again_and_the_old_fits_stay(store: Store, other: Spy) -> None:
    run(store)
    fits()
    run(store, RATES, other)
    assert fits() == GRID
    run(store, RATES, Spy(), other)
    assert fits() == []


def test_an_equal_member_of_another_session_is_the_same_member(store: Store) -> None:
    run(store, RATES, Spy(width=0.03))
    fits()
    run(store, RATES, Spy(width=0.03))
    assert fits() == []


def test_when_a_fit_breaks_then_the_origins_before_it_are_kept(store: Store) -> None:
    class Broken(Spy):
        def forecast(self, history: Series, steps: int) -> QuantilePath:
            if history.dates[-1] == np.datetime64(GRID[4]):
                raise KeyboardInterrupt
            return super().forecast(history, steps)

    with pytest.raises(KeyboardInterrupt):
        run(store, RATES, Broken())
    fits()
    run(store)
    assert fits() == GRID[4:]
