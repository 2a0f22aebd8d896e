"""The backtest over several pairs: a table of rows for each pair, and one for the panel."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime

from forex_core.backtest.confidence_set import confidence_set
from forex_core.backtest.evaluate import ENSEMBLE, PAST, Record, records
from forex_core.backtest.guard import Base, guarded
from forex_core.backtest.lessons import lessons
from forex_core.backtest.rows import Found, Row, joint_losses, panel_row, row_of
from forex_core.backtest.windows import ANCHOR, EVERY, Window, origins, windows
from forex_core.dataset.view import Rates
from forex_core.ensemble.weights import EQUAL, INVERSE_RMSE
from forex_core.errors import DataError
from forex_core.horizons import HORIZONS, LONGEST_PATH
from forex_core.models.child import one_child
from forex_core.models.member import Member
from forex_core.models.table import YARDSTICK, with_yardstick
from forex_core.store.store import Store

CONFORMAL = f"{ENSEMBLE}+conformal"
RUN_UP = PAST + LONGEST_PATH // EVERY + 1  # windows before the first scored one: of these, PAST have come due by then
WHOLE = 0.9  # of the ensemble's windows: a member that spoke in fewer would shorten the comparison of all


@dataclass(frozen=True)
class Plan:
    """What is measured: members, and their ensemble, at the origins in [start, end]."""

    members: tuple[Member, ...]
    start: date
    end: date
    weighting: str = EQUAL
    conformal: bool = False

    @property
    def names(self) -> list[str]:
        """Whatever may have a row, in the order of the table."""
        return [ENSEMBLE, CONFORMAL, *(member.name for member in with_yardstick(self.members))]

    def origins(self, rates: Rates) -> list[date]:
        """The origins that are fitted: those that are scored, and earlier ones where something is learned from them."""
        earlier = [day for day in origins(rates, ANCHOR, self.start) if day < self.start]
        learnt = earlier if self.conformal else earlier[-RUN_UP:] if self.weighting == INVERSE_RMSE else []
        return learnt + origins(rates, self.start, self.end)


def backtest(
    panel: Sequence[Rates], plan: Plan, store: Store, now: datetime, tick: Callable[[], None] = lambda: None
) -> tuple[list[Row], list[Row]]:
    """Rows of every pair, and of the panel, for the origins whose target's rate is known at `now`."""
    bases: dict[str, dict[str, Base]] = {key: {} for key in HORIZONS}  # by horizon and pair
    with one_child() as ask:
        for rates in panel:
            seen = list(windows(rates, plan.origins(rates), with_yardstick(plan.members), store, tick, ask))
            for key, base in _measured(rates, seen, plan, now).items():
                bases[key][rates.pair] = base
    scored = {key: _scored(of_pairs, plan) for key, of_pairs in bases.items()}
    rows = [
        row_of(rates.pair, key, name, of_pairs[rates.pair])
        for rates in panel
        for key, of_pairs in scored.items()
        for name in of_pairs.get(rates.pair, ())
    ]
    if not rows:
        raise DataError(f"no window between {plan.start} and {plan.end} has both 250 rates before it and an outcome")
    joint = [
        row
        for key, of_pairs in scored.items()
        for row in _joint([row for row in rows if row.horizon == key], list(of_pairs.values()), plan.names)
    ]
    return (_marked(rows, joint) if len(panel) == 1 else rows), joint


def window_count(panel: Sequence[Rates], plan: Plan) -> int:
    """How often `tick` will be called."""
    return sum(len(plan.origins(rates)) for rates in panel)


def _measured(rates: Rates, seen: list[Window], plan: Plan, now: datetime) -> dict[str, Base]:
    """One pair's records by horizon, those of windows that only teach among them."""
    outcomes, names = rates.as_of(now), [member.name for member in plan.members]
    return {
        h.key: Base(records(rates, seen, h, outcomes, names, plan.weighting), lessons(rates, seen, h))
        for h in HORIZONS.values()
    }


def _scored(bases: Mapping[str, Base], plan: Plan) -> dict[str, dict[str, Record]]:
    """By pair, the records of the scored origins in the order of the table; pairs without any are left out."""
    calibrated = guarded(bases, ENSEMBLE) if plan.conformal else {}
    scored = {}
    for pair, base in bases.items():
        found = dict(base.found)
        if pair in calibrated:
            found[CONFORMAL] = calibrated[pair]
        ours = {name: _within(found[name], plan) for name in plan.names if name in found}
        if ours := {name: record for name, record in ours.items() if record.origins}:
            scored[pair] = ours
    return scored


def _within(record: Record, plan: Plan) -> Record:
    return record.on(day for day in record.origins if plan.start <= day <= plan.end)


def _joint(rows: Sequence[Row], found: Sequence[Found], names: Sequence[str]) -> list[Row]:
    """The panel's rows of one horizon, with their confidence set."""
    joint = [
        panel_row([row for row in rows if row.member == name], [records for records in found if name in records])
        for name in names
        if any(name in records for records in found)
    ]
    inside = _confidence_set(joint, found)
    return [replace(row, in_confidence_set=inside.get(row.member)) for row in joint]


def _marked(rows: Sequence[Row], joint: Sequence[Row]) -> list[Row]:
    """The rows of a pair that is alone, with the panel's confidence set, which is its own."""
    inside = {(row.horizon, row.member): row.in_confidence_set for row in joint}
    return [replace(row, in_confidence_set=inside[row.horizon, row.member]) for row in rows]


def _confidence_set(joint: Sequence[Row], found: Sequence[Found]) -> dict[str, bool]:
    """Whether each member is in the set; one that spoke too seldom is not judged."""
    most = max((row.origins for row in joint), default=0)
    judged = [row.member for row in joint if row.origins >= WHOLE * most]
    whole = [records for records in found if set(judged) <= set(records)]
    if not whole:
        return {}
    overlap = max(records[YARDSTICK.name].overlap for records in whole)
    inside = confidence_set(joint_losses(whole, judged), overlap)
    return dict(zip(judged, inside, strict=True)) if inside else {}
