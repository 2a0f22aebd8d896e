"""A member's call into somebody else's library: one thread, no warnings, and whatever it raises is a ModelError."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

import numpy as np

from forex_core.errors import ModelError
from forex_core.values import Floats


@contextmanager
def library_of(name: str) -> Iterator[None]:
    """Let the member `name` fit, alone in its process.

    With more threads sums are taken in another order, and where a likelihood is flat an optimiser then stops
    elsewhere. A library drops a candidate whose optimiser warns where warnings are errors. Neither the machine's
    cores nor the caller's filters may change a forecast.
    """
    try:
        with _threads().limit(limits=1), warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            yield
    except Exception as error:
        raise ModelError(f"{name} failed: {error}") from error


def rounded(values: Floats) -> Floats:
    """Without the last bits of a logarithm: a flat likelihood would have them decide where an optimiser stops."""
    return np.round(values, 9)


@cache
def _threads() -> Any:
    import scipy.linalg  # noqa: F401 - the limit reaches only what is loaded
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()
