"""The official runtime with the kinds of Chronos that only it can read: Chronos-2, and T5, which draws paths."""

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from conftest import walk
from forex_core.errors import ModelError
from forex_core.horizons import LONGEST_PATH
from forex_core.models.child import one_child
from forex_core.models.chronos.member import Chronos, settled
from forex_core.models.chronos.official import Official
from forex_core.models.member import Heavy
from forex_core.values import LEVELS
from member_contract import history

torch = pytest.importorskip("torch")
torch.set_num_threads(1)  # these networks are tiny
with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # what its libraries deprecate is theirs
    chronos = pytest.importorskip("chronos")

pytestmark = pytest.mark.filterwarnings("ignore")
SMALL = {
    "d_model": 16,
    "d_kv": 4,
    "d_ff": 24,
    "num_heads": 4,
    "num_layers": 1,
    "feed_forward_proj": "relu",
    "dropout_rate": 0.1,
    "pad_token_id": 0,
}
LEVELS_OF_2 = [0.01, *(n / 20 for n in range(1, 20)), 0.99]


def chronos_2(folder: Path) -> Path:
    from chronos.chronos2.config import Chronos2CoreConfig

    bolt = {
        "context_length": 128,
        "input_patch_size": 16,
        "input_patch_stride": 16,
        "output_patch_size": 16,
        "max_output_patches": 8,
        "quantiles": LEVELS_OF_2,
        "use_reg_token": True,
        "use_arcsinh": True,
        "time_encoding_scale": 128,
    }
    network: dict[str, Any] = SMALL | {"architectures": ["Chronos2Model"], "chronos_pipeline_class": "Chronos2Pipeline"}
    config = Chronos2CoreConfig(**network, chronos_config=bolt, vocab_size=2, reg_token_id=1, dense_act_fn="relu")
    torch.manual_seed(1)
    chronos.Chronos2Model(config).save_pretrained(folder)
    return folder


def t5(folder: Path) -> Path:
    from transformers import T5Config, T5ForConditionalGeneration

    bins = {
        "tokenizer_class": "MeanScaleUniformBins",
        "tokenizer_kwargs": {"low_limit": -15.0, "high_limit": 15.0},
        "n_tokens": 64,
        "n_special_tokens": 2,
        "pad_token_id": 0,
        "eos_token_id": 1,
        "use_eos_token": True,
        "model_type": "seq2seq",
        "context_length": 64,
        "prediction_length": 12,
        "num_samples": 20,
        "temperature": 1.0,
        "top_k": 50,
        "top_p": 1.0,
    }
    network: dict[str, Any] = SMALL | {"num_decoder_layers": 1, "decoder_start_token_id": 0, "eos_token_id": 1}
    config = T5Config(**network, architectures=["T5ForConditionalGeneration"], chronos_config=bins, vocab_size=64)
    torch.manual_seed(1)
    T5ForConditionalGeneration(config).save_pretrained(folder)
    return folder


@pytest.fixture(scope="module", params=[chronos_2, t5], ids=["chronos-2", "t5"])
def member(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Chronos:
    return settled(Chronos(str(request.param(tmp_path_factory.mktemp("model")))))


def test_it_is_heavy_and_says_a_path_of_every_level_and_step(member: Chronos) -> None:
    assert isinstance(member, Heavy)
    rates = history(300)
    path = member.forecast(rates, LONGEST_PATH).rates
    assert path.shape == (LONGEST_PATH, len(LEVELS))
    assert (path[:, LEVELS.index(0.5)] == rates.last).all()
    assert (path[:, -1] > path[:, 0]).all()


def test_the_same_history_twice_gives_the_same_bits_and_leaves_the_generator_alone(member: Chronos) -> None:
    torch.manual_seed(5)
    alone = torch.rand(1)
    torch.manual_seed(5)
    first = member.forecast(history(300), 21).rates.tobytes()
    assert torch.rand(1) == alone
    assert member.forecast(history(300), 21).rates.tobytes() == first


def test_a_shorter_forecast_is_the_beginning_of_the_longer_one(member: Chronos) -> None:
    whole, part = (member.forecast(history(300), steps).rates for steps in (LONGEST_PATH, 5))
    np.testing.assert_array_equal(whole[:5], part)


def test_a_thousand_times_the_history_gives_a_thousand_times_the_path(member: Chronos) -> None:
    rates = history(300)
    scaled = type(rates)(rates.dates, rates.values * 1000)
    once, thousand = member.forecast(rates, 5).rates, member.forecast(scaled, 5).rates
    np.testing.assert_allclose(thousand, 1000 * once, rtol=1e-9)


def test_it_speaks_from_a_child_process(tmp_path: Path) -> None:
    member = settled(Chronos(str(chronos_2(tmp_path))))
    with one_child() as ask:
        said = ask(member, history(300), 5).rates
    assert said.tobytes() == member.forecast(history(300), 5).rates.tobytes()


def test_more_steps_than_it_was_trained_for_are_never_asked_of_it(tmp_path: Path) -> None:
    official = Official(t5(tmp_path))
    logs = np.log([rate / 900 for _, rate in walk(list(history(80).dates.tolist()))])
    assert official.quantiles(logs).shape == (12, len(LEVELS))


def test_chronos_2_is_taken_at_the_levels_it_was_trained_on(tmp_path: Path) -> None:
    official = Official(chronos_2(tmp_path))
    assert official.levels == tuple(LEVELS_OF_2)
    assert official.quantiles(np.linspace(-0.1, 0, 80)).shape == (LONGEST_PATH, len(LEVELS_OF_2))


def test_what_can_not_be_loaded_is_a_model_error(tmp_path: Path) -> None:
    (t5(tmp_path) / "model.safetensors").write_bytes(b"\0" * 100)
    with pytest.raises(ModelError, match="can't be loaded"):
        Official(tmp_path)
