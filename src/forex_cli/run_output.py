"""What a run answers, as text for people and as one JSON object."""

from dataclasses import asdict
from textwrap import fill

import typer
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from forex_core.pipeline.market import moment_of
from forex_core.pipeline.request import HorizonResult, PairResult, Request, RunResult
from forex_core.report.numbers import digits_for
from forex_core.report.verdict import verdict
from forex_core.values import Context, Forecast, Quantiles


def as_object(result: RunResult, request: Request) -> dict[str, object]:
    """The answer for machines; its shape is fixed."""
    return {
        "schema": 1,
        "command": "run",
        "pairs": [_pair_object(pair, request) for pair in result.pairs],
        "exit_code": result.exit_code,
    }


def _pair_object(pair: PairResult, request: Request) -> dict[str, object]:
    spot = pair.spot
    notes = [note for horizon in pair.horizons for note in horizon.notes]
    return {
        "pair": pair.pair,
        "issued_on": spot.observed_on.isoformat() if spot else None,
        "as_of": moment_of(request).isoformat(),
        "role": pair.role,
        "source": spot.source if spot else request.source,
        "spot": {
            "observed_on": spot.observed_on.isoformat(),
            "value": spot.value,
            "known_at": spot.known_at.isoformat(),
        }
        if spot
        else None,
        "banners": [*pair.banners, *dict.fromkeys(notes), *pair.notes],
        "report": pair.report,
        "context": _context_object(pair),
        "forecasts": [_horizon_object(horizon) for horizon in pair.horizons],
    }


def _context_object(pair: PairResult) -> dict[str, object]:
    """Where every part came from, as it was frozen."""
    forecast = next((horizon.forecast for horizon in pair.horizons if horizon.forecast), None)
    context = forecast.context if forecast else Context()
    parts = [asdict(part) | {"newest": part.newest.isoformat() if part.newest else None} for part in context.parts]
    return {"parts": parts, "headlines": len(context.headlines), "events": len(context.events)}


def _horizon_object(result: HorizonResult) -> dict[str, object]:
    forecast = result.forecast
    backtest = forecast.backtest if forecast else None
    return {
        "horizon": result.horizon,
        "state": result.state,
        "error": str(result.error) if result.error else None,
        "forecast_id": forecast.forecast_id if forecast else None,
        "version_id": forecast.version_id if forecast else None,
        "target_date": forecast.target_date.isoformat() if forecast else None,
        "steps": forecast.steps if forecast else None,
        "median": forecast.median if forecast else None,
        "quantiles": _quantiles(forecast.quantiles) if forecast else None,
        "random_walk": _quantiles(forecast.random_walk) if forecast else None,
        "members": [
            {"name": member.name, "weight": member.weight, "state": member.state, "reason": member.reason}
            for member in (forecast.members if forecast else ())
        ],
        "backtest": {
            "origins": backtest.origins,
            "wql_ratio": backtest.wql_ratio,
            "coverage_80": backtest.coverage_80,
            "rmse": backtest.rmse,
            "mape": backtest.mape,
        }
        if backtest
        else None,
        "run_id": result.run_id,
        "report": result.report,
    }


def _quantiles(quantiles: Quantiles) -> dict[str, float]:
    return {str(level): rate for level, rate in quantiles.items()}


def show(result: RunResult, *, dry_run: bool) -> None:
    """The answer for people, within 80 columns but for paths."""
    for pair in result.pairs:
        if pair.spot is None:
            continue
        spot = pair.spot
        typer.echo(f"{pair.pair} {spot.value:.{digits_for(spot.value)}f} on {spot.observed_on}, source {spot.source}")
        for banner in pair.banners:
            typer.echo(_folded(f"  ! {banner}"))
        forecasts = [horizon.forecast for horizon in pair.horizons if horizon.forecast]
        Console(highlight=False).print(_table(forecasts))
        for forecast in forecasts:
            typer.echo(_folded(f"{forecast.horizon}: {verdict(forecast.backtest)}"))
        for note in pair.notes:
            typer.echo(_folded(f"  ! {note}"))
        for horizon in pair.horizons:
            _show_traces(horizon)
        if pair.report:
            typer.echo(f"Report of the day: {pair.report}")
    if dry_run:
        typer.echo("\nDry run: nothing was written.")
    elif not result.errors:
        typer.echo("\nForecast completed successfully!")


def _folded(text: str) -> str:
    return fill(text, 79, subsequent_indent="     ", break_long_words=False, break_on_hyphens=False)


def _show_traces(result: HorizonResult) -> None:
    for note in result.notes:
        typer.echo(_folded(f"  ! {result.horizon}: {note}"))
    if result.report:
        issued = " (already issued)" if result.state == "already_issued" else ""
        typer.echo(f"Report saved to: {result.report}{issued}")
    if result.run_id:
        typer.echo(f"MLflow run: {result.run_id}")


def _table(forecasts: list[Forecast]) -> Table:
    longest = len(f"{max(forecast.quantiles[0.975] for forecast in forecasts):.0f}")
    gap = {5: (0, 0, 0, 0), 4: (0, 1, 0, 0)}.get(longest, (0, 1, 0, 1))  # right and left; 80 columns hold them all
    table = Table(box=SIMPLE_HEAD, pad_edge=False, padding=gap)
    for name in ("", "on", "median", "80 %", "95 %", "random walk 80 %"):
        table.add_column(name, justify="left" if name in ("", "on") else "right", no_wrap=True)
    for forecast in forecasts:
        said, walk, digits = forecast.quantiles, forecast.random_walk, digits_for(forecast.spot.value)
        table.add_row(
            forecast.horizon,
            forecast.target_date.isoformat(),
            f"{forecast.median:.{digits}f}",
            f"{said[0.1]:.{digits}f}–{said[0.9]:.{digits}f}",
            f"{said[0.025]:.{digits}f}–{said[0.975]:.{digits}f}",
            f"{walk[0.1]:.{digits}f}–{walk[0.9]:.{digits}f}",
        )
    return table
