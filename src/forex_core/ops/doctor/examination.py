"""Go through the table of checks; a check that fails itself is a finding, too."""

import re
from collections.abc import Iterator, Sequence

from forex_core.errors import ForexError
from forex_core.ops.doctor.databases import forex_db, mlflow_db
from forex_core.ops.doctor.files import modes, owners, strays
from forex_core.ops.doctor.finding import Check, Finding, Place
from forex_core.ops.doctor.kept import backups, published, spool
from forex_core.ops.doctor.machine import clock, disk, lock, memory_limit, units, zones
from forex_core.ops.doctor.record import artifacts, attempts, reports, runs
from forex_core.ops.doctor.upstream import heartbeat, mail, sources

CHECKS: dict[str, Check] = {
    "owners": owners,
    "modes": modes,
    "stray files": strays,
    "forex.db": forex_db,
    "mlflow.db": mlflow_db,
    "artifacts": artifacts,
    "runs": runs,
    "reports": reports,
    "attempts": attempts,
    "lock": lock,
    "disk": disk,
    "clock": clock,
    "time zones": zones,
    "units": units,
    "memory limit": memory_limit,
    "backups": backups,
    "published": published,
    "mail spool": spool,
    "mail server": mail,
    "heartbeat": heartbeat,
    "sources": sources,
}


def examine(place: Place) -> Iterator[Finding]:
    """Every finding in the order of the table, as soon as it is known; a check that finds nothing wrong says so."""
    for name, check in CHECKS.items():
        try:
            yield from check(place)
        except ForexError as error:
            yield Finding(name, "failed", error.message, _command(error.hint))
        except OSError as error:
            yield Finding(name, "failed", f"can't be examined: {error}", "run as the owner of the data")


def _command(hint: str) -> str:
    """The command that a hint names, where it names one in words."""
    named = re.search("`([^`]+)`", hint)
    return named[1] if named else hint


def mend(findings: Sequence[Finding]) -> list[Finding]:
    """Do what is safe; return what was mended."""
    todo = [finding for finding in findings if finding.mend]
    for finding in todo:
        assert finding.mend is not None
        finding.mend()
    return todo
