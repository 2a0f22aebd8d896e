"""The kinds of values that settings have: each takes what was written and returns what is meant, or says why not."""

import re
from collections.abc import Callable
from pathlib import Path

from forex_core.calendars import currencies
from forex_core.errors import UsageError


def text(value: object) -> str:
    """A text that is not blank."""
    if not isinstance(value, str) or not value.strip():
        raise ValueError("must be a text")
    return value.strip()


def path(value: object) -> Path:
    """An absolute path; ~ is the home directory."""
    written = str(value) if isinstance(value, Path) else text(value)
    if "?" in written or "\0" in written:
        raise ValueError("must be a path without ?, which MLflow's addresses can't hold")
    try:
        return Path(written).expanduser().absolute()
    except RuntimeError as error:
        raise ValueError(f"must be a path ({error})") from None


def whole(least: int) -> Callable[[object], int]:
    """Whole numbers from `least` up."""

    def parse(value: object) -> int:
        if isinstance(value, bool) or not re.fullmatch(r"\d+", str(value)) or int(str(value)) < least:
            raise ValueError(f"must be a whole number, {least} or more")
        return int(str(value))

    return parse


def listed(value: object) -> tuple[str, ...]:
    """Names, as a list or separated by commas."""
    parts = value.split(",") if isinstance(value, str) else value
    if (
        not isinstance(parts, list | tuple)
        or not all(isinstance(part, str) and part.strip() for part in parts)
        or not parts
    ):
        raise ValueError("must be names, separated by commas")
    return tuple(part.strip() for part in parts)


def pairs(value: object) -> tuple[str, ...]:
    """Currency pairs, each once."""
    pairs = listed(value)
    for pair in pairs:
        try:
            currencies(pair)
        except UsageError as error:
            raise ValueError(f"must be currency pairs: {error.message}") from None
    return tuple(dict.fromkeys(pairs))


def choice(*choices: str) -> Callable[[object], str]:
    """One of these words."""

    def parse(value: object) -> str:
        if value not in choices:
            raise ValueError(f"must be one of {', '.join(choices)}")
        return str(value)

    return parse


def addresses(value: object) -> tuple[str, ...]:
    """Addresses, or none."""
    return tuple(address(part) for part in listed(value)) if value else ()


def flag(value: object) -> bool:
    """Yes or no."""
    words = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}
    if str(value).lower() not in words:
        raise ValueError("must be true or false")
    return words[str(value).lower()]


def some(value: object) -> tuple[str, ...]:
    """Names, or none."""
    return listed(value) if value else ()


def address(value: object) -> str:
    """An address that begins with https:// or http://."""
    written = text(value).rstrip("/")
    if not written.startswith(("https://", "http://")):
        raise ValueError("must be an address that begins with https:// or http://")
    return written


def mask(text: str) -> str:
    """Hide the password, or the token, of any address in a text."""
    text = re.sub(r"(://[^:/@\s]*:)\S*@", r"\1***@", text)
    return re.sub(r"://[^:/@\s]+@", "://***@", text)
