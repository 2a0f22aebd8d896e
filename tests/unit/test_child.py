"""Heavy members speak from a child process, which ends with the block, and with its parent."""

import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pytest

from conftest import ROOT, series, walk
from forex_core.errors import ModelError
from forex_core.models import child
from forex_core.models.child import one_child
from forex_core.models.member import Heavy
from forex_core.values import LEVELS, QuantilePath, Series

HISTORY = series(walk([date(2020, 1, 1) + timedelta(n) for n in range(300)]))


@dataclass(frozen=True)
class Elsewhere(Heavy):
    """Says the number of the process that it speaks from, or comes to grief there."""

    grief: str = ""
    name: str = "elsewhere"
    revision: int = 1

    def forecast(self, history: Series, steps: int) -> QuantilePath:
        match self.grief:
            case "dies":
                os.kill(os.getpid(), signal.SIGKILL)
            case "hangs":
                time.sleep(60)
            case "refuses":
                raise ModelError("no, thank you")
            case "trips":
                raise ZeroDivisionError("by nothing")
        return QuantilePath(np.full((steps, len(LEVELS)), float(os.getpid())))


@dataclass(frozen=True)
class Light:
    name: str = "light"
    revision: int = 1

    def forecast(self, history: Series, steps: int) -> QuantilePath:
        return QuantilePath(np.full((steps, len(LEVELS)), float(os.getpid())))


def is_alive(process: int) -> bool:
    stat = Path(f"/proc/{process}/stat")
    return stat.exists() and stat.read_text().rsplit(")", 1)[1].split()[0] != "Z"


def test_heavy_members_share_one_child_and_light_ones_stay_here() -> None:
    with one_child() as ask:
        first, second = (int(ask(Elsewhere(), HISTORY, 3).rates[0, 0]) for _ in range(2))
        assert first == second != os.getpid() == int(ask(Light(), HISTORY, 3).rates[0, 0])
        assert is_alive(first)
    assert not is_alive(first)


def test_without_a_heavy_member_there_is_no_child(monkeypatch: pytest.MonkeyPatch) -> None:
    def never(self: object) -> None:
        raise AssertionError

    monkeypatch.setattr(child._Child, "_start", never)
    with one_child() as ask:
        assert len(ask(Light(), HISTORY, 3)) == 3


@pytest.mark.parametrize(
    ("grief", "why"),
    [
        ("refuses", "no, thank you"),
        ("trips", "elsewhere failed: by nothing"),
        ("dies", "elsewhere's process died or hung"),
    ],
)
def test_what_befalls_a_member_there_is_its_own_trouble_only(grief: str, why: str) -> None:
    with one_child() as ask:
        with pytest.raises(ModelError, match=f"^{why}$"):
            ask(Elsewhere(grief), HISTORY, 3)
        assert len(ask(Elsewhere(name="another"), HISTORY, 3)) == 3


def test_a_member_whose_process_died_is_not_asked_again() -> None:
    with one_child() as ask:
        for why in ("died or hung$", "died or hung before$"):
            with pytest.raises(ModelError, match=why):
                ask(Elsewhere("dies"), HISTORY, 3)


def test_when_a_member_hangs_then_it_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(child, "PATIENCE", 3.0)
    begun = time.monotonic()
    with one_child() as ask, pytest.raises(ModelError, match="died or hung"):
        ask(Elsewhere("hangs"), HISTORY, 3)
    assert time.monotonic() - begun < 20


def test_when_the_parent_is_killed_then_the_child_goes_too(tmp_path: Path) -> None:
    script = tmp_path / "parent.py"
    script.write_text(
        "import sys, time\n"
        f"sys.path[:0] = [{str(ROOT / 'tests')!r}, {str(ROOT / 'tests' / 'unit')!r}]\n"
        "from forex_core.models.child import one_child\n"
        "if __name__ == '__main__':\n"
        "    from test_child import HISTORY, Elsewhere\n"
        "    with one_child() as ask:\n"
        "        print(int(ask(Elsewhere(), HISTORY, 3).rates[0, 0]), flush=True)\n"
        "        time.sleep(60)\n"
    )
    with subprocess.Popen([sys.executable, script], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout
        process = int(parent.stdout.readline())
        assert is_alive(process)
        parent.kill()
    until = time.monotonic() + 10
    while is_alive(process) and time.monotonic() < until:
        time.sleep(0.05)
    assert not is_alive(process)
