"""The contract of every member of the ensemble, and each member against a slow reading of its own definition."""

from collections.abc import Iterator
from datetime import date, timedelta
from itertools import pairwise
from math import atan, exp, log, pi, sqrt
from pathlib import Path
from statistics import NormalDist, pstdev, stdev

import numpy as np
import pytest

import forex_core.models
from conftest import series, walk
from forex_core.errors import ModelError, UsageError
from forex_core.horizons import LONGEST_PATH
from forex_core.models.empirical import Empirical
from forex_core.models.member import Member
from forex_core.models.random_walk import RandomWalk
from forex_core.models.rw_const import RandomWalkConstant
from forex_core.models.table import MEMBERS, members_named
from forex_core.values import INTERVALS, LEVELS, Series

CENTRED = ("random_walk", "empirical", "rw_const")  # they claim no drift
HORIZON_STEPS = (5, 10, 21, 63)
MOST_RATES_NEEDED = 1000
NEEDS = {"random_walk": lambda steps: 61, "empirical": lambda steps: 2 * steps + 1, "rw_const": lambda steps: 21}
WALKS = 200

every_member = pytest.mark.parametrize("member", MEMBERS.values(), ids=MEMBERS)
centred_member = pytest.mark.parametrize("member", [MEMBERS[name] for name in CENTRED], ids=CENTRED)


def days(count: int) -> list[date]:
    return [date(2005, 1, 3) + timedelta(n) for n in range(count)]


def history(count: int, **how: float) -> Series:
    return series(walk(days(count), **how))


def of_values(values: list[float]) -> Series:
    return series(list(zip(days(len(values)), values, strict=True)))


def pegged(since: int) -> list[float]:
    """A walk, then 1100 days of the same rate, then `since` days of a walk that begins with a leap."""
    before, after = ([rate for _, rate in walk(days(count))] for count in (100, since))
    return before + [before[-1]] * 1100 + [1.1 * rate for rate in after]


# --- the contract


@every_member
@pytest.mark.parametrize("values", [1e-4, 1.1, 900.0, 1e7])
def test_quantiles_are_finite_positive_and_ordered_at_any_size_of_rate(member: Member, values: float) -> None:
    rates = member.forecast(of_values([values * r / 900 for _, r in walk(days(1200))]), LONGEST_PATH).rates
    assert rates.shape == (LONGEST_PATH, len(LEVELS))
    assert np.isfinite(rates).all()
    assert (rates > 0).all()
    assert (np.diff(rates, axis=1) > 0).all()


@every_member
def test_a_thousand_times_the_history_gives_a_thousand_times_the_path(member: Member) -> None:
    rates = history(1600)
    once = member.forecast(rates, LONGEST_PATH).rates
    scaled = member.forecast(Series(rates.dates, rates.values * 1000), LONGEST_PATH).rates
    np.testing.assert_allclose(scaled, 1000 * once, rtol=1e-9)


@every_member
def test_the_same_history_twice_gives_the_same_bits(member: Member) -> None:
    first, second = (member.forecast(history(1200), LONGEST_PATH).rates.tobytes() for _ in range(2))
    assert first == second


@every_member
@pytest.mark.parametrize("cut", [400, 1100])
def test_rows_after_the_cut_never_change_the_forecast(member: Member, cut: int) -> None:
    alone = member.forecast(history(cut), 21).rates.tobytes()
    for later in (0.5, 2.0):
        whole = history(1200)
        whole = Series(whole.dates, np.where(np.arange(1200) < cut, whole.values, later * whole.values))
        member.forecast(whole, 21)  # what it has seen must not stay with it
        assert member.forecast(Series(whole.dates[:cut], whole.values[:cut]), 21).rates.tobytes() == alone


@every_member
def test_a_forecast_for_fewer_steps_is_the_beginning_of_the_longer_one(member: Member) -> None:
    whole, part = (member.forecast(history(1200), steps).rates for steps in (LONGEST_PATH, 5))
    np.testing.assert_array_equal(whole[:5], part)


@every_member
def test_a_flat_history_gives_a_flat_forecast(member: Member) -> None:
    assert (member.forecast(of_values([512.25] * 1200), LONGEST_PATH).rates == 512.25).all()


@every_member
@pytest.mark.parametrize("steps", [1, 5, LONGEST_PATH])
def test_a_short_history_is_refused_by_naming_the_need_until_there_is_enough(member: Member, steps: int) -> None:
    def refusal(count: int) -> str | None:
        try:
            member.forecast(history(count), steps)
        except ModelError as error:
            return error.message
        return None

    said = {count: refusal(count) for count in range(200)} | {MOST_RATES_NEEDED: refusal(MOST_RATES_NEEDED)}
    need = min(count for count, message in said.items() if message is None)
    for count, message in said.items():
        assert message == (f"{member.name} needs {need} rates, there are {count}" if count < need else None)


@pytest.mark.parametrize("steps", [1, 5, LONGEST_PATH])
@pytest.mark.parametrize("name", NEEDS)
def test_each_member_speaks_from_the_length_that_it_names(name: str, steps: int) -> None:
    need = NEEDS[name](steps)
    assert len(MEMBERS[name].forecast(history(need), steps)) == steps
    with pytest.raises(ModelError, match=f"{name} needs {need} rates, there are {need - 1}"):
        MEMBERS[name].forecast(history(need - 1), steps)


@every_member
def test_when_the_level_jumped_by_30_percent_then_the_forecast_lies_around_the_last_value(member: Member) -> None:
    before, after = walk(days(1200)), walk(days(1200), start=1.3 * 900)
    shifted = series(before[:1100] + after[1100:])
    rates = member.forecast(shifted, LONGEST_PATH).rates
    assert np.isfinite(rates).all()
    assert (np.diff(rates, axis=1) > 0).all()
    assert rates[:, LEVELS.index(0.5)] == pytest.approx(shifted.last, rel=0.03)


@every_member
@pytest.mark.parametrize("since", [1, 5, 60])
def test_when_a_peg_of_four_years_broke_then_the_spread_stays_believable(member: Member, since: int) -> None:
    rates = member.forecast(of_values(pegged(since)), LONGEST_PATH).rates
    assert 0.3 < rates.min() / pegged(since)[-1] <= rates.max() / pegged(since)[-1] < 3


@centred_member
def test_the_median_is_the_last_value(member: Member) -> None:
    rates = history(1200)
    assert (member.forecast(rates, LONGEST_PATH).rates[:, LEVELS.index(0.5)] == rates.last).all()


@every_member
@pytest.mark.parametrize("percent", INTERVALS)
@pytest.mark.parametrize("seed", range(5))
def test_every_interval_widens_from_horizon_to_horizon(member: Member, percent: int, seed: int) -> None:
    path = member.forecast(history(1600, seed=seed), LONGEST_PATH)
    low, high = INTERVALS[percent]
    widths = [path.at(step)[high] - path.at(step)[low] for step in HORIZON_STEPS]
    assert all(longer > shorter for shorter, longer in pairwise(widths))


@pytest.mark.parametrize("name", ["random_walk", "rw_const"])
def test_the_spread_of_a_random_walk_grows_at_every_step(name: str) -> None:
    rates = MEMBERS[name].forecast(history(1200), LONGEST_PATH).rates
    assert (np.diff(rates[:, -1] - rates[:, 0]) > 0).all()


@every_member
def test_on_gaussian_walks_the_intervals_hold_what_they_promise(member: Member) -> None:
    held = {(percent, step): 0 for percent in (80, 95) for step in (5, 21)}
    for seed in range(WALKS):
        rates = 900 * np.exp(np.cumsum(np.random.default_rng(seed).normal(0, 0.006, 1221)))
        path = member.forecast(of_values(rates[:1200].tolist()), 21)
        for percent, step in held:
            low, high = (path.at(step)[level] for level in INTERVALS[percent])
            held[percent, step] += low <= rates[1199 + step] <= high
    for (percent, step), inside in held.items():
        promised = percent / 100
        allowed = 3 * sqrt(promised * (1 - promised) / WALKS) + 0.02
        assert inside / WALKS == pytest.approx(promised, abs=allowed), f"{percent} % at {step} steps"


# --- the table


def test_every_member_is_one_file_of_its_name() -> None:
    helpers = {"__init__", "member", "spread", "table", "volatility"}
    files = {path.stem for path in Path(forex_core.models.__path__[0]).glob("*.py")} - helpers
    assert files == set(MEMBERS)
    assert {name: type(member).__module__ for name, member in MEMBERS.items()} == {
        name: f"forex_core.models.{name}" for name in files
    }


def test_members_are_found_by_name_in_the_order_asked_for() -> None:
    assert members_named(("rw_const", "empirical")) == (MEMBERS["rw_const"], MEMBERS["empirical"])


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (("empirical", "oracle"), "no member 'oracle'; there are random_walk, empirical, rw_const"),
        (("empirical", "empirical"), "name each member once, and at least one"),
        ((), "name each member once, and at least one"),
    ],
)
def test_when_members_are_misnamed_then_the_message_says_how(names: tuple[str, ...], message: str) -> None:
    with pytest.raises(UsageError) as refusal:
        members_named(names)
    assert refusal.value.message == message


# --- each member against a slow reading of its definition, in plain Python


def returns_of(rates: Series) -> list[float]:
    return [log(after / before) for before, after in pairwise(rates.values.tolist())]


def ewma(returns: list[float], decay: float) -> Iterator[float]:
    first = returns[:60]
    variance = sum(r * r for r in first) / len(first)
    for r in returns:
        variance = decay * variance + (1 - decay) * r * r
        yield variance


def student_5(level: float) -> float:
    """The quantile by bisection of the closed form of the distribution function."""
    low, high = -50.0, 50.0
    for _ in range(200):
        middle = (low + high) / 2
        share = 1 + middle**2 / 5
        below = 0.5 + (atan(middle / sqrt(5)) + middle / sqrt(5) / share * (1 + 2 / 3 / share)) / pi
        low, high = (middle, high) if below < level else (low, middle)
    return low


def interpolated(ordered: list[float], share: float) -> float:
    position = share * (len(ordered) - 1)
    below = min(int(position), len(ordered) - 2)
    return ordered[below] + (position - below) * (ordered[below + 1] - ordered[below])


@pytest.mark.parametrize("count", [300, 1900])
def test_rw_const_is_the_normal_quantile_times_the_sd_of_the_last_1500_returns(count: int) -> None:
    rates = history(count)
    sigma = stdev(returns_of(rates)[-1500:])
    path = RandomWalkConstant().forecast(rates, 30)
    for step in (1, 5, 21, 30):
        naive = [rates.last * exp(sigma * sqrt(step) * NormalDist().inv_cdf(level)) for level in LEVELS]
        assert list(path.at(step).values()) == pytest.approx(naive, rel=1e-9)


@pytest.mark.parametrize("count", [100, 700, 1900])
def test_random_walk_is_student_with_the_mean_of_four_sds(count: int) -> None:
    rates = history(count)
    returns = returns_of(rates)
    fast = [sqrt(list(ewma(returns, decay))[-1]) for decay in (0.94, 0.97)]
    slow = [stdev(returns[-window:]) for window in (250, 1000)]
    sigma = sum(fast + slow) / 4
    path = RandomWalk().forecast(rates, 30)
    for step in (1, 5, 21, 30):
        naive = [rates.last * exp(sigma * sqrt(step) * student_5(level) * sqrt(3 / 5)) for level in LEVELS]
        assert list(path.at(step).values()) == pytest.approx(naive, rel=1e-9)


@pytest.mark.parametrize("rates", [history(150), history(1300), history(3000), of_values(pegged(60))])
def test_empirical_is_the_mirrored_past_moves_in_units_of_their_days_volatility(rates: Series) -> None:
    logs, returns = [log(rate) for rate in rates.values.tolist()], returns_of(rates)
    sigmas, least = [], 0.1 * pstdev(returns)
    for day, fast in enumerate(ewma(returns, 0.97)):
        window = returns[max(0, day - 999) : day + 1]
        mean = sum(window) / len(window)
        sigmas.append(max(least, sqrt((fast + sum((r - mean) ** 2 for r in window) / len(window)) / 2)))
    path = Empirical().forecast(rates, LONGEST_PATH)
    for step in (1, 5, 21, 63):
        # the return of index n ends on day n + 1
        scaled = [
            abs(logs[day + step] - logs[day]) / (sigmas[day - 1] * sqrt(step)) for day in range(1, len(logs) - step)
        ]
        ordered = sorted(scaled[-2500:])
        for level, rate in path.at(step).items():
            side = 1 if level > 0.5 else -1
            picked = interpolated(ordered, abs(2 * level - 1)) if level != 0.5 else 0
            naive = rates.last * exp(side * sigmas[-1] * sqrt(step) * picked)
            assert rate == pytest.approx(naive, rel=1e-9), f"{level} at {step} steps"
