"""The faults that this program must survive, and the table of the tests that inject them: tests/system/README.md.

A test that injects a fault carries `@pytest.mark.fault(number, ...)`. `pytest --fault-table` writes the table with the
results of that session.
"""

import ast
from collections.abc import Iterable, Mapping
from pathlib import Path

TESTS = Path(__file__).parent
TABLE = TESTS / "system" / "README.md"
HEAD = """\
# Faults, and the tests that inject them

Written by `scripts/test --long --fault-table`; a test holds it to the markers in the code. Each test tells its oracle.

| | fault | test | result |
|---|---|---|---|
"""
FAULTS = {
    1: "SIGKILL at a random moment of a run",
    2: "SIGKILL at every writing syscall of a backup",
    3: "SIGKILL at every writing syscall of a restore",
    4: "SIGKILL at every writing syscall of a prune",
    5: "I/O errors: EIO, ENOSPC, EROFS, EMFILE, EACCES",
    6: "disk full during run, backup, restore, report, publish",
    7: "file size limit",
    8: "no inodes left",
    9: "power cut",
    10: "read-only data or backup directory",
    11: "two and four jobs at once",
    12: "run during backup, backup during restore",
    13: "dead holder of the lock, stale lock file, child that inherited it",
    14: "hung job, hung server",
    15: "SIGTERM, then SIGKILL",
    16: "out of memory",
    17: "reboot in the middle of a job, days of downtime",
    18: "clock that jumps",
    19: "clock changes and time zones",
    20: "damaged database",
    21: "leftover journals beside a restored database",
    22: "truncated, flipped or empty archive",
    23: "checksums missing or forged",
    24: "hostile archive",
    25: "archive bomb",
    26: "archive of a newer or older version",
    27: "restore to another place, by another user",
    28: "half-migrated schema",
    29: "network: refused, no name, black hole, drip, reset, loop, bad certificate, bomb",
    30: "HTTP 429, 500, 503, 200 with HTML, 200 with nothing",
    31: "JSON that is none, or says it twice",
    32: "half a CSV, decimal commas, other separators",
    33: "rates that can't be",
    34: "mail server down, slow, refusing, impostor",
    35: "the alert itself fails",
    36: "monitor down, slow, or unknown address",
    37: "locale and encoding, closed or full stdout",
    38: "hostile text",
    39: "umask, owners, a file of root's",
    40: "planted symlinks",
    41: "view-only user while a job writes, and while none does",
    42: "abuse of the forced command",
    43: "abuse of the MLflow UI",
    44: "flood of log lines",
    45: "exchanged dependency",
    46: "faults in the configuration",
    47: "the only backup, or an old one",
    48: "regressions of unit files",
}
Tests = Mapping[int, Iterable[str]]  # by fault: file::function


def marked() -> dict[int, list[str]]:
    """The tests that carry each fault's number, by reading their source."""
    found: dict[int, list[str]] = {number: [] for number in FAULTS}
    for path in sorted(TESTS.rglob("test_*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef):
                for number in _numbers(node.decorator_list):
                    found[number].append(f"{path.relative_to(TESTS)}::{node.name}")
    return found


def _numbers(decorators: list[ast.expr]) -> list[int]:
    calls = [one for one in decorators if isinstance(one, ast.Call) and ast.unparse(one.func) == "pytest.mark.fault"]
    return [ast.literal_eval(argument) for call in calls for argument in call.args]


def table(results: Mapping[str, str]) -> str:
    """The whole file. results: by file::function."""
    rows = []
    for number, tests in marked().items():
        for test in tests:
            said = results.get(test, "not run")
            rows.append(f"| {number} | {FAULTS[number]} | `{test}` | {said} |\n")
    return HEAD + "".join(rows)


def listed(content: str) -> dict[int, list[str]]:
    """What `table` wrote, without the results."""
    found: dict[int, list[str]] = {number: [] for number in FAULTS}
    for line in content.removeprefix(HEAD).splitlines():
        number, _, test, _ = (cell.strip() for cell in line.strip("|").split("|"))
        found[int(number)].append(test.strip("`"))
    return found


def results_of(reports: Iterable[tuple[str, str]]) -> dict[str, str]:
    """By file::function, from (node id, outcome): passed only if every case did."""
    found: dict[str, set[str]] = {}
    for node, outcome in reports:
        found.setdefault(node.removeprefix("tests/").split("[")[0], set()).add(outcome)
    return {
        test: "failed" if "failed" in said else "passed" if said == {"passed"} else "skipped"
        for test, said in found.items()
    }
