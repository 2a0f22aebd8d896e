"""What the members say of the days ahead, and how they did at past origins: each fitted once for all horizons."""

from collections.abc import Sequence
from dataclasses import dataclass

from loguru import logger

from forex_core.backtest.evaluate import Record, records
from forex_core.backtest.panel import RUN_UP
from forex_core.backtest.windows import last_origins, windows
from forex_core.ensemble.weights import INVERSE_RMSE
from forex_core.errors import ModelError
from forex_core.horizons import LONGEST_PATH, Horizon
from forex_core.models.child import Ask, one_child
from forex_core.models.member import Member, weights_of
from forex_core.models.table import YARDSTICK, with_yardstick
from forex_core.pipeline.market import Market
from forex_core.pipeline.request import Request
from forex_core.store.store import Store
from forex_core.values import QuantilePath

ORIGINS = 60  # of the grid, for the daily figures


@dataclass(frozen=True)
class Study:
    """paths: of the members that spoke; dropped: why the others didn't; found: records by horizon and member.

    weights: hashes of what those that were trained beforehand used.
    """

    members: tuple[Member, ...]
    paths: dict[str, QuantilePath]
    dropped: dict[str, str]
    yardstick: QuantilePath
    found: dict[str, dict[str, Record]]
    weights: dict[str, str]


def study(market: Market, horizons: Sequence[Horizon], request: Request, store: Store) -> Study:
    """Fit what was never fitted; ModelError if no member speaks."""
    members = request.members
    with one_child() as ask:
        paths, dropped = _paths(market, members, ask)
        found = _backtests(market, horizons, request, store, ask) if paths else {}
    if not paths:
        raise ModelError(
            f"no member gave a forecast: {'; '.join(f'{name}: {why}' for name, why in dropped.items())}",
            untouched="no forecast was issued",
            hint="name other members with --members, or give a longer history",
        )
    yardstick = paths.get(YARDSTICK.name) or YARDSTICK.forecast(market.view.series, LONGEST_PATH)
    day = market.issued_on
    weights = {m.name: hashed for m in members if m.name in paths and (hashed := weights_of(m, day))}
    return Study(members, paths, dropped, yardstick, found, weights)


def _paths(market: Market, members: tuple[Member, ...], ask: Ask) -> tuple[dict[str, QuantilePath], dict[str, str]]:
    """What each member says, or why it says nothing."""
    paths: dict[str, QuantilePath] = {}
    dropped: dict[str, str] = {}
    for member in members:
        try:
            paths[member.name] = ask(member, market.view.series, LONGEST_PATH)
        except ModelError as error:
            logger.warning("{} drops out: {}", member.name, error)
            dropped[member.name] = error.message
    return paths, dropped


def _backtests(
    market: Market, horizons: Sequence[Horizon], request: Request, store: Store, ask: Ask
) -> dict[str, dict[str, Record]]:
    count = ORIGINS + (RUN_UP if request.weighting == INVERSE_RMSE else 0)  # the first ones have a past to learn from
    fitted = {h.key: last_origins(market.rates, market.issued_on, h.days, count) for h in horizons}
    days = sorted(set().union(*fitted.values()))
    seen = list(windows(market.rates, days, with_yardstick(request.members), store, ask=ask))
    names = [member.name for member in request.members]
    found = {}
    for h in horizons:
        of_horizon = [window for window in seen if window.origin in fitted[h.key]]
        measured = records(market.rates, of_horizon, h, market.view, names, request.weighting)
        recent = {name: record.on(fitted[h.key][-ORIGINS:]) for name, record in measured.items()}
        found[h.key] = {name: record for name, record in recent.items() if record.origins}
    return found
