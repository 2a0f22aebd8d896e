"""Features: as documented, free of scale, and never wiser than their row."""

from datetime import date, timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conftest import series, walk
from forex_core.dataset.features import NAMES, features
from forex_core.dataset.volatility import mixed_sigmas
from forex_core.values import Series

DAYS = [date(2015, 1, 1) + timedelta(n) for n in range(700)]
RATES = series(walk(DAYS))
DOCUMENTED = {"Return", "MA_5", "Lag_1", "Lag_2", "Lag_3", "Lag_5", "Volatility"}
COPPER = np.exp(np.cumsum(np.random.default_rng(1).normal(0, 0.02, 700))) * 4


def with_copper(count: int = 700, copper: np.ndarray = COPPER) -> Series:
    return Series(RATES.dates[:count].copy(), RATES.values[:count].copy(), {"copper": copper[:count].copy()})


def column(history: Series, name: str, drivers: tuple[str, ...] = ()) -> np.ndarray:
    table = features(history, drivers)
    return np.asarray(table.values[:, table.names.index(name)])


def test_the_documented_features_are_among_them() -> None:
    assert set(features(RATES).names) >= DOCUMENTED
    assert features(RATES).names == NAMES


def test_each_documented_feature_is_its_definition() -> None:
    row, logs, returns = 600, np.log(RATES.values), RATES.log_returns()
    sigma = mixed_sigmas(returns)[row - 1]
    assert column(RATES, "Return")[row] == pytest.approx(returns[row - 1] / sigma)
    assert column(RATES, "Lag_3")[row] == pytest.approx(returns[row - 4] / sigma)
    assert column(RATES, "MA_5")[row] == pytest.approx((logs[row] - logs[row - 4 : row + 1].mean()) / sigma / 5**0.5)
    assert column(RATES, "Momentum_21")[row] == pytest.approx((logs[row] - logs[row - 21]) / sigma / 21**0.5)
    assert column(RATES, "Volatility")[row] == pytest.approx(np.log(returns[row - 10 : row].std() / sigma))


@settings(max_examples=20, deadline=None)
@given(st.integers(300, 699), st.floats(0.5, 2.0))
def test_what_comes_after_a_row_never_changes_it(cut: int, factor: float) -> None:
    later = RATES.values.copy()
    later[cut:] *= factor
    copper = COPPER.copy()
    copper[cut:] = np.nan
    changed = Series(RATES.dates.copy(), later, {"copper": copper})
    whole, other, short = (
        features(history, ("copper",)).values[:cut] for history in (with_copper(), changed, with_copper(cut))
    )
    np.testing.assert_array_equal(whole, other)
    np.testing.assert_array_equal(whole, short)


@pytest.mark.parametrize("factor", [1e-3, 1e4])
def test_the_unit_of_the_rate_does_not_matter(factor: float) -> None:
    scaled = Series(RATES.dates.copy(), RATES.values * factor)
    np.testing.assert_allclose(features(scaled).values, features(RATES).values, atol=1e-6)


def test_a_row_is_usable_once_a_year_lies_before_it() -> None:
    usable = features(RATES).usable
    assert not usable[:252].any()
    assert usable[252:].all()


def test_a_driver_is_a_feature_where_the_history_carries_it() -> None:
    assert "copper_Momentum_5" in features(with_copper(), ("copper",)).names
    assert "copper_Momentum_5" not in features(RATES, ("copper",)).names
    moves = COPPER[5:] - COPPER[:-5]
    expected = moves[-1] / moves[-252:].std()
    assert column(with_copper(), "copper_Momentum_5", ("copper",))[-1] == pytest.approx(expected)


def test_where_a_driver_is_not_known_no_move_is_assumed() -> None:
    gone = COPPER.copy()
    gone[650:] = np.nan
    table = features(with_copper(copper=gone), ("copper",))
    assert (table.values[656:, table.names.index("copper_Momentum_5")] == 0).all()
    assert table.usable[656:].all()


def test_a_rate_that_never_moves_has_no_usable_row() -> None:
    flat = series([(day, 900.0) for day in DAYS])
    assert not features(flat).usable.any()


def test_a_driver_must_be_as_long_as_the_rates() -> None:
    with pytest.raises(ValueError, match="equally long"):
        Series(RATES.dates.copy(), RATES.values.copy(), {"copper": COPPER[:10]})
