"""View-only people at a real sshd: they see the dashboards, whatever the jobs do, and get no further by any trick."""

import fcntl
import json
import os
import pty
import re
import shlex
import shutil
import socket
import struct
import subprocess
import sys
import sysconfig
import termios
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from tempfile import mkdtemp

import pytest

from conftest import FOREX, ROOT, business_days, command, walk, write_csv

SSHD = Path("/usr/sbin/sshd")
VIEWER, GROUP = 64001, 64002
DAYS = business_days(date(2024, 3, 1), date(2024, 4, 30))
NAMESPACE = """
for name in passwd group shadow; do mount --bind "$1/$name" "/etc/$name"; done
mkdir -p /run/sshd
exec /usr/sbin/sshd -D -e -f "$1/sshd_config"
"""  # a user that only this sshd knows
WRITE = "import sqlite3, sys; sqlite3.connect(sys.argv[1]).execute('DELETE FROM steps')"
ALLOWED = {"dashboard", "status", "track-record", "mlflow"}


def _python() -> Path | None:
    """An interpreter of our version that another user may run."""
    name = f"python{sys.version_info.major}.{sys.version_info.minor}"
    found = (Path(sys.base_prefix, "bin", name), Path("/usr/local/bin", name), Path("/usr/bin", name))
    return next((path for path in found if _reachable(path)), None)


def _reachable(path: Path) -> bool:
    return path.exists() and all(folder.stat().st_mode & 0o001 for folder in path.resolve().parents)


pytestmark = [
    pytest.mark.skipif(os.geteuid() != 0, reason="another user can be played by root only"),
    pytest.mark.skipif(not SSHD.exists(), reason="sshd is not installed (apt-get install openssh-server)"),
    pytest.mark.skipif(_python() is None, reason="there is no Python of our version that another user may run"),
    pytest.mark.skipif(not _reachable(ROOT / "src"), reason=f"another user may not read {ROOT}"),
]


@dataclass(frozen=True)
class Machine:
    """An installed forex with a data directory, and an sshd of its own for one view-only user."""

    home: Path
    port: int

    @property
    def data_dir(self) -> Path:
        return self.home / "data"

    @property
    def door(self) -> Path:
        return self.home / "forex" / "deploy" / "forex-dashboard"

    @property
    def python(self) -> Path:
        return self.home / "forex" / "venv" / "bin" / "python"

    def run(self, day: date) -> subprocess.CompletedProcess[str]:
        """A job of the data's owner, with the mask that its unit sets."""
        source = f"csv:{self.home / 'rates.csv'}"
        asked = ("run", "all", "--source", source, "--as-of", day.isoformat(), "--skip-email")
        return command("sh", "-c", 'umask 077; exec "$@"', "sh", FOREX, *asked, data_dir=self.data_dir)

    def ssh(self, *asked: str, options: tuple[str, ...] = (), **environ: str) -> subprocess.CompletedProcess[str]:
        """What a viewer gets for `ssh HOST asked`."""
        return subprocess.run(
            [*self.client(*options), *asked],
            env={"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8"} | environ,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
            stdin=subprocess.DEVNULL,
        )

    def client(self, *options: str) -> list[str]:
        known = ("-F", "none", "-i", str(self.home / "key"), "-p", str(self.port), "-o", "StrictHostKeyChecking=no")
        quiet = ("-o", f"UserKnownHostsFile={self.home / 'known'}", "-o", "LogLevel=ERROR", "-o", "BatchMode=yes")
        return ["ssh", *options, *known, *quiet, "-o", "SendEnv=LC_ALL", "viewer@127.0.0.1"]

    def on_terminal(self, columns: int, name: str) -> str:
        """What a terminal of this width and name shows."""
        ours, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
        with subprocess.Popen(
            [*self.client("-tt"), "dashboard"],
            env={"PATH": os.environ["PATH"], "TERM": name, "LC_ALL": "C.UTF-8"},
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
        ) as process:
            os.close(theirs)
            shown = b""
            with suppress(OSError):  # the terminal is gone when all is said
                while said := os.read(ours, 65_536):
                    shown += said
            assert process.wait(60) == 0, shown
        os.close(ours)
        return shown.decode()

    def as_viewer(self, *asked: object, cwd: Path | None = None, **environ: str) -> subprocess.CompletedProcess[str]:
        """The same user without sshd between."""
        return subprocess.run(
            ["setpriv", f"--reuid={VIEWER}", f"--regid={GROUP}", "--clear-groups", *map(str, asked)],
            env={"PATH": "/usr/bin:/bin"} | environ,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
            cwd=cwd or self.home,
        )


@pytest.fixture(scope="module")
def machine() -> Iterator[Machine]:
    home = Path(mkdtemp())
    home.chmod(0o755)
    with closing(socket.socket()) as free:
        free.bind(("127.0.0.1", 0))
        machine = Machine(home, free.getsockname()[1])
    _install(machine)
    _set_up_sshd(machine)
    assert machine.run(DAYS[0]).returncode == 0
    log = (home / "sshd.log").open("w")
    daemon = subprocess.Popen(["unshare", "--mount", "sh", "-euc", NAMESPACE, "sh", home], stderr=log)
    try:
        _wait_for("Server listening", home / "sshd.log")
        yield machine
    finally:
        daemon.terminate()
        daemon.wait()
        log.close()
        shutil.rmtree(home)


def _install(machine: Machine) -> None:
    """As deploy/install.sh lays it out."""
    app, data_dir = machine.home / "forex", machine.data_dir
    machine.door.parent.mkdir(parents=True)
    shutil.copy(ROOT / "deploy" / "forex-dashboard", machine.door)
    subprocess.run([str(_python()), "-m", "venv", "--without-pip", app / "venv"], check=True)
    (packages,) = (app / "venv" / "lib").glob("python*/site-packages")
    (packages / "forex.pth").write_text(f"{ROOT / 'src'}\n{sysconfig.get_path('purelib')}\n")
    (app / "venv" / "bin" / "forex").write_text("from forex_cli.main import main\n\nmain()\n")
    (app / "forex.toml").write_text(f'data_dir = "{data_dir}"\n')
    for folder, mode in ((data_dir, 0o711), (data_dir / "public", 0o2750), (data_dir / "spool", 0o700)):
        folder.mkdir()
        if folder.name == "public":
            os.chown(folder, -1, GROUP)
        folder.chmod(mode)
    secret = machine.home / "credentials" / "smtp_password"
    secret.parent.mkdir(mode=0o700)
    secret.write_text("hunter2")
    write_csv(machine.home / "rates.csv", walk(business_days(date(2020, 1, 2), date(2024, 6, 28))))


def _set_up_sshd(machine: Machine) -> None:
    home = machine.home
    for name in ("key", "host_key"):
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", home / name], check=True)
    (home / "viewers").mkdir()
    shutil.copy(home / "key.pub", home / "viewers" / "viewer")
    for name, line in {
        "passwd": f"viewer:x:{VIEWER}:{GROUP}::/:/bin/sh",
        "group": f"forex-view:x:{GROUP}:",
        "shadow": "viewer:*:19000::::::",
    }.items():
        (home / name).write_text(f"{Path('/etc', name).read_text()}{line}\n")
        shutil.copymode(Path("/etc", name), home / name)
    shipped = (ROOT / "deploy" / "sshd-forex-view.conf").read_text()
    ours = shipped.replace("/opt/forex", str(home / "forex")).replace("/etc/forex/viewers", str(home / "viewers"))
    careless = f"ListenAddress 127.0.0.1\nPort {machine.port}\nHostKey {home}/host_key\nStrictModes no\nAcceptEnv *\n"
    (home / "sshd_config").write_text(f"{careless}Subsystem sftp internal-sftp\n{ours}")


def _wait_for(text: str, log: Path) -> None:
    until = time.monotonic() + 20
    while text not in log.read_text():
        assert time.monotonic() < until, log.read_text()
        time.sleep(0.05)


@pytest.mark.fault(41)
def test_every_view_is_shown_while_a_job_writes_and_while_none_runs(machine: Machine) -> None:
    for view in sorted(ALLOWED):
        done = machine.ssh(view)
        assert (done.returncode in (0, 75), done.stderr) == (True, ""), view
        assert machine.ssh(view, "--json").stdout.startswith('{"schema": 1'), view
    shown = machine.ssh()  # without a word
    assert "USDCLP" in shown.stdout
    assert "FORECASTER_7D" in machine.ssh("mlflow").stdout

    with ThreadPoolExecutor(1) as pool:
        job, seen = pool.submit(machine.run, DAYS[1]), 0
        while not job.done():
            done = machine.ssh("dashboard" if seen % 2 else "mlflow")
            assert (done.returncode, done.stderr) == (0, "")
            seen += 1
    assert (job.result().returncode, seen > 3) == (0, True)
    newest = json.loads(machine.ssh("dashboard", "--json").stdout)["forecasts"]
    assert {one["issued_on"] for one in newest} == {DAYS[1].isoformat()}


@pytest.mark.fault(41)
def test_looking_changes_nothing_and_shows_what_the_owner_sees(machine: Machine) -> None:
    before = _state(machine.data_dir)
    shown = machine.ssh("status", "--json")
    for view in sorted(ALLOWED):
        machine.ssh(view)
    assert _state(machine.data_dir) == before
    owners = command(FOREX, "status", "--json", data_dir=machine.data_dir)
    assert json.loads(shown.stdout) == json.loads(owners.stdout)


def _state(folder: Path) -> dict[str, tuple[int, int]]:
    return {str(path): (path.stat().st_mtime_ns, path.stat().st_ino) for path in folder.rglob("*")}


@pytest.mark.fault(41, 42)
def test_a_viewer_reads_what_is_published_and_can_neither_read_nor_change_anything_else(machine: Machine) -> None:
    public = machine.data_dir / "public"
    assert sorted(path.name for path in public.iterdir()) == ["USDCLP.replay.html", "forex.db", "mlflow.db"]
    others = [path for path in machine.home.rglob("*") if path.is_file() and machine.data_dir in path.parents]
    private = [machine.home / "credentials" / "smtp_password", machine.data_dir / "lock", *others]
    for path in private:
        readable = machine.as_viewer("test", "-r", path).returncode == 0
        assert readable == (public in path.parents), path
    before = _state(machine.data_dir)
    for refused in (
        ("touch", public / "mine"),
        ("touch", machine.data_dir / "mine"),
        ("rm", "-f", public / "forex.db"),
        ("truncate", "-s", "0", public / "forex.db"),
        (machine.python, "-c", WRITE, public / "forex.db"),
        (machine.python, machine.home / "forex" / "venv" / "bin" / "forex", "demo"),
    ):
        done = machine.as_viewer(*refused, FOREX_DATA_DIR=str(machine.data_dir))
        assert done.returncode != 0, refused
    assert _state(machine.data_dir) == before


def test_the_script_works_for_a_viewer_too_or_says_in_a_line_what_is_missing(machine: Machine) -> None:
    script, where = ROOT / "scripts" / "mlflow_dashboard.py", {"FOREX_DATA_DIR": str(machine.data_dir)}
    shown = machine.as_viewer(machine.python, "-I", script, **where)
    assert (shown.returncode, "FORECASTER_7D" in shown.stdout, shown.stderr) == (0, True, "")
    without_forex = machine.as_viewer(_python(), "-S", script, **where)
    assert without_forex.returncode in (0, 78), without_forex.stderr
    assert without_forex.stderr.count("\n") == (1 if without_forex.returncode else 0)


@pytest.mark.fault(41)
def test_without_a_published_copy_a_viewer_is_told_so(machine: Machine) -> None:
    public = machine.data_dir / "public"
    public.rename(public.with_name("away"))
    try:
        for view in ("status", "mlflow"):
            done = machine.ssh(view)
            assert (done.returncode, done.stdout, done.stderr.count("\n")) == (77, "", 1)
            assert f"nor a published copy in {public}" in done.stderr
    finally:
        public.with_name("away").rename(public)


TRICKS = [
    "sh",
    "dashboard; id",
    "dashboard && id",
    "dashboard | sh",
    "dashboard\nid",
    "$(id)",
    "`id`",
    "dashboard --watch; id",
    "dashboard --config /etc/passwd",
    "status --json > /tmp/mine",
    "track-record --csv /tmp/mine",
    "../bin/sh",
    "mlflow --limit 1",
    "*",
    "\x1b[31mdashboard",
    "dashboard " * 10_000,
]


@pytest.mark.fault(42)
@pytest.mark.parametrize("asked", TRICKS, ids=lambda asked: asked[:20])
def test_what_is_not_on_the_list_is_refused_without_being_run_or_repeated(machine: Machine, asked: str) -> None:
    done = machine.ssh(asked)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("There are: dashboard")
    assert "uid=" not in done.stderr
    assert "\x1b" not in done.stderr


@pytest.mark.fault(42)
def test_subsystems_and_tunnels_elsewhere_are_refused(machine: Machine) -> None:
    files = subprocess.run([*machine.client("-s"), "sftp"], capture_output=True, text=True, check=False, timeout=60)
    assert (files.returncode, files.stdout) == (2, "")
    said = {
        port: machine.ssh(options=("-o", "LogLevel=INFO", "-W", f"127.0.0.1:{port}")).stderr
        for port in (machine.port, 5000)
    }
    assert "administratively prohibited" in said[machine.port]
    assert "prohibited" not in said[5000]  # the MLflow UI's, whether it runs or not
    back = machine.ssh("dashboard", options=("-R", "0:127.0.0.1:22", "-o", "ExitOnForwardFailure=yes"))
    assert back.returncode == 255


@pytest.mark.fault(42)
def test_sshd_lets_viewers_do_nothing_more(machine: Machine) -> None:
    user = f"user=viewer,host=localhost,addr=127.0.0.1,laddr=127.0.0.1,lport={machine.port}"
    inside = NAMESPACE.replace("-D -e", f"-T -C {user}")
    done = subprocess.run(
        ["unshare", "--mount", "sh", "-euc", inside, "sh", machine.home], capture_output=True, text=True, check=True
    )
    found = dict(line.split(" ", 1) for line in done.stdout.splitlines() if " " in line)
    off = ["allowagentforwarding", "x11forwarding", "permittunnel", "permituserrc", "allowstreamlocalforwarding"]
    assert [found[name] for name in (*off, "passwordauthentication")] == ["no"] * 6
    assert (found["forcecommand"], found["permitopen"]) == (str(machine.door), "127.0.0.1:5000")


@pytest.mark.fault(42)
def test_no_variable_of_the_client_reaches_the_program(machine: Machine, tmp_path: Path) -> None:
    evil = {"LD_PRELOAD": "/nonexistent.so", "PYTHONPATH": "/tmp", "PAGER": "id", "BASH_ENV": "/x", "COLUMNS": "99999"}
    sent = tuple(part for name, value in evil.items() for part in ("-o", f"SetEnv={name}={value}"))
    plain, tricked = machine.ssh("track-record"), machine.ssh("track-record", options=sent)
    assert (tricked.returncode, tricked.stdout, tricked.stderr) == (plain.returncode, plain.stdout, "")


@pytest.mark.fault(42)
def test_no_code_and_no_settings_of_the_viewer_are_used(machine: Machine) -> None:
    """Here without sshd, which would let none of these variables through."""
    traps = Path(mkdtemp())
    traps.chmod(0o755)
    for name in ("sitecustomize", "usercustomize", "forex_cli", "sqlite3", "json", "readline"):
        (traps / f"{name}.py").write_text("raise SystemExit('caught')")
    for name in ("env", "python", "readlink"):
        (traps / name).write_text("#!/bin/sh\necho caught")
        (traps / name).chmod(0o755)
    (traps / "forex.toml").write_text('data_dir = "/nowhere"')
    (traps / ".profile").write_text("echo caught")
    set_ones = dict.fromkeys(["PYTHONPATH", "PYTHONHOME", "PYTHONUSERBASE", "HOME", "FOREX_DATA_DIR"], str(traps))
    set_ones |= {"PYTHONSTARTUP": f"{traps}/json.py", "ENV": f"{traps}/.profile", "BASH_ENV": f"{traps}/.profile"}
    set_ones |= {"PATH": f"{traps}:/usr/bin:/bin", "LD_LIBRARY_PATH": str(traps), "PAGER": f"{traps}/env", "IFS": "/"}
    done = machine.as_viewer(machine.door, cwd=traps, **set_ones, SSH_ORIGINAL_COMMAND="dashboard")
    shutil.rmtree(traps)
    assert (done.returncode, done.stderr) == (0, "")
    assert "caught" not in done.stdout
    assert "USDCLP" in done.stdout


@pytest.mark.parametrize(("locale", "signs"), [("C", False), ("C.UTF-8", True), ("es_CL.utf8", True), ("../x", False)])
def test_the_viewers_locale_decides_on_the_signs(machine: Machine, locale: str, signs: bool) -> None:
    done = machine.ssh("dashboard", LC_ALL=locale)
    assert (done.returncode, done.stdout.isascii()) == (0, not signs)


@pytest.mark.fault(42)
@pytest.mark.parametrize("name", ["xterm-256color", "dumb", "; id", "x" * 5000])
def test_on_a_terminal_of_any_kind_and_size_the_dashboard_is_shown(machine: Machine, name: str) -> None:
    for columns in (80, 65_535):
        shown = machine.on_terminal(columns, name)
        assert "USDCLP" in shown
        assert "uid=" not in shown
        assert max(map(len, re.sub("\x1b\\[[0-9;?]*[A-Za-z]", "", shown).split("\r\n"))) <= max(columns, 80)
        assert ("\x1b[" in shown) == name.startswith("x")


def test_watching_needs_a_terminal_and_ends_with_it(machine: Machine) -> None:
    done = machine.ssh("dashboard", "--watch")
    assert (done.returncode, "terminal" in done.stderr) == (2, True)
    piped = f"{shlex.join(machine.client())} dashboard | head -n 1"
    first = subprocess.run(["sh", "-c", piped], capture_output=True, text=True, check=True, timeout=60)
    assert (first.stdout[:5], first.stderr) == ("FOREX", "")
