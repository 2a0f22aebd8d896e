"""Which sources answer for a pair. A new one is one file beside this and one line here."""

from pathlib import Path

from forex_core.calendars import ECB_CURRENCIES, currencies
from forex_core.errors import SourceUnavailable, UsageError
from forex_core.sources.csv_file import CsvFile
from forex_core.sources.ecb import Ecb
from forex_core.sources.source import Source

SOURCES: dict[str, Source] = {source.name: source for source in (Ecb(),)}


def chain_for(pair: str, wanted: str) -> tuple[Source, ...]:
    """The sources to ask, in order. `wanted`: a name of the table, csv:PATH, or auto (what is known for the pair)."""
    if wanted.startswith("csv:"):
        return (CsvFile(Path(wanted.removeprefix("csv:")).expanduser()),)
    if wanted == "auto":
        return _known_for(pair)
    if wanted not in SOURCES:
        raise UsageError(f"no source {wanted!r}; there are auto, {', '.join(SOURCES)} and csv:PATH")
    return (SOURCES[wanted],)


def _known_for(pair: str) -> tuple[Source, ...]:
    if set(currencies(pair)) <= ECB_CURRENCIES:
        return (SOURCES["ecb"],)
    raise SourceUnavailable(
        f"no source is known for {pair}",
        untouched="nothing was stored",
        hint="give its rates with --source csv:PATH, or see the program work on EURUSD with `forex demo`",
    )
