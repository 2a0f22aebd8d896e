"""The deployment in a real Docker engine: what the image holds, what the UI shows and refuses, how an update goes."""

import hashlib
import json
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PIL import Image

from conftest import ROOT
from docker_engine import BUILD, CACHED, IMAGE, UI, Deployment, answer, build, docker, running_engine, wait_for_ui

API = "api/2.0/mlflow"
BROWSER = ("chromium", "--headless", "--no-sandbox", "--disable-gpu", "--window-size=1400,1100")
HOSTS = ["localhost:5000", "127.0.0.1:5000", "localhost", "10.0.0.1", "10.0.0.1:5000", "evil.example"]


@pytest.fixture(scope="module", autouse=True)
def engine() -> Iterator[None]:
    with running_engine():
        build(ROOT, "--tag", IMAGE, "--tag", CACHED)
        yield


@pytest.fixture(scope="module")
def deployed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    """On the checkout's own ./data, with one run in it; the blank in the path is meant."""
    made = Deployment.made(tmp_path_factory.mktemp("docker") / "a checkout")
    made.forecast("7d")
    yield made
    made.down()


@pytest.fixture
def ui(deployed: Deployment) -> Deployment:
    """Its UI runs on from one test to the next."""
    deployed.up()
    return deployed


@pytest.fixture(scope="module")
def elsewhere(deployed: Deployment, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    """The data are not in the checkout; the other UI gives its port away."""
    folder = tmp_path_factory.mktemp("docker")
    made = Deployment.made(folder / "checkout", folder / "var lib forex")
    made.forecast("7d")
    deployed.down()
    made.up()
    yield made
    made.down()


def test_the_image_is_small_without_torch_and_has_one_mlflow_and_no_installer() -> None:
    assert int(docker("image", "inspect", "--format", "{{.Size}}", IMAGE).stdout) < 1.6e9
    found = "[importlib.util.find_spec(name) for name in ('torch', 'pip')]"
    asked = f"import importlib.util, mlflow, os; print(mlflow.__version__, os.getuid(), *{found})"
    said = docker("run", "--rm", "--entrypoint", "python", IMAGE, "-Wignore", "-c", asked).stdout.split()
    pinned = re.search(r"^mlflow==(.+)$", (ROOT / "deploy/constraints.txt").read_text(), re.MULTILINE)
    assert pinned and said == [pinned[1], "10001", "None", "None"]


def test_when_only_up_is_said_then_nothing_starts(deployed: Deployment) -> None:
    before = docker("ps", "--all", "--quiet").stdout
    deployed.run("docker-compose", "up", "--detach", check=False)
    assert docker("ps", "--all", "--quiet").stdout == before


def test_the_ui_is_reached_on_loopback_only(ui: Deployment) -> None:
    listening = subprocess.run(["ss", "-Hltn"], capture_output=True, text=True, check=True).stdout
    assert [line.split()[3] for line in listening.splitlines() if ":5000 " in line] == ["127.0.0.1:5000"]


def test_a_run_and_its_report_open_in_a_browser_and_a_new_run_appears(ui: Deployment, tmp_path: Path) -> None:
    first = _runs()["forecaster_7d"][-1]
    page = f"#/experiments/{first['experiment_id']}/runs"
    assert _soon(lambda: first["run_name"] in _dom(page, tmp_path))

    status, report = answer(f"get-artifact?run_id={first['run_id']}&path=reports/7d.html")
    warnpaper = re.search(rb"--warnpaper:#(\w{6})", report)
    assert status == 200 and warnpaper
    opened, banner = f"{page}/{first['run_id']}/artifacts/reports/7d.html", warnpaper[1].decode()
    assert _soon(lambda: _pixels(opened, banner, tmp_path) > 5000)

    new = ui.forecast("15d")  # the snapshot is replaced, the UI runs on
    shown = _runs()["forecaster_15d"][-1]
    assert shown["run_id"] == new
    assert _soon(lambda: shown["run_name"] in _dom(f"#/experiments/{shown['experiment_id']}/runs", tmp_path))


@pytest.mark.fault(43)
def test_when_someone_deletes_or_uploads_then_it_is_refused_under_every_host_name(ui: Deployment) -> None:
    before, runs = _tree(ui.data), _runs()
    run = runs["forecaster_7d"][-1]["run_id"]
    writes: list[tuple[str, object, str]] = [
        (f"{API}/runs/delete", {"run_id": run}, "POST"),
        (f"{API}/experiments/delete", {"experiment_id": runs["forecaster_7d"][-1]["experiment_id"]}, "POST"),
        (f"{API}/experiments/create", {"name": "intruder"}, "POST"),
        (f"{API}/runs/log-metric", {"run_id": run, "key": "7d_rmse", "value": 0, "timestamp": 1}, "POST"),
        (f"ajax-{API}/upload-artifact?run_uuid={run}&path=intruder.html", b"<script>", "POST"),
        (f"{API}-artifacts/artifacts/intruder.html", b"<script>", "PUT"),
    ]
    answers = {
        (path, name): answer(path, body, method, Host=name)[0] for path, body, method in writes for name in HOSTS
    }
    assert {ask: status for ask, status in answers.items() if status < 400} == {}
    cross_site = answer(f"{API}/experiments/search", {"max_results": 1}, Origin="https://evil.example")
    assert cross_site[0] == 403
    assert _runs() == runs
    assert _tree(ui.data) == before


def test_the_ui_is_fenced_in_and_small(ui: Deployment) -> None:
    _dom("", ui.folder)
    inside = docker("top", "mlflow-ui", "-o", "pid,uid").stdout.split()[2:]
    processes, owners = inside[::2], set(inside[1::2])
    assert owners == {str(ui.data.stat().st_uid)}
    used = [_kilobytes(Path("/proc", pid, "smaps_rollup").read_text(), "Pss") for pid in processes]
    assert 100_000 < sum(used) < 600_000
    for path in (ui.data / "public" / "x", ui.data / "mlflow" / "mlruns" / "x", Path("/opt/forex/x"), Path("/x")):
        refused = docker("exec", "mlflow-ui", "touch", path, check=False)
        assert "Read-only file system" in refused.stderr
    assert docker("exec", "mlflow-ui", "ls", ui.data / "mlflow", "/data").stdout.split().count("mlflow.db") == 0
    status = Path("/proc", processes[0], "status").read_text()
    assert {line for line in status.splitlines() if line.startswith(("CapEff", "NoNewPrivs"))} == {
        "CapEff:\t0000000000000000",
        "NoNewPrivs:\t1",
    }


def test_when_there_are_no_data_yet_then_no_directory_of_roots_is_made(tmp_path: Path) -> None:
    made = Deployment.made(tmp_path / "checkout")
    refused = made.run("docker-compose", "--profile", "mlflow", "up", "-d", "mlflow-ui", check=False)
    made.run("docker-compose", "--profile", "mlflow", "down")
    assert refused.returncode != 0
    assert f"path does not exist: {made.data}/" in refused.stderr
    assert list(made.data.iterdir()) == []


@pytest.mark.fault(45)
@pytest.mark.parametrize("tampered", ["flipped", "missing"])
def test_when_a_hash_is_wrong_or_missing_then_nothing_is_installed(tampered: str, tmp_path: Path) -> None:
    shutil.copytree(ROOT / "deploy", tmp_path / "deploy")
    lock = tmp_path / "deploy" / "requirements.lock"
    first, rest = re.split(r"(?m)(?<=\w{64}\n)(?=\w)", lock.read_text(), maxsplit=1)
    flip = str.maketrans("0123456789abcdef", "123456789abcdef0")
    wrong = re.sub(r"(?<=sha256:)\w{64}", lambda found: found[0].translate(flip), first)
    lock.write_text((wrong if tampered == "flipped" else re.sub(r" \\\n.*", "", first)) + rest)
    refused = build(tmp_path, check=False)
    said = {"flipped": "DO NOT MATCH THE HASHES", "missing": "Hashes are required in --require-hashes mode"}
    assert refused.returncode != 0
    assert said[tampered] in refused.stdout + refused.stderr
    assert "Successfully installed" not in refused.stdout


def test_when_an_update_is_only_tried_then_its_steps_are_told_and_nothing_is_done(ui: Deployment) -> None:
    before, images = _tree(ui.data), docker("images", "--quiet", "--no-trunc").stdout
    told = ui.run("deploy/update.sh", "--dry-run", *BUILD).stderr
    steps = [
        "backup create",
        "docker build",
        "stop mlflow-ui",
        "docker tag forex-core:next",
        "forecaster upgrade --json",
        "status",
        "up -d",
        "answers",
    ]
    assert [told.index(step) for step in steps] == sorted(told.index(step) for step in steps)
    assert _tree(ui.data) == before
    assert docker("images", "--quiet", "--no-trunc").stdout == images


def test_when_the_data_lie_elsewhere_then_a_variable_says_so_and_artifacts_open(elsewhere: Deployment) -> None:
    run = _runs()["forecaster_7d"][-1]["run_id"]
    assert answer(f"get-artifact?run_id={run}&path=reports/7d.html")[0] == 200
    assert list((elsewhere.folder / "data").iterdir()) == []


def test_an_update_backs_up_and_changes_over_and_a_broken_one_is_taken_back(
    elsewhere: Deployment, tmp_path: Path
) -> None:
    first = _image()
    sound, broken = tmp_path / "sound", tmp_path / "broken"
    sound.write_text(f"FROM {IMAGE}\nLABEL of=later\n")
    broken.write_text(f"FROM {IMAGE}\nUSER 0\nRUN rm /opt/forex/bin/mlflow\n")

    elsewhere.run("deploy/update.sh", "--file", sound)
    second = _image()
    assert second != first == _image("forex-core:previous")
    assert len(list((elsewhere.data / "backups").glob("forex-*.tar.gz"))) == 1
    wait_for_ui()

    failed = elsewhere.run("deploy/update.sh", "--file", broken, check=False)
    assert failed.returncode == 1
    assert "The update failed" in failed.stderr
    assert _image() == second
    wait_for_ui()
    assert docker("inspect", "--format", "{{.Image}}", "mlflow-ui").stdout.strip() == second


def _image(tag: str = IMAGE) -> str:
    return docker("image", "inspect", "--format", "{{.Id}}", tag).stdout.strip()


def _runs() -> dict[str, list[dict[str, str]]]:
    """Each experiment's runs as the UI's server tells them, the newest last."""
    found: dict[str, list[dict[str, str]]] = {}
    for one in json.loads(answer(f"{API}/experiments/search", {"max_results": 50})[1])["experiments"]:
        query = {"experiment_ids": [one["experiment_id"]], "order_by": ["attributes.start_time"], "max_results": 50}
        runs = json.loads(answer(f"{API}/runs/search", query)[1]).get("runs", [])
        found[one["name"]] = [run["info"] for run in runs]
    return found


def _browse(page: str, home: Path, *options: str) -> str:
    """What Chromium prints once the page has stood for some seconds."""
    command = [*BROWSER, f"--user-data-dir={home / 'profile'}", "--virtual-time-budget=40000", *options, f"{UI}/{page}"]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=True).stdout


def _soon(seen: Callable[[], bool]) -> bool:
    """A page may be looked at too early on a slow machine."""
    return any(seen() for _ in range(8))


def _dom(page: str, home: Path) -> str:
    return _browse(page, home, "--dump-dom")


def _pixels(page: str, colour: str, home: Path) -> int:
    """How many points of a screenshot have this colour."""
    picture = home / "screenshot.png"
    _browse(page, home, f"--screenshot={picture}")
    with Image.open(picture) as seen:
        counted = seen.convert("RGB").getcolors(maxcolors=2**24) or []
    return sum(number for number, of in counted if of == tuple(bytes.fromhex(colour)))


def _kilobytes(text: str, name: str) -> int:
    found = re.search(rf"^{name}:\s+(\d+) kB", text, re.MULTILINE)
    return int(found[1]) if found else 0


def _tree(folder: Path) -> str:
    """A hash over every name, owner, mode and byte below a folder."""
    whole = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        about = path.lstat()
        whole.update(f"{path.relative_to(folder)} {about.st_mode} {about.st_uid} {about.st_mtime_ns}\n".encode())
        if path.is_file():
            whole.update(path.read_bytes())
    return whole.hexdigest()
