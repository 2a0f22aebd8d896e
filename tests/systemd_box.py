"""A real systemd for tests: process 1 of its own namespaces, on a throw-away overlay of this machine's files.

Nothing it changes reaches the machine. It has no network of its own: its loopback is the machine's.
"""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
CHECKOUT = Path("/opt/checkout")  # this project, inside the box
PACKAGES = Path("/opt/packages")  # the environment that tests run in, as far as it can be used there
VENV = Path("/opt/built/venv")  # one that borrows them
SYSTEMD = Path("/lib/systemd/systemd")
HOMES = (Path("/root"), Path("/home"))  # closed to services
SECONDS = 240


@dataclass
class Box:
    """One such machine. `root` is its file tree, to read and write from outside."""

    home: Path
    binds: list[str]
    cgroup: str
    _first: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    @property
    def root(self) -> Path:
        return self.home / "root"

    def path(self, inside: str | Path) -> Path:
        """A path of the box as we see it."""
        return self.root / str(inside).lstrip("/")

    def boot(self) -> None:
        """Start systemd and wait until it is up."""
        unshare = ["unshare", "--mount", "--pid", "--uts", "--ipc", "--fork", "--kill-child"]
        boot = [ROOT / "tests" / "system" / "box" / "boot", self.root, self.cgroup, *self.binds]
        with (self.home / "boot.log").open("ab") as log:
            self._first = subprocess.Popen([*unshare, *boot], stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        try:
            until(lambda: self._process_1() and self.run("systemctl", "is-active", "-q", "basic.target", ok=None) == "")
        except AssertionError:
            pytest.fail(f"the box did not boot: {(self.home / 'boot.log').read_text()}")

    def cut_power(self) -> None:
        """Kill everything in it at once."""
        assert self._first
        self._first.kill()  # --kill-child: process 1 goes with it, and with that every other
        self._first.wait()
        self._first = None
        until(lambda: not _processes(self.cgroup))

    def run(self, *command: object, ok: int | None = 0, user: str = "root") -> str:
        """What a command inside says, stdout and stderr; ok: the exit code it must have; None: any, told if not 0."""
        process_1 = self._process_1()
        assert process_1
        become = [] if user == "root" else ["runuser", "-u", user, "--"]
        done = subprocess.run(
            ["nsenter", "-t", str(process_1), "-m", "-p", "-u", "-i", "-r", "-w", "--", *become, *map(str, command)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env={"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C.UTF-8"},
            timeout=300,
            check=False,
            text=True,
        )
        if ok is None:
            return f"{done.returncode} {done.stdout}" if done.returncode else done.stdout
        assert done.returncode == ok, f"{command} ended with {done.returncode}, not {ok}: {done.stdout}"
        return done.stdout

    def show(self, unit: str, name: str) -> str:
        """One property of a unit."""
        return self.run("systemctl", "show", "-P", name, unit).strip()

    def drop_in(self, unit: str, text: str, name: str = "test") -> None:
        """Change a unit as an operator would; without text, change it back."""
        path = self.path(f"/etc/systemd/system/{unit}.d/{name}.conf")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        self.run("systemctl", "daemon-reload")

    def _process_1(self) -> int | None:
        if self._first is None:
            return None
        children = Path(f"/proc/{self._first.pid}/task/{self._first.pid}/children").read_text().split()
        return int(children[0]) if children else None


def until(met: Callable[[], object], seconds: float = SECONDS) -> None:
    """Wait until it is so."""
    end = time.monotonic() + seconds
    while not met():
        assert time.monotonic() < end, f"waited {seconds} s"
        time.sleep(0.1)


@contextmanager
def systemd_box(home: Path) -> Iterator[Box]:
    """A booted box with this checkout in it, and in VENV an environment that runs it; or a skip that says why not."""
    if reason := _missing():
        pytest.skip(reason)
    box = Box(home, [f"{ROOT}:{CHECKOUT}", f"{sys.prefix}:{PACKAGES}"], f"forex-test-{os.getpid()}")
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2g", "tmpfs", home], check=True)
    try:
        _lay_out(box)
        box.boot()
        _build_venv(box)
        yield box
    finally:
        if box._first:
            box.cut_power()
        subprocess.run(["umount", "--recursive", "--lazy", home], check=True)
        for hierarchy in _cgroups(box.cgroup):
            for folder in sorted(hierarchy.rglob("*/"), reverse=True):
                folder.rmdir()
            hierarchy.rmdir()


def _missing() -> str:
    if os.geteuid():
        return "a real systemd needs root"
    if subprocess.run(["unshare", "--mount", "true"], capture_output=True, check=False).returncode:
        return "a real systemd needs to mount, which is not allowed here"
    if not SYSTEMD.exists():
        return f"there is no {SYSTEMD}: install the package systemd"
    if _python() is None:
        return f"services can't run {sys.executable}, and there is no other Python of its version"
    return ""


def _python() -> Path | None:
    """An interpreter of our version that services can read."""
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    ours = Path(sys.base_prefix, "bin", version).resolve()
    found = shutil.which(version, path="/usr/local/bin:/usr/bin")
    return ours if not ours.is_relative_to(HOMES[0]) and not ours.is_relative_to(HOMES[1]) else found and Path(found)


def _lay_out(box: Box) -> None:
    for name in ("root", "work", "changes"):
        (box.home / name).mkdir()
    options = f"lowerdir=/,upperdir={box.home / 'changes'},workdir={box.home / 'work'}"
    subprocess.run(["mount", "-t", "overlay", "overlay", "-o", options, box.root], check=True)
    tmpfiles = box.path("/etc/tmpfiles.d/tmp.conf")
    tmpfiles.parent.mkdir(exist_ok=True)
    tmpfiles.touch()  # or it would empty the machine's /tmp as it sees it, for long
    masked = box.path("/etc/systemd/system/modprobe@.service")
    masked.unlink(missing_ok=True)
    masked.symlink_to("/dev/null")
    box.path("/var/log/journal").mkdir(exist_ok=True)  # so that the journal outlives a power cut


def _build_venv(box: Box) -> None:
    box.run(_python(), "-m", "venv", "--without-pip", VENV)
    packages = Path("lib", f"python{sys.version_info.major}.{sys.version_info.minor}", "site-packages")
    paths = f"{CHECKOUT}/src\n{PACKAGES}/{packages}\n"
    box.path(VENV / packages / "checkout.pth").write_text(paths, encoding="utf-8")
    program = box.path(VENV / "bin" / "forex")
    program.write_text(f"#!{VENV}/bin/python\nfrom forex_cli.main import main\n\nmain()\n", encoding="utf-8")
    program.chmod(0o755)


def _cgroups(name: str) -> list[Path]:
    top = Path("/sys/fs/cgroup")
    return [folder for folder in (top / name, *top.glob(f"*/{name}")) if folder.is_dir()]


def _processes(cgroup: str) -> bool:
    return any(path.read_text().strip() for top in _cgroups(cgroup) for path in top.rglob("cgroup.procs"))
