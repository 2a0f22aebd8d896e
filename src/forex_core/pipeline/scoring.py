"""The daily work beside forecasting: newest rates, scores that are due, steps that stayed open, mails that wait."""

from dataclasses import dataclass

from forex_core.backtest.score import score_due
from forex_core.errors import ForexError
from forex_core.pipeline.attempts import sweep
from forex_core.pipeline.market import observe
from forex_core.pipeline.preflight import preflight
from forex_core.pipeline.request import Adapters, Request
from forex_core.pipeline.steps import complete_earlier
from forex_core.pipeline.watching import watch
from forex_core.values import Observation, Score


@dataclass(frozen=True)
class Scored:
    """What became of one pair. error: why nothing newer could be scored, or that a newer value is overdue."""

    pair: str
    spot: Observation | None = None
    scores: tuple[Score, ...] = ()
    banners: tuple[str, ...] = ()
    error: ForexError | None = None


@dataclass(frozen=True)
class Scoring:
    """What became of all, and why view-only users can't see it, if so."""

    pairs: tuple[Scored, ...]
    unpublished: tuple[ForexError, ...] = ()

    @property
    def errors(self) -> list[ForexError]:
        """Every failure, in order."""
        return [*(one.error for one in self.pairs if one.error), *self.unpublished]

    @property
    def exit_code(self) -> int:
        """The first failure's, else 0."""
        return self.errors[0].exit_code if self.errors else 0


def score_pairs(request: Request, adapters: Adapters) -> Scoring:
    """Everything a run does but forecast; a failure of one pair does not stop the others."""
    preflight(adapters)
    sweep(adapters)
    complete_earlier(adapters, request)
    adapters.notifier.retry(request.now)
    pairs = tuple(_scored(pair, request, adapters) for pair in request.pairs)
    watch(request, adapters)
    return Scoring(pairs, adapters.publication.renew([]) if adapters.publication else ())


def _scored(pair: str, request: Request, adapters: Adapters) -> Scored:
    try:
        market = observe(pair, request, adapters)
    except ForexError as error:
        return Scored(pair, error=error)
    scores = tuple(score_due(market.rates, adapters.store, request.now))
    # whoever scored something did the day's work; only with nothing to do is waiting for a late value worth a code
    return Scored(pair, market.view.spot, scores, market.banners, None if scores else market.late)
