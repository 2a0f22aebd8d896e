"""What docker-compose.yml, the Dockerfile and the lock must say, held without an engine."""

import re
import tomllib
from typing import Any

import pytest
import yaml
from packaging.markers import default_environment
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from conftest import ROOT
from forex_core.horizons import HORIZONS

COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))
SERVICES: dict[str, Any] = COMPOSE["services"]
UI = SERVICES["mlflow-ui"]
DOCKERFILE = (ROOT / "deploy" / "Dockerfile").read_text(encoding="utf-8")
LOCK = (ROOT / "deploy" / "requirements.lock").read_text(encoding="utf-8")
CONSTRAINTS = (ROOT / "deploy" / "constraints.txt").read_text(encoding="utf-8")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def pins(text: str) -> dict[str, str]:
    """The version by name in a file of `name==version` lines."""
    found = re.findall(r"^([\w.-]+)==(\S+)", text, re.MULTILINE)
    return {canonicalize_name(name): version for name, version in found}


@pytest.mark.parametrize("name", SERVICES)
def test_every_service_is_fenced_in_and_starts_only_when_named(name: str) -> None:
    service = SERVICES[name]
    assert service["profiles"]
    assert service["image"] == "forex-core:current"
    assert service["user"] == "${FOREX_UID:-1000}:${FOREX_GID:-1000}"
    assert service["read_only"] is True
    assert service["tmpfs"] == ["/tmp:rw,noexec,nosuid,nodev,size=64m"]
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["init"] is True
    assert service["restart"] == "no"
    assert service["logging"] == {"driver": "local", "options": {"max-size": "10m", "max-file": "3"}}
    assert {"mem_limit", "cpus", "pids_limit", "stop_grace_period"} <= service.keys()
    assert not {"privileged", "cap_add", "devices", "network_mode", "pid", "ipc", "env_file"} & service.keys()
    assert "docker.sock" not in str(service["volumes"])


def test_the_ui_is_the_one_of_the_contract() -> None:
    assert UI["container_name"] == "mlflow-ui"
    assert UI["profiles"] == ["mlflow"]
    assert UI["ports"] == ["127.0.0.1:5000:5000"]
    assert UI["mem_limit"] == "600m"
    assert UI["pids_limit"] == 128
    assert UI["stop_grace_period"] == "15s"
    assert "/health" in str(UI["healthcheck"]["test"])
    times = {key: UI["healthcheck"][key] for key in ("interval", "timeout", "retries", "start_period")}
    assert times == {"interval": "30s", "timeout": "5s", "retries": 3, "start_period": "40s"}
    assert UI["environment"]["MLFLOW_SERVER_ENABLE_JOB_EXECUTION"] == "false"
    assert UI["environment"]["MLFLOW_DISABLE_TELEMETRY"] == "true"
    assert UI["environment"]["MLFLOW_SQLALCHEMYSTORE_POOLCLASS"] == "NullPool"
    allowed = "--allowed-hosts=localhost:5000,127.0.0.1:5000"
    assert {"--workers=1", "--no-serve-artifacts", allowed} <= set(UI["command"])


def test_the_ui_sees_the_published_copy_and_the_artifacts_read_only_and_nothing_else() -> None:
    assert all(volume["read_only"] for volume in UI["volumes"])
    seen = {(volume["source"], volume["target"]) for volume in UI["volumes"]}
    folders, roots = ("/public", "/mlflow/mlruns"), ("${PWD}/data", "${FOREX_DATA_DIR:-/data}")
    assert seen == {("${FOREX_DATA_DIR:-./data}" + folder, root + folder) for folder in folders for root in roots}
    assert "--backend-store-uri=sqlite:///${FOREX_DATA_DIR:-/data}/public/mlflow.db" in UI["command"]


def test_the_ui_reaches_nothing_outside() -> None:
    assert UI["networks"] == ["inward"]
    options = COMPOSE["networks"]["inward"]["driver_opts"]
    assert options == {"com.docker.network.bridge.enable_ip_masquerade": "false"}


def test_a_forecaster_may_write_its_data_only() -> None:
    forecaster = SERVICES["forecaster"]
    assert forecaster["entrypoint"] == ["forex", "run"]
    writable = [volume["target"] for volume in forecaster["volumes"] if not volume.get("read_only")]
    assert writable == ["${PWD}/data", "${FOREX_DATA_DIR:-/data}"]
    assert forecaster["environment"] == ["FOREX_DATA_DIR"]
    assert not {key for key in HORIZONS if key in str(forecaster)}


def test_every_service_has_the_same_image_built_in_the_same_way() -> None:
    assert {str(service["build"]) for service in SERVICES.values()} == {
        str({"context": ".", "dockerfile": "deploy/Dockerfile"})
    }


def test_no_default_holds_another_variable() -> None:
    """docker-compose 1.29 would take `${A:-${B}}` by its letters."""
    assert re.findall(r"\$\{[^}]*\$", (ROOT / "docker-compose.yml").read_text(encoding="utf-8")) == []


def test_the_image_has_an_exact_base_no_root_and_no_torch_unless_asked_for() -> None:
    stages = re.findall(r"^(?:ARG|FROM|USER) .*$", DOCKERFILE, re.MULTILINE)
    assert stages[0] == "ARG BASE=python:3.11-slim-bookworm"
    assert "ARG WITH_TORCH=0" in stages
    bases = [line.split()[1] for line in stages if line.startswith("FROM")]
    assert set(bases) == {"${BASE}", "libraries"} and bases[-1] == "${BASE}"
    assert stages[-1] == "USER 10001:10001"
    assert "--require-hashes --only-binary :all: --requirement deploy/requirements.lock" in DOCKERFILE
    assert f"torch=={pins(CONSTRAINTS)['torch']}" in DOCKERFILE


def test_what_is_copied_into_an_image_is_told_to_docker_and_nothing_else_is() -> None:
    let_through = re.findall(r"^!(.+)$", (ROOT / ".dockerignore").read_text(encoding="utf-8"), re.MULTILINE)
    copied = re.findall(r"^COPY (?!--from)(.+) \S+$", DOCKERFILE, re.MULTILINE)
    assert sorted(let_through) == sorted(" ".join(copied).split())


def test_every_package_of_the_lock_has_its_hash_and_the_version_of_the_constraints() -> None:
    blocks = [block for block in re.split(r"\n(?=\w)", LOCK) if "==" in block]
    assert len(blocks) == len(pins(LOCK)) > 100
    assert [block for block in blocks if "--hash=sha256:" not in block] == []
    constrained, elsewhere = pins(CONSTRAINTS), {"sys_platform": "linux", "platform_machine": "x86_64"}
    ours = {line.rstrip(" \\") for line in LOCK.splitlines() if "==" in line}
    needed = [Requirement(line) for line in ours]
    here = [one for one in needed if not one.marker or one.marker.evaluate(default_environment() | elsewhere)]
    assert {one.name: str(one.specifier) for one in here} == {one.name: f"=={constrained[one.name]}" for one in here}


def test_the_lock_has_what_the_project_needs_and_names_no_host_and_no_torch() -> None:
    wanted = PROJECT["dependencies"] + PROJECT["optional-dependencies"]["notify"] + ["setuptools"]
    locked = pins(LOCK)
    missing = [one for one in map(Requirement, wanted) if not one.specifier.contains(locked.get(_key(one), "0"))]
    assert missing == []
    assert "://" not in LOCK
    assert "torch" not in locked


def _key(requirement: Requirement) -> str:
    return canonicalize_name(requirement.name)
