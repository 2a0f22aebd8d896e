"""One horizon of a report: everything that its part of the page shows, read off the frozen forecast and its record."""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil

from markupsafe import Markup

from forex_core.calendars import calendar_of
from forex_core.report import changes
from forex_core.report.chart import Fan, describe, fan_chart
from forex_core.report.coverage_chart import coverage_chart
from forex_core.report.language import Language
from forex_core.report.reading import share_below, skill_interval
from forex_core.report.scenarios import Scenario, scenarios
from forex_core.report.track_record import TrackRecord
from forex_core.report.verdict import verdict
from forex_core.values import INTERVALS, LEVELS, Forecast

ROWS = 13  # of the table that stands for a chart, at most
WEEK = 5  # business days between the past rates in it
NEAR = 10  # past rates in a close-up, at least
NEWEST, WORST = 10, 3  # forecasts of the track record that are listed

PathRow = tuple[str, ...]  # date, median or rate, and the ranges


@dataclass(frozen=True)
class Section:
    """A forecast with its track record and its predecessor. first: its path is the one in the page's own chart."""

    forecast: Forecast
    record: TrackRecord
    previous: Forecast | None
    language: Language
    first: bool = False

    @property
    def label(self) -> str:
        """How far ahead."""
        return self.language.horizon(self.forecast.horizon)

    @property
    def verdict(self) -> str:
        """How it stands beside the random walk."""
        return verdict(self.forecast.backtest, self.language)

    @property
    def sentence(self) -> str:
        """What the 80 % range means."""
        low, high = (self.language.rate(self.forecast.quantiles[level]) for level in INTERVALS[80])
        base = self.language.name("currency", self.forecast.pair[:3])
        return self.language.say(
            "range_sentence", base=base, low=low, high=high, day=self.language.day(self.forecast.target_date)
        )

    @property
    def change(self) -> str:
        """Of the median from the spot."""
        return self.language.percent(self.forecast.median / self.forecast.spot.value - 1, 2, signed=True)

    @property
    def above(self) -> str:
        """The probability of ending above the spot."""
        return self.language.chance(1 - share_below(self.forecast.quantiles, self.forecast.spot.value))

    @property
    def skill(self) -> str:
        """Of the issued forecasts so far, with its interval and their number."""
        record, shown = self.record, self.record.evidence
        if record.skill is None:
            return self.language.say("none_due")
        return self._skill(record.skill, (shown.low, shown.high) if shown else None, record.count)

    @property
    def backtest_skill(self) -> str:
        """Over the past windows."""
        found = self.forecast.backtest
        if found is None:
            return self.language.say("none_due")
        skill = 1 - found.wql_ratio
        return self._skill(skill, skill_interval(skill, found.dm_t, found.origins), found.origins)

    def _skill(self, skill: float, interval: tuple[float, float] | None, n: int) -> str:
        parts = [self.language.percent(skill, signed=True)]
        if interval:
            low, high = (self.language.number(100 * end, 1, signed=True) for end in interval)
            parts.append(f"{low}…{high}")
        return " ".join([*parts, f"({self.language.number(n)})"])

    @property
    def live_test(self) -> str:
        """Diebold and Mariano's test of the issued forecasts."""
        shown = self.record.evidence
        return self.test(shown.t if shown else None, shown.p if shown else None)

    def test(self, t: float | None, p: float | None) -> str:
        """Diebold and Mariano's test in figures."""
        if t is None or p is None:
            return self.language.say("test_none")
        return self.language.say("test_shown", t=self.language.number(t, 2), p=self.language.number(p, 3))

    @property
    def close_up(self) -> int | None:
        """How many past rates go with a short path; None if the whole history does."""
        past = max(2 * self.forecast.steps, NEAR)
        return past if past < len(self.forecast.history) / 2 else None

    @property
    def fan(self) -> Fan | None:
        """The section's own chart, unless the page's shows the same."""
        return None if self.first and self.close_up is None else Fan(self.forecast, past=self.close_up)

    @property
    def chart(self) -> Markup | None:
        """The section's own chart as SVG."""
        return self.drawn(self.fan) if self.fan else None

    def drawn(self, fan: Fan, kind: str = "near") -> Markup:
        """A chart as SVG."""
        return Markup(fan_chart(fan, f"{kind}-{self.anchor}", self.language))

    def described(self, fan: Fan) -> str:
        """A chart in words."""
        return describe(fan, self.language)

    @property
    def anchor(self) -> str:
        """Where links find it."""
        return f"to-{self.forecast.horizon}"

    @property
    def past(self) -> list[PathRow]:
        """Past rates, one a week, the last one the spot."""
        rows = self.forecast.history[::-1][::WEEK][::-1]
        return [(self.language.day(day), self.language.rate(rate)) for day, rate in rows]

    @property
    def ahead(self) -> list[PathRow]:
        """The path: at most ROWS of its steps, the last one always."""
        steps, days = len(self.forecast.path), calendar_of(self.forecast.pair).days
        open_days = days[bisect_right(days, self.forecast.issued_on) :]
        chosen = range(steps - 1, -1, -ceil(steps / ROWS))
        return [(self.language.day(open_days[n]), *self._row(self.forecast.path[n])) for n in reversed(chosen)]

    def _row(self, rates: Sequence[float]) -> PathRow:
        said = dict(zip(LEVELS, rates, strict=True))
        ranges = (self.language.span(said[low], said[high]) for low, high in INTERVALS.values())
        return (self.language.rate(said[0.5]), *ranges)

    @property
    def changes(self) -> list[changes.Change]:
        """Before and now."""
        return changes.table(self.forecast, self.previous, self.language) if self.previous else []

    @property
    def reasons(self) -> list[str]:
        """Why; without a predecessor only how volatile the rate is."""
        if self.previous is None:
            return [self.language.say("changes_none"), *changes.regime(self.forecast, self.language)]
        return changes.reasons(self.forecast, self.previous, self.language)

    @property
    def scenarios(self) -> list[Scenario]:
        """What if."""
        return scenarios(self.forecast, self.language)

    @property
    def coverage(self) -> Markup:
        """The track record's coverage as SVG."""
        shares = {percent: self.record.coverage(percent) or 0.0 for percent in INTERVALS}
        drawn = coverage_chart(shares, self.record.independent, f"coverage-{self.anchor}", self.language)
        return Markup(drawn)
