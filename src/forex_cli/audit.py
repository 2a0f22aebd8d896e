"""forex audit: is what the backtests say free of the future?"""

from typing import TYPE_CHECKING

import typer

from forex_cli import options
from forex_cli.session import errors_as_exit_codes, print_json, session

if TYPE_CHECKING:
    from forex_core.pipeline.auditing import Audited

app = typer.Typer(help="Look for what no test of accuracy shows.", no_args_is_help=True)


@app.callback()
def audit() -> None:
    """Audits; without this, Typer would drop the name of a single command."""


@app.command()
def leakage(
    context: typer.Context,
    pair: options.Pairs = None,
    source: options.Source = None,
    members: options.Members = None,
    json: options.Json = False,
) -> None:
    """Look whether rows, features, members or their weights know the future. Writes nothing, asks no server.

    Several origins are seen again with the future cut off, and with garbage in its place: nothing may change.

    Example:  forex audit leakage --pair EURUSD --source ecb
    """
    with errors_as_exit_codes(context, as_json=json):
        from forex_core.bootstrap import check, members_of, opened
        from forex_core.pipeline.auditing import refuse_leaks, run_audit

        settings = session(context).settings(pairs=pair, source=source, members=members)
        check(settings)
        with opened(settings, dry_run=True) as adapters:
            audited = run_audit(settings.pairs, settings.source, members_of(settings), adapters)
        refuse_leaks(audited)
        if json:
            print_json({"schema": 1, "command": "audit leakage", "pairs": [_plain(one) for one in audited]})
        else:
            for one in audited:
                _show(one)


def _plain(one: "Audited") -> dict[str, object]:
    return {
        "pair": one.pair,
        "origins": [day.isoformat() for day in one.origins],
        "rows": one.rows,
        "features": list(one.features),
        "members": one.spoke,
        "undated": list(one.undated),
        "leaks": [],
    }


def _show(one: "Audited") -> None:
    typer.echo(
        f"{one.pair}: nothing knows the future at {len(one.origins)} origins from {one.origins[0]} to {one.origins[-1]}"
    )
    typer.echo(f"  {one.rows} rows, {len(one.features)} features")
    for name, count in one.spoke.items():
        typer.echo(f"  {name}: {f'the same {count} times' if count else 'said nothing, so it is not audited'}")
    for name in one.undated:
        typer.echo(f"  {name} does not say until when it was trained")
