"""Settings: read once, frozen, checked together, each value knowing where it came from.

Precedence: flags, environment, systemd's credentials (secrets only), .env, forex.toml, defaults.
"""

import difflib
import re
import shlex
import stat
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import Field, dataclass, field, fields
from pathlib import Path
from typing import Any

from forex_core.errors import ForexError, SettingsError, UsageError
from forex_core.settings import kinds
from forex_core.settings.asking import Asking
from forex_core.settings.forecasting import Forecasting
from forex_core.settings.keeping import Keeping
from forex_core.settings.kinds import mask
from forex_core.settings.telling import Telling

CONFIG_NAME = "forex.toml"
SYSTEM_CONFIG = Path("/etc/forex/forex.toml")
PACKAGE_ROOT = Path(__file__).resolve().parents[3]
FLAG = "flag"
OF_COMPOSE = ("FOREX_UID", "FOREX_GID")  # docker-compose.yml's own: whose the data are
CREDENTIALS = "CREDENTIALS_DIRECTORY"  # where systemd lays what LoadCredential= names, a file a secret


@dataclass(frozen=True)
class Settings(Keeping, Telling, Asking, Forecasting):
    """What the program is told. `origins` says for each name where its value came from."""

    origins: Mapping[str, str] = field(default_factory=dict, repr=False, compare=False)

    @classmethod
    def load(
        cls, flags: Mapping[str, object], environ: Mapping[str, str], cwd: Path, config: Path | None = None
    ) -> "Settings":
        """Merge the origins; UsageError for a bad flag, SettingsError for anything else that is wrong."""
        values: dict[str, Any] = {}
        origins = dict.fromkeys(names(), "default")
        for name, value, origin in _all(flags, environ, cwd, config):
            values[name], origins[name] = _parsed(name, value, origin), origin
        values.setdefault("data_dir", default_data_dir(cwd))
        return cls(**values, origins=origins)

    def shown(self, name: str) -> str:
        """A value as text, secrets masked."""
        value = getattr(self, name)
        if value and table()[name].metadata["secret"]:
            return "***"
        text = ", ".join(value) if isinstance(value, tuple) else "" if value is None else str(value)
        return mask(text)

    def secrets(self) -> tuple[str, ...]:
        """Every secret that is set, so that it can be taken out of whatever is written."""
        set_ones = [value for name in names() if table()[name].metadata["secret"] and (value := getattr(self, name))]
        return tuple(part for value in set_ones for part in (value if isinstance(value, tuple) else (value,)))

    def __repr__(self) -> str:
        return f"Settings({', '.join(f'{name}={self.shown(name)!r}' for name in names())})"


def table() -> dict[str, Field[Any]]:
    """The settings by name."""
    return {f.name: f for f in fields(Settings) if "parse" in f.metadata}


def names() -> list[str]:
    """The settings' names, in the order they are shown."""
    return list(table())


def variable_of(name: str) -> str:
    """The environment variable of a setting."""
    return str(table()[name].metadata["variable"] or f"FOREX_{name.upper()}")


def default_data_dir(cwd: Path) -> Path:
    """data/ beside the nearest forex.toml or our own pyproject.toml, else in the checkout we run from, else here."""
    for folder in (cwd, *cwd.parents):
        if (folder / CONFIG_NAME).is_file() or _is_ours(folder):
            return folder / "data"
    return (PACKAGE_ROOT if _is_ours(PACKAGE_ROOT) else cwd) / "data"


def config_file(cwd: Path, config: Path | None = None) -> Path | None:
    """The forex.toml in force: the one named, else the nearest at or above `cwd`, else the system's."""
    if config is not None:
        if not config.is_file():
            raise UsageError(f"there is no configuration file {config}")
        return config
    candidates = [*(folder / CONFIG_NAME for folder in (cwd, *cwd.parents)), SYSTEM_CONFIG]
    return next((path for path in candidates if path.is_file()), None)


def _is_ours(folder: Path) -> bool:
    project = folder / "pyproject.toml"
    return project.is_file() and b'name = "forex-core"' in project.read_bytes()


def _all(
    flags: Mapping[str, object], environ: Mapping[str, str], cwd: Path, config: Path | None
) -> Iterator[tuple[str, object, str]]:
    """Every given (name, value, origin), the weakest first."""
    if toml := config_file(cwd, config):
        yield from _from_toml(toml)
    dotenv = cwd / ".env"
    if dotenv.is_file():
        yield from _from_variables(_read_dotenv(dotenv), ".env:")
    if folder := environ.get(CREDENTIALS):
        yield from _from_credentials(Path(folder))
    yield from _from_variables(environ, "")
    yield from ((name, value, FLAG) for name, value in flags.items() if value is not None)


def _from_toml(path: Path) -> Iterator[tuple[str, object, str]]:
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path} is not valid TOML: {error}", hint=f"mend {path}") from None
    for key, value in content.items():
        if key not in names():
            raise SettingsError(f"{path}: unknown key {key!r}{_nearest(key, names())}", hint=_renaming(path, key))
        if table()[key].metadata["secret"] and path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
            raise SettingsError(f"{path} holds the secret {key} and can be read by others", hint=_private(path))
        if isinstance(value, str) and table()[key].metadata["parse"] is kinds.path:
            value = value if value.startswith("~") else path.parent / value  # a path in a file is meant from there
        yield key, value, str(path)


def _from_credentials(folder: Path) -> Iterator[tuple[str, object, str]]:
    for name in names():
        path = folder / name
        if not table()[name].metadata["secret"] or not path.is_file():
            continue
        try:
            written = path.read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise SettingsError(f"{path} can't be read: {type(error).__name__}", hint=f"mend {path}") from None
        if written:
            yield name, written, f"credential {name}"


def _from_variables(variables: Mapping[str, str | None], prefix: str) -> Iterator[tuple[str, object, str]]:
    by_variable = {variable_of(name): name for name in names()}
    for variable, value in variables.items():
        if variable in by_variable and value == "":
            continue  # set to nothing, as compose files do, is not set
        if variable in by_variable:
            yield by_variable[variable], value, prefix + variable
        elif variable.startswith("FOREX_") and variable not in OF_COMPOSE:
            near = _nearest(variable, list(by_variable))
            raise SettingsError(
                f"unknown variable {prefix}{variable}{near}", hint=f"unset {variable} or correct its name"
            )


def _read_dotenv(path: Path) -> Mapping[str, str | None]:
    from dotenv import dotenv_values

    if path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise SettingsError(f"{path} can be read by others and may hold secrets", hint=_private(path))
    try:
        return dotenv_values(path, interpolate=False)
    except (UnicodeDecodeError, PermissionError) as error:
        raise SettingsError(f"{path} can't be read: {error}", hint=f"mend {path}") from None


def _parsed(name: str, value: object, origin: str) -> Any:
    try:
        return table()[name].metadata["parse"](value)
    except ValueError as error:
        wrong: type[ForexError] = UsageError if origin == FLAG else SettingsError
        flag = "pair" if name == "pairs" else name.replace("_", "-")
        where = f"--{flag}" if origin == FLAG else f"{origin} ({name})" if "/" in origin else origin
        got = "***" if table()[name].metadata["secret"] else mask(repr(value))[:80]
        raise wrong(f"{where} {error}, got {got}", hint="see `forex config show`") from None


def _private(path: Path) -> str:
    return f"chmod 600 {shlex.quote(str(path))}"


def _renaming(path: Path, key: str) -> str:
    """The command that gives a key its right name, or takes it out of force where none is near."""
    if not re.fullmatch(r"\w+", key):
        return f"mend {path}"
    near = difflib.get_close_matches(key, names(), n=1, cutoff=0.7)
    return f"sed -i 's/^{key}\\b/{near[0] if near else '# &'}/' {shlex.quote(str(path))}"


def _nearest(word: str, known: list[str]) -> str:
    near = difflib.get_close_matches(word, known, n=1, cutoff=0.0)
    return f"; did you mean {near[0]}?" if near else ""
