"""Make a forecast and freeze it: the one commit that acknowledges it."""

import json
from contextlib import suppress
from dataclasses import replace
from datetime import date
from hashlib import sha256

from loguru import logger

from forex_core.backtest.evaluate import member_score, past_errors, summary
from forex_core.backtest.windows import series_hash
from forex_core.ensemble.weights import blend
from forex_core.errors import ModelError
from forex_core.horizons import Horizon
from forex_core.models.member import Member, Retrained, parameters, weights_of
from forex_core.models.table import notices
from forex_core.pipeline.attempts import Attempts
from forex_core.pipeline.market import Market, moment_of
from forex_core.pipeline.request import Adapters, Request
from forex_core.pipeline.study import Study
from forex_core.store.store import Store
from forex_core.store.versions import Config
from forex_core.values import LEVELS, Forecast, MemberView

HISTORY = 126  # business days in the fan chart: six months


def version_config(request: Request) -> Config:
    """What makes a version: change any of it and it is another one."""
    return {
        "members": [_member_config(member) for member in request.members],
        "weighting": request.weighting,
        "levels": list(LEVELS),
        "features": {},
    }


def _member_config(member: Member) -> Config:
    """Its parameters, and those weights that change only by hand."""
    config: Config = {"name": member.name, "revision": member.revision, "parameters": parameters(member)}
    if not isinstance(member, Retrained):
        with suppress(ModelError):  # it will say so itself
            config |= {"weights": weights} if (weights := weights_of(member, date.max)) else {}
    return config


def role_of(pair: str, horizon: Horizon, request: Request, store: Store) -> str:
    """replay and demo are no track record; live, the champion's version is champion and any other its challenger."""
    if not request.live:
        return "demo" if request.demo else "replay"
    champion = store.versions.champion(pair, horizon.key)
    version = store.versions.find(pair, horizon.key, version_config(request))
    return "champion" if champion in (None, version) else "challenger"


def identity(pair: str, horizon: Horizon, market: Market, role: str) -> str:
    """One forecast a pair, horizon, issue date and role."""
    return f"{pair}-{horizon.key}-{market.issued_on}-{role}"


def freeze(
    horizon: Horizon, market: Market, learned: Study, request: Request, adapters: Adapters, attempts: Attempts
) -> Forecast:
    """Assemble the forecast and commit it, its version and its event together."""
    pair, store = market.rates.pair, adapters.store
    with store.transaction():
        role = role_of(pair, horizon, request, store)
        version_id = store.versions.register(pair, horizon.key, version_config(request), request.now)
        if role == "champion":
            store.versions.crown_first(pair, horizon.key, version_id, request.now)
        forecast = _assembled(horizon, market, learned, request, role, version_id)
        store.forecasts.freeze(forecast)
        attempts.issued(horizon.key, forecast.forecast_id)
    logger.info("frozen {}", forecast.forecast_id)
    return forecast


def _assembled(
    horizon: Horizon, market: Market, learned: Study, request: Request, role: str, version_id: str
) -> Forecast:
    view, calendar = market.view, market.rates.calendar
    target = calendar.target(market.issued_on, horizon.days)
    steps = calendar.steps(market.issued_on, target)
    ensemble = blend(learned.paths, request.weighting, past_errors(learned.found[horizon.key]))
    dropped = tuple(f"{name} dropped out: {why}." for name, why in learned.dropped.items())
    forecast = Forecast(
        forecast_id=identity(market.rates.pair, horizon, market, role),
        pair=market.rates.pair,
        horizon=horizon.key,
        role=role,
        issued_on=market.issued_on,
        as_of=moment_of(request),
        created_at=request.now,
        target_date=target,
        steps=steps,
        spot=view.spot,
        path=tuple(tuple(map(float, row)) for row in ensemble.path.rates[:steps]),
        random_walk=learned.yardstick.at(steps),
        members=_member_views(learned, horizon, steps, ensemble.weights),
        backtest=summary(learned.found[horizon.key]),
        banners=(*market.banners, *notices(request.members), *dropped),
        history=tuple((row.observed_on, row.value) for row in view.rows[-HISTORY:]),
        history_length=len(view.rows),
        environment=request.environment,
        weighting=request.weighting,
        version_id=version_id,
        data_hash=series_hash(view.series),
        content_hash="",
        code_version=request.code_version,
        context=market.context,
        weights_hashes=learned.weights,
    )
    return replace(forecast, content_hash=content_hash(forecast))


def content_hash(forecast: Forecast) -> str:
    """sha256 of what a forecast says and what it was made from; the same inputs give the same hash anywhere."""
    content: dict[str, object] = {
        "pair": forecast.pair,
        "horizon": forecast.horizon,
        "issued_on": forecast.issued_on.isoformat(),
        "role": forecast.role,
        "target_date": forecast.target_date.isoformat(),
        "levels": list(LEVELS),
        "quantiles": list(forecast.quantiles.values()),
        "members": {member.name: member.weight for member in forecast.members if member.state == "ok"},
        "data_hash": forecast.data_hash,
        "version_id": forecast.version_id,
    }
    if forecast.weights_hashes:
        content["weights"] = dict(forecast.weights_hashes)
    return sha256(json.dumps(content, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def _member_views(learned: Study, horizon: Horizon, steps: int, weights: dict[str, float]) -> tuple[MemberView, ...]:
    found = learned.found[horizon.key]
    return tuple(
        MemberView(
            name=member.name,
            weight=weights.get(member.name, 0.0),
            quantiles=learned.paths[member.name].at(steps) if member.name in learned.paths else None,
            reason=learned.dropped.get(member.name),
            score=member_score(found[member.name]) if member.name in found else None,
        )
        for member in learned.members
    )
