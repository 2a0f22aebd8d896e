"""Settings: read once, frozen, checked together, each value knowing where it came from.

Precedence: flags, environment, .env, forex.toml, defaults.
"""

import difflib
import stat
import tomllib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import Field, dataclass, field, fields
from pathlib import Path
from typing import Any

from forex_core.errors import ForexError, SettingsError, UsageError
from forex_core.settings import kinds
from forex_core.settings.kinds import mask

CONFIG_NAME = "forex.toml"
SYSTEM_CONFIG = Path("/etc/forex/forex.toml")
PACKAGE_ROOT = Path(__file__).resolve().parents[3]
FLAG = "flag"
NEWS_FEEDS = (
    "https://www.latercera.com/arc/outboundfeeds/rss/?outputType=xml",
    "https://www.biobiochile.cl/static/feed-rss",
    "https://www.ex-ante.cl/feed/",
    "https://www.elmostrador.cl/mercados/feed/",
    "https://www.df.cl/rss",
)


def _setting(default: Any, parse: Callable[[object], Any], about: str, variable: str | None = None) -> Any:
    return field(default=default, metadata={"parse": parse, "about": about, "variable": variable, "secret": False})


def _secret(about: str) -> Any:
    return field(default=None, metadata={"parse": kinds.text, "about": about, "variable": None, "secret": True})


@dataclass(frozen=True)
class Settings:
    """What the program is told. `origins` says for each name where its value came from."""

    pairs: tuple[str, ...] = _setting(("USDCLP",), kinds.pairs, "currency pairs to forecast, base and quote")
    source: str = _setting("auto", kinds.text, "auto, the name of a source, or csv:PATH")
    members: tuple[str, ...] = _setting(("random_walk", "empirical"), kinds.listed, "members of the ensemble")
    weighting: str = _setting("equal", kinds.choice("equal", "median", "inverse_rmse"), "how the members are combined")
    chronos_model: str = _setting(
        "mini", kinds.text, "mini (embedded), a hub id with its revision (id@revision), or a directory"
    )
    chronos_runtime: str = _setting("auto", kinds.choice("auto", "light", "official"), "what runs a Chronos model")
    data_dir: Path = _setting(Path("data"), kinds.path, "the one directory the program writes to")
    output_dir: Path | None = _setting(None, kinds.path, "root of the reports; reports/ in data_dir if not set")
    environment: str = _setting("production", kinds.text, "fills the tag environment of MLflow runs")
    stale_after_days: int = _setting(3, kinds.whole(0), "business days after which the newest rate is too old")
    lock_wait_seconds: int = _setting(1200, kinds.whole(0), "how long a run waits for another one")
    mlflow_tracking_uri: str | None = _setting(
        None, kinds.text, "an MLflow server; the embedded store if not set", variable="MLFLOW_TRACKING_URI"
    )
    source_deadline_seconds: int = _setting(20, kinds.whole(1), "how long one question to a source may take in all")
    bcch_token: str | None = _secret("token of the Central Bank of Chile's data base (or user and password)")
    bcch_user: str | None = _secret("user there")
    bcch_password: str | None = _secret("password there")
    cmf_key: str | None = _secret("key of the CMF's interface")
    fred_key: str | None = _secret("key of FRED's interface; its CSV needs none")
    bcch_url: str = _setting("https://si3.bcentral.cl/SieteRestWS/SieteRestWS.ashx", kinds.address, "where it is asked")
    mindicador_url: str = _setting("https://mindicador.cl/api", kinds.address, "where it is asked")
    findic_url: str = _setting("https://findic.cl/api", kinds.address, "where it is asked")
    cmf_url: str = _setting("https://api.cmfchile.cl/api-sbifv3/recursos_api", kinds.address, "where it is asked")
    frankfurter_url: str = _setting("https://api.frankfurter.dev", kinds.address, "where it is asked")
    ecb_url: str = _setting("https://www.ecb.europa.eu/stats/eurofxref", kinds.address, "where its files lie")
    ecb_sdmx_url: str = _setting("https://data-api.ecb.europa.eu/service/data/EXR", kinds.address, "where it is asked")
    fred_url: str = _setting("https://api.stlouisfed.org/fred", kinds.address, "where it is asked")
    fred_csv_url: str = _setting("https://fred.stlouisfed.org/graph/fredgraph.csv", kinds.address, "where its CSV lies")
    yahoo_url: str = _setting(
        "https://query2.finance.yahoo.com/v8/finance/chart", kinds.address, "where copper is asked"
    )
    survey_series: tuple[str, ...] = _setting(
        (), kinds.some, "codes of the Central Bank's surveys to keep as benchmarks"
    )
    google_news_url: str = _setting("https://news.google.com/rss/search", kinds.address, "where headlines are searched")
    news_feeds: tuple[str, ...] = _setting(NEWS_FEEDS, kinds.addresses, "RSS feeds of newspapers")
    forex_factory_url: str = _setting(
        "https://nfs.faireconomy.media/ff_calendar_thisweek.json", kinds.address, "where the week's events are asked"
    )
    language: str = _setting("en", kinds.choice("en", "es"), "of reports and mails: en or es")
    pdf: bool = _setting(False, kinds.flag, "write the day's report as a PDF, too")
    smtp_host: str | None = _setting(None, kinds.text, "the server that mails go to; none are sent if not set")
    smtp_port: int = _setting(587, kinds.whole(1), "its port")
    smtp_user: str | None = _setting(None, kinds.text, "user there")
    smtp_password: str | None = _secret("password there")
    smtp_security: str = _setting("starttls", kinds.choice("starttls", "tls", "none"), "none is for this machine only")
    mail_from: str | None = _setting(None, kinds.text, "the sender's address")
    mail_to: tuple[str, ...] = _setting((), kinds.some, "the readers' addresses")
    hub_url: str = _setting("https://huggingface.co", kinds.address, "where `forex models fetch` downloads")
    origins: Mapping[str, str] = field(default_factory=dict, repr=False, compare=False)

    @classmethod
    def load(
        cls, flags: Mapping[str, object], environ: Mapping[str, str], cwd: Path, config: Path | None = None
    ) -> "Settings":
        """Merge the five origins; UsageError for a bad flag, SettingsError for anything else that is wrong."""
        values: dict[str, Any] = {}
        origins = dict.fromkeys(names(), "default")
        for name, value, origin in _all(flags, environ, cwd, config):
            values[name], origins[name] = _parsed(name, value, origin), origin
        values.setdefault("data_dir", default_data_dir(cwd))
        return cls(**values, origins=origins)

    def shown(self, name: str) -> str:
        """A value as text, secrets masked."""
        value = getattr(self, name)
        if value is not None and table()[name].metadata["secret"]:
            return "***"
        text = ", ".join(value) if isinstance(value, tuple) else "" if value is None else str(value)
        return mask(text)

    def secrets(self) -> tuple[str, ...]:
        """Every secret that is set, so that it can be taken out of whatever is written."""
        return tuple(value for name in names() if table()[name].metadata["secret"] and (value := getattr(self, name)))

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
    yield from _from_variables(environ, "")
    yield from ((name, value, FLAG) for name, value in flags.items() if value is not None)


def _from_toml(path: Path) -> Iterator[tuple[str, object, str]]:
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path} is not valid TOML: {error}", hint=f"mend {path}") from None
    for key, value in content.items():
        if key not in names():
            raise SettingsError(f"{path}: unknown key {key!r}{_nearest(key, names())}", hint=f"mend {path}")
        if table()[key].metadata["secret"] and path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
            raise SettingsError(f"{path} holds the secret {key} and can be read by others", hint=f"chmod 600 {path}")
        if isinstance(value, str) and table()[key].metadata["parse"] is kinds.path:
            value = value if value.startswith("~") else path.parent / value  # a path in a file is meant from there
        yield key, value, str(path)


def _from_variables(variables: Mapping[str, str | None], prefix: str) -> Iterator[tuple[str, object, str]]:
    by_variable = {variable_of(name): name for name in names()}
    for variable, value in variables.items():
        if variable in by_variable and value == "":
            continue  # set to nothing, as compose files do, is not set
        if variable in by_variable:
            yield by_variable[variable], value, prefix + variable
        elif variable.startswith("FOREX_"):
            near = _nearest(variable, list(by_variable))
            raise SettingsError(
                f"unknown variable {prefix}{variable}{near}", hint=f"unset {variable} or correct its name"
            )


def _read_dotenv(path: Path) -> Mapping[str, str | None]:
    from dotenv import dotenv_values

    if path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise SettingsError(f"{path} can be read by others and may hold secrets", hint=f"chmod 600 {path}")
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


def _nearest(word: str, known: list[str]) -> str:
    near = difflib.get_close_matches(word, known, n=1, cutoff=0.0)
    return f"; did you mean {near[0]}?" if near else ""
