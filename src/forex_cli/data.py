"""forex data: what the sources say, and what is stored of it."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from forex_cli import options
from forex_cli.session import errors_as_exit_codes, print_json, session

if TYPE_CHECKING:
    from datetime import datetime

    from forex_core.settings import Settings
    from forex_core.values import Part

app = typer.Typer(help="Fetch, show and check the rates.", no_args_is_help=True)
BEHIND, NONE = 75, 69


@app.command()
def check(
    context: typer.Context,
    pair: options.Pairs = None,
    source: options.Source = None,
    drivers: Annotated[bool, typer.Option("--drivers", help="Ask for drivers, headlines and events, too.")] = False,
    json: options.Json = False,
) -> None:
    """Ask each source for its last days, storing nothing. Exit 0: one is fresh; 75: all are late; 69: none answers."""
    with errors_as_exit_codes(context, as_json=json):
        from dataclasses import asdict

        from forex_core.bootstrap import catalog
        from forex_core.calendars import utc_now
        from forex_core.dataset.survey import survey

        settings = session(context).settings(pairs=pair, source=source)
        known, now = catalog(settings), utc_now()
        found = {name: survey(name, known.chain_for(name, settings.source), now) for name in settings.pairs}
        parts = _surroundings(settings, now) if drivers else {}
        if json:
            rows = [{"pair": name} | asdict(one) for name, standings in found.items() for one in standings]
            around = [_plain({"pair": name} | asdict(part)) for name, some in parts.items() for part in some]
            answer = {"sources": [_plain(row) for row in rows], "surroundings": around}
            print_json({"schema": 1, "command": "data check"} | answer)
        else:
            for name, standings in found.items():
                if not standings:
                    typer.echo(f"{name}: no source is known")
                    continue
                typer.echo(f"{name}: the rate of {standings[0].due} is due")
                for one in standings:
                    newest = one.newest or "no rate"
                    typer.echo(f"  {one.source:<16} {one.state:<7} {newest!s:<10} {one.detail}".rstrip())
                typer.echo(f"  next release {min(one.next_release for one in standings):%Y-%m-%d %H:%M} UTC")
                for part in parts.get(name, ()):
                    newest = part.newest or ""
                    typer.echo(f"  {part.name:<16} {part.source or 'missing':<16} {newest!s:<10} {part.note}".rstrip())
    _end_with({one.state for standings in found.values() for one in standings})


def _surroundings(settings: "Settings", now: "datetime") -> "dict[str, tuple[Part, ...]]":
    """What surrounds each pair, asked on a copy of what is stored."""
    from forex_core.bootstrap.services import Services
    from forex_core.dataset.context import gather
    from forex_core.store.store import Store

    around = Services.of(settings).surroundings
    with Store.in_memory(settings.data_dir) as copy:
        return {name: gather(name, around, copy, now).context.parts for name in settings.pairs}


@app.command()
def fetch(
    context: typer.Context, pair: options.Pairs = None, source: options.Source = None, json: options.Json = False
) -> None:
    """Ask the sources as a run does and store what is new, without forecasting."""
    with errors_as_exit_codes(context, as_json=json):
        from dataclasses import asdict

        from forex_core.bootstrap import check as check_settings
        from forex_core.bootstrap import opened
        from forex_core.dataset.fetch import fetch as ask

        settings = session(context).settings(pairs=pair, source=source)
        check_settings(settings)
        with opened(settings) as adapters:
            found = {
                name: ask(name, adapters.catalog.chain_for(name, settings.source), adapters.store, adapters.clock())
                for name in settings.pairs
            }
        if json:
            rows = [{"pair": name} | asdict(one) for name, fetched in found.items() for one in fetched.answers]
            disagreements = [fetched.disagreement for fetched in found.values() if fetched.disagreement]
            answers = [_plain(row) for row in rows]
            print_json({"schema": 1, "command": "data fetch", "answers": answers, "disagreements": disagreements})
        else:
            for name, fetched in found.items():
                typer.echo(f"{name}: {len(fetched.rates.rows)} rows known")
                for answer in fetched.answers:
                    typer.echo(
                        f"  {answer.source:<16} {answer.state:<7} {answer.newest or ''!s:<10} {answer.detail}".rstrip()
                    )
                if fetched.disagreement:
                    typer.echo(f"  ! {fetched.disagreement}")
    _end_with({answer.state for fetched in found.values() for answer in fetched.answers})


@app.command("import")
def import_file(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help="Rates as text, columns apart by comma, semicolon or tab.")],
    pair: options.Pairs = None,
    date_column: Annotated[str | None, typer.Option(help="Its name, where it is none of the usual ones.")] = None,
    value_column: Annotated[str | None, typer.Option(help="Its name, where it is none of the usual ones.")] = None,
    decimal_comma: Annotated[bool, typer.Option("--decimal-comma", help="Numbers like 1.234,56.")] = False,
    day_first: Annotated[bool, typer.Option("--day-first", help="Dates like 28-06-2024.")] = False,
    dry_run: options.DryRun = False,
    json: options.Json = False,
) -> None:
    """Store the rates of a file beside those of the sources, which come first where both have a day.

    A rate that the gate refuses as too large a jump is believed if an imported one says the same.

    Example:  forex data import --pair USDPEN --day-first --decimal-comma sbs.csv
    """
    with errors_as_exit_codes(context, as_json=json):
        from forex_core.bootstrap import opened
        from forex_core.errors import UsageError
        from forex_core.sources.imported import IMPORTED, Layout

        settings = session(context).settings(pairs=pair)
        if len(settings.pairs) != 1:
            raise UsageError(f"one file holds the rates of one pair, not of {', '.join(settings.pairs)}")
        name, layout = settings.pairs[0], Layout(date_column, value_column, decimal_comma, day_first)
        with opened(settings, dry_run=dry_run) as adapters:
            now = adapters.clock()
            rows = layout.rows(file, now)
            with adapters.store.transaction():
                revised = adapters.store.observations.add(name, IMPORTED, rows, now)
        first, last = rows[0].observed_on, rows[-1].observed_on
        if json:
            counted = {"pair": name, "rows": len(rows), "revised": len(revised), "from": f"{first}", "to": f"{last}"}
            print_json({"schema": 1, "command": "data import"} | counted)
        else:
            changed = f", {len(revised)} of them changed" if revised else ""
            typer.echo(f"{name}: {len(rows)} rows from {first} to {last}{changed}{' (not stored)' * dry_run}")


@app.command()
def show(
    context: typer.Context,
    pair: options.Pairs = None,
    source: options.Source = None,
    last: Annotated[int, typer.Option(min=1, help="How many rows.")] = 10,
    raw: Annotated[str | None, typer.Option(help="What this source answered last, word for word.")] = None,
    json: options.Json = False,
) -> None:
    """The newest stored rates, through the gate, and what it refused; or a source's last replies."""
    with errors_as_exit_codes(context, as_json=json):
        from forex_core.bootstrap import catalog
        from forex_core.calendars import calendar_of, release_of, utc_now
        from forex_core.dataset.view import Rates
        from forex_core.store.store import Store

        settings = session(context).settings(pairs=pair, source=source)
        if raw:
            _show_replies(settings.data_dir / "raw", raw, as_json=json)
            return
        described = []
        with Store.for_reading(settings.data_dir) as store:
            for name in settings.pairs:
                chain = tuple(one.name for one in catalog(settings).chain_for(name, settings.source))
                rates = Rates(name, store.observations.all_of(name, chain), calendar_of(name), release_of(name))
                view = rates.as_of(utc_now())
                described.append((name, view.rows[-last:], view.quarantined))
        if json:
            rows = [_plain({"pair": name} | _row(row)) for name, known, _ in described for row in known]
            refused = [{"pair": name, "refused": str(one)} for name, _, refusals in described for one in refusals]
            print_json({"schema": 1, "command": "data show", "rows": rows, "refused": refused})
        else:
            for name, known, refusals in described:
                for row in known:
                    typer.echo(
                        f"{name} {row.observed_on} {row.value:>12g}  {row.known_at:%Y-%m-%d %H:%M}  {row.source}"
                    )
                for one in refusals:
                    typer.echo(f"{name} refused {one}")


def _show_replies(folder: Path, source: str, *, as_json: bool) -> None:
    from forex_core.errors import SettingsError
    from forex_core.store.replies import Replies

    kept = [{"reply": kind, "at": at.isoformat(), "text": text} for kind, at, text in Replies(folder).of(source)]
    if not kept:
        raise SettingsError(f"no reply of {source} is kept in {folder}", hint="`forex data fetch` asks the sources")
    if as_json:
        print_json({"schema": 1, "command": "data show --raw", "source": source, "replies": kept})
    else:
        for one in kept:
            typer.echo(f"{source}, the last {one['reply']} reply, {one['at']}:\n{one['text']}")


def _row(row: object) -> dict[str, object]:
    from dataclasses import asdict

    return asdict(row)  # type: ignore[call-overload, no-any-return]


def _plain(row: dict[str, object]) -> dict[str, object]:
    """Dates and times as ISO text."""
    return {key: value.isoformat() if hasattr(value, "isoformat") else value for key, value in row.items()}


def _end_with(states: set[str]) -> None:
    if "fresh" not in states:
        raise typer.Exit(BEHIND if "behind" in states else NONE)
