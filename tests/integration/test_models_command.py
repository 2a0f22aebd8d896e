"""forex models against a local hub: what it prints, and what it ends with."""

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from chronos_samples import bolt_config, bolt_tensors, safetensors
from conftest import forex
from hub_server import Hub, running_hub

ID = "amazon/chronos-bolt-tiny"
FILES = {
    "config.json": json.dumps(bolt_config()).encode(),
    "model.safetensors": safetensors(bolt_tensors(bolt_config())),
    "README.md": b"# read me",
}


@pytest.fixture
def hub() -> Iterator[Hub]:
    with running_hub({ID: dict(FILES), "amazon/old": {"config.json": FILES["config.json"], "model.bin": b"?"}}) as hub:
        yield hub


def models(hub: Hub, data_dir: Path, *args: str, **environ: str) -> subprocess.CompletedProcess[str]:
    return forex("models", *args, data_dir=data_dir, FOREX_HUB_URL=hub.address, **environ)


def test_a_model_is_fetched_and_the_answer_says_what_to_set(hub: Hub, data_dir: Path) -> None:
    done = models(hub, data_dir, "fetch", ID)
    assert (done.returncode, done.stderr) == (0, "")
    assert f"{ID}@{hub.commit}: 0.1 MB in {data_dir}/models/hub" in done.stdout
    assert f'To use it:  chronos_model = "{ID}@{hub.commit}"' in done.stdout


def test_once_fetched_and_set_it_is_the_one_in_use(hub: Hub, data_dir: Path) -> None:
    fetched = json.loads(models(hub, data_dir, "fetch", ID, "--json").stdout)
    assert (fetched["schema"], fetched["command"], fetched["model"]) == (1, "models fetch", f"{ID}@{hub.commit}")
    assert fetched["files"].keys() == {"config.json", "model.safetensors"}
    listed = json.loads(models(hub, data_dir, "list", "--json", FOREX_CHRONOS_MODEL=fetched["model"]).stdout)
    assert {row["model"]: row["used"] for row in listed["models"]} == {"mini": False, fetched["model"]: True}
    assert listed["notice"] is None
    shown = models(hub, data_dir, "list", FOREX_CHRONOS_MODEL=fetched["model"]).stdout
    assert f"* {ID}@{hub.commit}" in shown
    assert max(map(len, shown.splitlines())) <= 80


def test_before_it_is_fetched_the_list_says_that_mini_speaks(hub: Hub, data_dir: Path) -> None:
    wanted = f"{ID}@{hub.commit}"
    done = models(hub, data_dir, "list", FOREX_CHRONOS_MODEL=wanted)
    assert done.returncode == 0
    assert done.stdout.startswith("* mini ")
    assert f"! chronos speaks with the embedded model mini: {wanted} is not on this machine" in done.stdout
    assert not data_dir.exists()


def test_a_dry_run_lists_the_files_and_downloads_none(hub: Hub, data_dir: Path) -> None:
    done = models(hub, data_dir, "fetch", ID, "--dry-run", "--json")
    assert json.loads(done.stdout)["files"] == {name: len(FILES[name]) for name in ("config.json", "model.safetensors")}
    assert hub.downloads() == []
    assert not data_dir.exists()
    assert "model.safetensors" in models(hub, data_dir, "fetch", ID, "--dry-run").stdout


@pytest.mark.parametrize(
    ("args", "code", "why"),
    [
        (["amazon/old"], 70, "only pickled weights"),
        (["amazon/none"], 2, "HTTP 401"),
        ([ID, "--revision", "v9"], 2, f"the hub has no {ID}@v9"),
        (["a model"], 2, "names no model of a hub"),
    ],
)
def test_what_can_not_be_fetched_is_one_line_and_an_exit_code(
    hub: Hub, data_dir: Path, args: list[str], code: int, why: str
) -> None:
    done = models(hub, data_dir, "fetch", *args)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (code, "", 1)
    assert why in done.stderr
    said = json.loads(models(hub, data_dir, "fetch", *args, "--json").stderr)
    assert said["error"]["exit_code"] == code


def test_when_the_hub_changes_a_file_then_the_exit_code_is_that_of_bad_data(hub: Hub, data_dir: Path) -> None:
    hub.flips = True
    done = models(hub, data_dir, "fetch", ID)
    assert done.returncode == 65
    assert "model.safetensors arrived with another sha256" in done.stderr


def test_when_no_hub_answers_then_it_says_so_once(data_dir: Path) -> None:
    done = forex("models", "fetch", ID, data_dir=data_dir, FOREX_HUB_URL="http://127.0.0.1:9")
    assert done.returncode == 69
    assert done.stderr.startswith(f"error: the hub (127.0.0.1:9) did not give {ID}")
    assert done.stderr.count("\n") == 1
