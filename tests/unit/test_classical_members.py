"""The classical members: the contract, and each against a slow reading of its definition, in plain Python."""

import os
import pickle
import random
import subprocess
import sys
import warnings
from collections.abc import Iterator
from itertools import pairwise
from math import exp, log, sqrt
from pathlib import Path
from statistics import NormalDist, fmean, quantiles, stdev

import numpy as np
import pytest

from conftest import command
from forex_core.errors import ModelError
from forex_core.horizons import LONGEST_PATH
from forex_core.models import garch
from forex_core.models.arima import Arima
from forex_core.models.drift import Drift
from forex_core.models.ets import Ets
from forex_core.models.garch import Garch
from forex_core.models.library import library_of
from forex_core.models.member import Heavy, Member
from forex_core.models.random_walk import RandomWalk
from forex_core.models.statsforecast_member import gaussian_path
from forex_core.models.theta import Theta
from forex_core.values import LEVELS, Floats, QuantilePath, Series
from member_contract import ELSEWHERE, MIDDLE, MemberContract, history, of_values, walked

NORMAL = [NormalDist().inv_cdf(level) for level in LEVELS]


class TestArima(MemberContract):
    centred = False

    @pytest.fixture
    def member(self) -> Member:
        return Arima()

    def need(self, steps: int) -> int:
        return 201


class TestEts(MemberContract):
    centred = False
    may_refuse = True

    @pytest.fixture
    def member(self) -> Member:
        return Ets()

    def need(self, steps: int) -> int:
        return 201


class TestTheta(MemberContract):
    centred = False
    may_refuse = True

    @pytest.fixture
    def member(self) -> Member:
        return Theta()

    def need(self, steps: int) -> int:
        return 201


class TestGarch(MemberContract):
    may_refuse = True

    @pytest.fixture
    def member(self) -> Member:
        return Garch()

    def need(self, steps: int) -> int:
        return 201


class TestDrift(MemberContract):
    centred = False

    @pytest.fixture
    def member(self) -> Member:
        return Drift()

    def need(self, steps: int) -> int:
        return 61


# --- a library's fit


@pytest.mark.parametrize("raised", [RuntimeError("no luck"), ValueError("no luck"), IndexError("no luck")])
def test_whatever_a_library_raises_is_a_model_error_that_names_the_member(raised: Exception) -> None:
    with pytest.raises(ModelError, match=r"^oracle failed: no luck$"), library_of("oracle"):
        raise raised


def test_what_a_library_warns_of_reaches_nobody_and_changes_nothing() -> None:
    with library_of("oracle"):
        warnings.warn("slow", stacklevel=1)
        assert np.exp(np.array([1e4])) == np.inf
    with pytest.raises(UserWarning, match="slow"):
        warnings.warn("slow", stacklevel=1)


@pytest.mark.parametrize("member", [Arima(), Ets(), Theta(), Garch()], ids=lambda member: member.name)
def test_the_number_of_threads_changes_no_bit(member: Member) -> None:
    asked = pickle.dumps((member, history(1200), LONGEST_PATH))
    said = {
        subprocess.run(
            [sys.executable, "-c", ELSEWHERE],
            env=os.environ | {"OMP_NUM_THREADS": threads, "OPENBLAS_NUM_THREADS": threads},
            input=asked,
            capture_output=True,
            check=True,
        ).stdout
        for threads in ("1", "2")
    }
    assert len(said) == 1


@pytest.mark.parametrize(("mean", "sigma"), [(3.1, 1.0), (-3.1, 1.0), (np.nan, 1.0), (0.0, np.nan), (0.1, 0.0)])
def test_a_model_that_takes_the_last_rate_for_an_outlier_is_refused(mean: float, sigma: float) -> None:
    def fit(logs: Floats, steps: int) -> tuple[Floats, Floats]:
        return np.full(steps, mean), np.full(steps, sigma)

    with pytest.raises(ModelError, match=r"^oracle does not believe the last rate, 709\.84$"):
        gaussian_path("oracle", history(300), 250, 5, fit)


def test_a_model_sees_the_window_from_the_last_rate_in_units_of_a_daily_move() -> None:
    rates = history(600)

    def fit(logs: Floats, steps: int) -> tuple[Floats, Floats]:
        assert len(logs) == 251
        assert logs[-1] == 0
        assert fmean((later - earlier) ** 2 for earlier, later in pairwise(logs.tolist())) == pytest.approx(1)
        return np.array([0.5, -0.5]), np.array([1.0, 2.0])

    unit = sqrt(fmean(r * r for r in returns_of(rates)[-250:]))
    path = gaussian_path("oracle", rates, 250, 2, fit)
    for step, (mean, sigma) in enumerate([(0.5, 1), (-0.5, 2)], start=1):
        naive = [rates.last * exp(unit * (mean + sigma * z)) for z in NORMAL]
        assert list(path.at(step).values()) == pytest.approx(naive, rel=1e-12)


@pytest.mark.parametrize("module", ["arima", "ets", "theta", "garch", "drift"])
def test_a_member_imports_its_library_only_when_asked(module: str, tmp_path: Path) -> None:
    there = "sorted({'statsforecast', 'arch', 'pandas'} & set(sys.modules))"
    code = f"import sys, forex_core.models.{module}; print({there})"
    assert command(sys.executable, "-c", code, data_dir=tmp_path).stdout == "[]\n"


def test_members_of_a_large_library_are_heavy() -> None:
    assert all(issubclass(member, Heavy) for member in (Arima, Ets, Theta, Garch))
    assert not issubclass(Drift, Heavy)


# --- each member against a slow reading of its definition


def returns_of(rates: Series) -> list[float]:
    return [log(after / before) for before, after in pairwise(rates.values.tolist())]


def test_drift_is_the_random_walk_moved_by_half_of_the_mean_return_a_day() -> None:
    rates = of_values(rate * 1.002**day for day, rate in enumerate(walked(900)))
    daily = log(rates.values[-1] / rates.values[0]) / 899 / 2
    walk, path = (member.forecast(rates, LONGEST_PATH) for member in (RandomWalk(), Drift()))
    assert daily > 0.0003
    for step in (1, 5, 21, 63):
        naive = [rate * exp(step * daily) for rate in walk.at(step).values()]
        assert list(path.at(step).values()) == pytest.approx(naive, rel=1e-12)


@pytest.mark.parametrize("count", [300, 1900])
def test_arima_without_terms_is_the_random_walk_with_constant_volatility(count: int) -> None:
    rates = history(count)
    sigma = sqrt(fmean(r * r for r in returns_of(rates)[-1500:]))
    path = Arima(max_p=0, max_q=0).forecast(rates, 30)
    for step in (1, 5, 30):
        naive = [rates.last * exp(sigma * sqrt(step) * z) for z in NORMAL]
        assert list(path.at(step).values()) == pytest.approx(naive, rel=1e-6)


def moves(path: QuantilePath, last: float, step: int) -> tuple[float, float]:
    """The median and the standard deviation of the log move, read off a Gaussian path."""
    logs = [log(rate / last) for rate in path.at(step).values()]
    return logs[MIDDLE], (logs[-1] - logs[0]) / (NORMAL[-1] - NORMAL[0])


def test_when_returns_persist_then_arima_expects_a_geometric_rest_of_the_last_one() -> None:
    shocks = np.random.default_rng(3).normal(0, 0.006, 1500)
    returns = [float(shocks[0])]
    for shock in shocks[1:].tolist():
        returns.append(0.5 * returns[-1] + shock)
    rates = of_values(900 * np.exp(np.cumsum(returns)))
    path = Arima(max_q=0).forecast(rates, LONGEST_PATH)
    for step in (1, 5, 63):
        mean, sigma = moves(path, rates.last, step)
        weights = [(1 - 0.5**k) / 0.5 for k in range(1, step + 1)]  # of each coming shock in the sum of the returns
        assert mean == pytest.approx(returns[-1] * sum(0.5**k for k in range(1, step + 1)), rel=0.15)
        assert sigma == pytest.approx(stdev(shocks) * sqrt(sum(w * w for w in weights)), rel=0.08)


def test_arima_takes_as_many_terms_as_it_is_given() -> None:
    shocks = np.random.default_rng(4).normal(0, 0.006, 1500).tolist()
    returns = shocks[:2]
    for shock in shocks[2:]:
        returns.append(0.5 * returns[-2] + shock)
    rates = of_values(900 * np.exp(np.cumsum(returns)))
    one, two = (moves(Arima(max_p=p, max_q=0).forecast(rates, 1), rates.last, 1)[0] for p in (1, 2))
    assert two == pytest.approx(0.5 * returns[-2], rel=0.2)
    assert abs(one) < abs(two) / 3


def bouncing(count: int) -> Series:
    """A random walk seen through noise, where smoothing pays."""
    noise = np.random.default_rng(5).normal(0, 0.006, count)
    return of_values([rate * exp(float(e)) for rate, e in zip(walked(count), noise, strict=True)])


def smoothed(logs: list[float], alpha: float, level: float) -> tuple[float, list[float]]:
    """The last level of simple exponential smoothing, and the errors on the way."""
    errors = []
    for value in logs:
        errors.append(value - level)
        level += alpha * errors[-1]
    return level, errors


def test_ets_is_exponential_smoothing_with_the_constant_that_errs_least() -> None:
    rates = bouncing(700)
    logs = [log(rate / rates.last) for rate in rates.values[-501:].tolist()]
    tried = [(*smoothed(logs, n / 200, logs[0]), n / 200) for n in range(1, 200)]
    level, errors, alpha = min(tried, key=lambda one: sum(e * e for e in one[1]))
    assert 0.3 < alpha < 0.9
    path = Ets().forecast(rates, LONGEST_PATH)
    sd = sqrt(fmean(e * e for e in errors))
    for step in (1, 5, 63):
        mean, sigma = moves(path, rates.last, step)
        assert mean == pytest.approx(level, abs=0.03 * sd)
        assert sigma == pytest.approx(sd * sqrt(1 + (step - 1) * alpha**2), rel=0.02)


def theta_reading(logs: list[float], start: float, alpha: float, theta: float) -> Iterator[tuple[float, float]]:
    """The one-step forecast and the error of each day, then forecasts fed back for ever: Fiorucci et al., equations
    (11) to (16)."""
    level, mean, b, day = start, 0.0, 0.0, 0
    a = 0.0
    while True:
        day += 1
        trend = a * (1 - alpha) ** (day - 1) + b * (1 - (1 - alpha) ** day) / alpha
        forecast = level + (1 - 1 / theta) * trend
        value = logs[day - 1] if day <= len(logs) else forecast
        yield forecast, value - forecast
        level = alpha * value + (1 - alpha) * level
        b = ((day - 2) * b + 6 * (value - mean) / day) / (day + 1) if day > 1 else 0.0
        mean = ((day - 1) * mean + value) / day
        a = mean - (day + 1) / 2 * b


def test_theta_is_its_recursion_at_the_librarys_optimum() -> None:
    from statsforecast.models import DynamicOptimizedTheta

    rates = bouncing(700)
    unit = sqrt(fmean(r * r for r in returns_of(rates)[-500:]))
    logs = [log(rate / rates.last) / unit for rate in rates.values[-501:].tolist()]
    found = DynamicOptimizedTheta(season_length=1).fit(np.array(logs)).model_["par"]
    reading = theta_reading(logs, found["initial_smoothed"], found["alpha"], found["theta"])
    errors = [next(reading)[1] for _ in logs][3:]
    ahead = [next(reading)[0] for _ in range(63)]
    assert 0.3 < found["alpha"] < 0.9
    path = Theta().forecast(rates, LONGEST_PATH)
    for step in (1, 5, 63):
        mean, sigma = moves(path, rates.last, step)
        assert mean == pytest.approx(unit * ahead[step - 1], rel=1e-6)
        assert sigma == pytest.approx(unit * stdev(errors) * sqrt(1 + (step - 1) * found["alpha"] ** 2), rel=1e-6)


OMEGA, ALPHA, BETA = 0.02, 0.1, 0.88


def clustered(count: int, seed: int = 1, size: float = 0.006) -> Series:
    """Rates whose returns follow GARCH(1,1) with Student-t shocks, variance 1 times `size` squared."""
    shocks = np.random.default_rng(seed).standard_t(6, count) / sqrt(1.5)
    variance, logs = 1.0, [log(900)]
    for shock in shocks.tolist():
        move = sqrt(variance) * shock
        logs.append(logs[-1] + size * move)
        variance = OMEGA + ALPHA * move**2 + BETA * variance
    return of_values(np.exp(logs))


def test_garch_finds_the_parameters_and_leaves_residuals_of_variance_one() -> None:
    returns = clustered(2500).log_returns() / 0.006
    (omega, alpha, beta), sigmas = garch.fit(returns)
    assert (omega, alpha, beta) == pytest.approx((OMEGA, ALPHA, BETA), abs=0.03)
    assert stdev((returns / sigmas[:-1]).tolist()) == pytest.approx(1, abs=0.03)
    for day in (1000, 2000, 2499):
        naive = omega + alpha * returns[day] ** 2 + beta * sigmas[day] ** 2
        assert sigmas[day + 1] ** 2 == pytest.approx(naive, rel=1e-9)


def test_garch_is_what_a_plain_simulation_of_its_own_fit_gives() -> None:
    rates = clustered(1500)
    storm = int(np.argmax(np.abs(rates.log_returns())[1000:])) + 1002  # what it does to the next day must be seen
    rates = Series(rates.dates[:storm], rates.values[:storm])
    returns = rates.log_returns()
    (omega, alpha, beta), sigmas = garch.fit(returns / 0.006)
    shocks = (returns / 0.006 / sigmas[:-1]).tolist()
    draw, ended = random.Random(8), []
    for _ in range(20_000):
        move, variance = 0.0, float(sigmas[-1]) ** 2
        for _ in range(10):
            step = sqrt(variance) * draw.choice(shocks) * draw.choice((-1, 1))
            move += step
            variance = omega + alpha * step**2 + beta * variance
        ended.append(0.006 * move)
    said = [log(rate / rates.last) for rate in Garch().forecast(rates, 10).at(10).values()]
    naive = quantiles(ended, n=40)  # at .025, .05, ... .975
    for level, quantile in zip(LEVELS, said, strict=True):
        assert quantile == pytest.approx(naive[round(40 * level) - 1], abs=0.04 * said[-1]), level


def test_garch_remembers_ten_years_and_no_more() -> None:
    rates = history(3000)

    def said(changed: int) -> bytes:
        values = rates.values.copy()
        values[:changed] *= np.linspace(1.5, 1, changed)  # ends as it was
        return Garch().forecast(Series(rates.dates, values), 5).rates.tobytes()

    assert said(450) == said(400)
    assert said(550) != said(400)


def test_after_a_storm_garch_is_wide_and_expects_calm() -> None:
    calm, storm = walked(2300), walked(30, sd=0.02)
    rates = of_values(calm + [calm[-1] / storm[0] * rate for rate in storm])
    path = Garch().forecast(rates, LONGEST_PATH)
    widths = [log(path.at(step)[0.9] / path.at(step)[0.1]) / sqrt(step) for step in (1, 21, 63)]
    usual = 0.006 * 2 * NormalDist().inv_cdf(0.9)
    assert widths[0] > 1.5 * usual
    assert widths[0] > widths[1] > widths[2]


def test_a_trend_of_the_past_widens_garch_no_more_than_as_many_moves_without_one() -> None:
    widths = []
    for daily in (0.0, 0.003):
        rates = of_values(rate * exp(daily * day) for day, rate in enumerate(walked(1600)))
        path = Garch().forecast(rates, LONGEST_PATH)
        widths.append(log(path.at(63)[0.9] / path.at(63)[0.1]))
    assert widths[1] / widths[0] == pytest.approx(sqrt(1 + 0.5**2), rel=0.05)


def test_where_the_same_rate_runs_on_for_weeks_garch_still_speaks() -> None:
    rates = walked(400)
    resting = rates[:300] + [rates[299]] * 100 + rates[300:]
    path = Garch().forecast(of_values(resting), 21)
    width = log(path.at(21)[0.9] / path.at(21)[0.1]) / sqrt(21)
    assert width == pytest.approx(0.006 * 2 * NormalDist().inv_cdf(0.9), rel=0.3)


def test_another_seed_changes_garch_by_no_more_than_the_error_of_its_draws() -> None:
    rates = history(1600)
    one, other = (Garch(seed=seed).forecast(rates, LONGEST_PATH).rates for seed in (1, 2))
    assert (one != other).any()
    assert (np.abs(np.log(one / other)) < 0.06 * np.log(one[:, -1:] / one[:, :1])).all()
