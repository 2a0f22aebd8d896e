"""What the embedded checkpoint learned from, and that its training gives a checkpoint both runtimes read."""

import json
import warnings
from pathlib import Path

import numpy as np
import pytest

from forex_core.models.chronos.bolt import Bolt
from forex_core.models.chronos.reference import EMBEDDED_FOLDER
from forex_core.models.chronos.synthetic import log_prices
from forex_core.values import LEVELS

PATHS = log_prices(np.random.default_rng(1), 2000, 320)
MOVES = np.diff(PATHS, axis=1)


def test_paths_are_finite_and_the_same_for_the_same_seed() -> None:
    assert PATHS.shape == (2000, 320)
    assert np.isfinite(PATHS).all()
    np.testing.assert_array_equal(PATHS, log_prices(np.random.default_rng(1), 2000, 320))


def test_a_typical_daily_move_is_one_and_paths_lean_to_neither_side() -> None:
    sizes = MOVES.std(axis=1)
    assert 0.7 < np.median(sizes) < 1.4
    drifts = (PATHS[:, -1] - PATHS[:, 0]) / (sizes * np.sqrt(319))
    assert abs(np.median(drifts)) < 0.1
    assert 0.8 < np.percentile(drifts, 84) < 1.2


def test_large_moves_follow_large_ones_and_tails_are_heavy() -> None:
    sizes = np.abs(MOVES[MOVES.std(axis=1) > 0])
    centred = sizes - sizes.mean(axis=1, keepdims=True)
    echo = (centred[:, 1:] * centred[:, :-1]).mean(axis=1) / centred.var(axis=1)
    assert 0.09 < echo.mean() < 0.13  # GARCH, regimes and stochastic volatility each add a part
    kurtosis = (MOVES**4).mean(axis=1) / np.maximum((MOVES**2).mean(axis=1), 1e-9) ** 2
    assert np.median(kurtosis) > 4


def test_some_paths_have_stale_days_and_some_a_peg() -> None:
    still = (MOVES == 0).mean(axis=1)
    assert 0.1 < (still > 0.01).mean() < 0.35
    assert 0.005 < (still > 0.3).mean() < 0.1


def test_the_log_of_the_training_is_that_of_the_embedded_checkpoint() -> None:
    log = json.loads((EMBEDDED_FOLDER / "training.json").read_text())
    config = json.loads((EMBEDDED_FOLDER / "config.json").read_text())
    assert config["chronos_config"]["quantiles"] == list(LEVELS)
    assert log["samples"] == log["recipe"]["steps"] * log["recipe"]["batch"]
    assert log["rows"][-1]["step"] == log["recipe"]["steps"]
    assert log["rows"][-1]["validation"] == min(row["validation"] for row in log["rows"])


def test_a_training_gives_a_checkpoint_and_its_log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("torch")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what its libraries deprecate is theirs
        pytest.importorskip("chronos")
        from forex_core.models.chronos import mini_training
    monkeypatch.setattr(mini_training, "CHUNK", 64)
    monkeypatch.setattr(mini_training, "VALIDATION", 64)
    recipe = mini_training.Recipe(steps=60, batch=16, warm_up=5)
    mini_training.write(recipe, tmp_path)
    log = json.loads((tmp_path / "training.json").read_text())
    assert [row["step"] for row in log["rows"]] == [60]
    assert log["samples"] == 960
    first = mini_training.train(mini_training.Recipe(steps=1, batch=16))[1][0]
    assert log["rows"][0]["validation"] < first["validation"]
    said = Bolt(tmp_path).quantiles(PATHS[0, :100].astype(float))
    assert said.shape == (64, len(LEVELS))
    assert np.isfinite(said).all()
