"""The kinds of values that settings have: each takes what was written and returns what is meant, or says why not."""

import re
from collections.abc import Callable
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from forex_core.calendars import currencies
from forex_core.errors import UsageError
from forex_core.horizons import HORIZONS


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


def whole(least: int, most: int | None = None) -> Callable[[object], int]:
    """Whole numbers from `least` up, to `most` if there is an end."""
    bound = f"{least} or more" if most is None else f"{least} to {most}"

    def parse(value: object) -> int:
        if isinstance(value, bool) or not re.fullmatch(r"\d{1,18}", str(value)):
            raise ValueError(f"must be a whole number, {bound}")
        number = int(str(value))
        if number < least or (most is not None and number > most):
            raise ValueError(f"must be a whole number, {bound}")
        return number

    return parse


def share(value: object) -> float:
    """A number between 0 and 1."""
    try:
        number = float(str(value))
    except ValueError:
        number = -1.0
    if not 0 < number < 1:
        raise ValueError("must be a number between 0 and 1")
    return number


def horizons(value: object) -> tuple[str, ...]:
    """Horizons of the table, or none."""
    keys = some(value)
    if any(key not in HORIZONS for key in keys):
        raise ValueError(f"must be of {', '.join(HORIZONS)}")
    return tuple(key for key in HORIZONS if key in keys)


def crossings(value: object) -> tuple[str, ...]:
    """Rates to watch, each a pair, > or <, and a number; or none."""
    written = tuple(word.replace(" ", "") for word in some(value))
    for word in written:
        parts = re.fullmatch(r"([A-Z]{6})[<>](\d{1,9}(?:\.\d{1,6})?)", word)
        if not parts or not float(parts[2]):
            raise ValueError("must be like USDCLP>950, USDCLP<900")
        pairs(parts[1])
    return written


def hours(value: object) -> str:
    """A span of the day, which may pass midnight."""
    clock = r"(?:[01]\d|2[0-3]):[0-5]\d"
    written = text(value).replace(" ", "")
    if not re.fullmatch(f"{clock}-{clock}", written):
        raise ValueError("must be like 22:00-07:00")
    return written


def zone(value: object) -> str:
    """The name of a time zone."""
    name = text(value)
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError("must be the name of a time zone, such as America/Santiago") from None
    return name


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
