"""The man page, written from the commands themselves: python -m forex_cli.manual > forex.1"""

import re
import sys
from collections.abc import Iterator
from typing import Any

import typer
from typer.main import get_command

from forex_cli.main import app
from forex_core import errors
from forex_core.settings import SYSTEM_CONFIG, names, table, variable_of

GIVEN = re.compile(r"^ *\w+ +(\d+) +(.+)$", re.MULTILINE)  # a line of the outline in errors.py
FILES = (
    ("forex.toml", "The settings, in the working directory or the nearest one above it."),
    (str(SYSTEM_CONFIG), "The settings where there is no such file."),
    (".env", "Environment variables of the working directory."),
    ("data/", "Rates, forecasts, reports and the MLflow store, beside forex.toml unless data_dir is set."),
)


def manual() -> str:
    """The page in the macros of man(7), in ASCII."""
    from forex_core.bootstrap import code_version

    forex = get_command(app)
    title, _, rest = (forex.help or "").partition("\n")
    release = code_version().partition("+")[0]  # the commit would make each page differ
    lines = [
        f'.TH FOREX 1 "" "forex {release}" "User Commands"',
        ".nh",  # a hyphen in an address would be copied with it
        ".ad l",
        *_section("NAME", f"forex \\- {_escaped(title)}"),
        *_section("SYNOPSIS", ".B forex", "[OPTIONS] COMMAND [ARGS]..."),
        *_section("DESCRIPTION", *_paragraphs(rest)),
        *_section("OPTIONS", *_parameters(forex, typer.Context(forex, info_name="forex"))),
        *_section("COMMANDS", *_commands(forex, typer.Context(forex, info_name="forex"))),
        *_section("EXIT STATUS", *_exit_status()),
        *_section("ENVIRONMENT", *_environment()),
        *_section("FILES", *(line for name, about in FILES for line in _tagged(name, about))),
    ]
    return "\n".join(lines) + "\n"


def _section(title: str, *lines: str) -> list[str]:
    return [f".SH {title}", *lines]


def _commands(group: Any, context: Any) -> Iterator[str]:
    """Each command with its help and options; a group's own are named in full."""
    for name, command in group.commands.items():
        here = typer.Context(command, info_name=name, parent=context)
        if hasattr(command, "commands"):
            yield from _commands(command, here)
            continue
        pieces = " ".join(command.collect_usage_pieces(here))
        yield f".SS {_escaped(here.command_path.removeprefix('forex '))} {_escaped(pieces)}"
        yield from _paragraphs(command.help or "")
        yield from _parameters(command, here)


def _parameters(command: Any, context: Any) -> Iterator[str]:
    for parameter in command.get_params(context):
        written, about = parameter.get_help_record(context)
        if about and parameter.name != "help":  # an argument without a help stands in the usage already
            yield from _tagged(written, about)


def _exit_status() -> Iterator[str]:
    yield from _tagged("0", "done, or there was nothing to do")
    meanings: dict[str, list[str]] = {}
    for code, about in GIVEN.findall(errors.__doc__ or ""):
        meanings.setdefault(code, []).append(about)
    for code, abouts in sorted(meanings.items(), key=lambda item: int(item[0])):
        yield from _tagged(code, "; or ".join(abouts))


def _environment() -> Iterator[str]:
    for name in names():
        field = table()[name]
        default = field.default if field.default not in (None, ()) else ""
        shown = ", ".join(default) if isinstance(default, tuple) else str(default)
        yield from _tagged(variable_of(name), field.metadata["about"] + (f" [default: {shown}]" if shown else ""))


def _tagged(tag: str, about: str) -> list[str]:
    return [".TP", f"\\fB{_escaped(tag)}\\fR", _escaped(" ".join(about.split()))]


def _paragraphs(text: str) -> Iterator[str]:
    for paragraph in re.split(r"\n\s*\n", text.strip()):
        yield ".PP"
        if paragraph.startswith(("Examples:", "First steps:")):
            yield from _examples(paragraph)
        else:
            yield _escaped(" ".join(paragraph.split()))


def _examples(paragraph: str) -> Iterator[str]:
    """Commands stand apart by four blanks or more, and each gets its own line."""
    title, _, commands = paragraph.partition(":")
    yield from (f"{title}:", ".nf")
    yield from (f"    {_escaped(command)}" for command in re.split(r"\s{4,}|\n\s*", commands.strip()))
    yield ".fi"


def _escaped(text: str) -> str:
    """Text that troff shows as it is: no escape, no hyphen for a minus, no request at the start of a line."""
    text = text.replace("\\", "\\e").replace("-", "\\-")
    text = "".join(one if one.isascii() else f"\\[u{ord(one):04X}]" for one in text)
    return f"\\&{text}" if text.startswith((".", "'")) else text


if __name__ == "__main__":
    sys.stdout.write(manual())
