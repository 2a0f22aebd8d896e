"""What every member of the ensemble keeps to. A test file subclasses `MemberContract` and names its member.

class TestArima(MemberContract):
    centred = False

    @pytest.fixture
    def member(self) -> Member:
        return Arima()

    def need(self, steps: int) -> int:
        return 121
"""

import json
import pickle
import subprocess
import sys
from collections.abc import Iterable
from datetime import date, timedelta
from hashlib import sha256
from itertools import pairwise
from math import sqrt

import numpy as np
import pytest

from conftest import series, walk
from forex_core.errors import ModelError
from forex_core.horizons import LONGEST_PATH
from forex_core.models.member import Member, ask, parameters
from forex_core.values import INTERVALS, LEVELS, Floats, QuantilePath, Series

FIRST_DAY = date(2005, 1, 3)
HORIZON_STEPS = (5, 10, 21, 63)
MIDDLE = LEVELS.index(0.5)

# reads a pickled (member, history, steps) and prints the hash of the rates
ELSEWHERE = """
import pickle, sys
from hashlib import sha256
member, history, steps = pickle.load(sys.stdin.buffer)
print(sha256(member.forecast(history, steps).rates.tobytes()).hexdigest())
"""


def days(count: int, first: date = FIRST_DAY) -> list[date]:
    return [first + timedelta(n) for n in range(count)]


def history(count: int, first: date = FIRST_DAY, **how: float) -> Series:
    """A seeded walk around 900, one rate a day."""
    return series(walk(days(count, first), **how))


def of_values(values: Iterable[float], first: date = FIRST_DAY) -> Series:
    rates = [float(value) for value in values]
    return series(list(zip(days(len(rates), first), rates, strict=True)))


def walked(count: int, **how: float) -> list[float]:
    return [rate for _, rate in walk(days(count), **how)]


def pegged(since: int) -> list[float]:
    """A walk, then 1100 days of the same rate, then `since` days of a walk that begins with a leap."""
    before = walked(100)
    return before + [before[-1]] * 1100 + [1.1 * rate for rate in walked(since)]


DEGENERATE = {
    "flat until the last day": [900.0] * 1199 + [945.0],
    "one move long ago": [900.0] * 100 + [905.0] * 1100,
    "a crawling peg": [900 * 1.0002**n for n in range(1200)],
    "to and fro": [900.0, 901.0] * 600,
    "a rate that moves once a month": [rate for rate in walked(60) for _ in range(20)],
    "ten times as much overnight": walked(600) + [10 * rate for rate in walked(600)],
    "a wrong decimal for a day": [*walked(1000), 9.0, *walked(199)],
    "hardly any noise": walked(1200, start=1e6, sd=1e-8),
    "a year of rates": walked(251),
}


class MemberContract:
    """The attributes say what a kind of member may do otherwise; the checks are the same for all."""

    centred = True  # it claims no drift: the median is the last value
    grows_at_every_step = False  # every interval is wider than the one of the step before
    may_refuse = False  # whether it may say nothing of a history that no model of its kind fits
    scale_tolerance = 1e-9  # relative; an optimiser may see the last bit of a log
    off_last = 0.03  # how far the median may lie from the last value after a leap, as a fraction of it
    walks = 200
    beyond_chance = 0.02  # added to three standard errors of a coverage
    first_day = FIRST_DAY

    def need(self, steps: int) -> int:
        """How many rates it asks for."""
        raise NotImplementedError

    def history(self, count: int, **how: float) -> Series:
        return history(count, self.first_day, **how)

    def of_values(self, values: Iterable[float]) -> Series:
        return of_values(values, self.first_day)

    def test_its_parameters_can_be_written_down(self, member: Member) -> None:
        assert json.loads(json.dumps(parameters(member))).keys() == parameters(member).keys()
        assert member.revision >= 1

    @pytest.mark.parametrize("size", [1e-4, 1.1, 900.0, 1e7])
    def test_quantiles_are_finite_positive_and_ordered_at_any_size_of_rate(self, member: Member, size: float) -> None:
        rates = member.forecast(self.of_values(size * rate / 900 for rate in walked(1200)), LONGEST_PATH).rates
        assert rates.shape == (LONGEST_PATH, len(LEVELS))
        assert np.isfinite(rates).all()
        assert (rates > 0).all()
        assert (np.diff(rates, axis=1) > 0).all()

    def test_a_thousand_times_the_history_gives_a_thousand_times_the_path(self, member: Member) -> None:
        rates = self.history(1600)
        once = member.forecast(rates, LONGEST_PATH).rates
        scaled = member.forecast(Series(rates.dates, rates.values * 1000), LONGEST_PATH).rates
        np.testing.assert_allclose(scaled, 1000 * once, rtol=self.scale_tolerance)

    def test_the_same_history_twice_gives_the_same_bits(self, member: Member) -> None:
        first, second = (member.forecast(self.history(1200), LONGEST_PATH).rates.tobytes() for _ in range(2))
        assert first == second

    def test_another_process_gives_the_same_bits(self, member: Member) -> None:
        rates = self.history(1200)
        asked = pickle.dumps((member, rates, LONGEST_PATH))
        done = subprocess.run([sys.executable, "-c", ELSEWHERE], input=asked, capture_output=True, check=False)
        assert done.stderr.decode() == ""
        here = sha256(member.forecast(rates, LONGEST_PATH).rates.tobytes()).hexdigest()
        assert done.stdout.decode().strip() == here

    def test_it_draws_from_no_generator_of_others(self, member: Member) -> None:
        np.random.seed(5)
        alone = np.random.random()
        np.random.seed(5)
        member.forecast(self.history(1200), 5)
        assert np.random.random() == alone

    @pytest.mark.parametrize("cut", [400, 1100])
    def test_rows_after_the_cut_never_change_the_forecast(self, member: Member, cut: int) -> None:
        alone = member.forecast(self.history(cut), 21).rates.tobytes()
        for later in (0.5, 2.0):
            whole = self.history(1200)
            whole = Series(whole.dates, np.where(np.arange(1200) < cut, whole.values, later * whole.values))
            member.forecast(whole, 21)  # what it has seen must not stay with it
            assert member.forecast(Series(whole.dates[:cut], whole.values[:cut]), 21).rates.tobytes() == alone

    def test_a_forecast_for_fewer_steps_is_the_beginning_of_the_longer_one(self, member: Member) -> None:
        whole, part = (member.forecast(self.history(1200), steps).rates for steps in (LONGEST_PATH, 5))
        np.testing.assert_array_equal(whole[:5], part)

    def test_a_flat_history_gives_a_flat_forecast(self, member: Member) -> None:
        assert (member.forecast(self.of_values([512.25] * 1200), LONGEST_PATH).rates == 512.25).all()

    @pytest.mark.parametrize("steps", [1, 5, LONGEST_PATH])
    def test_a_short_history_is_refused_by_naming_the_need_until_there_is_enough(
        self, member: Member, steps: int
    ) -> None:
        need = self.need(steps)
        for count in range(need):
            with pytest.raises(ModelError, match=f"^{member.name} needs {need} rates, there are {count}$"):
                member.forecast(self.history(count), steps)
        for count in (need, need + 1, need + 100):
            assert len(member.forecast(self.history(count), steps)) == steps

    def test_when_the_level_jumped_by_30_percent_then_the_forecast_lies_around_the_last_value(
        self, member: Member
    ) -> None:
        shifted = self.of_values(walked(1200)[:1100] + walked(1200, start=1.3 * 900)[1100:])
        rates = member.forecast(shifted, LONGEST_PATH).rates
        assert np.isfinite(rates).all()
        assert (np.diff(rates, axis=1) > 0).all()
        assert rates[:, MIDDLE] == pytest.approx(shifted.last, rel=self.off_last)

    @pytest.mark.parametrize("since", [1, 5, 60])
    def test_when_a_peg_of_four_years_broke_then_the_spread_stays_believable(self, member: Member, since: int) -> None:
        rates = self.of_values(pegged(since))
        if self.may_refuse and refuses(member, rates):
            return
        path = member.forecast(rates, LONGEST_PATH).rates / rates.last
        assert 0.3 < path.min() <= path.max() < 3
        assert path[:, MIDDLE] == pytest.approx(1, abs=self.off_last)

    @pytest.mark.parametrize("kind", DEGENERATE)
    def test_a_degenerate_history_gives_a_sane_path_or_a_refusal(self, member: Member, kind: str) -> None:
        rates = self.of_values(DEGENERATE[kind])
        if refuses(member, rates):
            return
        path = member.forecast(rates, 21).rates / rates.last  # itself it refuses NaN, zero and crossing quantiles
        assert path[:, MIDDLE] == pytest.approx(1, abs=0.3)
        assert 1 / 30 < path.min() <= path.max() < 30

    def test_a_centred_member_has_its_median_at_the_last_value(self, member: Member) -> None:
        rates = self.history(1200)
        median = member.forecast(rates, LONGEST_PATH).rates[:, MIDDLE]
        assert (median == rates.last).all() == self.centred

    @pytest.mark.parametrize("percent", INTERVALS)
    @pytest.mark.parametrize("seed", range(5))
    def test_every_interval_widens_from_horizon_to_horizon(self, member: Member, percent: int, seed: int) -> None:
        widths = width(member.forecast(self.history(1600, seed=seed), LONGEST_PATH), percent)
        at_horizons = [widths[step - 1] for step in HORIZON_STEPS]
        assert all(longer > shorter for shorter, longer in pairwise(at_horizons))

    @pytest.mark.parametrize("percent", INTERVALS)
    def test_the_spread_grows_at_every_step_where_that_is_claimed(self, member: Member, percent: int) -> None:
        if self.grows_at_every_step:
            assert (np.diff(width(member.forecast(self.history(1200), LONGEST_PATH), percent)) > 0).all()

    def test_on_gaussian_walks_the_intervals_hold_what_they_promise(self, member: Member) -> None:
        held = {(percent, step): 0 for percent in (80, 95) for step in (5, 21)}
        for seed in range(self.walks):
            rates = 900 * np.exp(np.cumsum(np.random.default_rng(seed).normal(0, 0.006, 1221)))
            path = member.forecast(self.of_values(rates[:1200]), 21)
            for percent, step in held:
                low, high = (path.at(step)[level] for level in INTERVALS[percent])
                held[percent, step] += low <= rates[1199 + step] <= high
        for (percent, step), inside in held.items():
            promised = percent / 100
            allowed = 3 * sqrt(promised * (1 - promised) / self.walks) + self.beyond_chance
            assert inside / self.walks == pytest.approx(promised, abs=allowed), f"{percent} % at {step} steps"


def refuses(member: Member, rates: Series) -> bool:
    try:
        ask(member, rates, LONGEST_PATH)
    except ModelError as error:
        return error.message.startswith(f"{member.name} ")
    return False


def width(path: QuantilePath, percent: int) -> Floats:
    """Of one interval at every step, [steps]."""
    low, high = (LEVELS.index(level) for level in INTERVALS[percent])
    return path.rates[:, high] - path.rates[:, low]
