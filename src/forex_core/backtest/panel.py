"""The backtest over several pairs: a table of rows for each pair, and one for the panel."""

from collections.abc import Callable, Iterator, Sequence
from datetime import date, datetime

from forex_core.backtest.evaluate import ENSEMBLE, Record, records
from forex_core.backtest.rows import Row, panel_row, row_of
from forex_core.backtest.windows import Window, origins, windows
from forex_core.dataset.view import Rates
from forex_core.errors import DataError
from forex_core.horizons import HORIZONS
from forex_core.models.member import Member
from forex_core.models.table import YARDSTICK, with_yardstick
from forex_core.store.store import Store

Found = dict[tuple[str, str], list[tuple[Row, Record, Record]]]  # by horizon and member, an entry a pair


def backtest(
    panel: Sequence[Rates],
    start: date,
    end: date,
    members: tuple[Member, ...],
    store: Store,
    now: datetime,
    tick: Callable[[], None] = lambda: None,
) -> tuple[list[Row], list[Row]]:
    """Rows of every pair, and of the panel, for origins in [start, end] whose target's rate is known at `now`."""
    found: Found = {}
    for rates in panel:
        seen = list(windows(rates, origins(rates, start, end), with_yardstick(members), store, tick))
        for key, entry in _measured(rates, seen, members, now):
            found.setdefault(key, []).append(entry)
    if not found:
        raise DataError(f"no window between {start} and {end} has both 250 rates before it and an outcome")
    order = [rates.pair for rates in panel]
    rows = [row for entries in found.values() for row, _, _ in entries]
    joint = [panel_row([e[0] for e in entries], [(e[1], e[2]) for e in entries]) for entries in found.values()]
    return sorted(rows, key=lambda row: order.index(row.pair or "")), joint


def window_count(panel: Sequence[Rates], start: date, end: date) -> int:
    """How often `tick` will be called."""
    return sum(len(origins(rates, start, end)) for rates in panel)


def _measured(
    rates: Rates, seen: list[Window], members: tuple[Member, ...], now: datetime
) -> Iterator[tuple[tuple[str, str], tuple[Row, Record, Record]]]:
    """One pair's rows with their records, by horizon and member."""
    outcomes = rates.as_of(now)
    names = [member.name for member in members]
    for horizon in HORIZONS.values():
        records_of = records(rates, seen, horizon, outcomes, names)
        for name in dict.fromkeys([ENSEMBLE, *names, YARDSTICK.name]):
            if name in records_of:
                record, yardstick = records_of[name], records_of[YARDSTICK.name]
                row = row_of(rates.pair, horizon.key, name, record, yardstick)
                yield (horizon.key, name), (row, record, yardstick)
