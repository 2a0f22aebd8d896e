"""The members that need only NumPy: the contract, the table, and each against a slow reading of its definition."""

import re
from collections.abc import Iterator
from itertools import pairwise
from math import atan, exp, log, pi, sqrt
from pathlib import Path
from statistics import NormalDist, pstdev, stdev

import pytest

import forex_core.models
from forex_core.errors import UsageError
from forex_core.horizons import LONGEST_PATH
from forex_core.models.empirical import Empirical
from forex_core.models.member import Member
from forex_core.models.random_walk import RandomWalk
from forex_core.models.rw_const import RandomWalkConstant
from forex_core.models.table import MEMBERS, members_named
from forex_core.values import LEVELS, Series
from member_contract import MemberContract, history, of_values, pegged


class TestRandomWalk(MemberContract):
    grows_at_every_step = True

    @pytest.fixture
    def member(self) -> Member:
        return RandomWalk()

    def need(self, steps: int) -> int:
        return 61


class TestEmpirical(MemberContract):
    @pytest.fixture
    def member(self) -> Member:
        return Empirical()

    def need(self, steps: int) -> int:
        return 2 * steps + 1


class TestRandomWalkConstant(MemberContract):
    grows_at_every_step = True

    @pytest.fixture
    def member(self) -> Member:
        return RandomWalkConstant()

    def need(self, steps: int) -> int:
        return 21


# --- the table


def test_every_member_has_its_own_place_in_models_and_keeps_the_contract() -> None:
    models = Path(forex_core.models.__path__[0])
    places = {
        path.relative_to(models).parts[0].removesuffix(".py")
        for path in models.rglob("*.py")
        if "    revision: ClassVar" in path.read_text(encoding="utf-8")
    }
    assert places == set(MEMBERS)
    assert {name: type(member).__module__.split(".")[2] for name, member in MEMBERS.items()} == {
        name: name for name in places
    }
    tests = "".join(path.read_text(encoding="utf-8") for path in Path(__file__).parent.glob("*.py"))
    pattern = r"class Test{}\w*\(MemberContract\)"
    untested = [name for name, m in MEMBERS.items() if not re.search(pattern.format(type(m).__name__), tests)]
    assert not untested


def test_members_are_found_by_name_in_the_order_asked_for() -> None:
    assert members_named(("rw_const", "empirical")) == (MEMBERS["rw_const"], MEMBERS["empirical"])


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (("empirical", "oracle"), f"no member 'oracle'; there are all, {', '.join(MEMBERS)}"),
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
