"""A checkpoint directory: config.json, and *.safetensors mapped into memory, so that nothing is copied or unpickled."""

import json
from collections.abc import Iterator, Mapping
from functools import lru_cache
from hashlib import file_digest, sha256
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from forex_core.errors import ModelError

Weights = NDArray[np.float32]

LARGEST_HEADER = 100_000_000  # bytes, as the format limits it
# NumPy has no bfloat16: its bits are read, and widened
KINDS: dict[str, np.dtype[Any]] = {"F32": np.dtype("<f4"), "BF16": np.dtype("<u2")}
HINT = "fetch it anew with `forex models fetch ID`"


class Tensors(Mapping[str, Weights]):
    """Every tensor of a directory as float32. F32 is a view of the file; BF16 is widened each time it is asked for."""

    def __init__(self, folder: Path) -> None:
        self._raw: dict[str, NDArray[Any]] = {}
        for file in weight_files(folder):
            self._raw |= _mapped(file)

    def __getitem__(self, name: str) -> Weights:
        raw = self._raw[name]
        return raw if raw.dtype == np.float32 else (raw.astype(np.uint32) << 16).view(np.float32)

    def __iter__(self) -> Iterator[str]:
        return iter(self._raw)

    def __len__(self) -> int:
        return len(self._raw)


def weight_files(folder: Path) -> list[Path]:
    """The files of a checkpoint's weights; ModelError if there is none that can be read without running code."""
    if files := sorted(folder.glob("*.safetensors")):
        return files
    pickled = "only pickled weights, which could run code" if any(folder.glob("*.bin")) else "no *.safetensors"
    raise ModelError(f"{folder} has {pickled}", hint=HINT)


def config_of(folder: Path) -> dict[str, Any]:
    """config.json of a Chronos model; ModelError if it is something else."""
    try:
        config = json.loads((folder / "config.json").read_bytes())
    except (OSError, ValueError, RecursionError) as error:
        raise ModelError(f"{folder}/config.json can't be read: {error}", hint=HINT) from error
    if not isinstance(config, dict) or not isinstance(config.get("chronos_config"), dict):
        raise ModelError(f"{folder}/config.json describes no Chronos model")
    return config


def is_bolt(config: dict[str, Any]) -> bool:
    """True for Chronos-Bolt, which needs no torch here."""
    return "ChronosBoltModelForForecasting" in (config.get("architectures") or ())


def fingerprint(folder: Path) -> str:
    """sha256 over the names and contents of config.json and the weights, read once for each state of the files."""
    files = [folder / "config.json", *weight_files(folder)]
    try:
        parts = [(file.name, _digest(file, *_state(file))) for file in files]
    except OSError as error:
        raise ModelError(f"{folder} can't be read: {error}", hint=HINT) from error
    return sha256(json.dumps(parts).encode()).hexdigest()


def _state(file: Path) -> tuple[int, int]:
    return (status := file.stat()).st_mtime_ns, status.st_size


@lru_cache(maxsize=32)
def _digest(file: Path, modified: int, size: int) -> str:
    with file.open("rb") as opened:
        return file_digest(opened, "sha256").hexdigest()


def _mapped(file: Path) -> dict[str, NDArray[Any]]:
    """The tensors of one file: 8 bytes with the header's length, the header as JSON, the numbers."""
    try:
        content = np.memmap(file, dtype=np.uint8, mode="r")
        begin = 8 + int.from_bytes(content[:8].tobytes(), "little")
        if not 8 < begin <= min(len(content), LARGEST_HEADER):
            raise ValueError("its header is cut off")
        header = json.loads(content[8:begin].tobytes())
        header.pop("__metadata__", None)
        return {name: _tensor(content[begin:], **entry) for name, entry in header.items()}
    except (OSError, ValueError, TypeError, AttributeError, KeyError, RecursionError) as error:
        raise ModelError(f"{file} is no whole safetensors file: {error}", hint=HINT) from error


def _tensor(numbers: NDArray[np.uint8], dtype: str, shape: list[int], data_offsets: list[int]) -> NDArray[Any]:
    if dtype not in KINDS:
        raise ValueError(f"it holds {dtype}; only {', '.join(KINDS)} are read")
    start, end = data_offsets
    return np.frombuffer(numbers[start:end], KINDS[dtype]).reshape(shape)  # which refuses a part
