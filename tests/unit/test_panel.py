"""The backtest over pairs: which origins it fits, which it scores, and that no row depends on what came later."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from datetime import UTC, date, datetime
from typing import ClassVar

import pytest

from conftest import business_days, walk
from forex_core.backtest.leakage import past_of, spoilt
from forex_core.backtest.panel import CONFORMAL, RUN_UP, Plan, backtest, window_count
from forex_core.backtest.windows import ANCHOR, origins
from forex_core.calendars import calendar, release_of
from forex_core.dataset.view import Rates
from forex_core.errors import DataError, ModelError
from forex_core.horizons import HORIZONS
from forex_core.models.empirical import Empirical
from forex_core.models.random_walk import RandomWalk
from forex_core.models.rw_const import RandomWalkConstant
from forex_core.store.store import Store
from forex_core.values import Observation, QuantilePath, Series

CHILE = calendar("chile")
NOW = datetime(2025, 1, 1, tzinfo=UTC)
START, END = date(2022, 6, 1), date(2024, 3, 1)


@dataclass(frozen=True)
class Leaning(RandomWalk):
    """The random walk with its centre moved: a member whose past errors are other ones."""

    by: float = 0.01
    since: str = ""
    name: ClassVar[str] = "leaning"

    def forecast(self, history: Series, steps: int) -> QuantilePath:
        if str(history.dates[-1]) < self.since:
            raise ModelError("too early")
        return QuantilePath(super().forecast(history, steps).rates * (1 + self.by))


def rates_of(pair: str, seed: int, first: date = date(2015, 1, 2)) -> Rates:
    release = release_of("USDCLP")
    rows = walk(business_days(first, date(2024, 6, 28)), seed=seed)
    seen = tuple(Observation(day, value, release.known_at(day, CHILE), "test") for day, value in rows)
    return Rates(pair, seen, CHILE, release)


PANEL = [rates_of("USDCLP", 1), rates_of("EURCLP", 2)]


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    with Store.in_memory(tmp_path_factory.mktemp("nothing")) as store:
        yield store


def test_origins_are_fitted_before_the_first_one_only_where_something_is_learned() -> None:
    scored, before = origins(PANEL[0], START, END), [d for d in origins(PANEL[0], ANCHOR, START) if d < START]
    plan = Plan((RandomWalk(),), START, END)
    assert plan.origins(PANEL[0]) == scored
    assert replace(plan, weighting="median").origins(PANEL[0]) == scored
    assert replace(plan, weighting="inverse_rmse").origins(PANEL[0]) == before[-RUN_UP:] + scored
    assert replace(plan, conformal=True).origins(PANEL[0]) == before + scored
    assert window_count(PANEL, plan) == 2 * len(scored)


@pytest.mark.parametrize("weighting", ["equal", "median", "inverse_rmse"])
def test_only_the_windows_of_the_range_are_scored(store: Store, weighting: str) -> None:
    plan = Plan((RandomWalk(), Leaning()), START, END, weighting, conformal=weighting == "equal")
    rows, joint = backtest(PANEL, plan, store, NOW)
    scored = len(origins(PANEL[0], START, END))
    assert {row.origins for row in rows} == {scored}
    assert {row.origins for row in joint} == {2 * scored}
    members = ["ensemble", *[CONFORMAL][: plan.conformal], "random_walk", "leaning", "rw_const"]
    expected = [(pair, key, member) for pair in ("USDCLP", "EURCLP") for key in HORIZONS for member in members]
    assert [(row.pair, row.horizon, row.member) for row in rows] == expected
    assert [(row.horizon, row.member) for row in joint] == [(key, member) for key in HORIZONS for member in members]


def test_the_weighting_decides_what_the_ensemble_says_and_nothing_else(store: Store) -> None:
    found = {}
    for weighting in ("equal", "median", "inverse_rmse"):
        plan = Plan((RandomWalk(), Empirical(), Leaning(by=0.05)), START, END, weighting)
        found[weighting] = {row.member: row for row in backtest(PANEL, plan, store, NOW)[1] if row.horizon == "7d"}
    for name in ("random_walk", "empirical", "leaning"):
        assert len({found[weighting][name].wql for weighting in found}) == 1
    by_loss = sorted(found, key=lambda weighting: found[weighting]["ensemble"].wql)
    assert by_loss == ["median", "inverse_rmse", "equal"], "one member of three leans by 5 %"


@pytest.mark.parametrize("change", [past_of, spoilt])
def test_no_row_depends_on_what_came_after_its_windows(store: Store, change: object) -> None:
    """Weights and calibration learn from earlier windows; what the rates did later must not reach any of them."""
    end = date(2023, 6, 1)
    plan = Plan((RandomWalk(), Leaning()), START, end, "inverse_rmse", conformal=True)
    last = max(CHILE.target(day, 90) for day in origins(PANEL[0], START, end))
    without = [change(rates, last) for rates in PANEL]  # type: ignore[operator]
    known = datetime(last.year, last.month, last.day, 23, 59, 59, tzinfo=UTC)
    here, there = (backtest(panel, plan, store, known) for panel in (PANEL, without))
    assert [asdict(row) for row in here[0] + here[1]] == [asdict(row) for row in there[0] + there[1]]


def test_a_member_that_spoke_seldom_is_not_judged_beside_the_others(store: Store) -> None:
    start = date(2021, 1, 4)
    plan = Plan((RandomWalk(), Leaning(since="2022-01-03")), start, END)
    joint = [row for row in backtest(PANEL, plan, store, NOW)[1] if row.horizon == "7d"]
    judged = {row.member: row.in_confidence_set for row in joint}
    assert judged.pop("leaning") is None
    assert None not in judged.values()


def test_a_pair_alone_has_its_own_confidence_set_and_pairs_of_a_panel_have_none(store: Store) -> None:
    plan = Plan((RandomWalk(), Leaning(by=0.05)), date(2020, 1, 2), END)
    alone, joint = backtest(PANEL[:1], plan, store, NOW)
    week = {row.member: row.in_confidence_set for row in alone if row.horizon == "7d"}
    assert week["leaning"] is False, "5 % beside the rate"
    assert any(week.values())
    assert [row.in_confidence_set for row in alone] == [row.in_confidence_set for row in joint]
    assert {row.in_confidence_set for row in backtest(PANEL, plan, store, NOW)[0]} == {None}


def test_a_pair_without_windows_is_left_out_and_without_any_there_is_an_error(store: Store) -> None:
    young = rates_of("EURCLP", 2, first=date(2024, 1, 2))
    plan = Plan((RandomWalkConstant(),), START, END)
    rows, joint = backtest([PANEL[0], young], plan, store, NOW)
    assert {row.pair for row in rows} == {"USDCLP"}
    assert {row.pairs for row in joint} == {1}
    with pytest.raises(DataError, match="no window between 2022-06-01 and 2024-03-01 has both 250 rates before it"):
        backtest([young], plan, store, NOW)
