"""forex config init: ask for what a new place needs, try each answer at once, and write a commented forex.toml."""

import os
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from forex_cli.session import errors_as_exit_codes

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from forex_core.settings import Settings
    from forex_core.sources.source import Source

Answers = dict[str, Any]  # by the name of the setting, as parsed
ASKED_FIRST = ("pairs", "language")
USUAL_PORT = {"starttls": 587, "tls": 465, "none": 25}
SMTP_SECONDS = 20.0
KEYS = (  # how each is called, its settings, the source that takes it, and a pair that source has
    ("Token of the Central Bank of Chile", ("bcch_token",), "bcch", "USDCLP"),
    ("User and password there", ("bcch_user", "bcch_password"), "bcch", "USDCLP"),
    ("Key of the CMF", ("cmf_key",), "cmf", "USDCLP"),
    ("Key of FRED", ("fred_key",), "fred", "EURUSD"),
)


def init(
    context: typer.Context,
    output: Annotated[Path, typer.Option(help="The file to write.")] = Path("forex.toml"),
    defaults: Annotated[bool, typer.Option("--defaults", help="Ask nothing; take every default.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Replace the file if there is one.")] = False,
) -> None:
    """Ask for pairs, language, mail and keys, try each answer, and write a commented forex.toml.

    Examples:  forex config init    forex config init --defaults --output /etc/forex/forex.toml
    """
    with errors_as_exit_codes(context):
        from forex_cli.config_text import config_text, write_privately
        from forex_core.errors import UsageError
        from forex_core.settings import table

        path = output.expanduser().absolute()
        _refuse(path, force=force)
        if not defaults and not (sys.stdin.isatty() and sys.stdout.isatty()):
            raise UsageError("there is no terminal to ask on", hint="add --defaults, and edit the file it writes")
        chosen = {name: table()[name].default for name in ASKED_FIRST} if defaults else _answers()
        _refuse(path, force=force)  # it may have come while questions were answered
        write_privately(path, config_text(chosen))
        _say_what_is_next(path, chosen, tried=not defaults)


def _refuse(path: Path, *, force: bool) -> None:
    """Before anything is asked: what is there stays, and the answers must have a place to go."""
    from forex_core.errors import CannotWrite, NotOwner

    if path.is_dir():
        raise CannotWrite(f"{path} is a directory", hint="name the file with --output")
    if not force and os.path.lexists(path):
        raise CannotWrite(f"there is a {path} already", untouched="it was left as it is", hint="--force replaces it")
    nearest = next(folder for folder in path.parents if folder.exists())
    if not os.access(nearest, os.W_OK):
        raise NotOwner(f"no permission to write {nearest}", hint="name another place with --output")


def _say_what_is_next(path: Path, chosen: "Mapping[str, object]", *, tried: bool) -> None:
    from forex_core.settings import CONFIG_NAME, variable_of

    typer.echo(f"Written: {path} (only you can read it)")
    for name in chosen:
        if os.environ.get(variable_of(name)):
            typer.echo(f"Mind that {variable_of(name)} is set in the environment and outranks the file.")
    named = "" if path == Path.cwd() / CONFIG_NAME else f"--config {path} "
    typer.echo(f"Next:  forex {named}config show    forex {named}{'run' if tried else 'data check'}")


def _answers() -> Answers:
    typer.echo("Enter takes what stands in brackets. Nothing is written before the last answer; Ctrl-C ends.")
    _trial({})  # what is wrong with the environment is said before the first question
    chosen = _until_it_works(_ask_pairs, _try_pairs)
    chosen["language"] = _ask("language", "Language of reports and mails, en or es")
    chosen |= _until_it_works(_ask_mail, _try_mail)
    typer.echo("Keys are free and optional; without any, the open sources are asked.")
    for words, names, source, pair in KEYS:
        if "bcch_token" in chosen and source == "bcch":
            continue  # a token is all it takes
        chosen |= _until_it_works(partial(_ask_key, words, names), _key_trial(source, pair))
    return chosen


def _until_it_works(ask: Callable[[], Answers], works: Callable[[Answers], bool]) -> Answers:
    """Ask again until the answers work, none is given, or they are to be kept although they don't work."""
    from forex_core.errors import SettingsError

    while True:
        answers = ask()
        try:
            if not answers or works(answers) or typer.confirm("Keep it all the same?", default=False):
                return answers
        except SettingsError as error:
            typer.echo(f"  {error}")  # no run would take it


def _ask(name: str, words: str, default: object = None, *, optional: bool = False) -> Any:
    """A setting's value as parsed; None if it is optional and nothing was typed."""
    from forex_core.settings import table

    about = table()[name].metadata
    shown = "" if optional else default if default is not None else table()[name].default
    shown = ",".join(shown) if isinstance(shown, tuple) else str(shown or "")
    while True:
        try:
            answer = typer.prompt(words, default=shown, show_default=bool(shown), hide_input=about["secret"])
            answer.encode()
            if optional and not answer.strip():
                return None
            return about["parse"](answer)
        except UnicodeError:
            typer.echo("  it has letters that are not UTF-8")
        except ValueError as error:
            typer.echo(f"  it {error}")


def _ask_pairs() -> Answers:
    return {"pairs": _ask("pairs", "Currency pairs, separated by commas")}


def _ask_mail() -> Answers:
    """Nothing if no mail is wanted."""
    if not typer.confirm("Send the report by mail?", default=False):
        return {}
    security = _ask("smtp_security", "Encryption: starttls, tls, or none (this machine only)")
    mail: Answers = {
        "smtp_host": _ask("smtp_host", "Mail server"),
        "smtp_security": security,
        "smtp_port": _ask("smtp_port", "Port", USUAL_PORT[security]),
    }
    if user := _ask("smtp_user", "User there (Enter for none)", optional=True):
        mail |= {"smtp_user": user, "smtp_password": _ask("smtp_password", "Password there (not shown)")}
    mail["mail_from"] = _ask("mail_from", "Sender's address", user if user and "@" in user else None)
    mail["mail_to"] = _ask("mail_to", "Readers' addresses, separated by commas", (mail["mail_from"],))
    return mail


def _ask_key(words: str, names: tuple[str, ...]) -> Answers:
    """The values of all these settings, or of none."""
    answers = {}
    for name in names:
        part = name.removeprefix("bcch_") if len(names) > 1 else "not shown"
        value = _ask(name, f"{words} ({part}; Enter for none)", optional=True)
        if value is None:
            return {}
        answers[name] = value
    return answers


def _trial(answers: Answers) -> "Settings":
    """Settings as these answers will make them; the file that is about to be replaced has no say."""
    from forex_core.settings import Settings

    return Settings.load(answers, os.environ, Path(Path.cwd().anchor))


def _try_pairs(answers: Answers) -> bool:
    from forex_core.bootstrap import catalog

    known = catalog(_trial(answers))
    # a list: each pair is asked for, although the one before failed
    return all([_any_answers(pair, known.chain_for(pair, "auto")) for pair in answers["pairs"]])


def _key_trial(source: str, pair: str) -> Callable[[Answers], bool]:
    def works(answers: Answers) -> bool:
        from forex_core.bootstrap import catalog

        return _any_answers(pair, [catalog(_trial(answers)).sources[source]])

    return works


def _any_answers(pair: str, chain: "Sequence[Source]") -> bool:
    """Ask each source for the pair's last days and say how it stands."""
    from forex_core.calendars import utc_now
    from forex_core.dataset.survey import survey

    typer.echo(f"Asking for {pair} ...")
    standings = survey(pair, chain, utc_now())
    for one in standings:
        typer.echo(f"  {one.source:<16} {one.state:<7} {one.newest or 'no rate'!s:<10} {one.detail}".rstrip())
    if not standings:
        typer.echo("  no source is known; give it rates with `forex data import`")
    return any(one.newest for one in standings)


def _try_mail(answers: Answers) -> bool:
    """Connect and log in; no mail is sent."""
    from forex_core.notify.address import checked_address
    from forex_core.notify.email import Server, Unreachable

    for address in (answers["mail_from"], *answers["mail_to"]):
        checked_address(address)
    user, password = answers.get("smtp_user", ""), answers.get("smtp_password", "")
    host, port, security = answers["smtp_host"], answers["smtp_port"], answers["smtp_security"]
    server = Server(host, port, security, user, password, SMTP_SECONDS)
    typer.echo(f"Connecting to {host} ...")
    try:
        with server.deadline() as deadline, server.session(deadline):
            typer.echo(f"  it answers{' and takes the password' if user else ''}; no mail was sent")
    except Unreachable as error:
        typer.echo(f"  {error}")
        return False
    return True
