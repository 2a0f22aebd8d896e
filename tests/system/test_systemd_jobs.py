"""The jobs under a real systemd: started in time and in turn, confined, ended, told of, and caught up with."""

import re
import socket
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest

from conftest import business_days, walk, write_csv
from forex_core.calendars import calendar, release_of, utc_now
from forex_core.horizons import HORIZONS
from monitor_server import Monitor, running_monitor
from smtp_server import MailServer, running_mail_server
from systemd_box import CHECKOUT, VENV, Box, systemd_box, until

DATA, FRESH = Path("/var/lib/forex"), Path("/var/lib/forex.fresh")
RATES = Path("/etc/forex/rates.csv")
FAILS = "[Service]\nEnvironment=FOREX_SOURCE=csv:/nowhere.csv\n"
HANGS = """[Service]
Environment=FOREX_SOURCE=mindicador FOREX_MINDICADOR_URL=http://127.0.0.1:PORT FOREX_SOURCE_DEADLINE_SECONDS=600
"""  # at a port where nobody ever answers
SETTINGS = f"""
source = "csv:{RATES}"
members = ["random_walk"]
smtp_host = "127.0.0.1"
smtp_port = PORT
smtp_security = "none"
mail_from = "forex@mail.test"
mail_to = ["operator@mail.test"]
"""


@dataclass
class Place:
    """An installed machine, and those whom it tells."""

    box: Box
    mail: MailServer
    monitor: Monitor
    hangs: str

    def alerts(self) -> list[str]:
        """The mails that are no reports, as subject and text."""
        texts = [f"{mail['Subject']}\n{mail.get_content()}" for mail in self.mail.mails() if not mail.is_multipart()]
        return [text for text in texts if text.startswith("[forex] ")]

    def run(self, unit: str, ok: int = 0) -> str:
        """Run a job to its end, and the telling of it; return its result."""
        self.box.run("systemctl", "start", unit, ok=ok)
        self.wait()
        return self.box.show(unit, "Result")

    def wait(self) -> None:
        """Until nothing is under way."""
        states = "--state=activating,deactivating,reloading"
        until(lambda: not self.box.run("systemctl", "list-units", "--no-legend", states, "forex-*").strip())
        until(lambda: not self.box.run("systemctl", "list-jobs", "--no-legend").strip())

    def hang(self, unit: str) -> None:
        """Start a job, and come back when it is in the midst of its work for ever."""
        self.box.drop_in(unit, self.hangs)
        self.box.run("systemctl", "start", "--no-block", unit)
        until(lambda: (unit.split("@")[1].removesuffix(".service"), "started") in self.events("started"))

    def events(self, *kinds: str) -> list[tuple[str, str]]:
        """(horizon, kind) of these kinds, in order."""
        marks = ",".join("?" * len(kinds))
        return self.query(
            "forex.db", f"SELECT horizon, kind FROM events WHERE kind IN ({marks}) ORDER BY rowid", *kinds
        )

    def query(self, database: str, statement: str, *values: str) -> list[tuple]:
        with closing(sqlite3.connect(self.box.path(DATA / database))) as connection:
            return connection.execute(statement, values).fetchall()

    def sound(self) -> bool:
        databases = ("forex.db", "mlflow/mlflow.db")
        return all(self.query(database, "PRAGMA integrity_check") == [("ok",)] for database in databases)


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    with (
        systemd_box(tmp_path_factory.mktemp("box")) as box,
        running_mail_server() as mail,
        running_monitor() as monitor,
        socket.create_server(("127.0.0.1", 0)) as silent,
    ):
        box.run(CHECKOUT / "deploy" / "install.sh", "--venv", VENV)
        newest = release_of("USDCLP").newest_due(utc_now(), calendar("chile"))
        write_csv(box.path(RATES), walk(business_days(newest.replace(year=newest.year - 2, day=1), newest)))
        with box.path("/etc/forex/forex.toml").open("a", encoding="utf-8") as file:
            file.write(SETTINGS.replace("PORT", str(mail.port)))
        box.path("/etc/forex/credentials/heartbeat_url").write_text(monitor.url, encoding="utf-8")
        box.drop_in("forex-.timer", "[Timer]\nRandomizedDelaySec=0\nAccuracySec=1ms\n", "quick")
        box.run("systemctl", "stop", "forex-*.timer")
        box.run("cp", "-a", DATA, FRESH)
        yield Place(box, mail, monitor, HANGS.replace("PORT", str(silent.getsockname()[1])))


@pytest.fixture
def place(installed: Place) -> Iterator[Place]:
    """As after the installation, timers stopped."""
    yield installed
    box = installed.box
    box.run("systemctl", "stop", "forex-*.timer", "forex-*.service")
    for changed in box.path("/etc/systemd/system").glob("forex-*.d/test.conf"):
        changed.unlink()
    box.run("systemctl", "daemon-reload")
    box.run("systemctl", "reset-failed")
    installed.wait()
    box.run("sh", "-c", f"rm -rf {DATA}/* /run/forex/* && cp -a {FRESH}/. {DATA}")
    installed.mail.taken.clear()
    installed.monitor.pings.clear()


def overdue(place: Place) -> None:
    """Nothing has run for eight days, and the machine is switched on."""
    for key in HORIZONS:
        place.box.run("touch", "-d", "8 days ago", f"/var/lib/systemd/timers/stamp-forex-run@{key}.timer")
    place.box.run("systemctl", "start", *(f"forex-run@{key}.timer" for key in HORIZONS))


@pytest.mark.fault(48)
def test_systemd_has_no_complaint_about_any_unit(place: Place) -> None:
    units = [f"/etc/systemd/system/{path.name}" for path in (place.box.path("/etc/systemd/system")).glob("forex*.*")]
    units = [unit for unit in units if not unit.endswith(".d")]
    assert len(units) > 15
    assert place.box.run("systemd-analyze", "verify", *units) == ""


@pytest.mark.fault(11, 17)
def test_four_overdue_timers_run_in_turn_and_once(place: Place) -> None:
    overdue(place)
    until(lambda: len(place.events("finished")) == 4)
    place.wait()
    events = place.events("started", "finished")
    assert [kind for _, kind in events] == ["started", "finished"] * 4
    assert [key for key, _ in events[::2]] == [key for key, _ in events[1::2]]
    assert {key for key, _ in events} == set(HORIZONS)
    assert {place.box.show(f"forex-run@{key}.service", "Result") for key in HORIZONS} == {"success"}
    assert place.alerts() == []


def test_a_timer_starts_its_job_when_its_time_comes(place: Place) -> None:
    timer = "forex-run@7d.timer"
    place.box.drop_in(timer, "[Timer]\nOnCalendar=\nOnCalendar=*:*:0/3\n")
    place.box.run("systemctl", "start", timer)
    until(lambda: place.events("finished"))


def test_when_a_run_fails_then_one_mail_and_one_fail_ping_say_so_and_one_mail_that_it_works_again(place: Place) -> None:
    unit = "forex-run@7d.service"
    place.box.drop_in(unit, FAILS)
    assert place.run(unit, ok=1) == "exit-code"
    assert len(place.alerts()) == 1
    assert f"{unit} failed" in place.alerts()[0]
    assert "/nowhere.csv" in place.alerts()[0]  # its last words
    assert place.monitor.signals.count("fail") == 1

    assert place.run(unit, ok=1) == "exit-code"
    assert len(place.alerts()) == 1
    assert place.monitor.signals.count("fail") == 2

    place.box.drop_in(unit, "")
    assert place.run(unit) == "success"
    assert place.run(unit) == "success"
    assert ["works again" in alert.splitlines()[0] for alert in place.alerts()] == [False, True]
    assert place.monitor.signals.count("fail") == 2


@pytest.mark.fault(35)
def test_when_the_environment_is_broken_then_that_is_told_too(place: Place) -> None:
    place.box.run("mv", VENV, f"{VENV}.away")
    try:
        assert place.run("forex-run@7d.service", ok=1) == "exit-code"
    finally:
        place.box.run("mv", f"{VENV}.away", VENV)
    assert len(place.alerts()) == 1
    assert "failed (exit-code 203)" in place.alerts()[0]


@pytest.mark.fault(14)
def test_when_a_run_hangs_then_it_is_ended_told_of_and_recorded_as_killed(place: Place) -> None:
    unit = "forex-run@15d.service"
    place.box.drop_in(unit, f"{place.hangs}TimeoutStartSec=12\n")  # before its patience ends
    assert place.run(unit, ok=1) == "timeout"
    assert len(place.alerts()) == 1
    assert "(timeout" in place.alerts()[0]
    assert place.run("forex-run@7d.service") == "success"
    assert place.events("killed") == [("15d", "killed")]
    assert place.query("mlflow/mlflow.db", "SELECT status FROM runs ORDER BY status") == [("FINISHED",), ("KILLED",)]


@pytest.mark.fault(15)
def test_when_a_run_is_stopped_then_nothing_is_lost_and_the_next_one_needs_no_hand(place: Place) -> None:
    unit = "forex-run@7d.service"
    assert place.run("forex-run@30d.service") == "success"
    place.hang(unit)
    place.box.run("systemctl", "stop", unit)
    assert place.box.show(unit, "ControlGroup") == ""  # no process is left
    place.box.drop_in(unit, "")
    assert place.run(unit) == "success"
    assert place.events("issued") == [("30d", "issued"), ("7d", "issued")]
    assert place.sound()


@pytest.mark.fault(17)
def test_when_the_power_fails_in_mid_job_then_all_that_was_under_way_is_caught_up_with_once(place: Place) -> None:
    unit = "forex-run@7d.service"
    place.hang(unit)
    overdue(place)
    running = place.box.path(DATA / "running")
    until(lambda: len(list(running.iterdir())) == 4)  # three wait for the lock
    place.box.drop_in(unit, "")
    place.box.cut_power()
    place.box.boot()
    until(lambda: len(place.events("finished")) == 4)
    place.wait()
    assert sorted(place.events("issued")) == sorted((key, "issued") for key in HORIZONS)
    assert place.events("killed") == [("7d", "killed")]
    assert place.sound()
    assert list(running.iterdir()) == []


@pytest.mark.fault(16)
def test_when_a_job_takes_too_much_memory_then_it_is_killed_and_the_others_run(place: Place) -> None:
    place.box.drop_in("forex-run@7d.service", "[Service]\nMemoryHigh=infinity\nMemoryMax=60M\nMemorySwapMax=0\n")
    assert place.run("forex-run@7d.service", ok=1) in ("oom-kill", "signal")
    assert place.run("forex-run@15d.service") == "success"
    assert len(place.alerts()) == 1
    assert re.search(r"forex-run@7d.service failed \((oom-kill|signal)", place.alerts()[0])


@pytest.mark.fault(15)
def test_when_a_job_does_not_heed_its_end_then_it_is_killed_with_its_children(place: Place) -> None:
    unit = "forex-run@7d.service"
    deaf = "trap '' TERM; sleep 1000 & sleep 1000"
    place.box.drop_in(unit, f'[Service]\nExecStart=\nExecStart=sh -c "{deaf}"\nTimeoutStopSec=1\n')
    place.box.run("systemctl", "start", "--no-block", unit)
    until(lambda: place.box.run("pgrep", "-u", "forex", "-c", "sleep", ok=None) == "2\n")
    place.box.run("systemctl", "stop", unit)
    assert place.box.run("pgrep", "-u", "forex", ok=None) == "1 "


@pytest.mark.parametrize("job", ["score", "backup", "drill"])
def test_every_other_job_succeeds_within_its_confines(place: Place, job: str) -> None:
    for needed in ["backup"] if job == "drill" else []:
        assert place.run(f"forex-{needed}.service") == "success"
    assert place.run(f"forex-{job}.service") == "success"


@pytest.mark.fault(44)
def test_torch_and_mlflow_run_where_nothing_else_can_be_reached(place: Place) -> None:
    pytest.importorskip("torch", exc_type=ImportError)
    unit = "forex-run@90d.service"
    place.box.path("/etc/forex/credentials/smtp_password").write_text("a secret", encoding="utf-8")
    place.box.drop_in(
        unit, f"[Service]\nExecStart=\nExecStart={VENV}/bin/python {CHECKOUT}/tests/system/box/probe.py\n"
    )
    place.box.run("systemctl", "start", unit, ok=None)
    log = place.box.run("journalctl", "--no-pager", "-o", "cat", "-u", unit)
    assert place.box.show(unit, "Result") == "success", log[-3000:]
    assert "the line that matters" in log
    assert log.count("flood") == 60_000
    assert "the line that matters" in place.box.run("journalctl", "-p", "err", "-o", "cat", "-u", unit)
    place.box.run("useradd", "--no-create-home", "--groups", "forex-view", "ana")
    seen, secret = DATA / "public/seen", DATA / "forex.db"
    place.box.run("cat", seen, user="ana")
    place.box.run("cat", secret, user="ana", ok=1)
    assert "a secret" not in place.box.run("systemctl", "show", unit)
