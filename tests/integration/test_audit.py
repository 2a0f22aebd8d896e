"""`forex audit leakage` from end to end: clean on what is stored, without a trace, and 65 where the future leaks in."""

import json
import sys
from pathlib import Path

import pytest

from conftest import command, forex

# the real command, with a member beside the others that keeps what it was shown of the future
PLANTED = """
import sys
from dataclasses import dataclass
from typing import ClassVar
import numpy as np
from forex_core.models import table
from forex_core.models.random_walk import RandomWalk
from forex_core.values import QuantilePath

longest = [0.0, 0]

@dataclass(frozen=True)
class Peeking(RandomWalk):
    name: ClassVar[str] = "peeking"

    def forecast(self, history, steps):
        longest[:] = max(longest, [history.last, len(history)], key=lambda seen: seen[1])
        return QuantilePath(super().forecast(history, steps).rates * longest[0] / history.last)

table.MEMBERS["peeking"] = Peeking()
from forex_cli.main import main
sys.argv = ["forex", *sys.argv[1:]]
main()
"""


def test_the_real_history_is_clean_and_nothing_is_written(tmp_path: Path) -> None:
    done = forex("audit", "leakage", "--pair", "EURUSD", "--source", "ecb", data_dir=tmp_path / "data")
    assert (done.returncode, done.stderr) == (0, "")
    assert "EURUSD: nothing knows the future at 5 origins" in done.stdout
    assert "random_walk: the same 5 times" in done.stdout
    assert max(map(len, done.stdout.splitlines())) <= 80
    assert not (tmp_path / "data").exists()


def test_the_answer_in_json(tmp_path: Path) -> None:
    arguments = ("--pair", "EURUSD", "--pair", "USDBRL", "--source", "ecb", "--members", "empirical", "--json")
    done = forex("audit", "leakage", *arguments, data_dir=tmp_path / "data")
    assert (done.returncode, done.stderr) == (0, "")
    answer = json.loads(done.stdout)
    assert {key: answer[key] for key in ("schema", "command")} == {"schema": 1, "command": "audit leakage"}
    assert [one["pair"] for one in answer["pairs"]] == ["EURUSD", "USDBRL"]
    for one in answer["pairs"]:
        assert one["members"] == {"empirical": len(one["origins"])}
        assert "Volatility" in one["features"]
        assert one["leaks"] == []


@pytest.mark.parametrize("as_json", [False, True])
def test_a_member_that_peeks_is_named_and_the_exit_code_is_that_of_bad_data(tmp_path: Path, as_json: bool) -> None:
    arguments = ["--pair", "EURUSD", "--source", "ecb", "--members", "random_walk,peeking", *["--json"] * as_json]
    done = command(sys.executable, "-c", PLANTED, "audit", "leakage", *arguments, data_dir=tmp_path / "data")
    assert (done.returncode, done.stdout) == (65, "")
    message = json.loads(done.stderr)["error"]["message"] if as_json else done.stderr
    assert "EURUSD: member peeking at" in message
    assert "random_walk" not in message


def test_without_stored_rates_it_says_how_to_get_some(tmp_path: Path) -> None:
    done = forex("audit", "leakage", data_dir=tmp_path / "data")
    assert done.returncode == 65
    assert "forex data fetch" in done.stderr
