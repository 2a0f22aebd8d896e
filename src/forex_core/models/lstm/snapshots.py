"""Trained weights as files: one a recipe and cut-off, safetensors, whole or refused."""

import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import date
from functools import cached_property, lru_cache
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load, save

from forex_core.errors import ModelError
from forex_core.models.lstm.features import feature_config
from forex_core.models.lstm.network import Network, Tensors, shapes
from forex_core.models.lstm.recipe import Recipe
from forex_core.store.files import replace_durably

HINT = "train it with `forex train lstm`"
KEY = "lstm"  # of all metadata: with several keys the format writes them in any order, and no hash would hold
NAME = re.compile(r"(\d{4}-\d{2}-\d{2})-([0-9a-f]{12})\.safetensors")


@dataclass(frozen=True)
class Epoch:
    """Mean pinball loss in units of the volatility over the steps ahead."""

    training: float
    validation: float


@dataclass(frozen=True)
class Weights:
    """A trained network, what it has seen at most, and how training went. kept: the epoch that it is of, from 1."""

    recipe: Recipe
    cut_off: date
    tensors: Tensors
    epochs: tuple[Epoch, ...]
    kept: int
    samples: int

    @property
    def parameters(self) -> int:
        """How many numbers were learned."""
        return sum(tensor.size for tensor in self.tensors.values())

    @cached_property
    def network(self) -> Network:
        """It, ready to be asked."""
        return Network(self.recipe, {name: tensor.astype(float) for name, tensor in self.tensors.items()})


def folder_of(models: Path) -> Path:
    """Where the weights lie below the directory of all models."""
    return models / "lstm"


def path_of(models: Path, recipe: Recipe, cut_off: date) -> Path:
    """The file of these weights."""
    return folder_of(models) / f"{cut_off}-{recipe.sha256[:12]}.safetensors"


def write(weights: Weights, models: Path) -> Path:
    """Keep the weights, feature_config.json beside them; the weights come last, so that what is there is complete."""
    path = path_of(models, weights.recipe, weights.cut_off)
    config = json.dumps(feature_config(weights.recipe), indent=1) + "\n"
    replace_durably(path.with_name("feature_config.json"), config.encode())
    replace_durably(path, packed(weights))
    return path


def newest(models: Path | None, recipe: Recipe, before: date) -> Path:
    """The file of the youngest weights of this recipe that saw nothing of `before` or later; ModelError without one."""
    found = [path for cut_off, path in _files(models, recipe) if cut_off < before]
    if not found:
        raise ModelError(f"lstm has no weights trained on data before {before}", hint=HINT)
    return found[-1]


def fingerprint(path: Path) -> str:
    """sha256 of the file's bytes, read once for each state of it."""
    return _content(path, *_state(path))[0]


def read(path: Path, recipe: Recipe) -> Weights:
    """The weights of a file; ModelError if it is damaged, or of another recipe or day than its name says."""
    weights = _read(path, *_state(path))
    if weights.recipe != recipe:
        raise ModelError(f"{path} was trained by another recipe", hint=HINT)
    return weights


def _files(models: Path | None, recipe: Recipe) -> list[tuple[date, Path]]:
    if models is None:
        return []
    names = [(path, NAME.fullmatch(path.name)) for path in sorted(folder_of(models).glob("*.safetensors"))]
    ours = [(name[1], path) for path, name in names if name and name[2] == recipe.sha256[:12]]
    return [(date.fromisoformat(day), path) for day, path in ours]


def _state(path: Path) -> tuple[int, int]:
    try:
        return (status := path.stat()).st_mtime_ns, status.st_size
    except OSError as error:
        raise _damaged(path, error) from error


@lru_cache(maxsize=64)
def _content(path: Path, modified: int, size: int) -> tuple[str, bytes]:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise _damaged(path, error) from error
    return sha256(content).hexdigest(), content


@lru_cache(maxsize=64)
def _read(path: Path, modified: int, size: int) -> Weights:
    weights = checked(path, _content(path, modified, size)[1])
    if path.name != path_of(path.parent, weights.recipe, weights.cut_off).name:
        raise ModelError(f"{path} holds weights of {weights.cut_off}, or of another recipe", hint=HINT)
    return weights


def checked(path: Path, content: bytes) -> Weights:
    """The weights in the bytes of a file; ModelError with the file's name if they are damaged."""
    try:
        return _unpacked(content)
    except (SafetensorError, ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise _damaged(path, error) from error


def _damaged(path: Path, error: Exception) -> ModelError:
    return ModelError(f"{path} can't be used: {error}", hint=f"delete it and {HINT}")


def packed(weights: Weights) -> bytes:
    """The bytes of a file; the same weights give the same ones."""
    said = {
        "cut_off": weights.cut_off.isoformat(),
        "recipe_sha256": weights.recipe.sha256,
        "recipe": asdict(weights.recipe),
        "seed": weights.recipe.seed,
        "feature_config": feature_config(weights.recipe),
        "epochs": [asdict(epoch) for epoch in weights.epochs],
        "kept": weights.kept,
        "samples": weights.samples,
    }
    said["sha256"] = _sum(said, weights.tensors)
    return bytes(save(dict(weights.tensors), metadata={KEY: json.dumps(said, sort_keys=True)}))


def _unpacked(content: bytes) -> Weights:
    """Read what `packed` made; whoever changed what it says gets an error."""
    tensors = load(content)
    header = json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")])
    said = json.loads(header["__metadata__"][KEY])
    if said.pop("sha256") != _sum(said, tensors):
        raise ValueError("its checksum is another one")
    recipe = Recipe(**{**said["recipe"], "knots": tuple(said["recipe"]["knots"])})
    if said["recipe_sha256"] != recipe.sha256:
        raise ValueError("it belongs to another version of the program")
    if {name: tensor.shape for name, tensor in tensors.items()} != shapes(recipe):
        raise ValueError("its tensors have other shapes than its recipe says")
    if not all(np.isfinite(tensor).all() for tensor in tensors.values()):
        raise ValueError("it holds numbers that are not finite")
    epochs = tuple(Epoch(**epoch) for epoch in said["epochs"])
    return Weights(recipe, date.fromisoformat(said["cut_off"]), tensors, epochs, said["kept"], said["samples"])


def _sum(said: Mapping[str, Any], tensors: Tensors) -> str:
    digest = sha256(json.dumps(said, sort_keys=True).encode())
    for name in sorted(tensors):
        digest.update(f"{name} {tensors[name].shape}".encode() + tensors[name].astype("<f4").tobytes())
    return digest.hexdigest()
