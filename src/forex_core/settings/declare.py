"""How one setting is declared: its default, its kind, what it is for, and whether it is a secret."""

from collections.abc import Callable
from dataclasses import field
from typing import Any

from forex_core.settings import kinds


def setting(default: Any, parse: Callable[[object], Any], about: str, variable: str | None = None) -> Any:
    """A setting that anybody may read; variable: its name in the environment where that is not FOREX_<NAME>."""
    return field(default=default, metadata={"parse": parse, "about": about, "variable": variable, "secret": False})


def secret(about: str, parse: Callable[[object], Any] = kinds.text, default: Any = None) -> Any:
    """A setting that is never shown."""
    return field(default=default, metadata={"parse": parse, "about": about, "variable": None, "secret": True})
