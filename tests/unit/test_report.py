"""The report: every number comes from the frozen values, hostile text stays text, and no claim exceeds its evidence."""

import re
import xml.etree.ElementTree as ET
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from conftest import business_days, walk
from forex_core.report.chart import fan_chart
from forex_core.report.numbers import digits_for
from forex_core.report.render import render, write
from forex_core.report.track_record import TrackRecord
from forex_core.report.verdict import verdict
from forex_core.values import (
    INTERVALS,
    LEVELS,
    BacktestSummary,
    Forecast,
    MemberScore,
    MemberView,
    Observation,
    Quantiles,
    Score,
)
from samples import sample_forecast, sample_score

NOTHING_YET = TrackRecord(())
BACKTEST = BacktestSummary(60, 9.11, 7.22, 0.83, 0.55, 1.014, 0.787, 0.0516, None, None)
NOON = datetime(2024, 7, 1, 12, tzinfo=UTC)


class Page(HTMLParser):
    """What a browser would make of it: the elements in order, and the text without the style sheet."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.classes: list[str] = []
        self.words: list[str] = []
        self.feed(html)
        self.text = re.sub(r" ([,.])", r"\1", " ".join(" ".join(self.words).split()))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        self.tags.append(tag)
        self.classes.append(found.get("class") or "")
        self.words.append(found.get("aria-label") or "")

    def handle_data(self, data: str) -> None:
        if self.tags[-1:] != ["style"]:
            self.words.append(data)


def page(record: TrackRecord = NOTHING_YET, notes: Sequence[str] = (), **changes: Any) -> Page:
    return Page(render(sample_forecast(**{"backtest": BACKTEST} | changes), record, notes))


def fan(median: float, width: float) -> Quantiles:
    """At the outermost levels, `width` times 0.475 from the median."""
    return {level: median + width * (level - 0.5) for level in LEVELS}


def path_to(quantiles: Quantiles) -> tuple[tuple[float, ...], ...]:
    last = np.array(list(quantiles.values()))
    return tuple(tuple((951.02 + (last - 951.02) * step / 5).tolist()) for step in range(1, 6))


def came(n: int, outcome: float, **changes: Any) -> tuple[Forecast, Score]:
    forecast = sample_forecast(forecast_id=f"f{n}", target_date=date(2024, 6, 1) + timedelta(days=n))
    return forecast, sample_score(forecast_id=f"f{n}", outcome=outcome, **changes)


# --- every number comes from the values


@pytest.mark.parametrize(
    ("changes", "shown"),
    [
        ({"pair": "EURUSD"}, "EURUSD on 2024-07-08"),
        ({"target_date": date(2031, 2, 3)}, "USDCLP on 2031-02-03: 955.00"),
        ({"target_date": date(2031, 2, 3)}, "forecast to 2031-02-03, in 8 of 10"),
        ({"issued_on": date(2031, 1, 27)}, "5 business days after 2031-01-27"),
        ({"horizon": "30d", "steps": 21}, "30d ahead: 21 business days"),
        ({"spot": Observation(date(2024, 6, 28), 951.234, NOON, "ecb")}, "Spot 951.23, the rate of 2024-06-28"),
        (
            {"spot": Observation(date(2024, 6, 28), 951.234, NOON, "ecb")},
            "known since 2024-07-01 12:00 UTC, source ecb",
        ),
        ({"path": path_to(fan(970.4, 20))}, "USDCLP on 2024-07-08: 970.40"),
        ({"path": path_to(fan(970.4, 20))}, "between 962.40 and 978.40"),
        ({"path": path_to(fan(970.4, 20))}, "median 970.40 950.00 50 % 965.40 – 975.40"),
        ({"path": path_to(fan(970.4, 20))}, "80 % 962.40 – 978.40"),
        ({"path": path_to(fan(970.4, 20))}, "95 % 960.90 – 979.90"),
        ({"path": path_to(fan(970.4, 20))}, "in 8 of 10 cases between 962.40 and 978.40"),
        ({"random_walk": fan(953.5, 20)}, "955.00 953.50 50 % 950.00 – 960.00 948.50 – 958.50"),
        ({"random_walk": fan(953.5, 20)}, "80 % 947.00 – 963.00 945.50 – 961.50"),
        ({"random_walk": fan(953.5, 20)}, "95 % 945.50 – 964.50 944.00 – 963.00"),
        ({"backtest": replace(BACKTEST, origins=37)}, "the last 37 windows, each seeing"),
        ({"backtest": replace(BACKTEST, wql_ratio=1.234)}, "(below 1 is better) 1.234"),
        ({"backtest": replace(BACKTEST, coverage_80=0.659)}, "inside the 80 % range 65.9% ± 5.2%"),
        ({"backtest": replace(BACKTEST, coverage_se=0.0333)}, "78.7% ± 3.3%"),
        ({"backtest": replace(BACKTEST, rmse=12.345)}, "(RMSE) 12.35"),
        ({"backtest": replace(BACKTEST, mae=6.54)}, "(MAE) 6.54, 0.83 %"),
        ({"backtest": replace(BACKTEST, mape=1.23)}, "7.22, 1.23 %"),
        ({"backtest": replace(BACKTEST, wql_ratio=0.954, dm_p=0.01)}, "its loss was 4.6% lower over the last 60"),
        ({"backtest": None}, "No backtest window has come due yet."),
        ({"members": (MemberView("theta", 0.375, fan(950, 20)),)}, "theta 37.5% 942.00 – 958.00 –"),
        (
            {"members": (MemberView("theta", 1, fan(950, 20), score=MemberScore(8.76, 1, 1)),)},
            "942.00 – 958.00 8.76",
        ),
        ({"members": (MemberView("theta", 0, None, "too short"),)}, "theta 0.0% dropped: too short"),
        ({"banners": ("Mind the gap.", "And the dog.")}, "Mind the gap. And the dog."),
        ({"role": "replay"}, "Role replay."),
        ({"history_length": 4321}, "4321 trusted rates"),
        ({"as_of": NOON - timedelta(days=1)}, "information until 2024-06-30 12:00 UTC"),
        ({"created_at": NOON + timedelta(days=1)}, "made 2024-07-02 12:00 UTC"),
        ({"version_id": "v1999"}, "Version v1999,"),
        ({"code_version": "9.8.7"}, "code 9.8.7,"),
        ({"forecast_id": "f99"}, "forecast f99,"),
        ({"content_hash": "0123456789abcdef99"}, "content 0123456789abcdef, data"),
        ({"data_hash": "fedcba987654321099"}, "data fedcba9876543210."),
    ],
)
def test_when_a_value_changes_then_the_report_says_so(changes: dict[str, Any], shown: str) -> None:
    assert shown in page(**changes).text
    assert shown not in page().text


def test_notes_of_today_stand_before_the_frozen_banners() -> None:
    assert "Revised since. a banner" in page(notes=["Revised since."]).text


def test_no_number_is_written_into_the_report_but_the_names_of_intervals() -> None:
    """Two forecasts without a value in common share only the words of the template."""
    past = business_days(date(1999, 3, 1), date(1999, 3, 31))
    other = sample_forecast(
        forecast_id="g",
        horizon="90d",
        issued_on=date(1999, 3, 31),
        as_of=NOON.replace(year=1999, month=3, hour=17),
        created_at=NOON.replace(year=1999, month=3, hour=18),
        target_date=date(1999, 6, 29),
        steps=63,
        spot=Observation(date(1999, 3, 31), 1.1723, NOON.replace(year=1999, month=3, hour=16), "ecb"),
        path=tuple(tuple(1.17 + 0.001 * step + 0.02 * level for level in LEVELS) for step in range(63)),
        random_walk=fan(1.1723, 0.03),
        members=(MemberView("a", 0.33, fan(1.18, 0.027), score=MemberScore(0.0117, 1, 1)),),
        backtest=BacktestSummary(57, 0.0123, 0.0089, 1.37, 0.47, 0.912, 0.683, 0.044, -1.3, 0.2),
        history=tuple(walk(past, start=1.17)),
        history_length=2718,
        version_id="w",
        data_hash="e" * 16,
        content_hash="f" * 16,
        code_version="x",
    )
    miss = sample_score(outcome=1.1666, error=0.0042, loss=2.7, yardstick_loss=2.3, inside={80: False})
    record = TrackRecord(((other, miss), (other, miss), (other, replace(miss, inside={80: True}))))
    texts = [
        Page(render(sample_forecast(backtest=BACKTEST), TrackRecord((came(0, 948.5),)))).text,
        Page(render(other, record)).text,
    ]
    common = set.intersection(*({*re.findall(r"\d+(?:[.:-]\d+)*", text)} for text in texts))
    assert common == {"8", "10", "50", "80", "95", "100", "1"}  # 8 of 10, the intervals, of 100 cases, below 1


@pytest.mark.parametrize(("rate", "digits"), [(948.37, 2), (100.0, 2), (99.99, 4), (1.0853, 4)])
def test_rates_have_the_decimals_that_their_size_asks_for(rate: float, digits: int) -> None:
    assert digits_for(rate) == digits
    assert f"Spot {rate:.{digits}f}," in page(spot=Observation(date(2024, 7, 1), rate, NOON, "csv")).text


def test_a_small_rate_still_shows_four_significant_digits() -> None:
    shown = re.search(r"Spot ([\d.]+),", page(spot=Observation(date(2024, 7, 1), 0.00105234, NOON, "csv")).text)
    assert shown is not None
    assert float(shown[1]) == pytest.approx(0.00105234, rel=1e-3)


# --- the track record


def test_an_empty_track_record_claims_nothing() -> None:
    assert (NOTHING_YET.count, NOTHING_YET.skill, NOTHING_YET.mae, NOTHING_YET.coverage(80)) == (0, None, None, None)
    assert "no issued forecast of this horizon has come due yet" in page().text


def test_the_track_record_by_hand() -> None:
    record = TrackRecord(
        (
            came(1, 950, error=-2.0, loss=3.0, yardstick_loss=4.0, inside={50: False, 80: True, 95: True}),
            came(2, 951, error=4.5, loss=3.0, yardstick_loss=8.0, inside={50: False, 80: False, 95: True}),
        )
    )
    assert record.count == 2
    assert record.skill == pytest.approx(0.5)
    assert record.mae == pytest.approx(3.25)
    assert [record.coverage(percent) for percent in (50, 80, 95)] == [0, 0.5, 1]


def test_when_the_random_walk_lost_nothing_then_no_skill_is_claimed() -> None:
    record = TrackRecord((came(1, 950, yardstick_loss=0.0),))
    assert record.skill is None
    assert "skill – beside the random walk" in page(record).text


def test_the_track_record_is_shown_with_its_misses() -> None:
    record = TrackRecord(
        (
            came(9, 971.25, error=-16.25, loss=6, yardstick_loss=5, inside={80: False}),
            came(8, 948.5, error=6.5, loss=2, yardstick_loss=3, inside={80: True}),
        )
    )
    text = page(record).text
    assert "Track record: 2 issued forecasts" in text
    assert "skill 0.0% beside the random walk, 80 % range held 50.0%, MAE 11.38" in text
    assert "2024-06-10 955.00 947.00 – 963.00 971.25 (outside) 2024-06-09 955.00 947.00 – 963.00 948.50 " in text


def test_the_ten_newest_of_a_long_track_record_are_listed() -> None:
    text = page(TrackRecord(tuple(came(n, 948.5) for n in range(25, 0, -1)))).text
    assert "Track record: 25 issued forecasts" in text
    listed = re.findall(r"(2024-06-\d\d) 955.00 947.00", text)
    assert listed == [str(date(2024, 6, 1) + timedelta(days=n)) for n in range(25, 15, -1)]


# --- hostile text


HOSTILE = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "</p></main></body>&lt;{{ 7 * 7 }}",
    "a\nb\r\n<b>",
]
PLACES: dict[str, Any] = {
    "banner": lambda text: {"banners": (text,)},
    "note": lambda text: {"notes": (text,)},
    "source": lambda text: {"spot": Observation(date(2024, 7, 1), 951.02, NOON, text)},
    "reason": lambda text: {"members": (MemberView("theta", 0, None, text),)},
    "member": lambda text: {"members": (MemberView(text, 0, None, "?"),)},
    "pair": lambda text: {"pair": text},
    "version": lambda text: {"code_version": text},
}


@pytest.mark.parametrize("text", HOSTILE)
@pytest.mark.parametrize("place", PLACES)
def test_hostile_text_is_shown_as_text_and_makes_no_element(place: str, text: str) -> None:
    hostile, harmless = (page(**PLACES[place](words)) for words in (text, "harmless"))
    assert hostile.tags == harmless.tags
    assert hostile.text == harmless.text.replace("harmless", " ".join(text.split()))


@pytest.mark.parametrize("place", ["banner", "source", "reason"])
def test_terminal_escapes_do_not_reach_the_file(place: str) -> None:
    changes = PLACES[place]("\x1b[31mred\x1b[0m\x07")
    assert not re.search(r"[\x00-\x08\x0b-\x1f]", render(sample_forecast(**changes), NOTHING_YET))


def test_the_file_is_self_contained() -> None:
    html = render(sample_forecast(), TrackRecord((came(1, 950),)))
    assert not re.search(r"https?:|<script|<link|<img|<iframe|@import|url\(|\son\w+=", html)


def test_the_largest_report_is_under_60_000_bytes() -> None:
    members = tuple(MemberView(f"member_{n}", 0.1, fan(950, 20), score=MemberScore(9, 7, 1)) for n in range(12))
    forecast = sample_forecast(
        path=tuple(tuple(fan(951, 20 + step).values()) for step in range(65)),
        history=tuple(walk(business_days(date(2024, 1, 2), date(2024, 7, 1))[-126:])),
        members=members,
        banners=("A banner of some length, which says what is the matter. " * 5,) * 10,
    )
    html = render(forecast, TrackRecord(tuple(came(n, 948.5) for n in range(300))))
    assert len(html.encode()) < 60_000


def test_what_is_written_is_what_is_rendered(tmp_path: Path) -> None:
    path = tmp_path / "USDCLP" / "7d.html"
    write(sample_forecast(), NOTHING_YET, path, ["a note"])
    assert path.read_bytes().decode("utf-8") == render(sample_forecast(), NOTHING_YET, ["a note"])
    assert [entry.name for entry in path.parent.iterdir()] == ["7d.html"]


def test_the_same_values_give_the_same_bytes() -> None:
    assert render(sample_forecast(backtest=BACKTEST), NOTHING_YET) == render(
        sample_forecast(backtest=BACKTEST), NOTHING_YET
    )


# --- the chart


PAST = (*walk(business_days(date(2024, 5, 2), date(2024, 6, 28))), (date(2024, 7, 1), 951.02))


def charted(**changes: Any) -> ET.Element:
    return ET.fromstring(fan_chart(sample_forecast(**{"history": PAST} | changes)))


def points(chart: ET.Element, name: str) -> list[tuple[float, float]]:
    shape = next(shape for shape in chart if shape.get("class") == name)
    return [tuple(map(float, point.split(","))) for point in str(shape.get("points")).split()]  # type: ignore[misc]


def rates_of(chart: ET.Element, name: str) -> list[float]:
    """The points of a line, read against the labels of the vertical axis."""
    labels = [text for text in chart if text.get("text-anchor") == "end" and "-" not in str(text.text)]
    lines = [float(str(line.get("y1"))) for line in chart if line.get("class") == "grid"]
    slope, start = np.polyfit(lines, [float(str(label.text)) for label in labels], 1)
    return [float(slope * y + start) for _, y in points(chart, name)]


def edges(chart: ET.Element, percent: int) -> tuple[list[tuple[float, float]], list[tuple[float, float]]]:
    """The lower and the upper edge of a band, from left to right."""
    around = points(chart, f"band{percent}")
    half = len(around) // 2
    return around[:half], around[half:][::-1]


PATHS = {
    "narrow": path_to(fan(953, 0.5)),
    "wide": path_to(fan(1200, 900)),
    "flat": path_to(fan(951.02, 0)),
    "long": tuple(tuple(fan(951, 3.0 * step).values()) for step in range(1, 66)),
    "one step": (tuple(fan(951, 20).values()),),
}
every_path = pytest.mark.parametrize("path", PATHS.values(), ids=PATHS)


@every_path
def test_the_chart_read_against_its_axis_gives_the_forecast(path: tuple[tuple[float, ...], ...]) -> None:
    chart, rows = charted(path=path), [(951.02,) * len(LEVELS), *path]
    rates = [rate for _, rate in PAST] + [rate for row in rows for rate in row]
    near = {"abs": (max(rates) - min(rates)) / 280 * 0.3}  # coordinates are rounded to a tenth of a pixel, of about 280
    assert rates_of(chart, "history") == pytest.approx([rate for _, rate in PAST], **near)
    assert rates_of(chart, "median") == pytest.approx([row[LEVELS.index(0.5)] for row in rows], **near)
    assert rates_of(chart, "walk") == pytest.approx([951.02] * len(rows), **near)
    for percent, (low, high) in INTERVALS.items():
        around = [row[LEVELS.index(low)] for row in rows] + [row[LEVELS.index(high)] for row in reversed(rows)]
        assert rates_of(chart, f"band{percent}") == pytest.approx(around, **near)


@every_path
def test_the_bands_are_drawn_from_the_widest_to_the_narrowest_and_nested(path: tuple[tuple[float, ...], ...]) -> None:
    chart = charted(path=path)
    assert [s.get("class") for s in chart if s.tag == "polygon"] == ["band95", "band80", "band50"]
    for outer, inner in ((95, 80), (80, 50)):
        (outer_low, outer_high), (inner_low, inner_high) = edges(chart, outer), edges(chart, inner)
        for below, low, high, above in zip(outer_low, inner_low, inner_high, outer_high, strict=True):
            assert below[0] == low[0] == high[0] == above[0]
            assert below[1] >= low[1] >= high[1] >= above[1]  # pixels count downwards


@every_path
def test_the_history_ends_where_the_forecast_begins(path: tuple[tuple[float, ...], ...]) -> None:
    chart = charted(path=path)
    start = points(chart, "history")[-1]
    assert {points(chart, name)[0] for name in ("median", "walk", "band95", "band80", "band50")} == {start}


@every_path
def test_everything_lies_inside_the_frame(path: tuple[tuple[float, ...], ...]) -> None:
    chart = charted(path=path)
    for name in ("history", "median", "walk", "band95"):
        assert all(64 <= x <= 708 and 12 < y < 292 for x, y in points(chart, name))
    assert 2 <= len([line for line in chart if line.get("class") == "grid"]) <= 10


def test_the_chart_names_its_first_issue_and_target_dates() -> None:
    dates = [text.text for text in charted() if text.tag == "text"][-3:]
    assert dates == ["2024-05-02", "2024-07-01", "2024-07-08"]


def test_the_labels_of_a_narrow_axis_tell_its_lines_apart() -> None:
    chart = charted(history=PAST[-1:], path=(tuple(fan(951.02, 0.5).values()),))
    labels = [float(str(text.text)) for text in chart if text.get("text-anchor") == "end" and "-" not in str(text.text)]
    steps = [after - before for before, after in pairwise(labels)]
    assert len(steps) >= 2
    assert steps == pytest.approx([steps[0]] * len(steps))
    assert steps[0] > 0


def test_a_single_past_rate_makes_a_chart_too() -> None:
    chart = charted(history=PAST[-1:])
    assert points(chart, "history") == points(chart, "median")[:1]


def test_the_caption_writes_large_rates_out() -> None:
    path = tuple(tuple(17 * rate for rate in row) for row in sample_forecast().path)
    assert "e+" not in str(
        charted(path=path, spot=Observation(date(2024, 7, 1), 16_200.0, NOON, "csv")).get("aria-label")
    )


# --- the verdict


@pytest.mark.parametrize(
    ("ratio", "p", "sentence"),
    [
        (1.0, 0.9, "No better than the random walk: its loss was 0.0% higher over the last 60 windows."),
        (1.023, 0.001, "No better than the random walk: its loss was 2.3% higher over the last 60 windows."),
        (1.023, None, "No better than the random walk: its loss was 2.3% higher over the last 60 windows."),
        (
            0.991,
            0.051,
            "Not shown to be better than the random walk: its loss was 0.9% lower over the last 60 windows, "
            "which may be chance.",
        ),
        (
            0.75,
            None,
            "Not shown to be better than the random walk: its loss was 25.0% lower over the last 60 windows, "
            "which may be chance.",
        ),
        (
            0.991,
            0.049,
            "Better than the random walk: its loss was 0.9% lower over the last 60 windows.",
        ),
    ],
)
def test_the_verdict_claims_what_the_backtest_shows(ratio: float, p: float | None, sentence: str) -> None:
    backtest = replace(BACKTEST, wql_ratio=ratio, dm_p=p)
    assert verdict(backtest) == sentence
    assert page(backtest=backtest).text.count(sentence) == 1


def test_without_a_backtest_the_verdict_claims_nothing() -> None:
    sentence = "No better than the random walk as far as anyone knows: no past window could be scored yet."
    assert verdict(None) == sentence
    assert sentence in page(backtest=None).text


def test_the_verdict_is_the_first_thing_read() -> None:
    found = page(banners=("A banner.",))
    assert found.classes[found.tags.index("main") + 1] == "verdict"
