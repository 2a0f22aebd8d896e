"""What every command shares: the options before its name, settings, logs, and errors turned into exit codes."""

import json
import os
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from forex_core.errors import CannotWrite, ForexError, SettingsError
from forex_core.settings import Settings


@dataclass(frozen=True)
class Session:
    """The options before the command's name."""

    config: Path | None
    debug: bool

    def settings(self, **flags: object) -> Settings:
        """The settings, with these flags on top."""
        try:
            return Settings.load(flags, os.environ, Path.cwd(), self.config)
        except OSError as error:
            raise SettingsError(f"the working directory can't be used: {error}", hint="cd to another one") from error


def begin(
    context: typer.Context,
    config: Annotated[Path | None, typer.Option(help="Read this forex.toml instead of the nearest one.")] = None,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Say what is being done.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Say only what went wrong.")] = False,
    debug: Annotated[bool, typer.Option(help="Show the traceback of an error.")] = False,
    version: Annotated[bool, typer.Option("--version", help="Show the version and end.")] = False,
) -> None:
    """Set up the log and keep the options that hold for every command."""
    if version:
        from forex_core.bootstrap import code_version

        typer.echo(f"forex {code_version()} (Python {sys.version.split()[0]})")
        raise typer.Exit
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())
        raise typer.Exit(2)
    _log_to_stderr("DEBUG" if debug else "INFO" if verbose else "ERROR" if quiet else "WARNING")
    context.obj = Session(config, debug)


def _log_to_stderr(level: str) -> None:
    # diagnose would print variables, and so secrets, into tracebacks
    form = {"level": level, "format": "{level.name: <7} {message}", "diagnose": False, "backtrace": False}
    if loguru := sys.modules.get("loguru"):
        loguru.logger.remove()
        loguru.logger.add(sys.stderr, **form)
    else:  # what only reads needs no log, and no time for its import; whoever imports it gets it so
        os.environ.update({f"LOGURU_{name.upper()}": str(value) for name, value in form.items()})


def session(context: typer.Context) -> Session:
    """The options that were given before the command."""
    found: Session = context.obj
    return found


@contextmanager
def errors_as_exit_codes(context: typer.Context, *, as_json: bool = False) -> Iterator[None]:
    """Expected errors are one line (or one JSON object) on stderr and their exit code; bugs keep their traceback."""
    try:
        yield
        if sys.stdout:
            sys.stdout.flush()
    except BrokenPipeError:
        raise  # whoever read us has enough; Typer ends quietly
    except OSError as error:
        # what is still buffered would fail again while Python ends, and hide the exit code
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        _end(context, CannotWrite(f"the answer could not be written: {error.strerror}"), as_json=as_json)
    except ForexError as error:
        _end(context, error, as_json=as_json)


def _end(context: typer.Context, error: ForexError, *, as_json: bool) -> NoReturn:
    if session(context).debug:
        traceback.print_exc()
    say_error(error, as_json=as_json)
    raise typer.Exit(error.exit_code) from error


def say_error(error: ForexError, *, as_json: bool) -> None:
    """Write an error to stderr."""
    if as_json:
        described = {
            "code": error.code,
            "exit_code": error.exit_code,
            "message": error.message,
            "hint": error.hint,
            "untouched": error.untouched,
        }
        typer.echo(json.dumps({"schema": 1, "error": described}), err=True)
    else:
        typer.echo(f"error: {error}", err=True)


def print_json(content: object) -> None:
    """One object on stdout, never localised, never with NaN."""
    typer.echo(json.dumps(content, allow_nan=False))
