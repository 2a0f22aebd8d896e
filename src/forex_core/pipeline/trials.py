"""What a member would have said at the origins of a period, and how the best one's losses compare with today's."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

import numpy as np

from forex_core.backtest import metrics
from forex_core.backtest.evaluate import ratio, records, wql
from forex_core.backtest.promotion import BANDS, Verdict, judged
from forex_core.backtest.rows import Found, joint_losses
from forex_core.backtest.windows import Window, origins, windows
from forex_core.dataset.view import Rates, View
from forex_core.errors import DataError, ModelError
from forex_core.horizons import HORIZONS, LONGEST_PATH
from forex_core.models.child import Ask
from forex_core.models.member import Member
from forex_core.models.table import YARDSTICK
from forex_core.store.store import Store

BEST = "best"  # the tuned member's name in the verdict, where today's has its own

Tick = Callable[[], None]
Measured = list[Mapping[str, Found]]  # of each pair, by horizon, the records by member


@dataclass(frozen=True)
class Part:
    """A pair's origins, with what was known at each and the yardstick's path, and where outcomes are read."""

    rates: Rates
    seen: tuple[Window, ...]
    outcomes: View

    @property
    def newest(self) -> date:
        """The last day of which an outcome is known."""
        return self.outcomes.rows[-1].observed_on


def parts_of(
    panel: Sequence[Rates], first: date, last: date, outcomes: Callable[[Rates], View], scratch: Path
) -> Iterator[Part]:
    """Each pair's part, where it has an origin; a search works without the lock, so no window is stored."""
    for rates in panel:
        with Store.in_memory(scratch) as passing:
            seen = tuple(windows(rates, origins(rates, first, last), (YARDSTICK,), passing))
        if seen:
            yield Part(rates, seen, outcomes(rates))


def measured(member: Member, parts: Sequence[Part], ask: Ask, tick: Tick = lambda: None) -> Measured:
    """What the member would have said, beside what came; an origin at which it is silent is left out."""
    found: Measured = []
    for part in parts:
        spoke = []
        for window in part.seen:
            tick()
            try:
                said = ask(member, window.history, LONGEST_PATH)
            except ModelError:
                continue
            spoke.append(replace(window, paths={**window.paths, member.name: said}))
        by_horizon = {h.key: records(part.rates, spoke, h, part.outcomes, ()) for h in HORIZONS.values()}
        found.append({key: of_pair for key, of_pair in by_horizon.items() if of_pair})
    return found


def ratios(found: Measured, name: str) -> dict[str, float]:
    """WQL beside the yardstick's by horizon, the geometric mean over pairs."""
    logs: dict[str, list[float]] = {}
    for of_pair in found:
        for key, of in of_pair.items():
            if name in of:
                other = of[YARDSTICK.name].on(of[name].origins)
                logs.setdefault(key, []).append(float(np.log(ratio(wql(of[name]), wql(other)))))
    return {key: float(np.exp(np.mean(of_pairs))) for key, of_pairs in logs.items()}


def verdict_of(found: Measured, today: str) -> Verdict:
    """Compare the records of BEST and of `today`, on the origins whose outcome is known at every horizon.

    Losses are relative to the yardstick's, their mean taken over pairs and horizons; DataError if there are none.
    """
    common = [_common(of_pair, (BEST, today)) for of_pair in found]
    pairs = [
        {key: {name: record.on(days) for name, record in of.items()} for key, of in of_pair.items()}
        for of_pair, days in zip(found, common, strict=True)
        if days
    ]
    if not pairs:
        raise DataError("no origin of the verdict's period has an outcome at every horizon")
    every = sorted(set().union(*common))
    lost = np.mean([joint_losses([pair[key] for pair in pairs], (BEST, today)) for key in HORIZONS], axis=0)
    overlap = max(of[BEST].overlap for pair in pairs for of in pair.values())
    coverage = {percent: {key: _coverage(pairs, key, percent) for key in HORIZONS} for percent in BANDS}
    return Verdict(every[0], every[-1], len(every), *judged(lost[:, 0], lost[:, 1], overlap), coverage)


def _common(of_pair: Mapping[str, Found], names: Sequence[str]) -> set[date]:
    """The origins at which all these spoke and whose outcome is known at every horizon."""
    if set(of_pair) != set(HORIZONS):
        return set()
    return set.intersection(*(set(of[name].origins) for of in of_pair.values() for name in names))


def _coverage(pairs: Sequence[Mapping[str, Found]], key: str, percent: int) -> float:
    """How many outcomes of 100 lay inside the best one's interval, the mean over pairs."""
    of = [pair[key][BEST] for pair in pairs]
    return float(100 * np.mean([metrics.inside(one.quantiles, one.outcomes, percent).mean() for one in of]))
