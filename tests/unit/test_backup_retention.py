"""Which backups stay: restic's rules, held against a slow telling of them."""

from datetime import UTC, datetime, timedelta
from itertools import groupby
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backup_samples import NOW
from forex_core.errors import SettingsError
from forex_core.ops.backup.archive import Archive
from forex_core.ops.backup.manifest import COUNTED, FOREX_DB, Content, Manifest
from forex_core.ops.backup.prune import judge
from forex_core.ops.backup.retention import Policy, reasons_to_keep

START = datetime(2023, 11, 1, tzinfo=UTC)
DATES = st.lists(st.integers(0, 60 * 24 * 400), max_size=40).map(
    lambda minutes: sorted((START + timedelta(minutes=m) for m in minutes), reverse=True)
)
COUNTS = st.tuples(*[st.integers(0, 6)] * 3).filter(any)
UNITS = [
    lambda at: at.date(),
    lambda at: at.isocalendar()[:2],
    lambda at: (at.year, at.month),
]


def slow(dates: list[datetime], counts: tuple[int, ...]) -> set[int]:
    """The newest of each of the last units that have one; and the oldest of all where they have not used it up."""
    kept: set[int] = set()
    for unit, count in zip(UNITS, counts, strict=True):
        newest = [next(group)[0] for _, group in groupby(enumerate(dates), key=lambda one: unit(one[1]))]
        kept |= set(newest[:count])
        if dates and len(newest) < count:
            kept.add(len(dates) - 1)
    return kept


@given(DATES, COUNTS)
def test_what_stays_is_what_the_slow_telling_keeps(dates: list[datetime], counts: tuple[int, int, int]) -> None:
    reasons = reasons_to_keep(dates, Policy(*counts))
    assert {place for place, why in enumerate(reasons) if why} == slow(dates, counts)


@given(DATES.filter(bool), COUNTS)
def test_the_newest_stays_and_pruning_twice_is_pruning_once(dates: list[datetime], counts: tuple[int, ...]) -> None:
    policy = Policy(*counts)
    kept = [at for at, why in zip(dates, reasons_to_keep(dates, policy), strict=True) if why]
    assert kept[0] == dates[0]
    assert all(reasons_to_keep(kept, policy))
    assert len(kept) <= sum(counts)


def test_a_week_is_the_iso_week_over_the_turn_of_the_year() -> None:
    dates = [datetime(2025, 1, 1, tzinfo=UTC), datetime(2024, 12, 30, tzinfo=UTC), datetime(2024, 12, 29, tzinfo=UTC)]
    assert reasons_to_keep(dates, Policy(0, 3, 0)) == ["week 2025-W01", "", "week 2024-W52"]
    assert reasons_to_keep(dates, Policy(1, 1, 1)) == ["day 2025-01-01, week 2025-W01, month 2025-01", "", ""]


def test_when_nothing_would_be_kept_then_the_policy_is_refused() -> None:
    with pytest.raises(SettingsError, match="nothing would be kept"):
        Policy(0, 0, 0)


def archive(name: str, at: datetime) -> Archive:
    files = {FOREX_DB: Content("0" * 64, 0)}
    return Archive(Path(name), Manifest(at, "1", "3", None, 2, "3", "3", "/d", dict.fromkeys(COUNTED, 0), None, files))


@pytest.mark.fault(18)
def test_when_an_archive_is_dated_in_the_future_then_it_stays_and_counts_for_nothing() -> None:
    tomorrow, today, yesterday = (archive(name, NOW + timedelta(days=n)) for name, n in (("t", 1), ("n", 0), ("y", -1)))
    broken = Archive(Path("b"), None, "no gzip")
    verdicts = judge([tomorrow, today, yesterday, broken], Policy(1, 0, 0), NOW)
    assert [(verdict.path.name, verdict.goes) for verdict in verdicts] == [
        ("t", False),
        ("n", False),
        ("y", True),
        ("b", False),
    ]
    assert [verdict.why for verdict in verdicts] == ["dated in the future", "day 2024-07-01", "", "no gzip"]
    assert [verdict.damaged for verdict in verdicts] == [False, False, False, True]
