"""forex score: the daily work that needs no new forecast."""

import os
from dataclasses import asdict, replace
from typing import TYPE_CHECKING

import typer

from forex_cli import options
from forex_cli.session import errors_as_exit_codes, print_json, say_error, session

if TYPE_CHECKING:
    from forex_core.pipeline.scoring import Scored, Scoring


def score(
    context: typer.Context,
    pair: options.Pairs = None,
    source: options.Source = None,
    dry_run: options.DryRun = False,
    json: options.Json = False,
) -> None:
    """Fetch the newest rates, score what has come due, finish open steps and send mails that wait; no new forecast.

    Examples:  forex score    forex score --pair EURUSD --dry-run
    """
    with errors_as_exit_codes(context, as_json=json):
        from forex_core.bootstrap import opened, request_for
        from forex_core.notify.heartbeat import beating
        from forex_core.pipeline.scoring import score_pairs

        settings = session(context).settings(pairs=pair, source=source)
        request = request_for(settings, [], as_of=None)
        with beating(settings, "score", os.environ, silent=dry_run):
            with opened(settings, dry_run=dry_run) as adapters:
                done = score_pairs(replace(request, now=adapters.clock()), adapters)
            _show(done, dry_run=dry_run, as_json=json)


def _show(done: "Scoring", *, dry_run: bool, as_json: bool) -> None:
    code = done.exit_code
    if as_json:
        print_json(
            {"schema": 1, "command": "score", "pairs": [_as_object(one) for one in done.pairs], "exit_code": code}
        )
    else:
        for line in (line for one in done.pairs for line in _lines(one)):
            typer.echo(line)
        if dry_run:
            typer.echo("Dry run: nothing was written.")
    for error in done.errors[: 1 if as_json else None]:
        say_error(error, as_json=as_json)
    if code:
        raise typer.Exit(code)


def _as_object(one: "Scored") -> dict[str, object]:
    spot = one.spot
    return {
        "pair": one.pair,
        "newest_rate": {"observed_on": spot.observed_on.isoformat(), "value": spot.value, "source": spot.source}
        if spot
        else None,
        "scored": [asdict(score) | {"scored_at": score.scored_at.isoformat()} for score in one.scores],
        "banners": list(one.banners),
        "error": str(one.error) if one.error else None,
    }


def _lines(one: "Scored") -> list[str]:
    if one.spot is None:
        return []
    what = f"{len(one.scores)} scored" if one.scores else "nothing is due"
    return [
        f"{one.pair}: the newest rate is of {one.spot.observed_on}, from {one.spot.source}; {what}",
        *(f"  ! {banner}" for banner in one.banners),
        *(
            f"  {score.forecast_id}: it became {score.outcome:g}, the median missed by {score.error:+g}"
            for score in one.scores
        ),
    ]
