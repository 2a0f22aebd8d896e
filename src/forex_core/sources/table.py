"""Which sources answer for a pair, in which order. A new one is one file beside this, and its name in a chain here."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from forex_core.calendars import ECB_CURRENCIES, currencies
from forex_core.errors import SettingsError, UsageError
from forex_core.sources.csv_file import CsvFile
from forex_core.sources.ecb import EmbeddedEcb
from forex_core.sources.imported import IMPORTED, Imported
from forex_core.sources.source import Source

OBSERVADO = ("bcch", "mindicador", "findic", "cmf", "frankfurter")
CROSSES = ("ecb", "frankfurter_ecb", "fred")
NEEDS = {"bcch": "FOREX_BCCH_TOKEN, or FOREX_BCCH_USER and FOREX_BCCH_PASSWORD", "cmf": "FOREX_CMF_KEY"}


@dataclass(frozen=True)
class Catalog:
    """The sources that can be asked here, by name; those that lack a key are not among them."""

    sources: Mapping[str, Source]

    def chain_for(self, pair: str, wanted: str) -> tuple[Source, ...]:
        """The sources to ask, in order. `wanted`: a source's name, csv:PATH, or auto (the chain of the pair)."""
        if wanted.startswith("csv:"):
            return (CsvFile(_home(wanted.removeprefix("csv:"))),)
        if wanted == "auto":
            return self._known_for(pair)
        if wanted == IMPORTED:
            return (Imported(),)
        if wanted in NEEDS and wanted not in self.sources:
            raise SettingsError(f"the source {wanted} needs {NEEDS[wanted]}", hint="see `forex config show`")
        if wanted not in self.sources:
            raise UsageError(
                f"no source {wanted!r}; there are auto, {', '.join(self.sources)}, {IMPORTED} and csv:PATH"
            )
        return (self.sources[wanted],)

    def _known_for(self, pair: str) -> tuple[Source, ...]:
        names: tuple[str, ...] = OBSERVADO if pair == "USDCLP" else ()
        if set(currencies(pair)) <= ECB_CURRENCIES:
            names = CROSSES if pair == "EURUSD" else CROSSES[:2]
        return (*(self.sources[name] for name in names if name in self.sources), Imported())


def _home(path: str) -> Path:
    try:
        return Path(path).expanduser()
    except RuntimeError as error:
        raise UsageError(f"csv:{path} is no path: {error}") from None


OFFLINE = Catalog({"ecb": EmbeddedEcb()})
