"""A forecast for notebooks: `ForecastEngine(settings, "7d").forecast(bundle)` computes as a run and keeps nothing."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import nan

from forex_core.backtest.evaluate import member_score, past_errors, summary
from forex_core.bootstrap import opened, request_for
from forex_core.bootstrap.loading import Bundle
from forex_core.ensemble.weights import blend
from forex_core.horizons import HORIZONS
from forex_core.pipeline.study import study
from forex_core.settings import Settings
from forex_core.values import DECILES, LEVELS, QuantilePath


@dataclass(frozen=True, slots=True)
class Step:
    """One business day ahead, in quote per base. mean: of the nine deciles."""

    mean: float
    ci95_low: float
    ci95_high: float


@dataclass(frozen=True)
class Path:
    """The ensemble's forecast, the next business day first."""

    series: tuple[Step, ...]


@dataclass(frozen=True, slots=True)
class MemberArtifacts:
    """A member over the last windows at the target date. rmse, mae: quote currency; mape: percent."""

    rmse: float
    mae: float
    mape: float
    weight: float


@dataclass(frozen=True)
class Artifacts:
    """The backtest behind a forecast: of the members, and of the ensemble (nan before any window has come due)."""

    models: Mapping[str, MemberArtifacts]
    ensemble_rmse: float = nan
    ensemble_mae: float = nan
    ensemble_mape: float = nan


@dataclass(frozen=True)
class ForecastEngine:
    """config: the settings; steps: business days ahead, those of the horizon unless told."""

    config: Settings
    horizon: str
    steps: int | None = None

    def forecast(self, bundle: Bundle) -> tuple[Path, Artifacts]:
        """What the members say from this data; windows that a run has stored are used, new ones not kept."""
        horizon, market = HORIZONS[self.horizon], bundle.market
        with opened(self.config, dry_run=True) as adapters:
            learned = study(market, [horizon], request_for(self.config, [horizon], as_of=None), adapters.store)
        found = learned.found[horizon.key]
        ensemble = blend(learned.paths, self.config.weighting, past_errors(found))
        target = market.rates.calendar.target(market.issued_on, horizon.days)
        steps = self.steps or market.rates.calendar.steps(market.issued_on, target)
        whole = summary(found)
        scores = {name: member_score(found[name]) for name in learned.paths if name in found}
        members = {
            name: MemberArtifacts(score.rmse, score.mae, score.mape, ensemble.weights[name])
            for name, score in scores.items()
        }
        if whole is None:
            return _path(ensemble.path, steps), Artifacts(members)
        return _path(ensemble.path, steps), Artifacts(members, whole.rmse, whole.mae, whole.mape)


def _path(path: QuantilePath, steps: int) -> Path:
    deciles = [LEVELS.index(level) for level in DECILES]
    rows = path.rates[:steps]
    return Path(tuple(Step(float(row[deciles].mean()), float(row[0]), float(row[-1])) for row in rows))
