"""Go through the table of checks; a check that fails itself is a finding, too."""

import re
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import suppress

from forex_core.errors import ForexError
from forex_core.ops.doctor.databases import forex_db, mlflow_db
from forex_core.ops.doctor.files import modes, owners, strays
from forex_core.ops.doctor.finding import Check, Finding, Place
from forex_core.ops.doctor.kept import backups, published, spool
from forex_core.ops.doctor.machine import clock, disk, lock, memory_limit, units, zones
from forex_core.ops.doctor.record import artifacts, attempts, last_runs, reports, runs
from forex_core.ops.doctor.upstream import heartbeat, mail, sources
from forex_core.store.database import RESTORE

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
    "last runs": last_runs,
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
    known: set[str] = set()  # what stands in the way of several checks is said once
    for name, check in CHECKS.items():
        try:
            yield from check(place)
        except ForexError as error:
            if error.message not in known:
                yield Finding(name, "failed", error.message, _command(error.hint))
            known.add(error.message)
        except sqlite3.Error as error:
            if not known:
                yield Finding(name, "failed", f"a database is damaged: {error}", _command(RESTORE))
            known.add(str(error))
        except OSError as error:
            yield Finding(name, "failed", f"can't be examined: {error}", "run as the owner of the data")


def _command(hint: str) -> str:
    """The command that a hint names, where it names one in words."""
    named = re.search("`([^`]+)`", hint)
    return named[1] if named else hint


def mend(findings: Sequence[Finding]) -> list[Finding]:
    """Do what is safe; return what was mended. What could not be, while a job runs, is found again."""
    done = []
    for finding in findings:
        if finding.mend:
            with suppress(ForexError, OSError):
                finding.mend()
                done.append(finding)
    return done
