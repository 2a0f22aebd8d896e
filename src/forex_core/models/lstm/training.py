"""Train the network. It needs torch, so only whoever trains imports this.

The same seed, data and libraries give the same weights; one thread, because sums in another order differ.
"""

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import torch

from forex_core.dataset.view import Rates
from forex_core.errors import ModelError
from forex_core.models.lstm import snapshots
from forex_core.models.lstm.features import COLUMNS
from forex_core.models.lstm.network import Tensors, shapes, starting_variances
from forex_core.models.lstm.recipe import Recipe
from forex_core.models.lstm.samples import Samples, samples_of
from forex_core.models.lstm.snapshots import Epoch, Weights
from forex_core.models.spread import ABOVE
from forex_core.values import LEVELS

CHUNK = 4096  # validation samples at a time

Progress = Callable[[date, int, Epoch], None]  # the cut-off, the number of the epoch that ended, its losses


def silent(cut_off: date, number: int, epoch: Epoch) -> None:
    """Say nothing of the progress."""


def train_missing(
    days: Iterable[date], *, recipe: Recipe, panel: Sequence[Rates], models: Path, progress: Progress = silent
) -> Iterator[tuple[Weights, Path]]:
    """Train and keep the weights of the cut-offs that have none that can be read; each is yielded when it is kept."""
    for day in days:
        if not _kept(day, recipe, models):
            weights = train(day, recipe=recipe, panel=panel, progress=progress)
            yield weights, snapshots.write(weights, models)


def train(cut_off: date, *, recipe: Recipe, panel: Sequence[Rates], progress: Progress = silent) -> Weights:
    """The weights of the epoch with the least validation loss, from what was known at the end of `cut_off`.

    ModelError if the panel has too little history by then.
    """
    samples = samples_of(panel, cut_off, recipe)
    epochs: list[Epoch] = []
    with _one_seeded_thread(recipe.seed):
        learner = Learner(recipe, samples)
        kept, best, least = 0, learner.tensors(), math.inf
        for number in range(1, recipe.epochs + 1):
            epochs.append(Epoch(learner.pass_through(), learner.validated()))
            if epochs[-1].validation < least:
                least = epochs[-1].validation
                kept, best = number, learner.tensors()
            progress(cut_off, number, epochs[-1])
    if not kept:
        raise ModelError(f"training lstm up to {cut_off} diverged", untouched="no weights were written")
    return Weights(recipe, cut_off, best, tuple(epochs), kept, len(samples.training))


class Learner:
    """The network in torch, and the pinball loss that it is taught with."""

    def __init__(self, recipe: Recipe, samples: Samples) -> None:
        self._recipe = recipe
        self._windows, self._outcomes = torch.from_numpy(samples.windows), torch.from_numpy(samples.outcomes)
        self._training, self._validation = torch.from_numpy(samples.training), torch.from_numpy(samples.validation)
        self._lstm = torch.nn.LSTM(len(COLUMNS), recipe.units, batch_first=True)
        self._head = torch.nn.Linear(recipe.units, shapes(recipe)["head_bias"][0])
        torch.nn.init.zeros_(self._head.bias)
        self._start = torch.from_numpy(starting_variances(recipe)).float()
        self._roots = torch.tensor(recipe.knots).sqrt()[:, None]
        self._batch = min(recipe.batch, len(samples.training))
        self._per_epoch = len(samples.training) // self._batch
        self._optimiser = torch.optim.Adam(
            [
                {"params": self._head.parameters(), "weight_decay": recipe.head_decay},
                {"params": self._lstm.parameters()},
            ],
            lr=recipe.rate,
        )
        self._schedule = torch.optim.lr_scheduler.OneCycleLR(
            self._optimiser, recipe.rate, total_steps=recipe.epochs * self._per_epoch + 1
        )

    def quantiles(self, windows: Any) -> Any:
        """At LEVELS, in sigmas of the origin times the root of the steps, [n, knots, levels]; as `Network.at_knots`."""
        said = self._head(self._lstm(windows)[0][:, -1])
        knots, widest = len(self._recipe.knots), float(np.log(self._recipe.bound))
        raw, median = said[:, :-knots].reshape(-1, knots, len(ABOVE)), said[:, -knots:, None]
        added = self._start * torch.exp(widest * torch.tanh(raw / widest))
        spread = added.cumsum(1).cumsum(2).sqrt() / self._roots
        return torch.cat([median - spread.flip(2), median, median + spread], 2)

    def pass_through(self) -> float:
        """One epoch over the training samples in random order; the mean loss."""
        order = self._training[torch.randperm(len(self._training))]
        losses = []
        for picked in order[: self._per_epoch * self._batch].split(self._batch):
            loss = self._loss(picked)
            self._optimiser.zero_grad()
            loss.backward()
            self._optimiser.step()
            self._schedule.step()
            losses.append(float(loss.detach()))
        return float(np.mean(losses))

    def validated(self) -> float:
        """The mean loss over the validation samples."""
        with torch.no_grad():
            parts = [float(self._loss(part)) * len(part) for part in self._validation.split(CHUNK)]
        return sum(parts) / len(self._validation)

    def tensors(self) -> Tensors:
        """A copy of the weights as `Network` wants them."""
        lstm = self._lstm
        now = {
            "input_weight": lstm.weight_ih_l0,
            "hidden_weight": lstm.weight_hh_l0,
            "bias": lstm.bias_ih_l0 + lstm.bias_hh_l0,
            "head_weight": self._head.weight,
            "head_bias": self._head.bias,
        }
        return {name: tensor.detach().numpy().copy() for name, tensor in now.items()}

    def _loss(self, picked: Any) -> Any:
        """Pinball loss, the mean over samples, knots and LEVELS."""
        levels = torch.tensor(LEVELS)
        errors = self._outcomes[picked][:, :, None] - self.quantiles(self._windows[picked])
        return torch.maximum(levels * errors, (levels - 1) * errors).mean()


def _kept(day: date, recipe: Recipe, models: Path) -> bool:
    path = snapshots.path_of(models, recipe, day)
    try:
        return path.exists() and snapshots.read(path, recipe).cut_off == day
    except ModelError:
        return False  # damaged: it is trained anew


@contextmanager
def _one_seeded_thread(seed: int) -> Iterator[None]:
    """Torch as this training needs it, and afterwards as it was."""
    threads = torch.get_num_threads()
    with torch.random.fork_rng(devices=[]):
        torch.set_num_threads(1)
        torch.manual_seed(seed)
        try:
            yield
        finally:
            torch.set_num_threads(threads)
