"""The chronos member: the contract, where its checkpoint comes from, and how its levels and steps become ours."""

import json
import shutil
import subprocess
import sys
from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chronos_samples import DECILES, bolt_config, bolt_tensors, safetensors, write_bolt
from forex_core.backtest.windows import window_key
from forex_core.errors import ModelError, SettingsError
from forex_core.horizons import LONGEST_PATH
from forex_core.models.chronos import member as chronos
from forex_core.models.chronos.bolt import Bolt
from forex_core.models.chronos.checkpoint import Tensors, fingerprint
from forex_core.models.chronos.levels import at_our_levels, extended
from forex_core.models.chronos.member import Chronos, OfficialChronos, notice, settled, where
from forex_core.models.chronos.reference import EMBEDDED_FOLDER, Reference
from forex_core.models.member import Heavy, Member, Weighted, ask, parameters
from forex_core.models.random_walk import RandomWalk
from forex_core.values import LEVELS, Series
from member_contract import MIDDLE, MemberContract, history

COMMIT = "0123456789abcdef0123456789abcdef01234567"
SET = f"amazon/chronos-bolt-tiny@{COMMIT}"
DAY = date(2026, 10, 30)
STEPS = st.integers(1, 12)


class TestChronosMini(MemberContract):
    @pytest.fixture
    def member(self) -> Member:
        return Chronos()

    def need(self, steps: int) -> int:
        return 61


class TestMiniWithItsOwnMedian(TestChronosMini):
    centred = False
    off_last = 0.15  # after a leap out of a peg of years it expects most of it back

    @pytest.fixture
    def member(self) -> Member:
        return Chronos(recentre=False)


class TestBoltOfDeciles(TestChronosMini):
    """As the hub's Chronos-Bolt: nothing below 10 % or above 90 %. Cut out of the embedded one."""

    @pytest.fixture
    def member(self, tmp_path_factory: pytest.TempPathFactory) -> Member:
        return Chronos(str(of_deciles(tmp_path_factory.getbasetemp() / "deciles")))


def of_deciles(folder: Path) -> Path:
    """The embedded checkpoint with the head's rows of the nine deciles alone."""
    if folder.exists():
        return folder
    config = json.loads((EMBEDDED_FOLDER / "config.json").read_text())
    ahead = config["chronos_config"]["prediction_length"]
    config["chronos_config"]["quantiles"] = list(DECILES)
    rows = np.concatenate([np.arange(ahead) + ahead * LEVELS.index(level) for level in DECILES])
    tensors = dict(Tensors(EMBEDDED_FOLDER))
    for name in tensors:
        if name.startswith(("output_patch_embedding.output_layer", "output_patch_embedding.residual_layer")):
            tensors[name] = tensors[name][rows]
    folder.mkdir()
    (folder / "config.json").write_text(json.dumps(config))
    (folder / "model.safetensors").write_bytes(safetensors(tensors))
    return folder


# --- which checkpoint speaks


def put(folder: Path) -> Path:
    """A snapshot as if it had been fetched; the folder of models."""
    write_bolt(Reference("amazon", "chronos-bolt-tiny").home(folder) / COMMIT)
    return folder


def key(member: Member) -> str:
    return window_key("a hash", DAY, member)


def test_the_embedded_checkpoint_is_the_recorded_one() -> None:
    assert fingerprint(EMBEDDED_FOLDER) == chronos.EMBEDDED_SHA256 == Chronos().weights_on(DAY)
    assert Bolt(EMBEDDED_FOLDER).levels == LEVELS
    assert sum(file.stat().st_size for file in EMBEDDED_FOLDER.iterdir()) < 2_000_000


def test_a_snapshot_that_was_fetched_speaks(tmp_path: Path) -> None:
    asked = Chronos(SET, folder=put(tmp_path))
    used = settled(asked)
    assert (used, notice(used)) == (asked, None)
    assert isinstance(used, Weighted)
    assert not isinstance(used, Heavy)
    rates = history(300)
    assert (used.forecast(rates, 5).rates != Chronos().forecast(rates, 5).rates).any()


def test_when_the_snapshot_is_absent_then_mini_speaks_and_a_notice_says_how_to_get_it(tmp_path: Path) -> None:
    used, rates = settled(Chronos(SET, folder=tmp_path)), history(300)
    assert used.forecast(rates, 5).rates.tobytes() == Chronos().forecast(rates, 5).rates.tobytes()
    said = notice(used)
    assert said is not None
    assert SET in said
    assert f"`forex models fetch {SET}`" in said
    assert notice(settled(Chronos())) is None


def test_the_stand_in_is_known_as_mini_and_not_as_what_was_asked_for(tmp_path: Path) -> None:
    absent = settled(Chronos(SET, folder=tmp_path / "empty"))
    present = settled(Chronos(SET, folder=put(tmp_path / "full")))
    assert parameters(absent) == parameters(Chronos()) == {"model": "mini", "recentre": True}
    assert key(absent) == key(Chronos())
    assert parameters(present) == {"model": SET, "recentre": True}
    assert key(present) != key(absent)


def test_a_directory_is_used_and_an_absent_one_is_said(tmp_path: Path) -> None:
    folder = write_bolt(tmp_path / "mine")
    assert settled(Chronos(str(folder))).model == str(folder)
    used = settled(Chronos(str(tmp_path / "nowhere")))
    assert used.model == "mini"
    assert "nowhere is not on this machine; correct its path" in (notice(used) or "")


@pytest.mark.parametrize("model", ["amazon/chronos-bolt-tiny", "amazon/chronos-bolt-tiny@main"])
def test_a_model_without_its_commit_is_refused_with_the_command_that_says_it(model: str, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="names no commit") as refusal:
        settled(Chronos(model, folder=tmp_path))
    assert refusal.value.hint == f"`forex models fetch {model}` says which name to set"


def test_a_runtime_that_does_not_exist_is_refused() -> None:
    with pytest.raises(SettingsError, match="chronos_runtime must be one of auto, light, official, got 'quick'"):
        settled(Chronos(runtime="quick"))


def test_only_what_needs_torch_is_heavy(tmp_path: Path) -> None:
    bolt, other = write_bolt(tmp_path / "bolt"), write_bolt(tmp_path / "other", architectures=["Chronos2Model"])
    assert not isinstance(settled(Chronos(str(bolt))), Heavy)
    for member in (Chronos(str(bolt), runtime="official"), Chronos(str(other))):
        heavy = settled(member)
        assert isinstance(heavy, OfficialChronos)
        assert isinstance(heavy, Heavy)
        assert key(heavy) == key(member)
        assert replace(heavy, model="mini").model == "mini"


def test_the_light_runtime_refuses_what_is_no_bolt(tmp_path: Path) -> None:
    other = write_bolt(tmp_path, architectures=["Chronos2Model"])
    with pytest.raises(ModelError, match="the light runtime reads Chronos-Bolt only"):
        Chronos(str(other), runtime="light").forecast(history(300), 5)


def test_without_the_extra_the_official_runtime_names_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(ModelError, match="needs the extra neural") as refusal:
        Chronos(runtime="official").forecast(history(300), 5)
    assert refusal.value.hint == "pip install 'forex-core[neural]'"
    assert len(Chronos(runtime="light").forecast(history(300), 5)) == 5


# --- damage


def test_when_a_weight_changes_then_the_hash_does(tmp_path: Path) -> None:
    member = Chronos(str(write_bolt(tmp_path)))
    before, said = member.weights_on(DAY), member.forecast(history(300), 5).rates
    tensors = bolt_tensors(bolt_config())
    tensors["shared.weight"][0, 0] += 1
    (tmp_path / "model.safetensors").write_bytes(safetensors(tensors))
    assert member.weights_on(DAY) != before
    assert (member.forecast(history(300), 5).rates != said).any()


def test_when_the_configuration_changes_then_the_hash_does(tmp_path: Path) -> None:
    member = Chronos(str(write_bolt(tmp_path)))
    before = member.weights_on(DAY)
    (tmp_path / "config.json").write_text(json.dumps(bolt_config(prediction_length=32)))
    assert member.weights_on(DAY) != before


def test_an_embedded_checkpoint_that_is_another_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    other = shutil.copytree(EMBEDDED_FOLDER, tmp_path / "mini")
    with (other / "model.safetensors").open("r+b") as file:
        file.seek(-1, 2)
        file.write(b"?")
    monkeypatch.setattr(chronos, "EMBEDDED_FOLDER", other)
    for speak in (lambda: Chronos().weights_on(DAY), lambda: Chronos().forecast(history(300), 5)):
        with pytest.raises(ModelError, match="is not the checkpoint of this release"):
            speak()


@pytest.mark.parametrize("kept", [0, 4, 8, 60, 2000, -1])
def test_weights_that_are_cut_off_are_refused_by_name(kept: int, tmp_path: Path) -> None:
    file = write_bolt(tmp_path) / "model.safetensors"
    file.write_bytes(file.read_bytes()[:kept])
    with pytest.raises(ModelError, match=r"model\.safetensors is no whole safetensors file"):
        ask(Chronos(str(tmp_path)), history(300), 5)


def test_weights_of_another_kind_are_refused(tmp_path: Path) -> None:
    file = write_bolt(tmp_path) / "model.safetensors"
    file.write_bytes(file.read_bytes().replace(b'"F32"', b'"F64"'))
    with pytest.raises(ModelError, match="it holds F64; only F32, BF16 are read"):
        Bolt(tmp_path)


def test_a_tensor_that_is_missing_is_named(tmp_path: Path) -> None:
    tensors = bolt_tensors(bolt_config())
    del tensors["encoder.final_layer_norm.weight"]
    (write_bolt(tmp_path) / "model.safetensors").write_bytes(safetensors(tensors))
    with pytest.raises(ModelError, match=r"no tensor 'encoder\.final_layer_norm\.weight'"):
        ask(Chronos(str(tmp_path)), history(300), 5)


@pytest.mark.parametrize("part", ["num_heads", "quantiles", "prediction_length", "input_patch_size"])
@pytest.mark.parametrize("value", [None, "many", [], 0, 10**12])
def test_a_garbled_configuration_is_refused(part: str, value: object, tmp_path: Path) -> None:
    (write_bolt(tmp_path) / "config.json").write_text(json.dumps(bolt_config(**{part: value})))
    with pytest.raises(ModelError, match=r"config\.json"):
        Bolt(tmp_path)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"chronos_config": 3}', "\ufeff{", "[" * 100_000])
def test_what_is_no_configuration_of_chronos_is_refused(text: str, tmp_path: Path) -> None:
    (write_bolt(tmp_path) / "config.json").write_text(text)
    with pytest.raises(ModelError, match=r"config\.json"):
        Bolt(tmp_path)
    assert settled(Chronos(str(tmp_path))).model == str(tmp_path)  # it drops out by name when it is asked


def test_pickled_weights_are_never_opened(tmp_path: Path) -> None:
    (write_bolt(tmp_path) / "model.safetensors").rename(tmp_path / "pytorch_model.bin")
    for runtime in ("light", "official"):
        with pytest.raises(ModelError, match="only pickled weights, which could run code"):
            Chronos(str(tmp_path), runtime=runtime).forecast(history(300), 5)


def test_a_network_that_says_nonsense_drops_out(tmp_path: Path) -> None:
    tensors = bolt_tensors(bolt_config())
    tensors["output_patch_embedding.output_layer.bias"][:] = np.nan
    (write_bolt(tmp_path) / "model.safetensors").write_bytes(safetensors(tensors))
    with pytest.raises(ModelError, match="chronos failed: a path holds finite, positive rates"):
        ask(Chronos(str(tmp_path)), history(300), 5)


# --- levels and steps


def test_levels_that_were_trained_are_taken_as_they_are() -> None:
    said = np.sort(np.random.default_rng(1).normal(size=(3, len(LEVELS))))
    np.testing.assert_allclose(at_our_levels(said, LEVELS), said, rtol=0, atol=1e-15)


def test_a_level_between_trained_ones_lies_between_them() -> None:
    said = np.array([[-9.0, -5, -3, -1, 0, 1, 2, 4, 8]])
    ours = dict(zip(LEVELS, at_our_levels(said, DECILES)[0], strict=True))
    assert [ours[level] for level in DECILES] == pytest.approx(said[0])
    assert (ours[0.25], ours[0.75]) == pytest.approx((-4, 3))


def test_beyond_the_outermost_level_the_width_grows_as_the_random_walks_does() -> None:
    said = np.array([[-9.0, -5, -3, -1, 0.5, 1, 2, 4, 8]])
    ours = dict(zip(LEVELS, at_our_levels(said, DECILES)[0], strict=True))
    rates = history(300)
    walk = {level: np.log(rate / rates.last) for level, rate in RandomWalk().forecast(rates, 1).at(1).items()}
    for level, outermost in ((0.025, 0.1), (0.05, 0.1), (0.95, 0.9), (0.975, 0.9)):
        assert ours[level] - 0.5 == pytest.approx((ours[outermost] - 0.5) * walk[level] / walk[outermost])


def test_wider_trained_levels_need_no_tail() -> None:
    trained = (0.01, 0.5, 0.99)
    assert at_our_levels(np.array([[-49.0, 0, 49]]), trained)[0, [0, -1]] == pytest.approx((-47.5, 47.5))


@given(
    st.lists(st.lists(st.floats(-1, 1), min_size=9, max_size=9), min_size=1, max_size=5),
    st.lists(st.floats(0.01, 0.99), min_size=9, max_size=9, unique=True),
)
def test_whatever_a_network_says_the_levels_never_cross(said: list[list[float]], trained: list[float]) -> None:
    levels = tuple(sorted(trained))
    assert (np.diff(at_our_levels(np.array(said), levels), axis=1) >= -1e-12).all()


def test_past_the_last_trained_step_the_spread_grows_with_the_root_of_time() -> None:
    moves = np.arange(4)[:, None] + np.linspace(-1, 1, len(LEVELS))
    longer = extended(moves, 9)
    np.testing.assert_array_equal(longer[:4], moves)
    for step in range(5, 10):
        np.testing.assert_allclose(longer[step - 1], 3 + np.linspace(-1, 1, len(LEVELS)) * np.sqrt(step / 4))
    np.testing.assert_array_equal(extended(moves, 2), moves[:2])


def test_the_longest_path_is_one_step_longer_than_mini_was_trained_for() -> None:
    rates = history(1200)
    logs = np.log(Chronos().forecast(rates, LONGEST_PATH).rates / rates.last)
    assert Bolt(EMBEDDED_FOLDER).shape.prediction_length == 64 == LONGEST_PATH - 1
    np.testing.assert_allclose(logs[64], logs[63] * np.sqrt(65 / 64), atol=1e-12)


def test_recentring_shifts_every_level_alike() -> None:
    rates = history(1200)
    own, shifted = (np.log(Chronos(recentre=how).forecast(rates, 21).rates / rates.last) for how in (False, True))
    np.testing.assert_allclose(own - shifted, np.repeat(own[:, [MIDDLE]], len(LEVELS), axis=1), atol=1e-12)
    assert np.abs(own[:, MIDDLE]).max() > 0


def test_only_the_last_rows_of_its_context_count() -> None:
    rates = history(1200)
    last = Series(rates.dates[-256:], rates.values[-256:])
    assert Chronos().forecast(rates, 5).rates.tobytes() == Chronos().forecast(last, 5).rates.tobytes()
    fewer = Series(rates.dates[-255:], rates.values[-255:])
    assert (Chronos().forecast(fewer, 5).rates != Chronos().forecast(last, 5).rates).any()


# --- cost


def test_a_light_forecast_imports_neither_torch_nor_its_relatives(tmp_path: Path) -> None:
    code = (
        "import sys; from forex_core.models.chronos.member import Chronos, settled; import numpy as np\n"
        "from forex_core.values import Series\n"
        "days = np.arange(300).astype('datetime64[D]')\n"
        f"for model in ('mini', {str(write_bolt(tmp_path))!r}):\n"
        "    settled(Chronos(model)).forecast(Series(days, 900 + np.sin(np.arange(300.0))), 65)\n"
        "heavy = {'torch', 'transformers', 'chronos', 'safetensors', 'pandas', 'huggingface_hub', 'httpx2'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_the_directory_of_a_hub_model_follows_from_its_name(tmp_path: Path) -> None:
    assert where(Chronos(SET, folder=tmp_path)) == tmp_path / "hub" / "amazon--chronos-bolt-tiny" / COMMIT
