"""Training lstm: it repeats to the bit, sees nothing beyond its cut-off, and never leaves half a file."""

import signal
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from forex_core.dataset.view import Rates
from forex_core.errors import ModelError
from forex_core.models.lstm import snapshots
from forex_core.models.lstm.features import COLUMNS
from forex_core.models.lstm.member import Lstm
from forex_core.models.lstm.network import Network
from forex_core.models.lstm.panel import embedded_panel
from forex_core.models.lstm.recipe import PANEL, Recipe
from forex_core.models.lstm.samples import samples_of
from forex_core.models.lstm.snapshots import Epoch
from forex_core.values import LEVELS
from member_contract import history

torch = pytest.importorskip("torch")

from forex_core.models.lstm.training import Learner, train, train_missing  # noqa: E402 - it imports torch

CUT_OFF = date(2004, 12, 31)
QUICK = Recipe(epochs=2)


@pytest.fixture(scope="module")
def panel() -> tuple[Rates, ...]:
    return embedded_panel(("EURUSD", "USDNOK"))


def quick(cut_off: date, panel: tuple[Rates, ...], **changes: int) -> bytes:
    return snapshots.packed(train(cut_off, recipe=replace(QUICK, **changes), panel=panel))


def test_the_same_seed_gives_the_same_bytes_and_another_one_others(panel: tuple[Rates, ...]) -> None:
    once = quick(CUT_OFF, panel)
    assert quick(CUT_OFF, panel) == once
    assert quick(CUT_OFF, panel, seed=1) != once


def test_another_process_gives_the_same_bytes(panel: tuple[Rates, ...]) -> None:
    code = (
        "from datetime import date; from hashlib import sha256\n"
        "from forex_core.models.lstm import snapshots\n"
        "from forex_core.models.lstm.panel import embedded_panel\n"
        "from forex_core.models.lstm.recipe import Recipe\n"
        "from forex_core.models.lstm.training import train\n"
        "panel = embedded_panel(('EURUSD', 'USDNOK'))\n"
        "weights = train(date(2004, 12, 31), recipe=Recipe(epochs=2), panel=panel)\n"
        "print(snapshots.packed(weights).hex())"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert bytes.fromhex(done.stdout) == quick(CUT_OFF, panel)


def test_what_came_after_the_cut_off_changes_nothing(panel: tuple[Rates, ...]) -> None:
    until = tuple(replace(rates, rows=tuple(r for r in rates.rows if r.observed_on <= CUT_OFF)) for rates in panel)
    later = datetime(2005, 1, 3, 15, tzinfo=UTC)
    revised = tuple(
        replace(rates, rows=(*rates.rows, *(replace(r, value=2 * r.value, known_at=later) for r in rates.rows)))
        for rates in panel
    )
    assert quick(CUT_OFF, until) == quick(CUT_OFF, panel) == quick(CUT_OFF, revised)
    assert quick(CUT_OFF + timedelta(days=40), until) != quick(CUT_OFF + timedelta(days=40), panel)


def test_no_outcome_of_training_reaches_into_the_dates_of_validation(panel: tuple[Rates, ...]) -> None:
    (euro,) = (rates for rates in panel if rates.pair == "EURUSD")
    daily = replace(QUICK, stride=1)
    samples = samples_of((euro,), CUT_OFF, daily)
    days = [row.observed_on for row in euro.rows if row.observed_on <= CUT_OFF]
    origins = range(100, len(days) - 63)  # of the rows: 60 returns, then 40 of the window
    split = days[origins[int(len(origins) * 0.85)]]
    doubled = replace(
        euro, rows=tuple(replace(r, value=r.value * (1.03 if r.observed_on >= split else 1)) for r in euro.rows)
    )
    shifted = samples_of((doubled,), CUT_OFF, daily)
    assert len(samples.windows) == len(origins)
    for of in ("windows", "outcomes"):
        mine, others = getattr(samples, of), getattr(shifted, of)
        np.testing.assert_array_equal(mine[samples.training], others[samples.training])
        assert not np.array_equal(mine, others)
    assert len(samples.training) + len(samples.validation) == len(origins) - 63


def test_numpy_says_what_torch_says(panel: tuple[Rates, ...]) -> None:
    samples = samples_of(panel, CUT_OFF, QUICK)
    learner = Learner(QUICK, samples)
    learner.pass_through()
    network = Network(QUICK, {name: tensor.astype(float) for name, tensor in learner.tensors().items()})
    windows = samples.windows[:: len(samples.windows) // 50]
    with torch.no_grad():
        theirs = learner.quantiles(torch.from_numpy(windows)).numpy()
    roots = np.sqrt(QUICK.knots)
    for window, said in zip(windows.astype(float), theirs, strict=True):
        ours = network.moves(window, max(QUICK.knots), recentre=False)[np.array(QUICK.knots) - 1] / roots[:, None]
        np.testing.assert_allclose(ours, said, atol=1e-5)
    assert theirs.shape[1:] == (len(QUICK.knots), len(LEVELS))
    assert windows.shape[1:] == (QUICK.time_steps, len(COLUMNS))


def test_training_lowers_the_loss_and_says_how_it_went(panel: tuple[Rates, ...]) -> None:
    heard: list[tuple[date, int, Epoch]] = []
    weights = train(CUT_OFF, recipe=Recipe(), panel=panel, progress=lambda *said: heard.append(said))
    assert [(day, number) for day, number, _ in heard] == [(CUT_OFF, number) for number in range(1, 7)]
    assert tuple(epoch for _, _, epoch in heard) == weights.epochs
    assert weights.epochs[-1].training < weights.epochs[0].training
    assert weights.kept == 1 + int(np.argmin([epoch.validation for epoch in weights.epochs]))
    assert weights.parameters == 3584


def test_the_weights_that_are_kept_are_those_of_the_best_epoch(panel: tuple[Rates, ...]) -> None:
    weights = train(CUT_OFF, recipe=Recipe(), panel=panel)
    samples = samples_of(panel, CUT_OFF, Recipe())
    losses = []
    for position in samples.validation:
        moves = weights.network.moves(samples.windows[position].astype(float), 63, recentre=False)
        said = moves[np.array(Recipe().knots) - 1] / np.sqrt(Recipe().knots)[:, None]
        errors = samples.outcomes[position][:, None] - said
        levels = np.array(LEVELS)
        losses.append(np.maximum(levels * errors, (levels - 1) * errors).mean())
    assert np.mean(losses) == pytest.approx(min(epoch.validation for epoch in weights.epochs), abs=1e-5)


def test_training_leaves_torch_as_it_was(panel: tuple[Rates, ...]) -> None:
    threads = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        torch.manual_seed(3)
        alone = torch.rand(1)
        torch.manual_seed(3)
        quick(CUT_OFF, panel)
        assert torch.rand(1) == alone
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(threads)


def test_with_too_little_history_it_refuses(panel: tuple[Rates, ...]) -> None:
    with pytest.raises(ModelError, match="too little history up to 1999-06-30"):
        quick(date(1999, 6, 30), panel)


def test_when_training_diverges_then_it_says_so(panel: tuple[Rates, ...]) -> None:
    with pytest.raises(ModelError, match="diverged"):
        train(CUT_OFF, recipe=replace(QUICK, rate=float("inf")), panel=panel)


def test_only_what_is_missing_or_damaged_is_trained(panel: tuple[Rates, ...], tmp_path: Path) -> None:
    days = [date(2003, 12, 31), CUT_OFF]

    def trained(recipe: Recipe = QUICK) -> list[date]:
        return [w.cut_off for w, _ in train_missing(days, recipe=recipe, panel=panel, models=tmp_path)]

    assert trained() == days
    assert trained() == []
    path = snapshots.path_of(tmp_path, QUICK, CUT_OFF)
    whole = path.read_bytes()
    path.write_bytes(whole[:-1])
    assert trained() == [CUT_OFF]
    assert path.read_bytes() == whole
    assert trained(replace(QUICK, seed=1)) == days
    assert len(list((tmp_path / "lstm").glob("*.safetensors"))) == 4


def test_what_was_trained_is_what_the_member_asks(panel: tuple[Rates, ...], tmp_path: Path) -> None:
    ((weights, path),) = train_missing([CUT_OFF], recipe=QUICK, panel=panel, models=tmp_path)
    member = Lstm(epochs=2, folder=tmp_path)
    assert path.name == f"2004-12-31-{QUICK.sha256[:12]}.safetensors"
    assert member.weights_on(date(2005, 1, 3)) == snapshots.fingerprint(path)
    assert len(member.forecast(history(400), 5)) == 5
    assert snapshots.read(path, QUICK).epochs == weights.epochs


@pytest.mark.parametrize("call", [1, 2, 3, 4])
def test_when_it_is_killed_while_writing_then_no_half_file_has_a_final_name(tmp_path: Path, call: int) -> None:
    """fsync is called for each file's content and then for its directory: the config's first, the weights' last."""
    code = (
        "import os, signal, sys; from datetime import date; from pathlib import Path\n"
        "import numpy as np\n"
        "from forex_core.models.lstm import snapshots\n"
        "from forex_core.models.lstm.network import shapes\n"
        "from forex_core.models.lstm.recipe import Recipe\n"
        "tensors = {name: np.ones(shape, np.float32) for name, shape in shapes(Recipe()).items()}\n"
        "weights = snapshots.Weights(Recipe(), date(2004, 12, 31), tensors, (), 1, 100)\n"
        "calls = []\n"
        "def fsync(descriptor):\n"
        "    calls.append(descriptor)\n"
        f"    if len(calls) == {call}: os.kill(os.getpid(), signal.SIGKILL)\n"
        "os.fsync = fsync\n"
        "snapshots.write(weights, Path(sys.argv[1]))"
    )
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=False)
    assert done.returncode == -signal.SIGKILL
    final = sorted(path.name for path in (tmp_path / "lstm").iterdir() if not path.name.startswith("."))
    weights = snapshots.path_of(tmp_path, Recipe(), date(2004, 12, 31))
    assert (
        final == [[], ["feature_config.json"], ["feature_config.json"], [weights.name, "feature_config.json"]][call - 1]
    )
    if weights.exists():
        assert snapshots.read(weights, Recipe()).cut_off == date(2004, 12, 31)


def test_the_panel_is_what_the_program_can_fetch() -> None:
    assert len(set(PANEL)) == len(PANEL) == 12
