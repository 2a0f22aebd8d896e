"""Every command and every Python example of the README is run, in a directory with a forex.toml and local servers.

What lasts minutes, asks a person or is named with more options beside it runs otherwise (INSTEAD), and the set-up is
.ci/run's (ELSEWHERE); whatever else is written as a command, in a block or within a sentence, is run as it stands.
"""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

import screenshots
from chronos_samples import bolt_config, bolt_tensors, safetensors
from conftest import ROOT, business_days, walk, write_csv
from forex_core.calendars import calendar, release_of
from forex_core.settings import names
from hub_server import running_hub
from rate_services import TOKEN, Table, running_services
from smtp_server import running_mail_server

README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(\w*)\n(.*?)^```", README, re.DOTALL | re.MULTILINE)
PROSE = re.sub(r"^```.*?^```", "", README, flags=re.DOTALL | re.MULTILINE)
PICTURES = ROOT / ".github" / "screenshots"
SHOWN = ("EURUSD ", "  sources ")  # how blocks begin that show something and are no commands
PANEL = next(command for command in re.findall(r"`(forex backtest --source ecb [^`]+)`", README))
INSTEAD = {
    "forex backtest": "forex backtest --from 2026-06-01",
    "forex backtest --pair EURUSD --from 2015-01-01": "forex backtest --pair EURUSD --from 2026-06-01 --html page.html"
    " --track --conformal",
    PANEL: "forex backtest --source ecb --pair EURUSD --pair USDMXN --from 2026-06-01",
    "forex config init": "forex config init --defaults --output made.toml",  # on a terminal: test_config_init.py
    "forex data import": "forex data import --pair USDPEN --decimal-comma --day-first sbs.csv",
    "forex train": "forex train linear",
    "forex dashboard": "forex dashboard && forex dashboard --plain",
    "forex track-record": "forex track-record --csv record.csv",
    "python scripts/mlflow_dashboard.py": "python scripts/mlflow_dashboard.py --limit 2",
    "forex backup verify ARCHIVE": "forex backup verify $(forex backup create)",
    "forex backup restore": "forex backup restore --yes",
    "forex --install-completion": "forex --install-completion; exit $?",  # so that bash is its shell
    "forex doctor": "forex doctor --fix || [ $? -eq 75 ]",  # its findings are this machine's: test_doctor.py
    "forex tune linear --minutes 10": "forex tune linear --trials 1 --pair EURUSD --from 2014-09-01"
    " --verdict-from 2026-06-01",
    "forex backtest --members mine,random_walk,empirical": "forex backtest --members random_walk --from 2026-06-01",
    "python tests/benchmarks/tracking_cost.py": "PYTHONPATH=tests/benchmarks python -c 'import tracking_cost'",
    "python tests/benchmarks/dashboard.py": "PYTHONPATH=tests/benchmarks python -c 'import dashboard'",
    "python tests/benchmarks/backup.py": "PYTHONPATH=tests/benchmarks python -c 'import backup'",
    "python tests/benchmarks/members_cost.py": "python tests/benchmarks/members_cost.py --help",
}
ELSEWHERE = {  # command: where it is run, and how that is written there
    "sudo deploy/install.sh --dry-run": ("tests/system/test_systemd_install.py", '"--dry-run"'),
    "sudo deploy/install.sh": ("tests/system/test_systemd_jobs.py", '"install.sh"'),
    "sudo -u forex forex doctor": ("tests/integration/test_doctor.py", '"doctor"'),
    "docker-compose --profile mlflow up -d mlflow-ui": ("tests/docker_engine.py", '"mlflow", "up", "-d", "mlflow-ui"'),
    "docker-compose --profile mlflow down": ("tests/docker_engine.py", '"--profile", "mlflow", "down"'),
    "docker-compose run --rm forecaster 7d": ("tests/docker_engine.py", '"run", "-T", "--rm", "forecaster"'),
    "deploy/update.sh": ("tests/system/test_docker_engine.py", '"deploy/update.sh"'),
    "scripts/quickstart": (".ci/run", 'scripts/quickstart" --light'),
    "scripts/screenshots": ("scripts/screenshots", "-m screenshots"),
    "scripts/test": (".ci/run", "\nscripts/test\n"),
    ". .venv/bin/activate": ("scripts/test", "PATH="),
    "forex train lstm": ("tests/integration/test_train.py", 'train(("lstm",)'),
    "pip install -c deploy/constraints.txt -e .": (
        "scripts/set-up",
        "pip install --constraint deploy/constraints.txt --editable",
    ),
}


def commands() -> list[str]:
    """Each once, in the order of the README."""
    lines = [line for kind, block in BLOCKS if not kind and not block.startswith(SHOWN) for line in block.splitlines()]
    spans = [" ".join(span.split()) for span in re.findall(r"`([^`]+)`", PROSE)]
    spans = [span for span in spans if re.match(r"(forex|python|pip|\.) |scripts/[\w-]+$", span)]
    return list(dict.fromkeys([line.split(" #")[0].strip() for line in lines] + spans))


def examples() -> list[str]:
    return [block for kind, block in BLOCKS if kind == "python"]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Where somebody works: a forex.toml that names local servers, files to import, and one run that was made."""
    folder = tmp_path_factory.mktemp("home")
    model = {
        "config.json": json.dumps(bolt_config()).encode(),
        "model.safetensors": safetensors(bolt_tensors(bolt_config())),
    }
    with ExitStack() as stack:
        rates = stack.enter_context(running_services(tables()))
        hub = stack.enter_context(running_hub({"amazon/chronos-bolt-small": model}))
        mail = stack.enter_context(running_mail_server())
        asked = [name for name in names() if name.endswith("_url") and name != "heartbeat_url"]
        urls = {name: rates.url(name.removesuffix("_url")) for name in asked} | {"hub_url": hub.address}
        lines = [f'{name} = "{url}"' for name, url in urls.items()]
        lines += [f'bcch_token = "{TOKEN}"', f'news_feeds = ["{rates.url("newspaper")}/diario"]']
        lines += ['smtp_host = "127.0.0.1"', f"smtp_port = {mail.port}", 'smtp_security = "none"']
        lines += ['mail_from = "a@example.org"', 'mail_to = ["b@example.org"]']
        (folder / "forex.toml").write_text("\n".join(lines), encoding="utf-8")
        (folder / "forex.toml").chmod(0o600)
        for name in ("scripts", "tests"):
            (folder / name).symlink_to(ROOT / name)
        for name in ("rates.csv", "FILE"):
            write_csv(folder / name, sorted(tables()["USDCLP"].items()))
        (folder / "sbs.csv").write_text("fecha;valor\n27-06-2024;3,81\n28-06-2024;3,83\n", encoding="utf-8")
        assert run("forex run 7d", folder).returncode == 0
        yield folder


def tables() -> dict[str, Table]:
    """The observado, the euro in dollars, and every driver by its code, as late as they are out."""
    now = datetime.now(UTC)
    newest = {
        pair: release_of(pair).newest_due(now, calendar(of)) for pair, of in (("USDCLP", "chile"), ("EURUSD", "ecb"))
    }
    days = business_days(date(2024, 1, 2), newest["EURUSD"], calendar("weekdays"))
    drivers = ("HG=F", "VIXCLS", "DGS10", "DFF", "DTWEXBGS", "DCOILWTICO", "tpm", "ipc", "imacec")
    return {code: dict(walk(days, start=5.0)) for code in drivers} | {
        "USDCLP": dict(walk(business_days(date(2016, 1, 4), newest["USDCLP"]))),
        "EURUSD": dict(walk(business_days(date(2026, 1, 2), newest["EURUSD"], calendar("ecb")), start=1.1)),
    }


def run(line: str, home: Path) -> subprocess.CompletedProcess[str]:
    """In bash, with nothing of the environment that starts the tests."""
    environ = {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}", "HOME": str(home), "LC_ALL": "C.UTF-8"}
    return subprocess.run(
        ["bash", "-c", line], cwd=home, env=environ, capture_output=True, text=True, timeout=120, check=False
    )


@pytest.mark.parametrize("line", [line for line in commands() if line not in ELSEWHERE])
def test_a_command_of_the_readme_does_what_it_should(line: str, home: Path) -> None:
    done = run(INSTEAD.get(line, line), home)
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("example", examples(), ids=range(len(examples())))
def test_an_example_of_the_readme_is_python_that_runs(example: str, home: Path) -> None:
    (home / "example.py").write_text(KNOWN + example, encoding="utf-8")
    done = run("python example.py", home)
    assert done.returncode == 0, done.stderr


KNOWN = """from dataclasses import dataclass
from typing import ClassVar
from forex_core.values import QuantilePath, Series
"""  # what the file of a member imports


@pytest.mark.parametrize("command", ELSEWHERE)
def test_what_is_run_elsewhere_is_run_there(command: str) -> None:
    path, how = ELSEWHERE[command]
    assert how in (ROOT / path).read_text(encoding="utf-8")


def test_no_exception_is_kept_for_a_command_that_is_gone() -> None:
    assert set(INSTEAD) | set(ELSEWHERE) <= set(commands())


def test_each_picture_is_there_and_small() -> None:
    pictures = set(re.findall(r"\.github/screenshots/[\w-]+\.png", README))
    assert {str(path.relative_to(ROOT)) for path in PICTURES.iterdir()} == pictures
    assert max((ROOT / picture).stat().st_size for picture in pictures) < 150_000


@pytest.mark.long
@pytest.mark.skipif(screenshots.CHROMIUM is None, reason="chromium is not installed")
def test_the_pictures_can_be_made(tmp_path: Path) -> None:
    screenshots.make(tmp_path, days=3)
    assert {path.name for path in tmp_path.iterdir()} == {path.name for path in PICTURES.iterdir()}
