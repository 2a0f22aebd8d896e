"""What is known of a pair at the run's moment: fetched, gated, fresh enough to forecast from."""

from dataclasses import dataclass, replace
from datetime import date, datetime

from forex_core.calendars import end_of
from forex_core.dataset.context import Surroundings, gather, missing
from forex_core.dataset.fetch import Fetched, fetch
from forex_core.dataset.view import Rates, View
from forex_core.errors import DataError, NotYet, SourceUnavailable
from forex_core.models.member import drivers_of
from forex_core.pipeline.request import Adapters, Request
from forex_core.sources.source import Source
from forex_core.values import Context, Part


@dataclass(frozen=True)
class Market:
    """The rates of a pair and the view a forecast starts from. `late` is set when a newer value is overdue."""

    source: str
    rates: Rates
    view: View
    banners: tuple[str, ...]
    late: NotYet | None
    failures: tuple[str, ...]  # of sources that could not be used
    context: Context = Context()

    @property
    def issued_on(self) -> date:
        """The date of the newest trusted rate."""
        return self.view.rows[-1].observed_on


def observe(pair: str, request: Request, adapters: Adapters) -> Market:
    """Fetch and gate; DataError or SourceUnavailable if there is nothing to forecast from."""
    chain = adapters.catalog.chain_for(pair, request.source)
    fetched = fetch(pair, chain, adapters.store, request.now, replay=not request.live)
    rates = fetched.rates
    view = _view(rates, request).enough(pair)
    source = next(source for source in chain if source.name == view.spot.source)
    age = rates.calendar.steps(view.spot.observed_on, moment_of(request).date())
    if not request.demo and age > request.stale_after_days:
        raise _stale(view, source, age, request)
    late = _late(view, source, rates, request)
    return Market(source.name, rates, view, _banners(fetched, view, late, request), late, _failures(fetched))


def among(market: Market, request: Request, adapters: Adapters, *, drivers: tuple[str, ...] = ()) -> Market:
    """The market with what surrounds it: where every part came from, headlines, events, and the drivers in use.

    drivers: those that are wanted beside the ones that members use.
    """
    now = moment_of(request)
    around = Surroundings() if request.source.startswith("csv:") else adapters.around  # a file is all there is to ask
    found = gather(market.rates.pair, around, adapters.store, now, replay=not request.live)
    spot, age = market.view.spot, market.rates.calendar.steps(market.issued_on, now.date())
    target = Part(
        market.rates.pair, spot.source, spot.observed_on, age, len(market.view.quarantined), "; ".join(market.failures)
    )
    context = replace(found.context, parts=(target, *found.context.parts))
    wanted = {*drivers, *(name for member in request.members for name in drivers_of(member))}
    rates = replace(market.rates, drivers=tuple(one for one in found.drivers if one.driver.name in wanted))
    without = missing(context) if request.live else None
    banners = (*market.banners, without) if without else market.banners
    return replace(market, rates=rates, view=_view(rates, request), context=context, banners=banners)


def moment_of(request: Request) -> datetime:
    """The moment whose knowledge the run uses."""
    return request.now if request.as_of is None else end_of(request.as_of)


def _view(rates: Rates, request: Request) -> View:
    return rates.as_of(request.now) if request.as_of is None else rates.at_close(request.as_of)


def _stale(view: View, source: Source, age: int, request: Request) -> DataError:
    kind = DataError if source.whole else SourceUnavailable
    return kind(
        f"the newest trusted rate of {source.name} is of {view.rows[-1].observed_on}, "
        f"{age} business days old; the limit is {request.stale_after_days}{_refused_since(view)}",
        untouched="no forecast was issued",
        hint="give newer rates, or replay an earlier day with --as-of",
    )


def _refused_since(view: View) -> str:
    newer = [q for q in view.quarantined if q.observed_on > view.spot.observed_on]
    return f"; {len(newer)} newer were refused, the newest: {newer[-1]}" if newer else ""


def _late(view: View, source: Source, rates: Rates, request: Request) -> NotYet | None:
    if not request.live:
        return None  # waiting brings a replay nothing
    due = source.release.newest_due(request.now, rates.calendar)
    if view.rows[-1].observed_on >= due:
        return None
    return NotYet(f"the rate of {due} is due at {source.name} and not out yet", hint="run again later")


def _banners(fetched: Fetched, view: View, late: NotYet | None, request: Request) -> tuple[str, ...]:
    banners = [f"{failure}." for failure in _failures(fetched)]
    if banners:
        banners.append(f"The newest rate comes from {view.spot.source}.")
    if fetched.revised:
        others = f", and {len(fetched.revised) - 1} more" if len(fetched.revised) > 1 else ""
        banners.append(f"An earlier value was revised: {fetched.revised[0]}{others}.")
    if fetched.disagreement:
        banners.append(f"Two sources disagree: {fetched.disagreement}.")
    if request.demo:
        banners.append("A demonstration on embedded rates, not on today's.")
    elif request.as_of is not None:
        banners.append(f"A replay as of {request.as_of}: it uses what was known then and is never track record.")
    if late:
        banners.append(f"Not the newest rate: {late.message}.")
    if view.quarantined:
        count, newest = len(view.quarantined), view.quarantined[-1]
        banners.append(f"{count} {'row was' if count == 1 else 'rows were'} refused by the gate, the newest: {newest}.")
    return tuple(banners)


def _failures(fetched: Fetched) -> tuple[str, ...]:
    failed = (answer for answer in fetched.answers if answer.state == "failed")
    return tuple(f"{answer.source} could not be used: {answer.detail}" for answer in failed)
