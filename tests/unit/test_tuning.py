"""The search: it finds what was planted, sees nothing of the verdict's period, and its verdict is honest."""

import json
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import ttest_rel

from conftest import business_days, walk
from forex_core.backtest.promotion import Verdict, judged
from forex_core.calendars import calendar, release_of
from forex_core.dataset.view import Rates
from forex_core.errors import DataError, ModelError, SettingsError, UsageError
from forex_core.horizons import HORIZONS
from forex_core.models.lstm.member import Lstm
from forex_core.models.member import ask
from forex_core.models.random_walk import RandomWalk
from forex_core.models.rw_const import RandomWalkConstant
from forex_core.models.search_space import SPACES, Knob, Search, ready, values_of, varied
from forex_core.models.table import MEMBERS
from forex_core.pipeline.candidates import as_runs, candidate, keep
from forex_core.pipeline.trials import measured, ratios
from forex_core.pipeline.tuning import Task, Tuned, tune, tuning_parts
from forex_core.values import Observation, QuantilePath, Series

CHILE = calendar("chile")
NOW = datetime(2024, 7, 1, tzinfo=UTC)
NOBODY = Path("/nonexistent")


@dataclass(frozen=True)
class Wide(RandomWalkConstant):
    """The random walk with its spread times `width`: on a real random walk 1 is best."""

    width: float = 2.0
    name: ClassVar[str] = "wide"

    def forecast(self, history: Series, steps: int) -> QuantilePath:
        if self.width > 500 or (self.width > 5 and str(history.dates[-1]) < "2017"):
            raise ModelError("too wide")
        return QuantilePath(history.last * (super().forecast(history, steps).rates / history.last) ** self.width)


def rates_of(pair: str, seed: int, first: date = date(2014, 1, 2)) -> Rates:
    release = release_of("USDCLP")
    rows = walk(business_days(first, date(2024, 6, 28)), seed=seed)
    seen = tuple(Observation(day, value, release.known_at(day, CHILE), "test") for day, value in rows)
    return Rates(pair, seen, CHILE, release)


PANEL = [rates_of("USDCLP", 1), rates_of("EURCLP", 2)]
TASK = Task(Wide(), PANEL, date(2016, 1, 1), date(2017, 12, 31), date(2018, 1, 1), trials=14)


@pytest.fixture(autouse=True)
def _wide_can_be_tuned(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(SPACES, "wide", {"width": Knob(0.4, 4.0, log=True)})


@pytest.fixture(scope="module")
def found() -> Tuned:
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(SPACES, "wide", {"width": Knob(0.4, 4.0, log=True)})
        return tune(TASK, NOW)


def test_a_planted_optimum_is_approached_and_passes_the_gate(found: Tuned) -> None:
    assert isinstance(found.best, Wide)
    assert 0.8 < found.best.width < 1.25
    assert found.trials[0].values == {"width": 2.0}
    assert len(found.trials) == 14
    assert found.verdict
    assert found.verdict.failings == ()
    assert (found.verdict.first >= TASK.verdict_from, found.verdict.origins > 60) == (True, True)
    assert 3 < found.verdict.low < found.verdict.gain < found.verdict.high
    assert found.said.startswith(f"Best of 14 trials: {found.verdict.gain:.1f} % lower loss than today's on 2018-2024")
    assert found.said.endswith("significant: worth a trial as challenger.")


def test_where_today_is_best_already_then_it_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(SPACES, "wide", {"width": Knob(1.0, 4.0)})
    kept = tune(replace(TASK, member=Wide(width=1.0), trials=3), NOW)
    assert (kept.best, kept.verdict) == (Wide(width=1.0), None)
    assert kept.said == "None of 3 trials did better than today's: keep what you have."


def test_a_trial_that_is_silent_where_today_speaks_is_not_compared(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(SPACES, "wide", {"width": Knob(1.0, 1000.0, log=True)})
    mixed = tune(replace(TASK, trials=6), NOW)
    assert [trial.loss is None for trial in mixed.trials] == [trial.values["width"] > 5 for trial in mixed.trials]
    assert {trial.loss is None for trial in mixed.trials} == {True, False}
    with pytest.raises(ModelError, match="speaks at no origin"):
        tune(replace(TASK, member=Wide(width=600.0)), NOW)


def stopping(at: str) -> Callable[[str], None]:
    def progress(line: str) -> None:
        if line.startswith(at):
            raise KeyboardInterrupt

    return progress


def test_ctrl_c_ends_the_search_and_what_was_found_gets_its_verdict() -> None:
    stopped = tune(replace(TASK, trials=None), NOW, stopping("trial 4"))
    assert (len(stopped.trials), stopped.stopped, stopped.verdict is not None) == (4, "by Ctrl-C", True)


def test_ctrl_c_in_the_verdict_leaves_the_trials() -> None:
    stopped = tune(replace(TASK, trials=4), NOW, stopping("the best"))
    assert (len(stopped.trials), stopped.stopped, stopped.verdict) == (4, "by Ctrl-C", None)
    assert stopped.said == "Best of 4 trials, interrupted before the verdict: keep what you have."
    assert keep(stopped, ["USDCLP"], "test", NOW, NOBODY) is None


def test_when_the_time_is_up_then_today_was_measured_nevertheless() -> None:
    hasty = tune(replace(TASK, trials=None, minutes=0.0), NOW)
    assert (len(hasty.trials), hasty.stopped) == (1, "by the time limit")
    assert hasty.said == "No trial but today's own was finished: keep what you have."


def test_without_an_outcome_for_the_verdict_nothing_is_searched() -> None:
    with pytest.raises(DataError, match="no origin from 2024-05-01 on has an outcome 90 days later"):
        tune(replace(TASK, verdict_from=date(2024, 5, 1)), NOW)
    with pytest.raises(DataError, match="no origin between 2001-01-01 and 2001-12-31 has 250 rates before it"):
        tune(replace(TASK, start=date(2001, 1, 1), end=date(2001, 12, 31)), NOW)


def test_periods_that_meet_are_refused() -> None:
    with pytest.raises(UsageError, match="must ascend"):
        replace(TASK, verdict_from=TASK.end)


@given(st.dates(date(2016, 6, 1), date(2019, 6, 1)), st.integers(1, 200))
@settings(max_examples=8, deadline=None)
def test_the_search_sees_nothing_of_the_verdicts_period(verdict_from: date, gap: int) -> None:
    """Whatever the rates are from then on, its losses are the same to the last bit."""

    def losses(rates: Rates) -> dict[str, float]:
        end = verdict_from - timedelta(days=gap)
        task = Task(RandomWalk(), [rates], end - timedelta(days=250), end, verdict_from)
        (part,) = tuning_parts(task, NOBODY)
        assert part.newest < verdict_from
        assert all(window.origin <= end for window in part.seen)
        return ratios(measured(RandomWalk(), [part], ask), "random_walk")

    whole = PANEL[0]
    others = [replace(row, value=row.value * 1.02) if row.observed_on >= verdict_from else row for row in whole.rows]
    assert losses(whole) == losses(replace(whole, rows=tuple(others))) != {}


def test_the_gain_is_the_share_of_loss_that_is_saved() -> None:
    today = np.array([1.0, 1.4, 1.2, 1.0, 1.4, 1.2] * 5)
    gain, low, high, _ = judged(0.9 * today, today, 1)
    assert (gain, low, high) == pytest.approx((10.0, 10.0, 10.0))
    assert judged(today + 0.12, today, 1)[0] == pytest.approx(-10.0)


@given(st.integers(0, 1000))
def test_p_is_that_of_the_one_sided_paired_test_where_windows_do_not_overlap(seed: int) -> None:
    best, today = np.random.default_rng(seed).uniform(0.5, 1.5, (2, 40))
    gain, low, high, p = judged(best, today, 1)
    assert p == pytest.approx(ttest_rel(best, today, alternative="less").pvalue)
    assert low < gain < high
    other = judged(today, best, 1)[3]
    assert other is not None
    assert p is not None
    assert p + other == pytest.approx(1.0)


def test_the_same_losses_are_no_gain() -> None:
    assert judged(np.ones(40), np.ones(40), 3) == (0.0, 0.0, 0.0, None)


GOOD = {80: dict.fromkeys(HORIZONS, 79.0), 95: dict.fromkeys(HORIZONS, 94.0)}
PASSING = Verdict(date(2015, 1, 2), date(2026, 7, 1), 140, 1.2, 0.3, 2.0, 0.01, GOOD)


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({}, ()),
        ({"p": 0.05}, ("not significant",)),
        ({"p": None}, ("not significant",)),
        ({"gain": 0.99}, ("less than the 1 % that a change must bring",)),
        ({"origins": 59}, ("fewer than 60 origins",)),
        ({"coverage": GOOD | {80: {"7d": 74.9, "15d": 75.0}}}, ("its 80 % interval held 75 % at 7d",)),
        ({"coverage": GOOD | {95: {"90d": 98.1}}}, ("its 95 % interval held 98 % at 90d",)),
    ],
)
def test_the_gate_says_what_fails(changes: dict[str, object], why: tuple[str, ...]) -> None:
    assert replace(PASSING, **changes).failings == why  # type: ignore[arg-type]


def test_the_verdict_is_one_plain_sentence() -> None:
    assert replace(PASSING, gain=0.3, low=-0.4, high=1.1, p=0.3).said(37) == (
        "Best of 37 trials: 0.3 % lower loss than today's on 2015-2026 (95 % between -0.4 and 1.1 %), "
        "not significant: keep what you have."
    )
    assert "0.3 % higher loss than today's" in replace(PASSING, gain=-0.3).said(37)


def test_a_candidate_loads_back_to_the_member(tmp_path: Path, found: Tuned) -> None:
    path = keep(found, ["USDCLP", "EURCLP"], "test", NOW, tmp_path)
    assert path == tmp_path / "models" / "candidates" / "20240701_000000-wide.json"
    assert candidate(path, {"wide": Wide()}) == found.best
    said = json.loads(path.read_text())
    assert (said["verdict"]["passes"], said["trials"], said["said"]) == (True, 14, found.said)
    assert said["period"] == {"from": "2016-01-01", "to": "2017-12-31", "verdict_from": "2018-01-01"}
    path.write_text(json.dumps(said | {"revision": 2}))
    with pytest.raises(ModelError, match="another version"):
        candidate(path, {"wide": Wide()})
    path.write_text("{")
    with pytest.raises(ModelError, match="no candidate that can be used"):
        candidate(path, {"wide": Wide()})


def test_tuples_survive_a_candidate_file(tmp_path: Path, found: Tuned) -> None:
    walked = replace(found, best=RandomWalk(decays=(0.9, 0.98)), task=replace(TASK, member=RandomWalk()))
    path = keep(walked, ["USDCLP"], "test", NOW, tmp_path)
    assert path
    assert candidate(path, MEMBERS) == RandomWalk(decays=(0.9, 0.98))


def test_every_trial_becomes_a_run(found: Tuned) -> None:
    search, trials = as_runs(found, ["USDCLP"], NOW)
    assert (search.note, len(trials)) == (found.said, 14)
    assert search.metrics["gain"] == found.verdict.gain if found.verdict else None
    assert trials[0].params == {"width": 2.0}
    assert set(trials[0].metrics) == {"wql_ratio", *(f"{key}_wql_ratio" for key in HORIZONS)}


@pytest.mark.parametrize("name", [name for name in SPACES if name in MEMBERS])
def test_todays_values_lie_within_the_space(name: str) -> None:
    member = MEMBERS[name]
    values = values_of(member)
    for knob, value in values.items():
        bounds = SPACES[name][knob]
        assert bounds.low <= value <= bounds.high
        assert isinstance(value, type(bounds.low))
    assert varied(member, values) == member


def test_the_search_begins_with_today_and_is_the_same_each_time() -> None:
    def proposed() -> list[dict[str, float]]:
        search, found = Search(RandomWalk()), []
        for _ in range(15):
            found.append(search.propose())
            search.learn(abs(found[-1]["decays.1"] - 0.98))
        return found

    first = proposed()
    assert first[0] == values_of(RandomWalk())
    assert first == proposed()
    assert len({tuple(values.values()) for values in first}) == 15


def test_what_has_no_parameters_to_tune_is_refused() -> None:
    with pytest.raises(UsageError, match="nothing of rw_const can be tuned; there are random_walk"):
        Search(RandomWalkConstant())


def test_without_optuna_the_error_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "optuna", None)
    with pytest.raises(SettingsError) as caught:
        Search(RandomWalk())
    assert (caught.value.exit_code, caught.value.hint) == (78, "pip install 'forex-core[tune]'")


def test_lstm_gets_weights_that_saw_nothing_after_the_cut_off(tmp_path: Path) -> None:
    member = ready(Lstm(units=8, epochs=1), date(2005, 12, 31), tmp_path)
    assert isinstance(member, Lstm)
    assert member.weights_on(date(2006, 1, 2))
    with pytest.raises(ModelError, match="no weights trained on data before"):
        member.weights_on(date(2005, 12, 31))
    assert ready(RandomWalk(), date(2005, 12, 31), tmp_path) == RandomWalk()
