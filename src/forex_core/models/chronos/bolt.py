"""Chronos-Bolt in NumPy: one series in, quantiles out, without torch. Follows chronos-forecasting 2.3 and T5.

A series is cut into patches; a T5 encoder reads them, one decoder token asks it, and a head turns the answer into every
quantile of every step at once (Ansari et al. 2024, Raffel et al. 2020). Arrays: tokens [n, d_model], one series only.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from forex_core.errors import ModelError
from forex_core.models.chronos.checkpoint import HINT, Tensors, Weights, config_of, is_bolt
from forex_core.values import Floats

FLAT = np.float32(1e-5)  # the scale of a series that does not move
LARGEST = 100_000  # no number in a configuration is larger
START, REGISTER = 0, 1  # rows of the shared embedding: what the decoder begins with, and the [REG] token


@dataclass(frozen=True)
class Shape:
    """What config.json says of the network."""

    context_length: int
    prediction_length: int
    patch: int
    stride: int
    levels: tuple[float, ...]
    register: bool
    heads: int
    layers: int
    decoder_layers: int
    buckets: int
    distance: int
    epsilon: float

    @classmethod
    def of(cls, config: dict[str, Any]) -> "Shape":
        """ModelError if this is no Chronos-Bolt, or one of a kind that is not known here."""
        if not is_bolt(config):
            raise ModelError(
                f"the light runtime reads Chronos-Bolt only, not {config.get('architectures')}",
                hint="set chronos_runtime to auto or official",
            )
        if (activation := config.get("feed_forward_proj", "relu")) != "relu":
            raise ModelError(f"the light runtime knows relu only, not {activation}", hint="set chronos_runtime")
        try:
            return cls._read(config, config["chronos_config"])
        except (KeyError, TypeError, ValueError) as error:
            raise ModelError(f"config.json of this Chronos-Bolt lacks or garbles {error}", hint=HINT) from error

    @classmethod
    def _read(cls, config: dict[str, Any], bolt: dict[str, Any]) -> "Shape":
        levels = tuple(map(float, bolt["quantiles"]))
        if not levels or list(levels) != sorted(set(levels)) or not 0 < levels[0] <= 0.5 <= levels[-1] < 1:
            raise ValueError(f"quantiles ({levels})")
        return cls(
            context_length=_size(bolt, "context_length"),
            prediction_length=_size(bolt, "prediction_length"),
            patch=_size(bolt, "input_patch_size"),
            stride=_size(bolt, "input_patch_stride"),
            levels=levels,
            register=bool(bolt.get("use_reg_token", False)),
            heads=_size(config, "num_heads"),
            layers=_size(config, "num_layers"),
            decoder_layers=_size(config, "num_decoder_layers"),
            buckets=_size(config, "relative_attention_num_buckets"),
            distance=_size(config, "relative_attention_max_distance"),
            epsilon=float(config["layer_norm_epsilon"]),
        )


def _size(config: dict[str, Any], name: str) -> int:
    if not isinstance(size := config[name], int) or not 0 < size <= LARGEST:
        raise ValueError(f"{name} ({size!r})")
    return size


class Bolt:
    """A checkpoint that can be asked. `levels` and `prediction_length` are those it was trained on."""

    def __init__(self, folder: Path) -> None:
        self.shape = Shape.of(config_of(folder))
        self.levels = self.shape.levels
        self.context_length = self.shape.context_length
        self._weights = Tensors(folder)

    def quantiles(self, context: Floats) -> Floats:
        """Of the days after a series (NaN where nothing is known), [prediction_length, levels], not sorted."""
        context = context[-self.shape.context_length :]
        known = context[~np.isnan(context)]
        middle = known.mean() if len(known) else 0.0
        scale = known.std().astype(np.float32) if len(known) else np.float32(1)
        scale = scale if scale > 0 else FLAT
        try:
            said = self._decoded(*self._encoded(((context - middle) / scale).astype(np.float32)))
        except LookupError as error:
            raise ModelError(f"the checkpoint has no tensor {error}", hint=HINT) from error
        unscaled = said.reshape(len(self.levels), self.shape.prediction_length).astype(float) * scale + middle
        return np.asarray(unscaled.T)

    def _encoded(self, scaled: Weights) -> tuple[Weights, Weights]:
        """The encoder's tokens, and what attention adds for each: 0, or minus infinity for a patch without values."""
        patches = self._patches(scaled)
        known = ~np.isnan(patches)
        inputs = np.concatenate([np.where(known, patches, 0), known], axis=1, dtype=np.float32)
        tokens, seen = self._block("input_patch_embedding", inputs), known.any(axis=1)
        if self.shape.register:
            tokens = np.concatenate([tokens, self._weights["shared.weight"][[REGISTER]]])
            seen = np.append(seen, True)
        mask = np.where(seen, 0, -np.inf).astype(np.float32)
        bias = self._position_bias(len(tokens)) + mask
        for n in range(self.shape.layers):
            layer = f"encoder.block.{n}.layer"
            normed = self._norm(tokens, f"{layer}.0.layer_norm.weight")
            tokens = tokens + self._attended(f"{layer}.0.SelfAttention", normed, normed, bias)
            tokens = self._fed_forward(f"{layer}.1", tokens)
        return self._norm(tokens, "encoder.final_layer_norm.weight"), mask

    def _decoded(self, encoded: Weights, mask: Weights) -> Weights:
        """The head's output, [1, levels * prediction_length]."""
        token = self._weights["shared.weight"][[START]]
        for n in range(self.shape.decoder_layers):
            layer = f"decoder.block.{n}.layer"
            normed = self._norm(token, f"{layer}.0.layer_norm.weight")
            alone = self._linear(f"{layer}.0.SelfAttention.v", normed)  # one token attends to itself alone
            token = token + self._linear(f"{layer}.0.SelfAttention.o", alone)
            normed = self._norm(token, f"{layer}.1.layer_norm.weight")
            token = token + self._attended(f"{layer}.1.EncDecAttention", normed, encoded, mask)
            token = self._fed_forward(f"{layer}.2", token)
        return self._block("output_patch_embedding", self._norm(token, "decoder.final_layer_norm.weight"))

    def _patches(self, scaled: Weights) -> Weights:
        """Filled up with NaN in front to whole patches, [n, patch]."""
        filled = np.pad(scaled, (-len(scaled) % self.shape.patch, 0), constant_values=np.nan)
        return np.lib.stride_tricks.sliding_window_view(filled, self.shape.patch)[:: self.shape.stride]

    def _linear(self, name: str, inputs: Weights) -> Weights:
        return np.asarray(inputs @ self._weights[f"{name}.weight"].T)

    def _block(self, name: str, inputs: Weights) -> Weights:
        """A residual block: relu in the middle, a straight line beside it."""

        def layer(part: str, x: Weights) -> Weights:
            return self._linear(f"{name}.{part}", x) + self._weights[f"{name}.{part}.bias"]

        hidden = np.maximum(layer("hidden_layer", inputs), 0)
        return layer("output_layer", hidden) + layer("residual_layer", inputs)

    def _norm(self, tokens: Weights, name: str) -> Weights:
        """T5's: by the root mean square, no shift."""
        square = np.mean(tokens**2, axis=-1, keepdims=True)
        return np.asarray(self._weights[name] * (tokens / np.sqrt(square + np.float32(self.shape.epsilon))))

    def _fed_forward(self, name: str, tokens: Weights) -> Weights:
        normed = self._norm(tokens, f"{name}.layer_norm.weight")
        hidden = np.maximum(self._linear(f"{name}.DenseReluDense.wi", normed), 0)
        return tokens + self._linear(f"{name}.DenseReluDense.wo", hidden)

    def _attended(self, name: str, asking: Weights, asked: Weights, bias: Weights) -> Weights:
        """T5's attention, which does not scale its scores; bias: [heads, asking, asked], or what spreads to it."""
        query, key, value = (
            self._linear(f"{name}.{part}", tokens).reshape(len(tokens), self.shape.heads, -1).transpose(1, 0, 2)
            for part, tokens in (("q", asking), ("k", asked), ("v", asked))
        )
        scores = query @ key.transpose(0, 2, 1) + bias
        weights = np.exp(scores - scores.max(axis=-1, keepdims=True))
        weights /= weights.sum(axis=-1, keepdims=True)
        return self._linear(f"{name}.o", (weights @ value).transpose(1, 0, 2).reshape(len(asking), -1))

    def _position_bias(self, count: int) -> Weights:
        """What the encoder's first layer learned of distances, used by all its layers, [heads, count, count]."""
        learned = self._weights["encoder.block.0.layer.0.SelfAttention.relative_attention_bias.weight"]
        here = np.arange(count)
        return np.asarray(learned[buckets(here[None, :] - here[:, None], self.shape)].transpose(2, 0, 1))


def buckets(distance: NDArray[np.int64], shape: Shape) -> NDArray[np.int64]:
    """T5's buckets of signed distances: half of them a side, near ones exact, far ones by their logarithm."""
    side = shape.buckets // 2
    exact = side // 2
    far = np.maximum(np.abs(distance), 1).astype(np.float32) / np.float32(exact)
    grown = np.log(far) / np.float32(np.log(shape.distance / exact)) * np.float32(side - exact)
    logarithmic = np.minimum(exact + grown.astype(np.int64), side - 1)
    near = np.abs(distance) < exact
    return np.asarray(np.where(distance > 0, side, 0) + np.where(near, np.abs(distance), logarithmic))
