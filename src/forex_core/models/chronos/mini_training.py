"""Train the embedded checkpoint: `python -m forex_core.models.chronos.mini_training --steps 12000 --output FOLDER`.

A small Chronos-Bolt learns the quantiles of synthetic log prices; the same seed and libraries give the same weights.
"""

import argparse
import json
import logging
import math
import time
from collections.abc import Iterator
from copy import deepcopy
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from chronos.chronos_bolt import ChronosBoltModelForForecasting
from transformers import T5Config

from forex_core.models.chronos.synthetic import log_prices
from forex_core.values import LEVELS

CONTEXT, AHEAD = 256, 64
SHORTEST = 32  # of the contexts that are cut, so that a young series is understood too
CHUNK = 4096  # paths drawn at a time
VALIDATION = 8192
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Recipe:
    steps: int = 12_000
    batch: int = 256
    seed: int = 20_260
    rate: float = 2e-3
    warm_up: int = 200
    decay: float = 0.01
    average: float = 0.999  # of the weights, which are what is kept
    short_share: float = 0.2  # of the batches


def config() -> T5Config:
    """The architecture: Chronos-Bolt with the levels that every forecast says."""
    bolt = {
        "context_length": CONTEXT,
        "prediction_length": AHEAD,
        "input_patch_size": 16,
        "input_patch_stride": 16,
        "quantiles": list(LEVELS),
        "use_reg_token": True,
    }
    return T5Config(
        architectures=["ChronosBoltModelForForecasting"],
        chronos_config=bolt,
        chronos_pipeline_class="ChronosBoltPipeline",
        d_model=64,
        d_kv=16,
        d_ff=192,
        num_heads=4,
        num_layers=2,
        num_decoder_layers=2,
        dropout_rate=0.0,
        initializer_factor=0.05,
        feed_forward_proj="relu",
        decoder_start_token_id=0,
        pad_token_id=0,
        reg_token_id=1,
        vocab_size=2,
        tie_word_embeddings=True,
    )


def loss_of(quantiles: Any, paths: Any) -> Any:
    """Twice the pinball loss in units of the context's daily move times the root of the steps ahead; one number.

    Chronos-Bolt's own loss weighs by the context's range: flat contexts and the last steps would decide.
    quantiles [n, levels, AHEAD], paths [n, days] whose last AHEAD days are the outcome.
    """
    outcome, moves = paths[:, -AHEAD:], paths.diff(dim=1)
    unit = torch.maximum(moves[:, :-AHEAD].std(dim=1), 0.25 * moves.std(dim=1))
    moving = moves[:, :-AHEAD].abs().sum(dim=1) > 0
    ahead = torch.arange(1, AHEAD + 1).sqrt()
    levels = torch.tensor(LEVELS)[None, :, None]
    errors = (outcome[:, None, :] - quantiles) / (unit.clamp(min=1e-3)[:, None, None] * ahead)
    each = 2 * torch.maximum(levels * errors, (levels - 1) * errors).mean(dim=(1, 2))
    return each[moving].mean()


def batches(draw: np.random.Generator, recipe: Recipe) -> Iterator[Any]:
    """Fresh paths without end, [batch, CONTEXT + AHEAD]; some batches with shorter contexts."""
    while True:
        chunk = torch.from_numpy(log_prices(draw, CHUNK, CONTEXT + AHEAD))
        for batch in chunk.split(recipe.batch):
            short = draw.random() < recipe.short_share
            days = int(draw.integers(SHORTEST, CONTEXT)) if short else CONTEXT
            yield batch[:, -AHEAD - days :]


def train(recipe: Recipe) -> tuple[ChronosBoltModelForForecasting, list[dict[str, float]]]:
    """The averaged model and the log: step, seconds, mean training loss since the last row, validation loss."""
    torch.set_num_threads(1)
    torch.manual_seed(recipe.seed)
    model = ChronosBoltModelForForecasting(config()).train()
    averaged = deepcopy(model).eval()
    optimiser = torch.optim.AdamW(model.parameters(), lr=recipe.rate, weight_decay=recipe.decay, betas=(0.9, 0.98))
    schedule = torch.optim.lr_scheduler.LambdaLR(optimiser, lambda step: _share(step, recipe))
    unseen = torch.from_numpy(log_prices(np.random.default_rng(recipe.seed + 1), VALIDATION, CONTEXT + AHEAD))
    rows, losses, began = [], [], time.monotonic()
    for step, paths in enumerate(batches(np.random.default_rng(recipe.seed), recipe), start=1):
        loss = loss_of(model(context=paths[:, :-AHEAD]).quantile_preds, paths)
        optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimiser.step()
        schedule.step()
        _average(averaged, model, min(recipe.average, step / (step + 10)))
        losses.append(float(loss.detach()))
        if step % 500 == 0 or step == recipe.steps:
            rows.append(
                {
                    "step": step,
                    "seconds": round(time.monotonic() - began, 1),
                    "loss": round(float(np.mean(losses)), 5),
                    "validation": round(_validated(averaged, unseen), 5),
                }
            )
            losses.clear()
            log.info("%s", rows[-1])
        if step == recipe.steps:
            return averaged, rows
    raise AssertionError("the batches never end")


def _share(step: int, recipe: Recipe) -> float:
    """The learning rate as a share of its peak: a linear rise, then half a cosine."""
    if step < recipe.warm_up:
        return (step + 1) / recipe.warm_up
    done = (step - recipe.warm_up) / max(1, recipe.steps - recipe.warm_up)
    return 0.5 * (1 + math.cos(math.pi * min(done, 1.0)))


def _average(averaged: Any, model: Any, weight: float) -> None:
    with torch.no_grad():
        for kept, new in zip(averaged.parameters(), model.parameters(), strict=True):
            kept.lerp_(new, 1 - weight)


def _validated(model: Any, unseen: Any) -> float:
    with torch.no_grad():
        parts = [float(loss_of(model(context=p[:, :-AHEAD]).quantile_preds, p)) for p in unseen.split(1024)]
    return float(np.mean(parts))


def write(recipe: Recipe, folder: Path) -> None:
    """Train, and write the checkpoint with its log."""
    began = time.process_time()
    model, rows = train(recipe)
    model.save_pretrained(folder)
    kept = {
        "recipe": asdict(recipe),
        "samples": recipe.steps * recipe.batch,
        "parameters": sum(p.numel() for p in model.parameters()),
        "cpu_seconds": round(time.process_time() - began),
        "torch": torch.__version__,
        "rows": rows,
    }
    (folder / "training.json").write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8")


def main() -> None:
    """Read the command line and train."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=Recipe.steps)
    parser.add_argument("--seed", type=int, default=Recipe.seed)
    parser.add_argument("--output", type=Path, required=True)
    given = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    write(Recipe(steps=given.steps, seed=given.seed), given.output)


if __name__ == "__main__":
    main()
