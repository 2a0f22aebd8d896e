"""The lstm member: its contract, its network, and files of weights that are whole or refused."""

import json
import subprocess
import sys
import time
from dataclasses import replace
from datetime import date
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forex_core.errors import ModelError
from forex_core.horizons import LONGEST_PATH
from forex_core.models.lstm import snapshots
from forex_core.models.lstm.features import COLUMNS, MEMORY, feature_config, inputs_of
from forex_core.models.lstm.member import Lstm
from forex_core.models.lstm.network import Network, shapes, starting_variances
from forex_core.models.lstm.panel import cut_offs, embedded_panel
from forex_core.models.lstm.recipe import Recipe
from forex_core.models.lstm.snapshots import Epoch, Weights
from forex_core.models.member import Heavy, Member, Weighted, parameters
from forex_core.models.spread import ABOVE, standard_student
from forex_core.values import LEVELS, Floats
from member_contract import MemberContract, history

CUT_OFF = date(2004, 12, 31)  # before the first day of the contract's histories
MIDDLE = LEVELS.index(0.5)


def made_up(cut_off: date, *, seed: int = 1, recipe: Recipe = Recipe(), size: float = 0.3) -> Weights:  # noqa: B008
    """Weights that no training made."""
    draw = np.random.default_rng(seed)
    tensors = {name: draw.normal(0, size, shape).astype(np.float32) for name, shape in shapes(recipe).items()}
    return Weights(recipe, cut_off, tensors, (Epoch(0.27, 0.25),), 1, 100)


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory of models with weights trained on three pairs up to CUT_OFF."""
    pytest.importorskip("torch")
    from forex_core.models.lstm.training import train

    models = tmp_path_factory.mktemp("models")
    weights = train(CUT_OFF, recipe=Recipe(), panel=embedded_panel(("EURUSD", "USDNOK", "USDZAR")))
    snapshots.write(weights, models)
    return models


@pytest.fixture
def models(tmp_path: Path) -> Path:
    """A directory of models with made-up weights of two cut-offs."""
    for year in (2003, 2004):
        snapshots.write(made_up(date(year, 12, 31), seed=year), tmp_path)
    return tmp_path


class TestLstm(MemberContract):
    grows_at_every_step = True

    @pytest.fixture
    def member(self, trained: Path) -> Member:
        return Lstm(folder=trained)

    def need(self, steps: int) -> int:
        return 101


def test_it_is_weighted_and_so_light_that_it_needs_no_process_of_its_own() -> None:
    assert isinstance(Lstm(), Weighted)
    assert not isinstance(Lstm(), Heavy)


def test_a_forecast_imports_no_torch(models: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from member_contract import history\n"
        "from forex_core.models.lstm.member import Lstm\n"
        f"Lstm(folder=Path({str(models)!r})).forecast(history(400), 5)\n"
        "print('torch' in sys.modules)"
    )
    tests = str(Path(__file__).parents[1])
    done = subprocess.run(
        [sys.executable, "-c", f"import sys; sys.path.insert(0, {tests!r})\n{code}"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == "False"


def test_a_forecast_takes_less_than_two_milliseconds(models: Path) -> None:
    member, rates = Lstm(folder=models), history(7000)
    member.forecast(rates, LONGEST_PATH)

    def spent() -> float:
        began = time.process_time()
        member.forecast(rates, LONGEST_PATH)
        return time.process_time() - began

    assert min(spent() for _ in range(40)) < 0.002


def test_when_it_is_not_recentred_then_only_the_median_moves(models: Path) -> None:
    rates = history(1200)
    centred, raw = (Lstm(folder=models, recentre=flag).forecast(rates, 30).rates for flag in (True, False))
    assert np.abs(raw[:, MIDDLE] / rates.last - 1).max() > 1e-3
    np.testing.assert_allclose(np.diff(np.log(raw), axis=1), np.diff(np.log(centred), axis=1), atol=1e-12)


# --- what decides its weights


def test_every_parameter_of_the_recipe_makes_other_weights() -> None:
    others = dict(
        seed=1, time_steps=30, units=8, knots=(5, 21), decay=0.9, dof=6, bound=2.0, epochs=2, batch=64, rate=0.1,
        head_decay=0.5, stride=5, validation=0.3,
    )  # fmt: skip
    hashes = {Recipe().sha256} | {replace(Recipe(), **{name: value}).sha256 for name, value in others.items()}
    assert len(hashes) == 1 + len(others)
    assert others.keys() == parameters(Recipe()).keys()


def test_neither_recentring_nor_the_folder_makes_other_weights(tmp_path: Path) -> None:
    assert Lstm(recentre=False, folder=tmp_path).recipe == Recipe()
    assert "folder" not in parameters(Lstm())


def test_the_feature_config_says_what_goes_in(models: Path) -> None:
    config = json.loads((models / "lstm" / "feature_config.json").read_text())
    assert config == feature_config(Recipe())
    assert config["time_steps"] == 40
    assert config["feature_cols"] == list(COLUMNS)
    assert config.keys() == {"feature_cols", "parameters", "scaler", "time_steps"}


def test_the_cut_offs_are_the_ends_of_years_and_yesterday() -> None:
    ends = tuple(date(year, 12, 31) for year in (2005, 2006, 2007))
    assert cut_offs(date(2008, 5, 2)) == (*ends, date(2008, 5, 1))
    assert cut_offs(date(2007, 1, 1)) == (date(2005, 12, 31), date(2006, 12, 31))


# --- inputs and network


def test_a_row_of_inputs_knows_nothing_of_later_days() -> None:
    returns = history(1200).log_returns()
    whole, part = inputs_of(returns, Recipe()), inputs_of(returns[:700], Recipe())
    np.testing.assert_allclose(whole.columns[:700], part.columns, atol=1e-12)
    np.testing.assert_allclose(whole.sigmas[:700], part.sigmas, atol=1e-12)


def test_what_lies_before_the_memory_weighs_nothing() -> None:
    returns = history(3000).log_returns()
    whole, part = inputs_of(returns, Recipe()), inputs_of(returns[-MEMORY:], Recipe())
    np.testing.assert_allclose(whole.columns[-40:], part.columns[-40:], rtol=1e-9, atol=1e-9)


def test_a_network_that_says_nothing_is_students_random_walk() -> None:
    silent = Network(Recipe(), {name: np.zeros(shape) for name, shape in shapes(Recipe()).items()})
    moves = silent.moves(np.ones((40, len(COLUMNS))), LONGEST_PATH, recentre=True)
    expected = np.sqrt(np.arange(1, LONGEST_PATH + 1))[:, None] * standard_student(5)
    np.testing.assert_allclose(moves, expected, atol=1e-9)


@given(seed=st.integers(0, 10_000), size=st.floats(0.01, 5), recentre=st.booleans())
@settings(max_examples=60, deadline=None)
def test_whatever_the_weights_quantiles_are_ordered_and_spread_grows_within_bounds(
    seed: int, size: float, recentre: bool
) -> None:
    network = made_up(CUT_OFF, seed=seed, size=size).network
    window: Floats = np.random.default_rng(seed).normal(0, 2, (40, len(COLUMNS)))
    moves = network.moves(window, LONGEST_PATH, recentre=recentre)
    assert (np.diff(moves, axis=1) > 0).all()
    spread = moves[:, MIDDLE + 1 :] - moves[:, [MIDDLE]]
    assert (np.diff(spread, axis=0) > 0).all()
    start = np.sqrt(starting_variances(Recipe()).cumsum(axis=0).cumsum(axis=1))[-1]
    assert (spread[62] < 2.0001 * start).all()
    assert (spread[62] > start / 2.0001).all()
    assert spread.shape == (LONGEST_PATH, len(ABOVE))


# --- which weights speak


def test_the_youngest_weights_that_saw_nothing_of_the_day_speak(models: Path) -> None:
    member = Lstm(folder=models)

    def hash_of(year: int) -> str:
        path = snapshots.path_of(models, Recipe(), date(year, 12, 31))
        return sha256(path.read_bytes()).hexdigest()

    assert member.weights_on(date(2020, 1, 1)) == member.weights_on(date(2005, 1, 1)) == hash_of(2004)
    assert member.weights_on(date(2004, 12, 31)) == member.weights_on(date(2004, 1, 1)) == hash_of(2003)


def test_the_forecast_uses_the_weights_that_it_names(models: Path) -> None:
    rates = history(1200)
    both = Lstm(folder=models).forecast(rates, 21).rates
    snapshots.path_of(models, Recipe(), date(2004, 12, 31)).unlink()
    older = Lstm(folder=models).forecast(rates, 21).rates
    assert not np.allclose(both, older)


@pytest.mark.parametrize("day", [date(2003, 12, 31), date(1999, 1, 4)])
def test_when_all_weights_are_younger_then_it_refuses_and_names_the_command(models: Path, day: date) -> None:
    with pytest.raises(ModelError, match=f"lstm has no weights trained on data before {day}.*forex train lstm"):
        Lstm(folder=models).weights_on(day)


def test_a_history_that_ends_on_the_cut_off_is_refused(tmp_path: Path) -> None:
    rates = history(400)
    last = rates.dates[-1].astype(object)
    snapshots.write(made_up(last), tmp_path)
    with pytest.raises(ModelError, match=f"no weights trained on data before {last}"):
        Lstm(folder=tmp_path).forecast(rates, 5)


@pytest.mark.parametrize("missing", [True, False])
def test_without_a_folder_it_names_the_command(tmp_path: Path, missing: bool) -> None:
    member = Lstm(folder=None if missing else tmp_path / "none")
    with pytest.raises(ModelError) as refusal:
        member.forecast(history(400), 5)
    assert refusal.value.hint == "train it with `forex train lstm`"


def test_files_of_other_recipes_and_half_written_ones_are_not_seen(models: Path) -> None:
    folder, mine = models / "lstm", Lstm(folder=models).weights_on(date(2020, 1, 1))
    snapshots.write(made_up(date(2010, 12, 31), recipe=Recipe(seed=5)), models)
    name = snapshots.path_of(models, Recipe(), date(2011, 12, 31)).name
    for junk in (f".{name}.new", f"{name}.part", "notes.safetensors", f"x{name}"):
        (folder / junk).write_bytes(b"half")
    assert Lstm(folder=models).weights_on(date(2020, 1, 1)) == mine


# --- damage


@pytest.fixture
def newest(models: Path) -> Path:
    return snapshots.path_of(models, Recipe(), date(2004, 12, 31))


@pytest.mark.parametrize("length", [0, 7, 8, 100, -1, -1000])
def test_when_the_file_is_cut_off_then_it_is_named_and_no_older_one_speaks(
    models: Path, newest: Path, length: int
) -> None:
    newest.write_bytes(newest.read_bytes()[:length])
    with pytest.raises(ModelError) as refusal:
        Lstm(folder=models).forecast(history(400), 5)
    assert str(newest) in refusal.value.message
    assert "forex train lstm" in refusal.value.hint


@given(position=st.integers(0, 10**6), bit=st.integers(0, 7))
@settings(max_examples=150, deadline=None)
def test_a_flipped_bit_never_changes_what_is_said(position: int, bit: int) -> None:
    weights = made_up(CUT_OFF)
    content = bytearray(snapshots.packed(weights))
    content[position % len(content)] ^= 1 << bit
    try:
        read = snapshots.checked(Path("any.safetensors"), bytes(content))
    except ModelError:
        return
    assert (read.recipe, read.cut_off, read.epochs) == (weights.recipe, weights.cut_off, weights.epochs)
    assert all((read.tensors[name] == tensor).all() for name, tensor in weights.tensors.items())


def test_a_number_that_is_not_finite_is_refused(models: Path, newest: Path) -> None:
    weights = made_up(date(2004, 12, 31))
    weights.tensors["bias"][3] = np.nan
    newest.write_bytes(snapshots.packed(weights))
    with pytest.raises(ModelError, match="not finite"):
        Lstm(folder=models).forecast(history(400), 5)


def test_younger_weights_under_an_older_name_are_refused(models: Path, newest: Path) -> None:
    snapshots.write(made_up(date(2015, 12, 31)), models)
    snapshots.path_of(models, Recipe(), date(2015, 12, 31)).replace(newest)
    with pytest.raises(ModelError, match="holds weights of 2015-12-31"):
        Lstm(folder=models).forecast(history(400), 5)


def test_a_directory_in_place_of_the_file_is_a_model_error(models: Path, newest: Path) -> None:
    newest.unlink()
    newest.mkdir()
    with pytest.raises(ModelError, match="can't be used"):
        Lstm(folder=models).weights_on(date(2020, 1, 1))


def test_when_the_file_is_replaced_then_its_hash_is_another_one(models: Path) -> None:
    before = Lstm(folder=models).weights_on(date(2020, 1, 1))
    snapshots.write(made_up(date(2004, 12, 31), seed=99), models)
    assert Lstm(folder=models).weights_on(date(2020, 1, 1)) != before
