"""The units that systemd reads: nothing in them is unknown to it, open, or at a wrong time."""

import os
import re
import shutil
import subprocess
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path

import pytest

from conftest import ROOT
from forex_core.horizons import HORIZONS
from forex_core.settings import table

UNITS = ROOT / "deploy" / "systemd"
TIMERS = sorted(path.stem for path in UNITS.glob("*.timer"))
SERVICES = sorted(path.name for path in UNITS.glob("*.service"))
CHANGES = [date(2026, 4, 5), date(2026, 9, 6), date(2027, 4, 4)]  # when Chile's clocks change, at midnight
DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


def analyze(*arguments: object, ok: bool = True, zone: str = "UTC") -> str:
    if not shutil.which("systemd-analyze"):
        pytest.skip("there is no systemd-analyze: install the package systemd")
    environ = os.environ | {"SYSTEMD_UNIT_PATH": f"{UNITS}:", "TZ": zone, "LC_ALL": "C.UTF-8"}
    command = ["systemd-analyze", *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, env=environ, check=False)
    assert (done.returncode == 0) is ok, done.stdout + done.stderr
    return done.stdout + done.stderr


def schedule(timer: str) -> str:
    (found,) = re.findall("^OnCalendar=(.*)$", (UNITS / f"{timer}.timer").read_text(encoding="utf-8"), re.MULTILINE)
    return found


def expected(calendar: str, start: date, days: int) -> list[datetime]:
    """Every moment of a schedule such as `Mon..Fri 12:00 UTC`."""
    *named, clock, _ = calendar.split()
    first, _, last = (named or ["Mon..Sun"])[0].partition("..")
    wanted = DAYS[DAYS.index(first) : DAYS.index(last or first) + 1]
    dates = (start + timedelta(days=n) for n in range(days))
    return [datetime.combine(day, time.fromisoformat(clock), UTC) for day in dates if DAYS[day.weekday()] in wanted]


def elapses(calendar: str, start: date, times: int, zone: str) -> list[datetime]:
    """When systemd would start it, on a machine in this time zone."""
    said = analyze("calendar", f"--base-time={start} UTC", f"--iterations={times}", calendar, zone=zone)
    moments = re.findall(r": +[A-Z]\w+ (\d\S+ \S+) UTC$", said, re.MULTILINE)
    return [datetime.fromisoformat(moment).replace(tzinfo=UTC) for moment in moments]


@pytest.mark.fault(19)
@pytest.mark.parametrize("zone", ["UTC", "America/Santiago"])
@pytest.mark.parametrize("change", CHANGES, ids=str)
@pytest.mark.parametrize("timer", TIMERS)
def test_each_run_comes_exactly_once_in_the_fortnights_around_a_clock_change(
    timer: str, change: date, zone: str
) -> None:
    start = change - timedelta(days=14)
    wanted = expected(schedule(timer), start, 28)
    assert elapses(schedule(timer), start, len(wanted) + 1, zone)[:-1] == wanted


def test_every_horizon_has_a_timer_ten_minutes_after_the_one_before() -> None:
    times = [schedule(f"forex-run@{key}").split()[-2:] for key in HORIZONS]
    assert times == [[f"12:{10 * n:02}", "UTC"] for n in range(len(HORIZONS))]


def test_every_timer_starts_a_service_that_tells_of_its_end() -> None:
    for timer in TIMERS:
        service = re.sub("@.*", "@", timer) + ".service"
        text = (UNITS / service).read_text(encoding="utf-8")
        assert "OnFailure=forex-alert@%n.service\nOnSuccess=forex-recovered@%n.service\n" in text
        assert "TimeoutStartSec=" in text  # without it a oneshot may hang for ever
        assert "Restart=" not in text
    # some jobs have their success pinged by it, whether they had failed or not
    assert "Condition" not in (UNITS / "forex-recovered@.service").read_text(encoding="utf-8")


def test_services_are_given_every_secret_and_nothing_else() -> None:
    common = (UNITS / "forex-.service.d" / "common.conf").read_text(encoding="utf-8")
    given = re.findall("^LoadCredential=(.*):/etc/forex/credentials/(.*)$", common, re.MULTILINE)
    secrets = [name for name, field in table().items() if field.metadata["secret"]]
    assert sorted(given) == sorted(zip(secrets, secrets, strict=True))


@pytest.mark.fault(48)
@pytest.mark.parametrize("service", SERVICES)
def test_no_service_is_more_exposed_than_it_must_be(service: str) -> None:
    analyze("security", "--offline=true", "--threshold=15", UNITS / service)  # 1.5
    analyze("security", "--offline=true", "--threshold=1", UNITS / service, ok=False)  # it can fail


@pytest.mark.fault(48)
def test_a_key_that_systemd_does_not_know_would_be_noticed(tmp_path: Path) -> None:
    unit = tmp_path / "forex-probe.service"
    unit.write_text("[Service]\nType=oneshot\nExecStart=/bin/true\nMemryMax=1\n", encoding="utf-8")
    assert "MemryMax" in analyze("verify", unit)
