"""The cron wrapper: one job at a time, ended in time, its code kept, and its failure told once, however it came."""

import os
import re
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import UUID

import pytest

from conftest import FOREX, ROOT
from forex_core.horizons import HORIZONS
from forex_core.store.lock import writer_lock
from monitor_server import Monitor, running_monitor
from smtp_server import MailServer, running_mail_server

UNIT = "forex-run@7d"
DAYS = {"Mon..Fri": "1-5", "Mon": "1", "Sat": "6", "Sun": "0", "": "*"}  # as timers and crontabs write them
Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def server() -> Iterator[MailServer]:
    with running_mail_server() as running:
        yield running


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A project with nothing but what the wrapper needs."""
    home = tmp_path / "the project"
    (home / "deploy").mkdir(parents=True)
    (home / "data").mkdir()
    for name in ("alert", "cron-job"):
        shutil.copy(ROOT / "deploy" / name, home / "deploy")
    return home


@pytest.fixture
def environ(home: Path, server: MailServer) -> dict[str, str]:
    told = {"SMTP_HOST": "127.0.0.1", "SMTP_PORT": str(server.port), "SMTP_SECURITY": "none"}
    told |= {"MAIL_FROM": "forex@example.org", "MAIL_TO": "ana@example.org", "DATA_DIR": str(home / "data")}
    return {f"FOREX_{name}": value for name, value in told.items()} | {"HOME": str(home), "PATH": os.environ["PATH"]}


@pytest.fixture
def run(home: Path, environ: dict[str, str]) -> Run:
    """Run a line of shell as a job."""

    def job(line: str, **more: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [home / "deploy" / "cron-job", UNIT, "sh", "-c", line],
            env=environ | more,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    return job


def subjects(server: MailServer) -> list[str]:
    return [mail["Subject"].split(" on ")[0].removeprefix(f"[forex] {UNIT} ") for mail in server.mails()]


def test_a_job_that_succeeds_is_silent_and_knows_its_run_id(run: Run, home: Path, server: MailServer) -> None:
    done = run('echo said; pwd >here; echo "$INVOCATION_ID" >>here')
    where, rid = (home / "here").read_text().splitlines()
    assert (done.returncode, done.stdout, done.stderr, server.taken) == (0, "", "", [])
    assert (where, UUID(rid).hex) == (str(home), rid)


def test_when_a_job_fails_then_its_code_is_kept_and_its_last_words_are_mailed(run: Run, server: MailServer) -> None:
    done = run("echo code 0; echo to stderr >&2; exit 69")
    assert done.returncode == 69
    assert subjects(server) == ["failed (exit-code 69)"]
    assert {"code 0", "to stderr"} <= set(server.mails()[0].get_content().splitlines())


def test_when_it_fails_three_times_and_then_works_then_there_are_two_mails(run: Run, server: MailServer) -> None:
    assert [run(f"exit {code}").returncode for code in (69, 69, 70, 0, 0)] == [69, 69, 70, 0, 0]
    assert subjects(server) == ["failed (exit-code 69)", "works again"]


def test_when_a_job_is_killed_then_that_is_told(run: Run, server: MailServer) -> None:
    assert run("kill -9 $$").returncode == 137
    assert subjects(server) == ["failed (signal 137)"]


@pytest.mark.parametrize(
    ("line", "code"), [("exec sleep 60", 124), ("trap '' TERM; sleep 60 & echo $! >>pids; wait", 137)]
)
def test_when_a_job_hangs_then_it_is_ended_and_what_it_started_too(
    run: Run, home: Path, server: MailServer, line: str, code: int
) -> None:
    began = time.monotonic()
    done = run(f"echo $$ >pids; {line}", CRON_JOB_LIMIT="0.5", CRON_JOB_KILL_AFTER="0.5")
    assert (done.returncode, time.monotonic() - began < 5) == (code, True)
    assert "sending signal TERM" in server.mails()[0].get_content()
    assert not any(map(alive, (home / "pids").read_text().split()))


def alive(pid: str) -> bool:
    """False for what is dead, be it not yet buried."""
    stat = Path(f"/proc/{pid}/stat")
    return stat.exists() and stat.read_text().rpartition(") ")[2][0] not in "ZX"


def test_when_another_job_holds_the_lock_then_it_ends_with_75(
    run: Run, home: Path, environ: dict[str, str], server: MailServer
) -> None:
    first = subprocess.Popen(
        [home / "deploy" / "cron-job", "forex-score", "sh", "-c", "echo >begun; sleep 2"], env=environ
    )
    while not (home / "begun").exists():
        time.sleep(0.01)
    assert run("echo >never", CRON_JOB_WAIT="0.2").returncode == 75
    assert subjects(server) == ["failed (exit-code 75)"]
    assert run("test -e begun").returncode == 0  # with time it waits its turn
    assert (first.wait(10), (home / "never").exists()) == (0, False)


def test_what_a_job_leaves_behind_holds_neither_the_lock_nor_the_alert(
    run: Run, home: Path, server: MailServer
) -> None:
    began = time.monotonic()
    assert run("setsid sleep 30 & echo $! >left; exit 69").returncode == 69
    try:
        assert subjects(server) == ["failed (exit-code 69)"]
        assert run("true", CRON_JOB_WAIT="0.2").returncode == 0
        assert time.monotonic() - began < 20
    finally:
        os.kill(int((home / "left").read_text()), 9)


def test_when_it_says_one_line_without_an_end_then_the_memory_is_kept_and_that_is_a_failure(
    run: Run, server: MailServer
) -> None:
    assert run("head -c 300M /dev/zero | tr '\\0' x").returncode == 70
    assert subjects(server) == ["failed (exit-code 70)"]


def test_when_it_says_a_lot_then_the_end_of_it_is_kept(run: Run, server: MailServer) -> None:
    assert run("seq 2000000; echo the end; exit 1").returncode == 1
    lines = server.mails()[0].get_content().splitlines()
    assert "the end" in lines
    assert len(lines) < 70


@pytest.mark.parametrize("line", ["exit 0", "exit 69"])
def test_when_the_alert_program_is_gone_then_the_code_stays_the_jobs(run: Run, home: Path, line: str) -> None:
    (home / "deploy" / "alert").unlink()
    done = run(line)
    assert done.returncode == int(line.split()[1])
    assert "alert" in done.stderr  # for cron to mail


@pytest.fixture
def monitor() -> Iterator[Monitor]:
    with running_monitor() as running:
        yield running


@pytest.fixture
def failing(environ: dict[str, str], home: Path, monitor: Monitor) -> Iterator[dict[str, str]]:
    """What makes a run fail at once: another one holds the lock of the data."""
    with writer_lock(home / "data", 0):
        yield environ | {"FOREX_HEARTBEAT_URL": monitor.url, "FOREX_LOCK_WAIT_SECONDS": "0"}


@pytest.mark.parametrize("by_hand", [False, True])
def test_a_run_that_fails_is_one_start_and_one_fail_with_one_id(
    home: Path, failing: dict[str, str], monitor: Monitor, by_hand: bool
) -> None:
    wrapper = [] if by_hand else [home / "deploy" / "cron-job", UNIT]
    done = subprocess.run([*wrapper, FOREX, "run", "7d"], env=failing, check=False, capture_output=True)
    assert (done.returncode, monitor.signals, len(monitor.rids)) == (75, ["start", "fail"], 1)
    assert "holds the lock" in monitor.pings[1][2]


@pytest.mark.parametrize("arguments", [["run", "--as-of", "2024-06-28"], ["demo"], ["score"]], ids=" ".join)
def test_what_is_no_forecast_of_today_does_not_ping_its_check(
    failing: dict[str, str], monitor: Monitor, arguments: list[str]
) -> None:
    done = subprocess.run([FOREX, *arguments], env=failing, check=False, capture_output=True)
    assert (done.returncode, monitor.pings) == (75, [])


def crontab() -> dict[str, str]:
    """By job, its five fields."""
    jobs = re.findall(
        r"^(\S+ \S+ \S+ \S+ \S+)\s.*cron-job (\S+)", (ROOT / "deploy" / "crontab").read_text(), re.MULTILINE
    )
    return {job: fields for fields, job in jobs}


def test_the_crontab_has_the_times_of_the_timers() -> None:
    timers = {}
    for path in sorted((ROOT / "deploy" / "systemd").glob("*.timer")):
        found = re.search(r"^OnCalendar=(?:([A-Z][\w.]*) )?(\d+):(\d+) UTC$", path.read_text(), re.MULTILINE)
        assert found, path
        timers[path.stem] = f"{int(found[3])} {int(found[2])} * * {DAYS[found[1] or '']}"
    assert crontab() == timers
    assert {f"forex-run@{key}" for key in HORIZONS} < set(timers)
