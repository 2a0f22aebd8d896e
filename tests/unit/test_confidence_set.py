"""The model confidence set: it keeps the best, throws out the clearly worse, and is the same every time."""

import numpy as np
import pytest

from forex_core.backtest.confidence_set import FEWEST, confidence_set
from forex_core.values import Floats


def losses(*means: float, count: int = 150, seed: int = 1, noise: float = 0.02) -> Floats:
    """Losses that rise and fall together, as those of members do, around these means."""
    rng = np.random.default_rng(seed)
    common = rng.gamma(2.0, size=(count, 1))
    return common * (np.array(means) + noise * rng.normal(size=(count, len(means))))


def test_the_clearly_worse_are_out_and_the_best_is_in() -> None:
    assert confidence_set(losses(1.0, 1.1, 1.001, 1.3), 1) == [True, False, True, False]


def test_the_same_losses_give_the_same_set() -> None:
    lost = losses(1.0, 1.004, 1.003, 1.006)
    assert confidence_set(lost, 3) == confidence_set(lost.copy(), 3)


def test_the_order_of_the_members_does_not_matter() -> None:
    lost = losses(1.0, 1.1, 1.001, 1.3)
    assert confidence_set(lost[:, ::-1], 1) == [False, True, False, True]


def test_members_with_the_same_losses_share_their_fate() -> None:
    lost = losses(1.0, 1.2)
    assert confidence_set(np.column_stack([lost, lost]), 2) == [True, False, True, False]
    assert confidence_set(np.column_stack([lost[:, 0], lost[:, 0] * (1 + 1e-13)]), 1) == [True, True]


def test_a_member_alone_is_in() -> None:
    assert confidence_set(losses(1.0), 1) == [True]


@pytest.mark.parametrize(("count", "judged"), [(FEWEST - 1, False), (FEWEST, True)])
def test_from_too_few_origins_nothing_is_told(count: int, judged: bool) -> None:
    assert (confidence_set(losses(1.0, 1.5, count=count), 1) is not None) == judged


def test_the_set_holds_the_best_in_nine_of_ten_cases() -> None:
    """Member 0 is the best by a hair; its loss over the others is noise most of the time."""
    held = [bool((confidence_set(losses(1.0, 1.002, 1.002, seed=seed, count=60), 1) or [])[0]) for seed in range(60)]
    assert np.mean(held) >= 0.85


def test_equal_members_over_overlapping_windows_mostly_stay_in() -> None:
    """Losses that move over three windows at a time: blocks must be longer than that, or the noise looks like skill."""
    kept = []
    for seed in range(60):
        made = np.random.default_rng(seed).normal(size=(144 + 2, 3))
        rolling = np.stack([np.convolve(column, np.ones(3), "valid") for column in made.T], axis=1)
        kept.append(all(confidence_set(10 + rolling, 3) or []))
    assert np.mean(kept) >= 0.8
