"""Tiny Chronos checkpoints with random weights, as `save_pretrained` would write them."""

import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

DECILES = tuple(n / 10 for n in range(1, 10))


def bolt_config(**how: Any) -> dict[str, Any]:
    """config.json of a Chronos-Bolt; `how` changes the network or its `chronos_config`."""
    bolt: dict[str, Any] = {
        "context_length": 128,
        "input_patch_size": 16,
        "input_patch_stride": 16,
        "prediction_length": 64,
        "quantiles": list(DECILES),
        "use_reg_token": True,
    }
    network: dict[str, Any] = {
        "architectures": ["ChronosBoltModelForForecasting"],
        "chronos_pipeline_class": "ChronosBoltPipeline",
        "model_type": "t5",
        "d_model": 16,
        "d_kv": 4,
        "d_ff": 24,
        "num_heads": 3,
        "num_layers": 2,
        "num_decoder_layers": 1,
        "dense_act_fn": "relu",
        "feed_forward_proj": "relu",
        "is_encoder_decoder": True,
        "layer_norm_epsilon": 1e-6,
        "relative_attention_max_distance": 128,
        "relative_attention_num_buckets": 32,
        "decoder_start_token_id": 0,
        "pad_token_id": 0,
        "eos_token_id": None,
        "vocab_size": 2,
    }
    return network | {k: v for k, v in how.items() if k not in bolt} | {"chronos_config": bolt | _within(how, bolt)}


def _within(how: dict[str, Any], known: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in how.items() if key in known}


def bolt_tensors(config: dict[str, Any], seed: int = 0) -> dict[str, NDArray[np.float32]]:
    """Random weights of the sizes that keep a T5's signals near one."""
    draw = np.random.default_rng(seed)
    bolt, wide, inner = config["chronos_config"], config["d_model"], config["num_heads"] * config["d_kv"]
    found: dict[str, NDArray[np.float32]] = {}

    def add(name: str, *shape: int) -> None:
        found[name] = (draw.standard_normal(shape) / np.sqrt(shape[-1])).astype(np.float32)

    def attention(layer: str, kind: str) -> None:
        for part in "qkv":
            add(f"{layer}.{kind}.{part}.weight", inner, wide)
        add(f"{layer}.{kind}.o.weight", wide, inner)
        add(f"{layer}.layer_norm.weight", wide)

    def feed_forward(layer: str) -> None:
        add(f"{layer}.DenseReluDense.wi.weight", config["d_ff"], wide)
        add(f"{layer}.DenseReluDense.wo.weight", wide, config["d_ff"])
        add(f"{layer}.layer_norm.weight", wide)

    def block(name: str, before: int, after: int) -> None:
        for part, out, into in (
            ("hidden", config["d_ff"], before),
            ("output", after, config["d_ff"]),
            ("residual", after, before),
        ):
            add(f"{name}.{part}_layer.weight", out, into)
            add(f"{name}.{part}_layer.bias", out)

    add("shared.weight", 2 if bolt["use_reg_token"] else 1, wide)
    for stack, layers in (("encoder", config["num_layers"]), ("decoder", config["num_decoder_layers"])):
        for n in range(layers):
            attention(f"{stack}.block.{n}.layer.0", "SelfAttention")
            if stack == "decoder":
                attention(f"{stack}.block.{n}.layer.1", "EncDecAttention")
            feed_forward(f"{stack}.block.{n}.layer.{1 if stack == 'encoder' else 2}")
        bias = f"{stack}.block.0.layer.0.SelfAttention.relative_attention_bias.weight"
        add(bias, config["relative_attention_num_buckets"], config["num_heads"])
        add(f"{stack}.final_layer_norm.weight", wide)
    block("input_patch_embedding", 2 * bolt["input_patch_size"], wide)
    block("output_patch_embedding", wide, len(bolt["quantiles"]) * bolt["prediction_length"])
    return found


def safetensors(tensors: dict[str, NDArray[np.float32]], kind: str = "F32") -> bytes:
    """The file's bytes: the length of the header, the header, the numbers. BF16 is float32 without its lower half."""
    header, numbers = {}, b""
    for name, tensor in tensors.items():
        bits = tensor.astype("<f4").view("<u4")
        content = bits.tobytes() if kind == "F32" else (bits >> 16).astype("<u2").tobytes()
        offsets = [len(numbers), len(numbers) + len(content)]
        header[name] = {"dtype": kind, "shape": list(tensor.shape), "data_offsets": offsets}
        numbers += content
    described = json.dumps({"__metadata__": {"format": "pt"}} | header).encode()
    described += b" " * (-len(described) % 8)
    return len(described).to_bytes(8, "little") + described + numbers


def write_bolt(folder: Path, kind: str = "F32", seed: int = 0, **how: Any) -> Path:
    """A Chronos-Bolt checkpoint in this folder."""
    folder.mkdir(parents=True, exist_ok=True)
    config = bolt_config(**how)
    (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")
    (folder / "model.safetensors").write_bytes(safetensors(bolt_tensors(config, seed), kind))
    return folder
