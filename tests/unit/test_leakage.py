"""The audit of leakage: clean where nothing knows the future, and by name where something does."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from typing import ClassVar

import numpy as np
import pytest

from conftest import business_days, series, walk
from forex_core.backtest.leakage import (
    Leak,
    changed_windows,
    early_features,
    early_rows,
    late_drivers,
    past_of,
    spoilt,
    young_weights,
)
from forex_core.backtest.windows import Window
from forex_core.calendars import Release, calendar, end_of
from forex_core.dataset.driver_series import Dates, DriverSeries, History
from forex_core.dataset.features import FeatureTable, features
from forex_core.dataset.view import Rates, View
from forex_core.errors import DataError, ModelError
from forex_core.models.empirical import Empirical
from forex_core.models.linear import Linear
from forex_core.models.member import NO_PARAMETER
from forex_core.models.random_walk import RandomWalk
from forex_core.pipeline import auditing
from forex_core.pipeline.auditing import ORIGINS, Audited, audit, refuse_leaks
from forex_core.sources.drivers import DRIVERS
from forex_core.values import Floats, Observation, QuantilePath, Series

WEEKDAYS = calendar("weekdays")
EVENING = Release(time(22))
DAYS = business_days(date(2018, 1, 1), date(2023, 12, 29), WEEKDAYS)
COPPER = next(driver for driver in DRIVERS if driver.name == "copper")


def rows_of(seed: int, source: str = "test", late: timedelta = timedelta(0)) -> tuple[Observation, ...]:
    """A walk whose values are known the same evening, or `late` after it."""
    return tuple(
        Observation(day, value, datetime.combine(day, time(22), UTC) + late, source)
        for day, value in walk(DAYS, seed=seed)
    )


RATES = Rates("EURUSD", rows_of(1), WEEKDAYS, Release(time(0)))
COPPER_ROWS = rows_of(2, "yahoo", late=timedelta(hours=12))


def leaks(rates: Rates, *members: object) -> Audited:
    return audit(rates, members or (RandomWalk(),))  # type: ignore[arg-type]


def culprits(found: Audited) -> set[str]:
    return {leak.culprit for leak in found.leaks}


def test_where_nothing_knows_the_future_the_audit_is_clean_and_says_what_it_looked_at() -> None:
    drivers = (History(COPPER, ("yahoo",), COPPER_ROWS),)
    found = leaks(replace(RATES, drivers=drivers), RandomWalk(), Empirical(), Linear())
    assert found.leaks == ()
    assert len(found.origins) == ORIGINS
    assert found.origins == tuple(sorted(found.origins))
    assert DAYS[len(DAYS) // 2] <= found.origins[0]
    assert found.origins[-1] <= DAYS[-66]
    assert found.spoke == {"random_walk": ORIGINS, "empirical": ORIGINS, "linear": ORIGINS}
    assert {"Return", "copper_Momentum_5"} <= set(found.features)
    refuse_leaks([found])


# --- views


class Backfilled(Rates):
    """A view in which every Wednesday is taken for missing and filled with the next value that is stored."""

    def at_close(self, day: date) -> View:
        view = super().at_close(day)
        following = {a.observed_on: b.value for a, b in zip(self.rows, self.rows[1:], strict=False)}
        filled = [
            replace(row, value=following.get(row.observed_on, row.value)) if row.observed_on.weekday() == 2 else row
            for row in view.rows
        ]
        return View(tuple(filled), ())


class OfTheDate(Rates):
    """A view that takes rows by their date, whenever they became known."""

    def at_close(self, day: date) -> View:
        return View(tuple(row for row in self.rows if row.observed_on <= day), ())


def on_wednesdays(rates: Rates) -> Rates:
    """The same, with its days moved so that an origin of the audit is a Wednesday."""
    for cut in range(40):
        moved = replace(rates, rows=rates.rows[: len(rates.rows) - cut])
        if any(day.weekday() == 2 for day in leaks(moved).origins):
            return moved
    raise AssertionError("no origin is a Wednesday")


def test_when_a_view_is_filled_backwards_then_the_row_and_the_members_that_peeked_are_named() -> None:
    honest = on_wednesdays(RATES)
    found = leaks(Backfilled(honest.pair, honest.rows, WEEKDAYS, honest.release), RandomWalk(), Empirical())
    wednesday = next(day for day in found.origins if day.weekday() == 2)
    assert {f"the row of {wednesday}", "member random_walk", "member empirical"} <= culprits(found)
    with pytest.raises(DataError, match=r"EURUSD: the row of .* at .*: it differs once the future is known") as caught:
        refuse_leaks([found])
    assert caught.value.exit_code == 65
    assert "member random_walk" in caught.value.message


def test_when_rows_are_taken_by_date_then_the_one_that_was_not_known_yet_is_named() -> None:
    found = leaks(OfTheDate("EURUSD", rows_of(1, late=timedelta(hours=12)), WEEKDAYS, EVENING))
    for origin in found.origins:
        assert f"the row of {origin}" in culprits(found)
    days = found.origins[:1]
    (leak,) = early_rows(OfTheDate("EURUSD", rows_of(1, late=timedelta(hours=12)), WEEKDAYS, EVENING), days[0])
    assert str(leak).startswith(f"the row of {days[0]} at {days[0]}: it became known {days[0] + timedelta(1)} 10:00")


class Screened(Rates):
    """A view that refuses a row if the one after it lies far from it: it looks ahead, though no value moves."""

    def at_close(self, day: date) -> View:
        following = {a.observed_on: b.value for a, b in zip(self.rows, self.rows[1:], strict=False)}
        kept = (
            row for row in super().at_close(day).rows if 0.5 < following.get(row.observed_on, row.value) / row.value < 2
        )
        return View(tuple(kept), ())


def test_when_a_view_only_looks_ahead_then_garbage_for_a_future_shows_it() -> None:
    found = leaks(Screened("EURUSD", RATES.rows, WEEKDAYS, RATES.release))
    assert [str(leak) for leak in found.leaks] == [
        f"the view at {origin}: it is gone with garbage for a future" for origin in found.origins
    ]


def test_a_window_that_exists_only_with_a_future_is_named() -> None:
    day = DAYS[500]
    seen = {day: Window(day, series(walk(DAYS[:501])), {})}
    assert [str(leak) for leak in changed_windows({}, seen, "so")] == [f"the view at {day}: it exists so"]
    assert [str(leak) for leak in changed_windows(seen, {}, "so")] == [f"the view at {day}: it is gone so"]
    assert list(changed_windows(seen, dict(seen), "so")) == []


# --- members


@dataclass(frozen=True)
class Remembering(RandomWalk):
    """Its scale is that of the longest history it has ever been shown."""

    scales: dict[int, float] = field(default_factory=dict, compare=False, metadata=NO_PARAMETER)
    name: ClassVar[str] = "remembering"

    def forecast(self, history: Series, steps: int) -> QuantilePath:
        self.scales[len(history)] = float(np.std(history.log_returns()))
        factor = self.scales[max(self.scales)] / self.scales[len(history)]
        return QuantilePath(super().forecast(history, steps).rates * factor)


@dataclass(frozen=True)
class Faltering(RandomWalk):
    """Speaks only if it has seen a longer history before."""

    longest: list[int] = field(default_factory=list, compare=False, metadata=NO_PARAMETER)
    name: ClassVar[str] = "faltering"

    def forecast(self, history: Series, steps: int) -> QuantilePath:
        self.longest.append(len(history))
        if len(history) == max(self.longest):
            raise ModelError("what comes next?")
        return super().forecast(history, steps)


@pytest.mark.parametrize("member", [Remembering, Faltering])
def test_a_member_that_keeps_what_it_saw_of_the_future_is_named(member: Callable[[], RandomWalk]) -> None:
    found = leaks(RATES, RandomWalk(), member())
    assert culprits(found) == {f"member {member.name}"}  # type: ignore[attr-defined]
    assert found.leaks[0].origin < found.origins[-1]


def test_a_member_that_never_spoke_is_counted_as_such() -> None:
    @dataclass(frozen=True)
    class Silent(RandomWalk):
        name: ClassVar[str] = "silent"

        def forecast(self, history: Series, steps: int) -> QuantilePath:
            raise ModelError("no")

    assert leaks(RATES, Silent()).spoke == {"silent": 0}


# --- features


def scaled_by_all(history: Series) -> Floats:
    """A scaler fitted on all that is there."""
    values = history.values
    return np.column_stack([np.arange(len(values), dtype=float), (values - values.mean()) / values.std()])


def centred_mean(history: Series) -> Floats:
    values = history.values
    return np.column_stack([values, np.convolve(values, np.ones(3) / 3, "same")])


def lagged_backwards(history: Series) -> Floats:
    return np.column_stack([history.values, np.roll(history.values, -1)])


@pytest.mark.parametrize("compute", [scaled_by_all, centred_mean, lagged_backwards])
def test_a_feature_that_depends_on_later_rows_is_named(compute: Callable[[Series], Floats]) -> None:
    found = list(early_features(compute, ["clean", "leaking"], series(walk(DAYS)), [400, 900]))
    assert {leak.culprit for leak in found} == {"feature leaking"}


def test_the_audit_tries_the_features_that_members_are_fitted_on(monkeypatch: pytest.MonkeyPatch) -> None:
    def leaking(history: Series, drivers: tuple[str, ...] = ()) -> FeatureTable:
        table = scaled_by_all(history)
        return FeatureTable(("day", "Scaled"), table, table[:, 0])

    monkeypatch.setattr(auditing, "features", leaking)
    assert culprits(leaks(RATES)) == {"feature Scaled"}


def test_a_feature_that_uses_a_later_driver_is_named() -> None:
    dates, values = np.array(DAYS, dtype="datetime64[D]"), np.array([value for _, value in walk(DAYS)])
    history = Series(dates, values, {"copper": values[::-1].copy()})

    def compute(seen: Series) -> Floats:
        return np.column_stack([np.append(seen.drivers["copper"][1:], np.nan)])

    (leak, *_) = early_features(compute, ["tomorrow"], history, [400])
    assert leak.culprit == "feature tomorrow"


def test_the_documented_features_are_clean_with_gaps_and_drivers() -> None:
    dates, values = np.array(DAYS, dtype="datetime64[D]"), np.array([value for _, value in walk(DAYS)])
    copper = np.where(np.arange(len(DAYS)) % 7 == 0, np.nan, values[::-1])
    history = Series(dates, values, {"copper": copper})
    names = features(history, ("copper",)).names
    found = early_features(lambda seen: features(seen, ("copper",)).values, names, history, [260, 700, 1200])
    assert list(found) == []


# --- drivers


@dataclass(frozen=True)
class JoinedByDate(DriverSeries):
    """Beside each row the driver's value of that date, though it became known the next morning."""

    def join(self, dates: Dates) -> Floats:
        position = np.searchsorted(self.observed_on, dates.astype("datetime64[D]"), side="right") - 1
        return np.where(position >= 0, self.values[position], np.nan)


class Careless(History):
    def as_of(self, moment: datetime) -> DriverSeries:
        known = super().as_of(moment)
        return JoinedByDate(*(getattr(known, name) for name in DriverSeries.__dataclass_fields__))


def test_when_a_driver_is_joined_by_date_then_it_is_named() -> None:
    careless = replace(RATES, drivers=(Careless(COPPER, ("yahoo",), COPPER_ROWS),))
    found = leaks(careless)
    assert {culprit.rsplit(" ", 1)[0] for culprit in culprits(found)} == {"driver copper of"}
    origin = found.origins[0]
    (leak,) = late_drivers(careless, origin, found.origins[1])
    assert str(leak) == f"driver copper of {origin} at {origin}: it is another one as seen on {found.origins[1]}"


def test_a_driver_is_cut_by_when_it_became_known_and_a_rate_by_its_date_as_well() -> None:
    day = DAYS[400]
    before, ahead = end_of(DAYS[399]), replace(COPPER_ROWS[405], known_at=end_of(day))
    rates = replace(RATES, rows=(replace(RATES.rows[405], known_at=before),), drivers=(History(COPPER, (), (ahead,)),))
    assert past_of(rates, day).rows == ()
    assert past_of(rates, day).drivers[0].rows == (ahead,)
    assert spoilt(rates, day).rows[0].value == 7 * rates.rows[0].value
    assert past_of(rates, DAYS[399]).drivers[0].rows == ()


def test_when_another_source_serves_since_then_its_values_are_no_leak() -> None:
    switch = DAYS[1200]
    first = tuple(row for row in COPPER_ROWS if row.observed_on <= switch)
    second = tuple(replace(row, source="bcch", value=2 * row.value) for row in COPPER_ROWS)
    switching = replace(RATES, drivers=(History(COPPER, ("yahoo", "bcch"), first + second),))
    assert switching.at_close(DAYS[1100]).drivers[0].source == "yahoo"
    assert switching.at_close(DAYS[1400]).drivers[0].source == "bcch"
    assert list(late_drivers(switching, DAYS[1100], DAYS[1400])) == []


# --- weights


@dataclass(frozen=True)
class Trained(RandomWalk):
    """Trained once, on everything up to `cut_off`; used from `first` on."""

    cut_off: str = "2021-12-31"
    first: str = "2000-01-01"
    name: ClassVar[str] = "trained"

    def weights_on(self, day: date) -> str:
        if day.isoformat() < self.first:
            raise ModelError("all are younger")
        return "w" * 64

    def cut_off_on(self, day: date) -> date:
        self.weights_on(day)
        return date.fromisoformat(self.cut_off)


def test_weights_that_have_seen_the_day_they_are_used_on_are_named() -> None:
    found = leaks(RATES, Trained())
    young = [origin for origin in found.origins if origin <= date(2021, 12, 31)]
    assert young
    assert [leak.origin for leak in found.leaks] == young
    assert culprits(found) == {"weights of trained"}
    assert "they were trained on rates up to 2021-12-31" in str(found.leaks[0])


def test_the_day_itself_is_too_young_and_the_day_before_is_not() -> None:
    days = [date(2021, 12, 31), date(2022, 1, 3)]
    assert [leak.origin for leak in young_weights(Trained(), days)] == days[:1]
    assert list(young_weights(Trained(first="2022-01-01"), days)) == []
    assert list(young_weights(RandomWalk(), days)) == []


def test_a_trained_member_that_does_not_say_until_when_is_listed() -> None:
    @dataclass(frozen=True)
    class Undated(RandomWalk):
        name: ClassVar[str] = "undated"

        def weights_on(self, day: date) -> str:
            return "w" * 64

    assert leaks(RATES, Undated(), Trained(cut_off="2000-01-01")).undated == ("undated",)


# --- what can't be audited, and what is said


def test_a_history_without_room_for_a_future_is_refused() -> None:
    with pytest.raises(DataError, match="too few rates of EURUSD to audit: 250 rates before an origin and 66 after it"):
        leaks(replace(RATES, rows=RATES.rows[:300]))


def test_of_many_culprits_the_first_are_named_each_once() -> None:
    nothing = leaks(RATES)
    day = nothing.origins[0]
    refuse_leaks([nothing])
    found = replace(nothing, leaks=tuple(Leak(f"member {n % 9}", day, "it knows") for n in range(20)))
    with pytest.raises(DataError) as caught:
        refuse_leaks([nothing, found])
    named = "; ".join(f"EURUSD: member {n} at {day}: it knows" for n in range(5))
    assert caught.value.message == f"the future leaks in: {named}; and 4 more"


def test_the_end_of_a_day_is_still_known() -> None:
    day = DAYS[400]
    rows = (*RATES.rows[:400], replace(RATES.rows[400], known_at=end_of(day)))
    assert list(early_rows(replace(RATES, rows=rows), day)) == []
