"""The man page says what the commands say, and the shells complete them."""

import os
import re
import subprocess

import pytest

from conftest import FOREX
from forex_cli.manual import _escaped, manual
from forex_core.errors import ForexError
from forex_core.settings import names, variable_of


@pytest.fixture(scope="module")
def page() -> str:
    return manual()


def section(page: str, title: str) -> str:
    return re.split(r"^\.SH ", page.partition(f".SH {title}\n")[2], flags=re.MULTILINE)[0].replace("\\-", "-")


def test_every_command_and_its_options_are_in_the_page(page: str) -> None:
    commands = section(page, "COMMANDS")
    told = re.findall(r"^\.SS ([a-z -]+?) \[", commands, re.MULTILINE)
    assert {"run", "demo", "status", "track-record", "data check", "config show", "config init"} <= set(told)
    init = commands.partition(".SS config init")[2].partition(".SS ")[0]
    assert ".TP\n\\fB--defaults\\fR\nAsk nothing; take every default." in init
    assert "\n    forex config init\n" in init
    assert "--help" not in commands
    assert "--config" in section(page, "OPTIONS")


def test_every_way_to_end_is_in_the_page(page: str) -> None:
    def family(error: type[ForexError]) -> list[type[ForexError]]:
        return [error, *(one for child in error.__subclasses__() for one in family(child))]

    told = re.findall(r"^\\fB(\d+)\\fR$", section(page, "EXIT STATUS"), re.MULTILINE)
    codes = {one.exit_code for one in family(ForexError) if one.__module__ == ForexError.__module__}
    assert told == [str(code) for code in sorted({0} | codes)]


def test_every_variable_and_every_file_are_in_the_page(page: str) -> None:
    told = re.findall(r"^\\fB(\w+)\\fR$", section(page, "ENVIRONMENT"), re.MULTILINE)
    assert told == [variable_of(name) for name in names()]
    files = re.findall(r"^\\fB(.+)\\fR$", section(page, "FILES"), re.MULTILINE)
    assert files == ["forex.toml", "/etc/forex/forex.toml", "\\&.env", "data/"]


def test_the_page_is_troff_that_begins_with_its_name(page: str) -> None:
    assert page.isascii()
    assert page.startswith('.TH FOREX 1 "" "forex ')
    assert [line for line in page.splitlines() if line.startswith(".SH")][:3] == [
        ".SH NAME",
        ".SH SYNOPSIS",
        ".SH DESCRIPTION",
    ]
    requests = {line.split()[0] for line in page.splitlines() if line.startswith((".", "'"))}
    assert requests == {".TH", ".SH", ".SS", ".TP", ".PP", ".B", ".nf", ".fi", ".nh", ".ad"}
    assert not re.search(r"\n\s*\n", page)  # which troff would show as a blank line


def test_text_that_troff_would_obey_is_shown_as_it_is() -> None:
    assert _escaped(".env") == "\\&.env"
    assert _escaped("'tis") == "\\&'tis"
    assert _escaped("a\\b --c ½") == "a\\eb \\-\\-c \\[u00BD]"


@pytest.mark.parametrize(
    ("words", "expected"), [("forex ru", "run"), ("forex config in", "init"), ("forex run --sk", "--skip-email")]
)
@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_shells_complete_commands_and_options(shell: str, words: str, expected: str) -> None:
    asked = {
        "_FOREX_COMPLETE": f"complete_{shell}",
        "COMP_WORDS": words,
        "COMP_CWORD": str(words.count(" ")),
        "_TYPER_COMPLETE_ARGS": words,
        "_TYPER_COMPLETE_FISH_ACTION": "get-args",
        "_TYPER_COMPLETE_WORD_TO_COMPLETE": words.rpartition(" ")[2],
    }
    done = subprocess.run([FOREX], env=os.environ | asked, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    offered = re.findall(r"[\w-]{3,}", done.stdout.replace("\\", ""))
    assert expected in offered
    assert "demo" not in offered and "--dry-run" not in offered
