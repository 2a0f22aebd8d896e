"""Linear regression keeps the contract, and is what it says: ridge on features, shrunk, mirrored."""

from dataclasses import replace

import numpy as np
import pytest

from conftest import series
from forex_core.dataset.features import features
from forex_core.horizons import LONGEST_PATH
from forex_core.models.linear import Linear
from forex_core.models.member import Member
from forex_core.values import LEVELS, Series
from member_contract import MemberContract, days, history, walked


class TestLinear(MemberContract):
    centred = True

    @pytest.fixture
    def member(self) -> Member:
        return Linear()

    def need(self, steps: int) -> int:
        return 301 + LONGEST_PATH


def trending(count: int = 1500) -> Series:
    """Rates whose moves tend to go on: what a regression can learn."""
    shocks = np.random.default_rng(5).normal(0, 0.005, count)
    moves = np.zeros(count)
    for day in range(1, count):
        moves[day] = 0.6 * moves[day - 1] + shocks[day]
    return series(list(zip(days(count), map(float, 900 * np.exp(np.cumsum(moves))), strict=True)))


def test_without_recentring_the_median_is_the_ridge_regressions_forecast() -> None:
    rates, member = trending(), Linear(recentre=False, shrink=10.0)
    table = features(rates)
    use = table.usable
    inputs, sigmas, logs = table.values[use], table.sigmas[use], np.log(rates.values)[use]
    targets = (logs[5:] - logs[:-5]) / (sigmas[:-5] * np.sqrt(5))
    gram = inputs[:-5].T @ inputs[:-5] + 10 * np.eye(inputs.shape[1])
    expected = inputs[-1] @ np.linalg.solve(gram, inputs[:-5].T @ targets) * sigmas[-1] * np.sqrt(5)
    median = member.forecast(rates, 5).at(5)[0.5]
    assert np.log(median / rates.last) == pytest.approx(expected)


def test_where_moves_go_on_it_learns_so_and_less_the_more_it_is_shrunk() -> None:
    rates = trending()
    last_move = np.sign(rates.log_returns()[-1])
    leanings = [
        last_move * np.log(Linear(recentre=False, shrink=shrink).forecast(rates, 1).at(1)[0.5] / rates.last)
        for shrink in (1.0, 1e3, 1e5)
    ]
    assert leanings[0] > 0
    assert abs(leanings[2]) < leanings[0] / 3


def test_recentring_keeps_the_spread() -> None:
    rates = trending()
    leaning, centred = (Linear(recentre=flag).forecast(rates, 21).at(21) for flag in (False, True))
    assert np.log(leaning[0.9] / leaning[0.1]) == pytest.approx(np.log(centred[0.9] / centred[0.1]))
    assert centred[0.5] == pytest.approx(rates.last)


def test_a_driver_matters_only_where_the_history_carries_it() -> None:
    rates = history(1200)
    copper = np.exp(np.cumsum(np.random.default_rng(2).normal(0, 0.02, 1200)))
    carried = Series(rates.dates.copy(), rates.values.copy(), {"copper": copper})
    bold = Linear(recentre=False, shrink=1.0)
    assert bold.forecast(carried, 5).rates.tobytes() != bold.forecast(rates, 5).rates.tobytes()
    assert replace(bold, drivers=()).forecast(carried, 5).rates.tobytes() == bold.forecast(rates, 5).rates.tobytes()


def test_a_wild_day_after_calm_widens_the_spread() -> None:
    calm = walked(1199)
    quiet, wild = (
        Linear().forecast(series(list(zip(days(1200), [*calm, calm[-1] * leap], strict=True))), 5)
        for leap in (1.0, 1.04)
    )
    widths = [path.rates[4, -1] / path.rates[4, 0] for path in (quiet, wild)]
    assert widths[1] > widths[0]
    assert len(LEVELS) == wild.rates.shape[1]
