"""A real Docker engine for tests, an image of this project in it, and a deployment in a directory of its own."""

import json
import os
import re
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from urllib.error import URLError
from urllib.request import Request, urlopen

import pytest

from conftest import ROOT, business_days, walk, write_csv

ENGINE = ROOT / "tests" / "system" / "engine" / "engine"
NEEDED = ("docker", "dockerd", "docker-compose", "debootstrap", "iptables", "ss", "chromium")
IMAGE = "forex-core:current"
CACHED = "forex-test:cached"  # the same image, whose layers the next session builds on
BUILD = ("--network", "host", "--build-arg", "BASE=forex-test-base")
OWNER = 12345  # of the data; nobody of this machine
UI = "http://localhost:5000"
RUNNING_UI = ("ps", "--quiet", "--filter", "name=^mlflow-ui$")


def docker(*args: object, check: bool = True) -> subprocess.CompletedProcess[str]:
    return _done(["docker", *map(str, args)], check, DOCKER_BUILDKIT="0")


def build(context: Path, *options: str, check: bool = True) -> subprocess.CompletedProcess[str]:
    """`docker build` of a checkout, on our base and with this machine's way to packages."""
    return docker(
        "build", "--force-rm", "--file", context / "deploy" / "Dockerfile", *BUILD, *options, context, check=check
    )


def _done(command: list[str], check: bool, cwd: Path | None = None, **environ: str) -> subprocess.CompletedProcess[str]:
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("FOREX_", "MLFLOW_"))}
    done = subprocess.run(
        command, cwd=cwd, env=clean | environ, capture_output=True, text=True, timeout=600, check=False
    )
    assert done.returncode == 0 or not check, (
        f"{command}: {done.returncode}\n{done.stdout[-3000:]}{done.stderr[-3000:]}"
    )
    return done


@contextmanager
def running_engine() -> Iterator[None]:
    """The engine with our image in it; a skip where there can be none, or where a deployment is at home."""
    missing = [name for name in NEEDED if shutil.which(name) is None]
    if missing or os.geteuid() != 0:
        pytest.skip(f"needs root; missing programs: {', '.join(missing) or 'none'}")
    theirs = docker("info", check=False).returncode == 0
    if theirs and (docker("image", "inspect", IMAGE, check=False).returncode == 0 or docker(*RUNNING_UI).stdout):
        pytest.skip(f"this engine has {IMAGE} or mlflow-ui already: a deployment, which tests would replace")
    _done([str(ENGINE), "start"], check=True)
    try:
        yield
    finally:
        docker("rm", "--force", "mlflow-ui", check=False)
        docker("rmi", *(f"forex-core:{tag}" for tag in ("current", "previous", "next")), check=False)
        if not theirs:
            _done([str(ENGINE), "stop"], check=True)


@dataclass(frozen=True)
class Deployment:
    """A checkout with what a deployment reads of it. data_dir: where FOREX_DATA_DIR points, if it is set."""

    folder: Path
    data_dir: Path | None = None

    @classmethod
    def made(cls, folder: Path, data_dir: Path | None = None) -> "Deployment":
        for name in ("docker-compose.yml", "pyproject.toml", ".dockerignore", "deploy/update.sh", "deploy/Dockerfile"):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, folder / name)
        write_csv(folder / "rates.csv", walk(business_days(date(2021, 1, 4), date(2024, 6, 28))))
        (folder / "data").mkdir()  # it comes with a clone
        made = cls(folder, data_dir)
        made.data.mkdir(exist_ok=True)
        os.chown(made.data, OWNER, OWNER)
        return made

    @property
    def data(self) -> Path:
        return self.data_dir or self.folder / "data"

    def run(self, *command: object, check: bool = True, **environ: str) -> subprocess.CompletedProcess[str]:
        """A command as an operator types it there."""
        told = {"PWD": str(self.folder), "FOREX_UID": str(OWNER), "FOREX_GID": str(OWNER), "DOCKER_BUILDKIT": "0"}
        if self.data_dir:
            told["FOREX_DATA_DIR"] = str(self.data_dir)
        return _done([str(part) for part in command], check, cwd=self.folder, **told | environ)

    def forecast(self, horizon: str, on: str = "2024-06-28") -> str:
        """One run in a container; its id."""
        asked = (horizon, "--source", "csv:rates.csv", "--as-of", on)
        said = self.run("docker-compose", "run", "-T", "--rm", "forecaster", *asked).stdout
        assert "Forecast completed successfully!" in said
        return re.findall(r"MLflow run: (\w{32})", said)[0]

    def up(self) -> None:
        """Start the UI, if need be, and wait until it answers."""
        self.run("docker-compose", "--profile", "mlflow", "up", "-d", "mlflow-ui")
        wait_for_ui()

    def down(self) -> None:
        self.run("docker-compose", "--profile", "mlflow", "down")


def wait_for_ui() -> None:
    for _ in range(240):
        try:
            urlopen(f"{UI}/health", timeout=2).close()
            return
        except (URLError, OSError):
            time.sleep(0.25)
    raise AssertionError("mlflow-ui does not answer:\n" + docker("logs", "mlflow-ui").stderr[-3000:])


def answer(path: str, body: object = None, method: str | None = None, **headers: str) -> tuple[int, bytes]:
    """Status and body of what the UI's server says; `body` is sent as JSON, bytes as they are."""
    data = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
    kind = "application/octet-stream" if isinstance(body, bytes) else "application/json"
    request = Request(f"{UI}/{path}", data, {"Content-Type": kind} | headers, method=method)
    try:
        with urlopen(request, timeout=30) as reply:
            return reply.status, reply.read()
    except URLError as error:
        return getattr(error, "code", 0), error.read() if hasattr(error, "read") else b""
