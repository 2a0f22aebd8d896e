"""Train what is trained beforehand, and fit on the newest data what people want to look into. A run never trains."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

from forex_core.dataset.fetch import fetch
from forex_core.errors import ModelError
from forex_core.models.arima import Arima
from forex_core.models.linear import Linear
from forex_core.models.lstm.member import Lstm
from forex_core.models.lstm.recipe import PANEL
from forex_core.models.lstm.snapshots import Epoch
from forex_core.pipeline.request import Adapters
from forex_core.values import Series

KINDS = ("linear", "arima", "lstm", "chronos-mini")
Curve = dict[str, list[float]]  # a metric by epoch
Progress = Callable[[str], None]


@dataclass(frozen=True)
class Trained:
    """One training. said: what came of it, in one line; files: artifacts by name."""

    kind: str
    name: str
    said: str
    params: dict[str, Any]
    curves: Curve = field(default_factory=dict)
    files: dict[str, bytes] = field(default_factory=dict)


def train(
    kinds: tuple[str, ...], pair: str, source: str, adapters: Adapters, models: Path, progress: Progress
) -> Iterator[Trained]:
    """Train one kind after another; each result is yielded when its weights are kept."""
    for kind in kinds:
        if kind == "lstm":
            yield from _lstm(adapters, models, progress)
        elif kind == "chronos-mini":
            yield _mini(models, progress)
        else:
            yield _inspected(kind, pair, _history(pair, source, adapters))


def _lstm(adapters: Adapters, models: Path, progress: Progress) -> Iterator[Trained]:
    """The newest weights, and the yearly ones that backtests need, where they are missing."""
    from forex_core.models.lstm.panel import cut_offs

    with _torch_wanted():
        from forex_core.models.lstm.training import train_missing
    now, recipe = adapters.clock(), Lstm().recipe
    panel = [
        fetch(pair, adapters.catalog.chain_for(pair, "ecb"), adapters.store, now, replay=True).rates for pair in PANEL
    ]

    def say(cut_off: date, number: int, epoch: Epoch) -> None:
        progress(f"lstm up to {cut_off}, epoch {number}: {epoch.training:.4f}, validation {epoch.validation:.4f}")

    for weights, path in train_missing(cut_offs(now.date()), recipe=recipe, panel=panel, models=models, progress=say):
        losses = [asdict(epoch) for epoch in weights.epochs]
        best = weights.epochs[weights.kept - 1].validation if weights.kept else float("nan")
        yield Trained(
            "lstm",
            f"lstm_{weights.cut_off}",
            f"lstm up to {weights.cut_off}: validation loss {best:.4f} in epoch {weights.kept}, "
            f"{weights.samples} samples, {weights.parameters} parameters, {path}",
            asdict(recipe) | {"cut_off": weights.cut_off, "kept": weights.kept, "samples": weights.samples},
            {name: [loss[name] for loss in losses] for name in ("training", "validation")},
            {path.name: path.read_bytes(), "feature_config.json": path.with_name("feature_config.json").read_bytes()},
        )


def _mini(models: Path, progress: Progress) -> Trained:
    """Our own Chronos checkpoint, anew; it is used only where `chronos_model` names its directory."""
    with _torch_wanted():
        from forex_core.models.chronos.mini_training import Recipe, write
    recipe, folder = Recipe(), models / "chronos-mini"
    progress(f"chronos-mini: {recipe.steps} steps on synthetic paths, a quarter of an hour of one core")
    write(recipe, folder)
    said = f'chronos-mini in {folder}; chronos_model = "{folder}" makes runs use it'
    files = {"training.json": (folder / "training.json").read_bytes()}
    return Trained("chronos-mini", "chronos_mini", said, asdict(recipe), files=files)


def _history(pair: str, source: str, adapters: Adapters) -> Series:
    now = adapters.clock()
    rates = fetch(pair, adapters.catalog.chain_for(pair, source), adapters.store, now).rates
    return rates.as_of(now).enough(pair).series


def _inspected(kind: str, pair: str, history: Series) -> Trained:
    """One fit to look into; runs fit their own."""
    member = Linear() if kind == "linear" else Arima()
    fitted = member.fitted(history)
    params = {"pair": pair, "rates": len(history), "newest": str(history.dates[-1])} | asdict(member)
    said = f"{kind} on {pair} up to {history.dates[-1]}: {member.described(fitted)}"
    files = {"fit.json": json.dumps(fitted, indent=1).encode()}
    if isinstance(member, Linear):
        files["feature_config.json"] = json.dumps(member.feature_config(), indent=1).encode()
    return Trained(kind, f"{kind}_{pair}", said, params, files=files)


@contextmanager
def _torch_wanted() -> Iterator[None]:
    try:
        yield
    except ImportError as error:
        why = f"training needs the extra neural ({error.name} is not installed)"
        raise ModelError(why, untouched="nothing was trained", hint="pip install 'forex-core[neural]'") from None
