"""The light runtime against chronos-forecasting itself, on tiny random networks and on the embedded checkpoint."""

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from chronos_samples import write_bolt
from forex_core.models.chronos.bolt import Bolt, Shape, buckets
from forex_core.models.chronos.checkpoint import config_of
from forex_core.models.chronos.official import Official
from forex_core.models.chronos.reference import EMBEDDED_FOLDER
from forex_core.values import LEVELS, Floats

torch = pytest.importorskip("torch")
torch.set_num_threads(1)  # these networks are tiny
with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # what its libraries deprecate is theirs
    chronos = pytest.importorskip("chronos")

NETWORKS: dict[str, dict[str, Any]] = {
    "plain": {},
    "without the register token": {"use_reg_token": False, "vocab_size": 1, "eos_token_id": None},
    "patches that overlap": {"input_patch_stride": 8},
    "patches of 7": {"input_patch_size": 7, "input_patch_stride": 7},
    "our levels": {"quantiles": list(LEVELS)},
    "three encoder layers, two of the decoder": {"num_layers": 3, "num_decoder_layers": 2},
    "a long context, few buckets": {
        "context_length": 512,
        "relative_attention_num_buckets": 8,
        "relative_attention_max_distance": 20,
    },
    "bfloat16": {"kind": "BF16"},
}
LENGTHS = (4, 5, 16, 17, 100, 128, 300, 1000)


def official(folder: Path) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return chronos.BaseChronosPipeline.from_pretrained(folder, dtype=torch.float32)


def walk(length: int, *, gaps: bool, seed: int = 3) -> Floats:
    """A walk around 900; with gaps, a fifth of its days are unknown, and its first twenty; the last three never are."""
    draw = np.random.default_rng(seed)
    values = 900 + np.cumsum(draw.normal(0, 5, length))
    if gaps:
        values[:-3][draw.random(length - 3) < 0.2] = np.nan
        values[: min(20, length - 3)] = np.nan
    return values


def difference(folder: Path, pipeline: Any, context: Floats) -> float:
    """The largest one, as a fraction of the largest distance of a quantile from the context's mean."""
    mine = Bolt(folder).quantiles(context)
    theirs = pipeline.predict([torch.tensor(context, dtype=torch.float32)])[0].numpy().astype(float).T
    assert mine.shape == theirs.shape
    return float(np.abs(mine - theirs).max() / np.abs(theirs - np.nanmean(context)).max())


@pytest.mark.parametrize("network", NETWORKS)
def test_a_random_network_says_the_same_in_both_runtimes(network: str, tmp_path: Path) -> None:
    folder = write_bolt(tmp_path, **NETWORKS[network])
    pipeline = official(folder)
    for length in LENGTHS:
        for gaps in (False, True):
            assert difference(folder, pipeline, walk(length, gaps=gaps)) < 1e-4, f"{length} values, gaps {gaps}"


def test_the_embedded_checkpoint_says_the_same_in_both_runtimes() -> None:
    pipeline = official(EMBEDDED_FOLDER)
    for length in LENGTHS:
        for gaps in (False, True):
            context = np.log(walk(length, gaps=gaps) / 900)
            assert difference(EMBEDDED_FOLDER, pipeline, context) < 1e-4, f"{length} values, gaps {gaps}"


def test_our_doorway_to_the_official_runtime_says_the_same_too(tmp_path: Path) -> None:
    folder, context = write_bolt(tmp_path), walk(200, gaps=False)
    np.testing.assert_allclose(Official(folder).quantiles(context), Bolt(folder).quantiles(context), rtol=1e-4)


def test_the_buckets_of_distances_are_those_of_t5(tmp_path: Path) -> None:
    from transformers.models.t5.modeling_t5 import T5Attention

    distance = np.arange(-700, 701)
    for count, farthest in ((32, 128), (8, 20), (16, 64), (64, 512)):
        how = {"relative_attention_num_buckets": count, "relative_attention_max_distance": farthest}
        shape = Shape.of(config_of(write_bolt(tmp_path / f"{count}", **how)))
        theirs = T5Attention._relative_position_bucket(torch.tensor(distance), True, count, farthest)
        np.testing.assert_array_equal(buckets(distance, shape), theirs.numpy())
