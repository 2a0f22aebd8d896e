"""The last-resort alert program on real servers: told once, by what still works, and no secret to anybody."""

import json
import os
import re
import resource
import socket
import subprocess
import sys
import time
from base64 import b64encode
from collections.abc import Iterator
from importlib.machinery import SourceFileLoader
from importlib.util import module_from_spec, spec_from_loader
from pathlib import Path
from types import ModuleType
from urllib.parse import quote
from uuid import UUID

import pytest
import trustme

from conftest import ROOT
from forex_core.settings import Settings, table
from monitor_server import Monitor, running_monitor
from smtp_server import PASSWORD, USER, MailServer, certificate, running_mail_server, trusted

ALERT = ROOT / "deploy" / "alert"
PYTHON = Path(sys.executable).resolve()  # not the environment's, which may be what broke
UNIT, RID = "forex-run@7d.service", "0123456789abcdef0123456789abcdef"
FAILED = (UNIT, "exit-code", "69", "-")
CLOSED = "http://127.0.0.1:9/ping/the-check"
DAY = 24 * 3600


@pytest.fixture
def server() -> Iterator[MailServer]:
    with running_mail_server() as running:
        yield running


@pytest.fixture
def monitor() -> Iterator[Monitor]:
    with running_monitor() as running:
        yield running


@pytest.fixture(autouse=True)
def _data(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()


def environment(home: Path, **told: object) -> dict[str, str]:
    """Mail to a server on this machine, a data directory, and nothing else."""
    said = {"smtp_security": "none", "mail_from": "forex@example.org", "mail_to": "ana@example.org, ben@example.org"}
    said |= {"smtp_host": "127.0.0.1", "data_dir": str(home / "data")} | {n: str(v) for n, v in told.items()}
    return {f"FOREX_{name.upper()}": value for name, value in said.items()} | {
        "INVOCATION_ID": RID,
        "PATH": os.environ["PATH"],
        "RUNTIME_DIRECTORY": str(home / "run"),
    }


def alert(
    *arguments: str, env: dict[str, str], said: bytes = b"error: no source answered\n", **kwargs: object
) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(  # type: ignore[call-overload,no-any-return]
        [PYTHON, "-I", ALERT, *(arguments or FAILED)], env=env, input=said, capture_output=True, timeout=60, **kwargs
    )


def flag(home: Path) -> Path:
    return home / "data" / "alerts" / f"{UNIT}.txt"


def closed_port() -> int:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        return int(unused.getsockname()[1])


# --- told, and told once


def test_a_failure_is_mailed_with_its_last_words_and_pinged_with_the_run_id(
    tmp_path: Path, server: MailServer, monitor: Monitor
) -> None:
    done = alert(
        env=environment(tmp_path, smtp_port=server.port, heartbeat_url=monitor.url), said=b"x\n" * 99 + b"last"
    )
    assert done.returncode == 0, done.stderr
    assert [to for to, _ in server.taken] == ["ana@example.org", "ben@example.org"]
    mail = server.mails()[0]
    assert mail["Subject"] == f"[forex] {UNIT} failed (exit-code 69) on {socket.gethostname()}"
    lines = mail.get_content().splitlines()
    assert (lines.count("x"), lines.count("last")) == (49, 1)
    assert monitor.pings[0][0] == "/ping/the-check/fail"
    assert monitor.rids == {str(UUID(RID))}
    assert monitor.pings[0][2].endswith(f"last\n{UNIT} failed (exit-code 69) on {socket.gethostname()}\n")
    assert flag(tmp_path).stat().st_mode & 0o777 == 0o600
    assert done.stderr.decode().startswith(f"<2>{UNIT} failed (exit-code 69)")


def test_when_it_goes_on_failing_then_there_is_a_mail_a_day_and_a_ping_a_run(
    tmp_path: Path, server: MailServer, monitor: Monitor
) -> None:
    env = environment(tmp_path, smtp_port=server.port, mail_to="ana@example.org", heartbeat_url=monitor.url)
    for _ in range(3):
        assert alert(env=env, said=b"told 9999999999\n").returncode == 0
    assert (len(server.taken), monitor.signals) == (1, ["fail"] * 3)
    for told_ago, mails in ((DAY / 2, 1), (DAY, 2), (-DAY, 3)):  # the last one after the clock was put back
        flag(tmp_path).write_text(f"as before\ntold {time.time() - told_ago:.0f}\n")
        alert(env=env)
        assert len(server.taken) == mails


def test_when_it_works_again_then_one_mail_says_so(tmp_path: Path, server: MailServer) -> None:
    env = environment(tmp_path, smtp_port=server.port, mail_to="ana@example.org")
    success = (UNIT, "success", "0")
    assert alert(*success, env=env).returncode == 0
    assert server.taken == []
    alert(env=env)
    for _ in range(2):
        assert alert(*success, env=env).returncode == 0
    assert [mail["Subject"].split(" on ")[0] for mail in server.mails()[1:]] == [f"[forex] {UNIT} works again"]
    assert not flag(tmp_path).exists()
    alert(env=env)
    assert len(server.taken) == 3  # a new failure is a first one


def test_when_the_recovery_cannot_be_mailed_then_the_next_success_tells_it(tmp_path: Path, server: MailServer) -> None:
    env = environment(tmp_path, smtp_port=server.port, mail_to="ana@example.org")
    alert(env=env)
    server.replies["MAIL"] = ["451 later"]
    assert alert(UNIT, "success", "0", env=env).returncode == 1
    assert flag(tmp_path).exists()
    assert alert(UNIT, "success", "0", env=env).returncode == 0
    assert (len(server.taken), flag(tmp_path).exists()) == (2, False)


def test_systemd_tells_what_failed_in_variables_and_the_journal_its_words(tmp_path: Path, server: MailServer) -> None:
    journal = tmp_path / "journalctl"
    journal.write_text('#!/bin/sh\necho "asked: $*"\n')
    journal.chmod(0o755)
    failure = {"SERVICE_RESULT": "oom-kill", "EXIT_CODE": "killed", "EXIT_STATUS": "KILL", "INVOCATION_ID": "f" * 32}
    env = environment(tmp_path, smtp_port=server.port) | {f"MONITOR_{name}": value for name, value in failure.items()}
    alert(UNIT, env=env | {"PATH": f"{tmp_path}:/usr/bin:/bin"})
    assert "failed (oom-kill KILL)" in server.mails()[0]["Subject"]
    assert f"_SYSTEMD_INVOCATION_ID={'f' * 32}" in server.mails()[0].get_content()
    alert(UNIT, env=env | {"MONITOR_SERVICE_RESULT": "success"})
    assert "works again" in server.mails()[-1]["Subject"]
    assert alert(UNIT, env=env | {"PATH": "/nowhere"}).returncode == 0  # no journal at all
    assert "can't be read" in server.mails()[-1].get_content()


@pytest.mark.parametrize(
    ("unit", "path", "heard"),
    [
        ("forex-backup.service", "/{job}", ["backup"]),
        ("forex-drill", "/{job}/", ["drill"]),
        ("forex-train", "/{job}", ["train"]),
        ("forex-backup", "", []),
        (UNIT, "/{job}", []),  # it pings itself
        ("forex-score", "/{job}", []),
    ],
)
def test_each_success_of_a_job_that_does_not_ping_is_told_to_its_own_check(
    tmp_path: Path, monitor: Monitor, unit: str, path: str, heard: list[str]
) -> None:
    done = alert(unit, "success", "0", env=environment(tmp_path, heartbeat_url=monitor.url + path))
    assert (done.returncode, done.stderr, monitor.signals) == (0, b"", heard)


def test_when_a_success_cannot_be_pinged_then_it_is_said_and_no_failure(tmp_path: Path) -> None:
    done = alert("forex-backup", "success", "0", env=environment(tmp_path, heartbeat_url=CLOSED + "/{job}"))
    assert (done.returncode, done.stderr.count(b"<4>the monitor was not told")) == (0, 1)


# --- by what still works


def test_when_the_mail_server_is_down_then_the_ping_and_the_file_tell_it(tmp_path: Path, monitor: Monitor) -> None:
    env = environment(tmp_path, smtp_port=closed_port(), heartbeat_url=monitor.url)
    assert alert(env=env).returncode == 0
    assert monitor.signals == ["fail"]
    assert f"{UNIT} failed (exit-code 69)" in flag(tmp_path).read_text()
    with running_mail_server() as server:
        alert(env=env | {"FOREX_SMTP_PORT": str(server.port)})
        assert len(server.taken) == 2  # nobody had been mailed before, so it is not a repetition


def test_when_nothing_can_be_reached_then_the_journal_and_the_file_tell_it(tmp_path: Path) -> None:
    done = alert(env=environment(tmp_path, smtp_port=closed_port(), heartbeat_url=CLOSED))
    assert done.returncode == 1
    assert b"mail: ConnectionRefusedError; ping: URLError" in done.stderr
    assert "no source answered" in flag(tmp_path).read_text()


def test_when_the_disk_is_full_then_it_is_told_all_the_same(tmp_path: Path, server: MailServer) -> None:
    env = environment(tmp_path, smtp_port=server.port, mail_to="ana@example.org")
    alert(env=env)
    before = flag(tmp_path).read_bytes()
    flag(tmp_path).rename(flag(tmp_path).with_suffix(".kept"))
    full = {"preexec_fn": lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))}
    for mails in (2, 3):  # it can't be noted, so it is told again
        assert alert(env=env, **full).returncode == 0
        assert len(server.taken) == mails
    flag(tmp_path).with_suffix(".kept").rename(flag(tmp_path))
    alert(env=env, **full)
    assert (flag(tmp_path).read_bytes(), len(server.taken)) == (before, 3)
    assert [path.name for path in flag(tmp_path).parent.iterdir()] == [flag(tmp_path).name]


def test_when_the_data_directory_is_gone_then_the_file_lies_in_the_run_directory(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "data").rmdir()
    alert(env=environment(tmp_path, smtp_port=closed_port()))
    assert [path.name for path in (tmp_path / "run" / "alerts").iterdir()] == [f"{UNIT}.txt"]
    assert not (tmp_path / "data").exists()


def test_when_the_settings_are_broken_then_the_rest_of_them_count(tmp_path: Path, server: MailServer) -> None:
    (tmp_path / "forex.toml").write_text("smtp_port = \n")
    (tmp_path / ".env").write_bytes(b"FOREX_SMTP_PORT=\xff\n")
    (tmp_path / ".env").chmod(0o644)
    done = alert(env=environment(tmp_path, smtp_port=server.port))
    assert done.returncode == 0
    assert len(server.taken) == 2
    assert done.stderr.count(b"settings are missing") == 2


@pytest.mark.parametrize(
    "wrong", ["heartbeat_url = 5", 'heartbeat_url = "http://[/x"', 'data_dir = "~nobody-here/x"', "fred_key = [1]"]
)
def test_when_a_setting_means_nothing_then_the_mail_goes_out_all_the_same(
    tmp_path: Path, server: MailServer, wrong: str
) -> None:
    (tmp_path / "forex.toml").write_text(wrong)
    env = environment(tmp_path, smtp_port=server.port)
    if wrong.startswith("data_dir"):
        del env["FOREX_DATA_DIR"]
    done = alert(env=env)
    assert (done.returncode, len(server.taken), b"Traceback" in done.stderr) == (0, 2, False), done.stderr


def test_nothing_is_imported_from_where_it_is_called(tmp_path: Path, server: MailServer) -> None:
    for name in ("smtplib", "json", "sitecustomize", "tomllib"):
        (tmp_path / f"{name}.py").write_text("open('planted', 'w'); raise SystemExit(3)\n")
    env = environment(tmp_path, smtp_port=server.port)
    (tmp_path / "forex.toml").write_text("smtp_port = 25\n")
    done = alert(env=env | {"PYTHONPATH": str(tmp_path), "PYTHONSTARTUP": str(tmp_path / "json.py")})
    assert (done.returncode, len(server.taken), (tmp_path / "planted").exists()) == (0, 2, False)
    assert ALERT.read_text().startswith("#!/usr/bin/python3 -I\n")


@pytest.mark.parametrize("unit", ["../../../etc/cron.d/x", "a\nBcc: eve@example.org", "\x1b[2J"])
def test_a_hostile_name_forges_neither_a_path_nor_a_header(tmp_path: Path, server: MailServer, unit: str) -> None:
    alert(unit, "exit-code\nX-Forged: 1", "1", "-", env=environment(tmp_path, smtp_port=server.port), said=b"\x1b[2J\0")
    [mail, _] = server.mails()
    assert {"Bcc", "X-Forged"}.isdisjoint(mail.keys())
    assert "\x1b" not in mail.get_content()
    [file] = (tmp_path / "data" / "alerts").iterdir()
    assert re.fullmatch(r"[\w.@:-]+\.txt", file.name)


# --- no secret to anybody


def heard_password(server: MailServer) -> bool:
    forms = [PASSWORD.encode(), *(b64encode(form.encode()) for form in (PASSWORD, f"\0{USER}\0{PASSWORD}"))]
    return any(form in server.heard for form in forms)


@pytest.mark.parametrize("implicit", [False, True], ids=["starttls", "tls"])
def test_a_server_with_a_good_certificate_is_given_the_password(tmp_path: Path, implicit: bool) -> None:
    authority = trustme.CA()
    with running_mail_server(certificate(authority, "127.0.0.1"), implicit=implicit) as server:
        security = "tls" if implicit else "starttls"
        told = {"smtp_port": server.port, "smtp_security": security, "smtp_user": USER, "smtp_password": PASSWORD}
        done = alert(env=environment(tmp_path, **told) | {"SSL_CERT_FILE": str(trusted(authority, tmp_path))})
    assert (done.returncode, server.logins, len(server.taken)) == (0, [True], 2), done.stderr


@pytest.mark.parametrize("fault", ["stripped", "untrusted", "another name"])
def test_a_server_that_proves_nothing_is_given_neither_password_nor_mail(
    tmp_path: Path, monitor: Monitor, fault: str
) -> None:
    authority, stranger = trustme.CA(), trustme.CA()
    by, name = (stranger, "127.0.0.1") if fault == "untrusted" else (authority, "mail.example.org")
    tls = None if fault == "stripped" else certificate(by, name)
    with running_mail_server(tls, auth_in_clear=True) as server:
        told = {"smtp_port": server.port, "smtp_security": "starttls", "smtp_user": USER, "smtp_password": PASSWORD}
        env = environment(tmp_path, heartbeat_url=monitor.url, **told)
        done = alert(env=env | {"SSL_CERT_FILE": str(trusted(authority, tmp_path))})
    assert not heard_password(server)
    assert (server.taken, server.logins, monitor.signals, done.returncode) == ([], [], ["fail"], 0)


def test_mail_in_clear_goes_to_this_machine_only(tmp_path: Path) -> None:
    done = alert(env=environment(tmp_path, smtp_host="mail.example.org"))
    assert (done.returncode, b"this machine only" in done.stderr) == (1, True)


def test_no_secret_stands_in_what_is_told(tmp_path: Path, monitor: Monitor) -> None:
    token = "tok/en +1ñ"
    folder = tmp_path / "credentials"
    folder.mkdir()
    (folder / "bcch_token").write_text(token + "\n")
    told = {"smtp_user": USER, "smtp_password": PASSWORD, "notify_urls": "tgram://bot/1, discord://a/b"}
    said = "\n".join(
        [token, quote(token, safe=""), json.dumps(token), PASSWORD, b64encode(PASSWORD.encode()).decode(), monitor.url,
         "tgram://bot/1", "discord://a/b"]
    )  # fmt: skip
    with running_mail_server(auth_in_clear=True) as server:
        env = environment(tmp_path, smtp_port=server.port, heartbeat_url=monitor.url, **told)
        done = alert(env=env | {"CREDENTIALS_DIRECTORY": str(folder)}, said=said.encode())
    everything = [
        server.mails()[0].get_content(),
        monitor.pings[0][2],
        flag(tmp_path).read_text(),
        done.stderr.decode(),
    ]
    assert all(text.count("***") == 8 or text == everything[3] for text in everything)
    for secret in said.splitlines():
        assert secret.strip('"') not in "".join(everything)


# --- the same settings as everywhere


@pytest.fixture
def program(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The program as a module."""
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    loader = SourceFileLoader("alert", str(ALERT))
    module = module_from_spec(spec_from_loader("alert", loader) or pytest.fail())
    loader.exec_module(module)
    return module


def test_it_knows_every_secret(program: ModuleType) -> None:
    assert set(program.SECRETS) == {name for name, field in table().items() if field.metadata["secret"]}


def test_it_reads_the_settings_as_the_program_does(
    program: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "forex.toml").write_text(
        'data_dir = "lives here"\nsmtp_port = 26\nsmtp_user = "weak"\nmail_to = ["a@example.org", "b@example.org"]\n'
    )
    (tmp_path / ".env").write_text(
        '# a comment\nexport FOREX_SMTP_USER=\'a # user\'\nFOREX_SMTP_PASSWORD="a \\"quoted\\" one"\n'
        "FOREX_MAIL_FROM = me@example.org  # and why\nFOREX_SMTP_HOST=\nFOREX_FRED_KEY=ab#cd\nFOREX_BCCH_USER=weak\n"
    )
    (tmp_path / "credentials").mkdir()
    (tmp_path / "credentials" / "bcch_user").write_text("me\n")
    (tmp_path / "credentials" / "backup_key").write_text("")
    for path in (tmp_path / ".env", tmp_path / "forex.toml"):
        path.chmod(0o600)
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path / "credentials"))
    monkeypatch.setenv("FOREX_SMTP_PORT", "27")
    expected, told = Settings.load({}, os.environ, tmp_path), program.settings()
    for name in ("smtp_user", "smtp_password", "mail_from", "fred_key", "bcch_user", "backup_key"):
        assert told.get(name) == getattr(expected, name), name
    assert int(told["smtp_port"]) == expected.smtp_port == 27
    assert tuple(program.listed(told["mail_to"])) == expected.mail_to
    assert program.data_dir(told) == expected.data_dir == tmp_path / "lives here"


@pytest.mark.parametrize("marker", ["forex.toml", "pyproject.toml", ""])
def test_without_one_set_it_finds_the_same_data_directory(
    program: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, marker: str
) -> None:
    if marker:
        (tmp_path / marker).write_text('name = "forex-core"\n' if marker == "pyproject.toml" else "")
    (tmp_path / "below").mkdir()
    monkeypatch.chdir(tmp_path / "below")
    assert program.data_dir({}) == Settings.load({}, {}, Path.cwd()).data_dir


@pytest.mark.parametrize(
    ("unit", "job"),
    [(UNIT, "7d"), ("forex-run@7d", "7d"), ("forex-backup.service", "backup"), ("forex-score", "score")],
)
def test_a_unit_is_a_job_of_the_monitor(program: ModuleType, unit: str, job: str) -> None:
    assert program.job_of(unit) == job


HURRIED = """
import runpy, sys
program = runpy.run_path(sys.argv[1])
program["main"].__globals__.update(MAIL_SECONDS=0.3, PING_SECONDS=0.3)
sys.exit(program["main"](sys.argv[2:]))
"""


def hurried(env: dict[str, str], said: bytes = b"") -> tuple[float, bytes]:
    """The program with little time: how long it took, and its stderr."""
    began = time.monotonic()
    line = [PYTHON, "-I", "-c", HURRIED, ALERT, *FAILED]
    done = subprocess.run(line, env=env, input=said, capture_output=True, timeout=30, check=False)
    return time.monotonic() - began, done.stderr


@pytest.mark.parametrize("fault", [0, -1], ids=["black hole", "drip"])
def test_when_a_server_is_silent_or_drips_then_the_time_is_bounded(
    tmp_path: Path, monitor: Monitor, fault: int
) -> None:
    monitor.statuses = [fault] * 3
    env = environment(tmp_path, heartbeat_url=monitor.url)
    with socket.create_server(("127.0.0.1", 0)) as hole:
        env["FOREX_SMTP_PORT"] = str(hole.getsockname()[1])
        took, said = hurried(env)
    assert took < 2
    assert b"mail: NoAnswerInTime; ping: NoAnswerInTime" in said
    assert monitor.signals == ["fail"] * 3


def test_when_a_server_falls_silent_then_taking_leave_is_bounded_too(tmp_path: Path, server: MailServer) -> None:
    server.when_taken = lambda: time.sleep(5)
    took, said = hurried(environment(tmp_path, smtp_port=server.port))
    assert took < 4
    assert b"mail: NoAnswerInTime" in said


def test_the_monitor_is_given_no_more_than_it_keeps(tmp_path: Path, monitor: Monitor) -> None:
    alert(env=environment(tmp_path, heartbeat_url=monitor.url, smtp_port=closed_port()), said=b"x" * 30_000)
    assert len(monitor.pings[0][2]) == 10_000


@pytest.mark.parametrize("status", [404, 410, 200])
def test_when_the_monitor_does_not_know_the_check_then_that_is_said(
    program: ModuleType, monitor: Monitor, status: int
) -> None:
    monitor.statuses, monitor.words = [status], b"OK (not found)"
    assert "correct heartbeat_url" in program.ping({"heartbeat_url": monitor.url}, "7d", RID, "text")
    assert len(monitor.pings) == 1
