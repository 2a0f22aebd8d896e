"""The heartbeat against a monitor that answers, refuses, is silent or drips: told right, never the job's trouble."""

import time
from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

import pytest
import typer
from loguru import logger

from forex_core.errors import SourceUnavailable
from forex_core.notify import heartbeat
from forex_core.notify.heartbeat import Heartbeat, address_of, beating
from forex_core.settings import Settings
from monitor_server import Monitor, running_monitor

SECRET = "pa ss&wörd"
BY_SYSTEMD = {"INVOCATION_ID": "0123456789abcdef0123456789abcdef"}


@pytest.fixture
def monitor() -> Iterator[Monitor]:
    with running_monitor() as running:
        yield running


@pytest.fixture
def warnings() -> list[str]:
    said: list[str] = []
    logger.add(lambda message: said.append(message.record["message"]), level="WARNING")
    return said


def settings(monitor: Monitor, tmp_path: Path, **more: str) -> Settings:
    told = {"FOREX_HEARTBEAT_URL": monitor.url, "FOREX_SMTP_PASSWORD": SECRET}
    return Settings.load({}, told | more, tmp_path)


def test_a_job_is_told_to_have_begun_and_ended_with_one_run_id(monitor: Monitor, tmp_path: Path) -> None:
    with beating(settings(monitor, tmp_path), "7d", {}, main=True):
        assert monitor.signals == ["start"]
    assert monitor.signals == ["start", ""]
    assert len(monitor.rids) == 1


def test_what_was_printed_and_logged_goes_along_without_any_secret(
    monitor: Monitor, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    address = f"{monitor.url}-{{job}}"
    with beating(settings(monitor, tmp_path, FOREX_HEARTBEAT_URL=address), "7d", {}, main=True):
        typer.echo("0123456789" * 2000 + " the end " + "ñ" * 10)
        typer.echo(f"to stderr {SECRET} {monitor.url}-7d", err=True)
        logger.info("and to the log: {}", SECRET)
    body = monitor.pings[-1][2]
    assert 9_000 < len(body.encode()) <= 10_000
    assert body.endswith("the end ññññññññññ\nto stderr *** ***\nINFO    and to the log: ***\n")
    assert "the end" in capsys.readouterr().out


def test_when_a_job_fails_by_hand_then_it_tells_so_itself_and_why(monitor: Monitor, tmp_path: Path) -> None:
    with pytest.raises(SourceUnavailable), beating(settings(monitor, tmp_path), "7d", {}, main=True):
        raise SourceUnavailable("nobody answered", hint="try again")
    assert monitor.signals == ["start", "fail"]
    assert "nobody answered; try again" in monitor.pings[-1][2]
    assert len(monitor.rids) == 1


def test_when_a_job_fails_by_systemd_then_the_alert_program_tells_so(monitor: Monitor, tmp_path: Path) -> None:
    with pytest.raises(SystemExit), beating(settings(monitor, tmp_path), "7d", BY_SYSTEMD, main=True):
        raise SystemExit(1)
    assert monitor.signals == ["start"]
    assert monitor.rids == {str(UUID(BY_SYSTEMD["INVOCATION_ID"]))}


def test_when_the_invocation_is_no_uuid_then_the_run_has_an_id_all_the_same(monitor: Monitor, tmp_path: Path) -> None:
    with beating(settings(monitor, tmp_path), "7d", {"INVOCATION_ID": "mine"}, main=True):
        pass
    assert len(monitor.rids) == 1


def test_when_a_job_ends_early_with_code_0_then_that_is_a_success(monitor: Monitor, tmp_path: Path) -> None:
    class Exit(Exception):
        exit_code = 0

    with pytest.raises(Exit), beating(settings(monitor, tmp_path), "7d", {}, main=True):
        raise Exit
    assert monitor.signals == ["start", ""]


@pytest.mark.fault(36)
@pytest.mark.parametrize("status", [404, 410, 200])
def test_when_the_monitor_does_not_know_the_check_then_that_is_said_once(
    monitor: Monitor, tmp_path: Path, warnings: list[str], status: int
) -> None:
    monitor.statuses, monitor.words = [status] * 9, b"OK (not found)"  # 200 is how healthchecks.io answers
    with beating(settings(monitor, tmp_path), "7d", {}, main=True):
        pass
    assert monitor.signals == ["start", ""]  # asking again brings nothing
    assert warnings == [f"the monitor was not told: HTTP {status}, it knows no such address; correct heartbeat_url"]


def test_when_a_monitor_knows_plain_addresses_only_then_nobody_is_warned(
    monitor: Monitor, tmp_path: Path, warnings: list[str]
) -> None:
    monitor.statuses = [404, 200]
    with beating(settings(monitor, tmp_path), "7d", {}, main=True):
        pass
    assert (monitor.signals, warnings) == (["start", ""], [])


@pytest.mark.fault(36)
@pytest.mark.parametrize("status", [500, 503, 429])
def test_when_the_monitor_is_in_trouble_then_it_is_asked_three_times(
    monitor: Monitor, monkeypatch: pytest.MonkeyPatch, warnings: list[str], status: int
) -> None:
    monkeypatch.setattr(heartbeat, "SECONDS", 3.0)
    monitor.statuses = [status, status]
    Heartbeat(monitor.url).success()
    assert (monitor.signals, warnings) == (["", "", ""], [])
    monitor.statuses = [status] * 3
    Heartbeat(monitor.url).fail()
    assert monitor.signals[3:] == ["fail"] * 3
    assert warnings == [f"the monitor was not told (fail): HTTP {status}"]


@pytest.mark.fault(36)
@pytest.mark.parametrize("fault", [0, -1], ids=["black hole", "drip"])
def test_when_the_monitor_is_silent_then_the_job_waits_no_longer_than_it_may(
    monitor: Monitor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, warnings: list[str], fault: int
) -> None:
    monkeypatch.setattr(heartbeat, "SECONDS", 1.0)
    monitor.statuses = [fault] * 20
    began = time.monotonic()
    with beating(settings(monitor, tmp_path), "7d", {}, main=True):
        pass
    assert time.monotonic() - began < 3
    assert len(warnings) == 2


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:9/x", "http://no.such.host.invalid/x", "http://127.0.0.1:port/x", "http://[/x"]
)
def test_when_the_address_leads_nowhere_then_it_is_a_warning_that_does_not_tell_it(
    url: str, warnings: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(heartbeat, "SECONDS", 1.0)
    with beating(Settings.load({}, {"FOREX_HEARTBEAT_URL": url}, tmp_path), "7d", {}, main=True):
        pass
    assert len(warnings) == 2
    assert url not in "".join(warnings)


def test_the_log_signal_tells_what_was_heard_so_far(monitor: Monitor) -> None:
    heart = Heartbeat(monitor.url + "/?create=1")
    heart.hear("half way")
    heart.log()
    assert [(path, body) for path, _, body in monitor.pings] == [("/ping/the-check/log", "half way")]


@pytest.mark.parametrize(
    ("url", "job", "main", "address"),
    [
        (None, "7d", True, None),
        ("https://hc/u", "7d", True, "https://hc/u"),
        ("https://hc/u", "score", False, None),
        ("https://hc/k/forex-{job}", "7d", True, "https://hc/k/forex-7d"),
        ("https://hc/k/forex-{job}", "score", False, "https://hc/k/forex-score"),
    ],
)
def test_each_job_has_a_check_of_its_own_if_the_address_says_so(
    url: str | None, job: str, main: bool, address: str | None
) -> None:
    assert address_of(url, job, main=main) == address
