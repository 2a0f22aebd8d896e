"""How paths are combined, and how much each member counts."""

from statistics import median

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from forex_core.ensemble.combine import combine, equal_weights, middle
from forex_core.ensemble.weights import WEIGHTINGS, blend
from forex_core.values import LEVELS, QuantilePath


def path(*medians: float, width: float = 1.0) -> QuantilePath:
    return QuantilePath(np.array([[median + width * (level - 0.5) for level in LEVELS] for median in medians]))


@st.composite
def ensembles(draw: st.DrawFn) -> tuple[dict[str, QuantilePath], dict[str, float]]:
    names = draw(st.lists(st.text(max_size=4), min_size=1, max_size=5, unique=True))
    row = st.lists(st.floats(1e-3, 1e6), min_size=len(LEVELS), max_size=len(LEVELS)).map(sorted)
    paths = {name: QuantilePath(np.array(draw(st.lists(row, min_size=3, max_size=3)))) for name in names}
    shares = draw(st.lists(st.floats(0.01, 1), min_size=len(names), max_size=len(names)))
    return paths, {name: share / sum(shares) for name, share in zip(names, shares, strict=True)}


@given(ensembles())
def test_every_level_lies_between_the_members_lowest_and_highest(ensemble: tuple) -> None:
    paths, weights = ensemble
    stacked = np.stack([member.rates for member in paths.values()])
    mean = combine(paths, weights).rates
    assert (mean >= stacked.min(axis=0) * (1 - 1e-12)).all()
    assert (mean <= stacked.max(axis=0) * (1 + 1e-12)).all()


@given(ensembles())
def test_every_level_is_the_weighted_sum(ensemble: tuple) -> None:
    paths, weights = ensemble
    mean = combine(paths, weights).rates
    for step in range(3):
        for level in range(len(LEVELS)):
            naive = sum(weights[name] * float(member.rates[step, level]) for name, member in paths.items())
            assert mean[step, level] == pytest.approx(naive, rel=1e-12)


@given(ensembles())
def test_the_order_of_the_members_does_not_matter(ensemble: tuple) -> None:
    paths, weights = ensemble
    backwards = combine(dict(reversed(paths.items())), weights)
    assert_allclose(backwards.rates, combine(paths, weights).rates, rtol=1e-12)


def test_two_members_are_averaged_level_by_level() -> None:
    paths = {"a": path(900, 910), "b": path(1000, 990, width=3)}
    mean = combine(paths, {"a": 0.25, "b": 0.75})
    assert_allclose(mean.rates, path(975, 970, width=2.5).rates, rtol=1e-12)


def test_a_member_without_weight_says_nothing() -> None:
    mean = combine({"a": path(900), "b": path(1)}, {"a": 1.0, "b": 0.0})
    assert_array_equal(mean.rates, path(900).rates)


@pytest.mark.parametrize("weights", [{"a": 1.0}, {"a": 0.5, "b": 0.25, "c": 0.25}, {"a": 0.5, "c": 0.5}, {}])
def test_when_names_do_not_match_then_it_is_refused(weights: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=r"paths of \['a', 'b'\] and weights of .* do not match"):
        combine({"a": path(900), "b": path(910)}, weights)


@pytest.mark.parametrize("weights", [(1.5, -0.5), (0.5, 0.4), (0.6, 0.5), (0.0, 0.0), (float("nan"), 1.0)])
def test_when_weights_are_negative_or_do_not_sum_to_one_then_they_are_refused(weights: tuple[float, float]) -> None:
    with pytest.raises(ValueError, match="weights are non-negative and sum to 1"):
        combine({"a": path(900), "b": path(910)}, dict(zip("ab", weights, strict=True)))


@pytest.mark.parametrize("count", [1, 3, 10])
def test_equal_weights_are_equal_and_sum_to_one(count: int) -> None:
    weights = equal_weights([str(n) for n in range(count)])
    assert set(weights.values()) == {1 / count}
    assert sum(weights.values()) == pytest.approx(1)


# --- the median


@given(ensembles())
def test_the_median_of_paths_is_that_of_each_level_and_never_crosses(ensemble: tuple) -> None:
    paths, _ = ensemble
    found = middle(paths).rates  # a path whose quantiles cross refuses to be made
    for step in range(3):
        for level in range(len(LEVELS)):
            assert found[step, level] == median([float(member.rates[step, level]) for member in paths.values()])


def test_a_member_far_out_moves_the_median_no_further_than_one_just_beside() -> None:
    near = middle({"a": path(900), "b": path(910), "c": path(920)})
    assert_array_equal(near.rates, middle({"a": path(900), "b": path(910), "c": path(90_000)}).rates)


# --- weightings

ratios = st.dictionaries(st.text(max_size=4), st.floats(1e-6, 1e6), max_size=6)


@given(ensembles(), ratios, st.sampled_from(WEIGHTINGS))
def test_weights_are_non_negative_and_sum_to_one(ensemble: tuple, errors: dict[str, float], weighting: str) -> None:
    paths, _ = ensemble
    found = blend(paths, weighting, errors)
    assert found.weights.keys() == paths.keys()
    assert min(found.weights.values()) >= 0
    assert sum(found.weights.values()) == pytest.approx(1)
    assert (np.diff(found.path.rates, axis=1) >= 0).all()


@given(ensembles(), ratios, st.sampled_from(WEIGHTINGS))
def test_in_whatever_order_members_come_they_count_the_same(
    ensemble: tuple, errors: dict[str, float], weighting: str
) -> None:
    paths, _ = ensemble
    there, back = blend(paths, weighting, errors), blend(dict(reversed(paths.items())), weighting, errors)
    assert there.weights == pytest.approx(back.weights)
    assert_allclose(there.path.rates, back.path.rates, rtol=1e-12)


def test_half_the_error_weighs_twice_as_much_and_a_member_without_record_as_the_yardstick() -> None:
    paths = {"good": path(900), "bad": path(1000), "new": path(950)}
    found = blend(paths, "inverse_rmse", {"good": 0.5, "bad": 1.0, "elsewhere": 0.001})
    assert found.weights == pytest.approx({"good": 0.5, "bad": 0.25, "new": 0.25})
    assert_allclose(found.path.rates, combine(paths, found.weights).rates)


@pytest.mark.parametrize("weighting", ["equal", "median"])
def test_without_records_in_play_weights_are_shown_as_equal(weighting: str) -> None:
    paths = {"a": path(900), "b": path(1000), "c": path(9000)}
    found = blend(paths, weighting, {"a": 0.1, "b": 10})
    assert set(found.weights.values()) == {1 / 3}
    expected = middle(paths) if weighting == "median" else combine(paths, found.weights)
    assert_array_equal(found.path.rates, expected.rates)


@pytest.mark.parametrize("weighting", WEIGHTINGS)
def test_one_member_alone_is_the_ensemble(weighting: str) -> None:
    found = blend({"a": path(900)}, weighting, {"a": 2.0})
    assert found.weights == {"a": 1}
    assert_array_equal(found.path.rates, path(900).rates)


def test_an_unknown_weighting_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match="no weighting 'best'; there are equal, median, inverse_rmse"):
        blend({"a": path(900)}, "best", {})
