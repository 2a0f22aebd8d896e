"""From windows to numbers: which outcome a forecast is held against, and what is made of it."""

from dataclasses import replace
from datetime import date, timedelta
from math import log, sqrt

import numpy as np
import pytest

from conftest import business_days, series
from forex_core.backtest.evaluate import (
    ENSEMBLE,
    PAST,
    TRIED,
    Record,
    against,
    learned,
    losses,
    past_errors,
    records,
    summary,
    wql,
)
from forex_core.backtest.lessons import Lesson, lessons
from forex_core.backtest.rows import joint_losses, panel_row, row_of
from forex_core.backtest.significance import diebold_mariano
from forex_core.backtest.windows import Window, origins
from forex_core.calendars import calendar, end_of, release_of
from forex_core.dataset.view import Rates, View
from forex_core.horizons import HORIZONS, LONGEST_PATH
from forex_core.values import DECILES, LEVELS, Floats, Observation, QuantilePath

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


def beside(ours: Record, yardstick: Record) -> dict[str, Record]:
    """One pair's records by member."""
    return {"a": ours, "rw_const": yardstick}


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


@pytest.mark.parametrize(
    ("members", "weighting", "first"),
    [
        (["a", "b"], "equal", 1005),
        (["a", "rw_const"], "equal", 3000),
        (["a", "b", "rw_const"], "median", 1010),
    ],
)
def test_the_ensemble_is_made_of_the_named_members_only(members: list[str], weighting: str, first: float) -> None:
    seen = [window(GRID[2], a=path(1000), b=path(1010), rw_const=path(5000))]
    found = records(RATES, seen, WEEK, outcomes(), members, weighting)
    step = CHILE.steps(GRID[2], CHILE.target(GRID[2], WEEK.days))
    assert found.keys() == {"a", "b", "rw_const", ENSEMBLE}
    assert found[ENSEMBLE].quantiles[0].tolist() == list(path(first).at(step).values())


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
    assert row_of("A", "7d", "a", beside(ours, other)).wql_ratio == pytest.approx(0.25)


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
    row = row_of("A", "7d", "a", beside(still, still))
    panel = panel_row([row], [beside(still, still)])
    assert (row.wql_ratio, row.rmse_ratio, panel.wql_ratio, panel.rmse_ratio) == (1, 1, 1, 1)


# --- rows of a backtest


def noisy(seed: int, width: float, spot: float = 100.0, first: int = 0) -> Record:
    came = spot * (1 + 0.02 * np.random.default_rng(seed).normal(size=12))
    return record([flat(spot, width * spot) for _ in came], came.tolist(), spot, first)


def test_a_row_measures_in_shares_of_spot_beside_the_yardstick() -> None:
    ours, yardstick = record([flat(101), flat(98)], [100, 104]), record([flat(100), flat(100)], [100, 104])
    row = row_of("USDCLP", "7d", "a", beside(ours, yardstick))
    assert (row.pair, row.horizon, row.member, row.origins, row.pairs) == ("USDCLP", "7d", "a", 2, 1)
    assert row.wql == pytest.approx((0.01 + 0.06) / 2)
    assert row.wql_ratio == pytest.approx(0.07 / 0.04)
    assert row.rmse == pytest.approx(sqrt((0.01**2 + 0.06**2) / 2))
    assert row.rmse_ratio == pytest.approx(sqrt((1 + 36) / 16))
    assert row.mae == pytest.approx(0.035)
    assert row.mape == pytest.approx((0.01 / 1 + 0.06 / 1.04) / 2)
    assert row.directional_accuracy == 0


def test_the_rows_of_a_record_and_of_a_thousandfold_of_it_are_the_same() -> None:
    small = row_of("USDCLP", "7d", "a", beside(noisy(1, 0.06), noisy(1, 0.2)))
    large = row_of("USDCLP", "7d", "a", beside(noisy(1, 0.06, spot=100_000), noisy(1, 0.2, spot=100_000)))
    for name in ("wql", "wql_ratio", "rmse", "mae", "mape", "interval_80", "interval_95", "coverage_50", "dm_t"):
        assert getattr(large, name) == pytest.approx(getattr(small, name), rel=1e-9)


def test_the_panels_ratios_are_geometric_means_and_the_rest_are_means() -> None:
    found = [beside(noisy(seed, 0.06), noisy(seed, 0.2)) for seed in (1, 2, 3)]
    rows = [row_of(pair, "7d", "a", pair_found) for pair, pair_found in zip("ABC", found, strict=True)]
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
    found = [beside(once, twice), beside(twice, once)]
    panel = panel_row([row_of("A", "7d", "a", entry) for entry in found], found)
    assert log(panel.wql_ratio) == pytest.approx(0, abs=1e-12)


def test_a_pair_alone_is_tested_in_the_panel_as_by_itself() -> None:
    found = beside(noisy(4, 0.06), noisy(4, 0.2))
    row = row_of("A", "7d", "a", found)
    panel, itself = panel_row([row], [found]), against(found["a"], found["rw_const"])
    assert (panel.dm_t, panel.dm_p) == pytest.approx((itself.t, itself.p))


def test_pairs_that_move_as_one_count_as_one() -> None:
    found = beside(noisy(4, 0.06), noisy(4, 0.2))
    row = row_of("A", "7d", "a", found)
    assert panel_row([row] * 5, [found] * 5).dm_t == pytest.approx(panel_row([row], [found]).dm_t)


def test_pairs_of_different_years_are_joined_by_origin() -> None:
    late, early = (
        tuple(replace(noisy(seed, width, first=first), overlap=3) for width in (0.06, 0.2))
        for seed, first in ((4, 6), (5, 0))
    )
    found = [beside(*late), beside(*early)]
    panel = panel_row([row_of("A", "7d", "a", entry) for entry in found], found)
    by_origin: dict[date, list[tuple[float, float]]] = {}
    for mine, other in (late, early):
        scale = losses(other).mean()
        for origin, a, b in zip(mine.origins, losses(mine) / scale, losses(other) / scale, strict=True):
            by_origin.setdefault(origin, []).append((a, b))
    joint = np.array([np.mean(by_origin[origin], axis=0) for origin in sorted(by_origin)])
    assert len(joint) == 18
    test = diebold_mariano(joint[:, 0], joint[:, 1], 3)
    assert (panel.dm_t, panel.dm_p) == pytest.approx((test.t, test.p))


def test_against_the_ensemble_a_member_is_tested_on_the_same_windows_and_the_ensemble_not_at_all() -> None:
    ours, ensemble, yardstick = noisy(4, 0.06), noisy(4, 0.1), noisy(4, 0.2)
    found = {"a": ours.on(ours.origins[2:]), ENSEMBLE: ensemble, "rw_const": yardstick}
    row = row_of("A", "7d", "a", found)
    test = diebold_mariano(losses(ours)[2:], losses(ensemble)[2:], 1)
    assert (row.dm_ensemble_t, row.dm_ensemble_p) == pytest.approx((test.t, test.p))
    itself = row_of("A", "7d", ENSEMBLE, found)
    assert (itself.dm_ensemble_t, itself.dm_ensemble_p) == (None, None)
    joint = panel_row([row], [found])
    assert (joint.dm_ensemble_t, joint.dm_ensemble_p) == pytest.approx((test.t, test.p))


def test_joint_losses_are_taken_where_every_member_spoke() -> None:
    a, b, yardstick = noisy(1, 0.06), noisy(1, 0.1), noisy(1, 0.2)
    found = [{"a": a.on(a.origins[3:]), "b": b.on(b.origins[:9]), "rw_const": yardstick}]
    lost = joint_losses(found, ["a", "b"])
    assert lost.shape == (6, 2)
    scale = losses(yardstick)[3:9].mean()
    np.testing.assert_allclose(lost, np.stack([losses(a)[3:9], losses(b)[3:9]], axis=1) / scale)


def test_a_row_has_the_share_of_outcomes_below_each_level() -> None:
    ours = record([flat(100, 40), flat(100, 40)], [101, 90])  # 101 lies between 0.5 and 0.6, 90 at 0.25
    below = dict(zip(LEVELS, row_of("A", "7d", "a", beside(ours, ours)).below, strict=True))
    assert [below[level] for level in (0.2, 0.25, 0.3, 0.5, 0.6, 0.975)] == [0, 0.25, 0.5, 0.5, 1, 1]
    other = record([flat(100, 40), flat(100, 40)], [200, 200])
    found = [beside(ours, ours), beside(other, other)]
    panel = panel_row([row_of(pair, "7d", "a", one) for pair, one in zip("AB", found, strict=True)], found)
    assert panel.below == tuple(share / 2 for share in below.values())


# --- what an origin could learn


@pytest.mark.parametrize("key", HORIZONS)
def test_a_lesson_is_learned_at_the_first_origin_that_the_target_had_reached(key: str) -> None:
    seen = [window(origin) for origin in GRID[:12]]
    found = lessons(RATES, seen, HORIZONS[key])
    for n, origin in enumerate(GRID[:12]):
        target = CHILE.target(origin, HORIZONS[key].days)
        after = [day for day in GRID[n:12] if day >= target]
        assert (origin in found) == bool(after)
        if after:
            assert found[origin] == Lesson(after[0], dict(ROWS)[target])


def test_what_was_revised_later_teaches_nothing() -> None:
    """The outcome is that of the window that first knew it, not of the newest one."""
    target = CHILE.target(GRID[0], WEEK.days)
    first = series([row if row[0] != target else (target, 1.0) for row in ROWS if row[0] <= GRID[1]])
    seen = [window(GRID[0]), Window(GRID[1], first, {}), window(GRID[2])]
    assert lessons(RATES, seen, WEEK)[GRID[0]].outcome == 1.0


def test_only_windows_known_at_an_origin_are_learned_from() -> None:
    whole = record([flat(101), flat(102), flat(103)], [111, 112, 113])
    taught = {GRID[0]: Lesson(GRID[1], 7.0), GRID[1]: Lesson(GRID[2], 8.0)}
    assert learned(whole, taught, GRID[0]).origins == ()
    assert learned(whole, taught, GRID[1]).outcomes.tolist() == [7.0]
    both = learned(whole, taught, GRID[9])
    assert (both.origins, both.outcomes.tolist()) == ((GRID[0], GRID[1]), [7.0, 8.0])
    assert both.quantiles[:, 0].tolist() == [101, 102]


def missing_by(miss: float, count: int, first: int = 0) -> Record:
    """A record whose medians miss by `miss`."""
    days = tuple(date(2000, 1, 3) + timedelta(first + n) for n in range(count))
    return Record(days, np.array([flat(100 + miss)] * count), np.full(count, 100.0), np.full(count, 100.0), 1)


def test_past_errors_are_ratios_on_the_same_last_windows() -> None:
    early, late = missing_by(9, 50), missing_by(1, PAST, first=50)
    ours = Record(
        early.origins + late.origins,
        *(np.concatenate(parts) for parts in zip(arrays(early), arrays(late), strict=True)),
        1,
    )
    yardstick = missing_by(2, 50 + PAST + 5)
    found = {"a": ours, "young": missing_by(1, TRIED - 1), "old": missing_by(4, TRIED), "rw_const": yardstick}
    assert past_errors(found | {ENSEMBLE: ours}) == pytest.approx({"a": 0.5, "old": 2.0})


def arrays(one: Record) -> tuple[Floats, Floats, Floats]:
    return one.quantiles, one.spots, one.outcomes


def test_the_weights_of_a_window_follow_the_errors_known_there_and_never_later_ones() -> None:
    """b is perfect at first and absurd from some window on: its weight falls only once that has come true."""
    days, turn = GRID[:26], TRIED + 2
    misses = [1.0] * turn + [400.0] * (len(days) - turn)

    def around(miss: float, origin: date) -> QuantilePath:
        came = dict(ROWS)[CHILE.target(origin, WEEK.days)]
        return QuantilePath(np.tile(np.array(flat(came + miss, 1.0)), (LONGEST_PATH, 1)))

    seen = [
        window(day, a=around(4, day), b=around(miss, day), rw_const=around(4, day))
        for day, miss in zip(days, misses, strict=True)
    ]
    found = records(RATES, seen, WEEK, outcomes(), ["a", "b"], "inverse_rmse")[ENSEMBLE]
    together = found.quantiles[:, LEVELS.index(0.5)] - found.outcomes
    of_b = [(4 - mixed) / (4 - miss) for mixed, miss in zip(together, misses, strict=True)]
    # a week's outcome is known at the next origin, so origin n has n windows to learn from
    assert of_b[:TRIED] == pytest.approx([0.5] * TRIED), "too few outcomes are known"
    assert of_b[TRIED : turn + 1] == pytest.approx([0.8] * 3), "four times as good, and not yet seen to fail"
    assert max(of_b[turn + 1 :]) < 0.1
