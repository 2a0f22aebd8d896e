"""From windows to numbers: which outcome a forecast is held against, and what is made of it."""

from dataclasses import replace
from datetime import date, timedelta
from math import log, sqrt

import numpy as np
import pytest

from conftest import business_days, series
from forex_core.backtest.evaluate import ENSEMBLE, Record, against, losses, records, summary, with_ensemble, wql
from forex_core.backtest.rows import panel_row, row_of
from forex_core.backtest.significance import diebold_mariano
from forex_core.backtest.windows import Window, origins
from forex_core.calendars import calendar, end_of, release_of
from forex_core.dataset.view import Rates, View
from forex_core.horizons import HORIZONS, LONGEST_PATH
from forex_core.values import DECILES, LEVELS, Observation, QuantilePath

CHILE = calendar("chile")
DAYS = business_days(date(2022, 1, 3), date(2024, 6, 28))
ROWS = [(day, 900.0 + n) for n, day in enumerate(DAYS)]
RATES = Rates("USDCLP", (), CHILE, release_of("USDCLP"))
GRID = origins(RATES, DAYS[0], DAYS[-1])
WEEK = HORIZONS["7d"]


def outcomes(rows: list[tuple[date, float]] = ROWS) -> View:
    return View(tuple(Observation(day, value, end_of(day), "test") for day, value in rows), ())


def path(first: float, width: float = 10.0) -> QuantilePath:
    """Medians that rise by 100 a step, so that a number tells its step."""
    steps = np.arange(LONGEST_PATH)[:, None]
    return QuantilePath(first + 100 * steps + width * (np.array(LEVELS) - 0.5)[None, :])


def window(origin: date, **paths: QuantilePath) -> Window:
    return Window(origin, series([row for row in ROWS if row[0] <= origin]), paths)


def record(quantiles: list[list[float]], came: list[float], spot: float = 100.0, first: int = 0) -> Record:
    n = len(came)
    return Record(tuple(GRID[first : first + n]), np.array(quantiles), np.full(n, spot), np.array(came), 1)


def flat(median: float, width: float = 0.0) -> list[float]:
    return [median + width * (level - 0.5) for level in LEVELS]


# --- records


@pytest.mark.parametrize("key", HORIZONS)
def test_a_record_holds_the_step_of_the_target_date_and_the_value_of_that_day(key: str) -> None:
    origin = GRID[2]
    found = records(RATES, [window(origin, rw_const=path(1000))], HORIZONS[key], outcomes(), [])["rw_const"]
    target = CHILE.target(origin, HORIZONS[key].days)
    assert found.origins == (origin,)
    assert found.quantiles[0].tolist() == list(path(1000).at(CHILE.steps(origin, target)).values())
    assert found.spots.tolist() == [dict(ROWS)[origin]]
    assert found.outcomes.tolist() == [dict(ROWS)[target]]


def test_when_the_target_day_has_no_rate_then_the_last_one_before_it_is_in_force() -> None:
    target = CHILE.target(GRID[2], WEEK.days)
    before = CHILE.last_open(target - timedelta(days=1))
    seen = outcomes([row for row in ROWS if row[0] != target])
    found = records(RATES, [window(GRID[2], rw_const=path(1000))], WEEK, seen, [])["rw_const"]
    assert found.outcomes.tolist() == [dict(ROWS)[before]]


def test_a_target_that_has_not_come_is_left_out() -> None:
    seen = [window(origin, rw_const=path(1000)) for origin in GRID[:3]]
    target = CHILE.target(GRID[1], WEEK.days)
    for until, come in ((target, 2), (target - timedelta(days=1), 1)):
        found = records(RATES, seen, WEEK, outcomes([row for row in ROWS if row[0] <= until]), [])
        assert found["rw_const"].origins == tuple(GRID[:come])


def test_without_any_target_that_has_come_there_is_nothing() -> None:
    assert records(RATES, [window(GRID[2], rw_const=path(1000))], WEEK, outcomes(ROWS[:5]), ["rw_const"]) == {}


@pytest.mark.parametrize(("key", "overlap"), [("7d", 1), ("15d", 1), ("30d", 2), ("90d", 3)])
def test_the_overlap_is_how_many_windows_the_horizon_spans(key: str, overlap: int) -> None:
    seen = [window(origin, rw_const=path(1000)) for origin in GRID[:10]]
    longest = max(CHILE.steps(day, CHILE.target(day, HORIZONS[key].days)) for day in GRID[:10])
    found = records(RATES, seen, HORIZONS[key], outcomes(), [])["rw_const"].overlap
    assert found == overlap
    assert 21 * (overlap - 1) < longest <= 21 * overlap


def test_the_ensemble_is_the_mean_of_the_named_members_only() -> None:
    paths = {"a": path(1000), "b": path(1010), "rw_const": path(5000)}
    assert with_ensemble(paths, ["a", "b"])[ENSEMBLE].rates.tolist() == path(1005).rates.tolist()
    assert with_ensemble(paths, ["a", "rw_const"])[ENSEMBLE].rates.tolist() == path(3000).rates.tolist()
    assert with_ensemble(paths, ["a", "b"]).keys() == {"a", "b", "rw_const", ENSEMBLE}


def test_the_ensemble_is_made_of_those_that_spoke() -> None:
    seen = [window(GRID[1], a=path(1000), rw_const=path(0.5 + 1000)), window(GRID[2], rw_const=path(1000))]
    found = records(RATES, seen, WEEK, outcomes(), ["a", "silent"])
    assert {name: entry.origins for name, entry in found.items()} == {
        "a": (GRID[1],),
        "rw_const": (GRID[1], GRID[2]),
        ENSEMBLE: (GRID[1],),
    }
    assert found[ENSEMBLE].quantiles.tolist() == found["a"].quantiles.tolist()


def test_in_units_of_spot_everything_is_divided_by_its_own_windows_spot() -> None:
    said = np.array([flat(110, 10), flat(48)])
    whole = Record((GRID[0], GRID[1]), said, np.array([100.0, 50.0]), np.array([90.0, 55.0]), 2)
    share = whole.of_spot()
    np.testing.assert_allclose(share.quantiles, [flat(1.1, 0.1), flat(0.96)])
    assert share.outcomes.tolist() == [0.9, 1.1]
    assert share.spots.tolist() == [1, 1]
    assert (share.origins, share.overlap) == (whole.origins, 2)


def test_the_windows_of_some_origins_only() -> None:
    whole = record([flat(101), flat(102), flat(103)], [111, 112, 113])
    part = whole.on([GRID[2], GRID[0], GRID[9]])
    assert part.origins == (GRID[0], GRID[2])
    assert part.quantiles[:, 0].tolist() == [101, 103]
    assert part.outcomes.tolist() == [111, 113]
    assert len(part.spots) == 2


# --- figures


def test_a_small_loss_is_not_taken_for_nothing() -> None:
    ours, other = record([flat(100.001)], [100]), record([flat(100.004)], [100])
    assert row_of("A", "7d", "a", ours, other).wql_ratio == pytest.approx(0.25)


def test_losses_are_shares_of_the_origins_spot() -> None:
    assert losses(record([flat(110), flat(95)], [100, 100])).tolist() == pytest.approx([0.1, 0.05])
    assert wql(record([flat(110), flat(95)], [100, 100])) == pytest.approx(0.075)


def test_the_summary_by_hand() -> None:
    came = [102.0, 99.0, 108.0, 95.0]
    ours = record([flat(101, 4.5), flat(101, 4.5), flat(100, 4.5), flat(98, 4.5)], came)
    yardstick = record([flat(90)] + [flat(100)] * 4, [90.0, *came])  # an origin more, which does not count
    yardstick = Record((GRID[9], *GRID[:4]), yardstick.quantiles, yardstick.spots, yardstick.outcomes, 1)
    found = summary({ENSEMBLE: ours, "rw_const": yardstick})
    assert found is not None
    # misses of the median: -1, 2, -8, 3
    assert found.origins == 4
    assert found.rmse == pytest.approx(sqrt((1 + 4 + 64 + 9) / 4))
    assert found.mae == pytest.approx(14 / 4)
    assert found.mape == pytest.approx(100 * (1 / 102 + 2 / 99 + 8 / 108 + 3 / 95) / 4)
    assert found.directional_accuracy == (1 + 0 + 0.5 + 1) / 4
    assert found.coverage_80 == 1 / 4  # half a width of 1.8; at 95 % it would be 2.1
    assert found.coverage_se == pytest.approx(sqrt(0.16 / 4))
    naive = [
        sum(2 * (c - q) * (level - (c < q)) for level, q in zip(LEVELS, row, strict=True) if level in DECILES) / 9
        for row, c in zip(ours.quantiles.tolist(), came, strict=True)
    ]
    assert found.wql_ratio == pytest.approx(sum(naive) / (2 + 1 + 8 + 5))
    test = diebold_mariano(np.array(naive), np.array([2.0, 1, 8, 5]), 1)
    assert (found.dm_t, found.dm_p) == pytest.approx((test.t, test.p))


def test_with_too_few_windows_the_summary_claims_no_significance() -> None:
    ours = record([flat(101, 4)] * 3, [102, 99, 103])
    found = summary({ENSEMBLE: ours, "rw_const": record([flat(100)] * 3, [102, 99, 103])})
    assert found is not None
    assert (found.dm_t, found.dm_p) == (None, None)


@pytest.mark.parametrize("names", [(), (ENSEMBLE,), ("rw_const",)])
def test_without_ensemble_or_yardstick_there_is_no_summary(names: tuple[str, ...]) -> None:
    assert summary({name: record([flat(100)], [101]) for name in names}) is None


def test_when_the_rate_never_moves_then_nobody_is_better_and_nothing_breaks() -> None:
    still = record([flat(100)] * 6, [100] * 6)
    found = summary({ENSEMBLE: still, "rw_const": still})
    assert found is not None
    assert (found.wql_ratio, found.rmse, found.coverage_80, found.dm_t) == (1, 0, 1, None)
    row = row_of("A", "7d", "a", still, still)
    panel = panel_row([row], [(still, still)])
    assert (row.wql_ratio, row.rmse_ratio, panel.wql_ratio, panel.rmse_ratio) == (1, 1, 1, 1)


# --- rows of a backtest


def noisy(seed: int, width: float, spot: float = 100.0, first: int = 0) -> Record:
    came = spot * (1 + 0.02 * np.random.default_rng(seed).normal(size=12))
    return record([flat(spot, width * spot) for _ in came], came.tolist(), spot, first)


def test_a_row_measures_in_shares_of_spot_beside_the_yardstick() -> None:
    ours, yardstick = record([flat(101), flat(98)], [100, 104]), record([flat(100), flat(100)], [100, 104])
    row = row_of("USDCLP", "7d", "a", ours, yardstick)
    assert (row.pair, row.horizon, row.member, row.origins, row.pairs) == ("USDCLP", "7d", "a", 2, 1)
    assert row.wql == pytest.approx((0.01 + 0.06) / 2)
    assert row.wql_ratio == pytest.approx(0.07 / 0.04)
    assert row.rmse == pytest.approx(sqrt((0.01**2 + 0.06**2) / 2))
    assert row.rmse_ratio == pytest.approx(sqrt((1 + 36) / 16))
    assert row.mae == pytest.approx(0.035)
    assert row.mape == pytest.approx((0.01 / 1 + 0.06 / 1.04) / 2)
    assert row.directional_accuracy == 0


def test_the_rows_of_a_record_and_of_a_thousandfold_of_it_are_the_same() -> None:
    small = row_of("USDCLP", "7d", "a", noisy(1, 0.06), noisy(1, 0.2))
    large = row_of("USDCLP", "7d", "a", noisy(1, 0.06, spot=100_000), noisy(1, 0.2, spot=100_000))
    for name in ("wql", "wql_ratio", "rmse", "mae", "mape", "interval_80", "interval_95", "coverage_50", "dm_t"):
        assert getattr(large, name) == pytest.approx(getattr(small, name), rel=1e-9)


def test_the_panels_ratios_are_geometric_means_and_the_rest_are_means() -> None:
    found = [(noisy(seed, 0.06), noisy(seed, 0.2)) for seed in (1, 2, 3)]
    rows = [row_of(pair, "7d", "a", *pair_found) for pair, pair_found in zip("ABC", found, strict=True)]
    panel = panel_row(rows, found)
    assert (panel.pair, panel.pairs, panel.origins) == (None, 3, 36)
    for name in ("wql_ratio", "rmse_ratio"):
        product = np.prod([getattr(row, name) for row in rows])
        assert getattr(panel, name) == pytest.approx(product ** (1 / 3))
    for name in ("wql", "rmse", "mae", "mape", "directional_accuracy", "interval_80", "coverage_80", "coverage_95"):
        assert getattr(panel, name) == pytest.approx(sum(getattr(row, name) for row in rows) / 3)
    assert panel.coverage_se == pytest.approx(sqrt(0.16 / 36))


def test_when_one_pair_doubles_its_loss_and_another_halves_it_then_the_panel_is_level() -> None:
    came = [101.0, 98.0, 103.0, 97.0]
    once, twice = (record([flat(c + by * (-1) ** n) for n, c in enumerate(came)], came) for by in (1, 2))
    found = [(once, twice), (twice, once)]
    panel = panel_row([row_of("A", "7d", "a", *entry) for entry in found], found)
    assert log(panel.wql_ratio) == pytest.approx(0, abs=1e-12)


def test_a_pair_alone_is_tested_in_the_panel_as_by_itself() -> None:
    found = (noisy(4, 0.06), noisy(4, 0.2))
    row = row_of("A", "7d", "a", *found)
    panel, itself = panel_row([row], [found]), against(*found)
    assert (panel.dm_t, panel.dm_p) == pytest.approx((itself.t, itself.p))


def test_pairs_that_move_as_one_count_as_one() -> None:
    found = (noisy(4, 0.06), noisy(4, 0.2))
    row = row_of("A", "7d", "a", *found)
    assert panel_row([row] * 5, [found] * 5).dm_t == pytest.approx(panel_row([row], [found]).dm_t)


def test_pairs_of_different_years_are_joined_by_origin() -> None:
    late, early = (
        tuple(replace(noisy(seed, width, first=first), overlap=3) for width in (0.06, 0.2))
        for seed, first in ((4, 6), (5, 0))
    )
    panel = panel_row([row_of("A", "7d", "a", *entry) for entry in (late, early)], [late, early])
    by_origin: dict[date, list[tuple[float, float]]] = {}
    for mine, other in (late, early):
        scale = losses(other).mean()
        for origin, a, b in zip(mine.origins, losses(mine) / scale, losses(other) / scale, strict=True):
            by_origin.setdefault(origin, []).append((a, b))
    joint = np.array([np.mean(by_origin[origin], axis=0) for origin in sorted(by_origin)])
    assert len(joint) == 18
    test = diebold_mariano(joint[:, 0], joint[:, 1], 3)
    assert (panel.dm_t, panel.dm_p) == pytest.approx((test.t, test.p))
