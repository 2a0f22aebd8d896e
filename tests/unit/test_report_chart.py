"""The charts: what is drawn, read against its axis, is what was forecast or came."""

import re
import xml.etree.ElementTree as ET
from dataclasses import replace
from datetime import UTC, date, datetime
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from conftest import business_days, walk
from forex_core.backtest.metrics import binomial_error
from forex_core.report.chart import Fan, fan_chart
from forex_core.report.coverage_chart import coverage_chart
from forex_core.report.language import ENGLISH, SPANISH
from forex_core.values import INTERVALS, LEVELS, Observation, Quantiles
from samples import sample_forecast

NOON = datetime(2024, 7, 1, 12, tzinfo=UTC)
PAST = (*walk(business_days(date(2024, 5, 2), date(2024, 6, 28))), (date(2024, 7, 1), 951.02))
LEFT, RIGHT, TOP, BOTTOM = 66, 470, 10, 244  # the frame
DATE = re.compile(r"\d{4}-\d\d-\d\d")


def charted(*others: Any, past: int | None = None, **changes: Any) -> ET.Element:
    forecast = sample_forecast(**{"history": PAST} | changes)
    return ET.fromstring(fan_chart(Fan(forecast, others, past), "fan"))


def fan(median: float, width: float) -> Quantiles:
    return {level: median + width * (level - 0.5) for level in LEVELS}


def path_to(quantiles: Quantiles) -> tuple[tuple[float, ...], ...]:
    last = np.array(list(quantiles.values()))
    return tuple(tuple((951.02 + (last - 951.02) * step / 5).tolist()) for step in range(1, 6))


def points(chart: ET.Element, name: str) -> list[tuple[float, float]]:
    shape = next(shape for shape in chart if shape.get("class") == name)
    return [tuple(map(float, point.split(","))) for point in str(shape.get("points")).split()]  # type: ignore[misc]


def labels_of(chart: ET.Element) -> list[ET.Element]:
    """Of the vertical axis."""
    return [text for text in chart if text.get("text-anchor") == "end" and not DATE.match(str(text.text))]


def value(label: ET.Element) -> float:
    return float(str(label.text).replace(",", "").replace("−", "-"))


def read(chart: ET.Element, *heights: float) -> list[float]:
    """Heights in pixels, read against the labels of the vertical axis."""
    lines = [
        float(str(line.get("y1"))) for line in chart if line.get("class") == "grid" and line.get("y1") == line.get("y2")
    ]
    slope, start = np.polyfit(lines, [value(label) for label in labels_of(chart)], 1)
    return [float(slope * y + start) for y in heights]


def rates_of(chart: ET.Element, name: str) -> list[float]:
    return read(chart, *(y for _, y in points(chart, name)))


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
    near = {"abs": (max(rates) - min(rates)) / 230 * 0.3}  # coordinates are rounded to a tenth of a pixel, of about 230
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
        assert all(LEFT <= x <= RIGHT and TOP < y < BOTTOM for x, y in points(chart, name))
    assert 2 <= len(labels_of(chart)) <= 8


def test_the_chart_names_its_first_issue_and_target_dates() -> None:
    assert [text.text for text in charted(path=PATHS["long"]) if DATE.match(str(text.text))] == [
        "2024-05-02",
        "2024-07-01",
        "2024-07-08",
    ]


def test_a_date_that_finds_no_room_is_left_out() -> None:
    assert [text.text for text in charted(path=PATHS["one step"]) if DATE.match(str(text.text))] == [
        "2024-05-02",
        "2024-07-08",
    ]


def test_the_labels_of_a_narrow_axis_tell_its_lines_apart() -> None:
    chart = charted(history=PAST[-1:], path=(tuple(fan(951.02, 0.5).values()),))
    labels = [value(text) for text in labels_of(chart)]
    steps = [after - before for before, after in pairwise(labels)]
    assert len(steps) >= 2
    assert steps == pytest.approx([steps[0]] * len(steps))
    assert steps[0] > 0


def test_a_single_past_rate_makes_a_chart_too() -> None:
    chart = charted(history=PAST[-1:])
    assert points(chart, "history") == points(chart, "median")[:1]


def test_a_close_up_shows_the_newest_rates_only() -> None:
    chart = charted(past=10)
    assert len(points(chart, "history")) == 10
    assert "10 rates up to 951.02 on 2024-07-01" in str(chart[1].text)


def test_large_rates_are_written_out_and_fit_beside_the_chart() -> None:
    path = tuple(tuple(17 * rate for rate in row) for row in sample_forecast().path)
    history = tuple((day, 17 * rate) for day, rate in PAST)
    chart = charted(path=path, history=history, spot=Observation(date(2024, 7, 1), 16_167.34, NOON, "csv"))
    assert "median 16,235.00" in str(chart[1].text)
    assert all(len(str(label.text)) <= 9 for label in labels_of(chart))


def test_other_horizons_are_marked_at_their_target_dates() -> None:
    long = {"path": PATHS["long"], "history": PAST}
    other = sample_forecast(horizon="15d", steps=10)
    chart = charted(other, **long)
    mark = next(shape for shape in chart if shape.get("class") == "mark")
    x, top, bottom = map(float, re.findall(r"M([\d.]+) ([\d.]+)V([\d.]+)", str(mark.get("d")))[0])
    said = other.quantiles
    assert read(chart, top, bottom) == pytest.approx([said[0.9], said[0.1]], abs=0.5)
    assert x == points(chart, "median")[10][0]
    assert mark[0].text == "15 days: 947.00 to 963.00, median 955.00"


def test_a_mark_beyond_the_fan_is_inside_the_frame() -> None:
    other = sample_forecast(steps=2, path=path_to(fan(1300, 20))[:2] + path_to(fan(1300, 20))[-1:])
    mark = next(shape for shape in charted(other) if shape.get("class") == "mark")
    heights = [float(y) for y in re.findall(r"M[\d.]+ ([\d.]+)|V([\d.]+)", str(mark.get("d")))[0] if y]
    assert all(TOP <= y <= BOTTOM for y in heights)


def test_the_chart_is_named_and_described_in_the_language() -> None:
    chart = ET.fromstring(fan_chart(Fan(sample_forecast(history=PAST)), "x", SPANISH))
    assert chart.get("aria-labelledby") == "x-title x-desc"
    assert [(part.tag, part.get("id")) for part in chart[:2]] == [("title", "x-title"), ("desc", "x-desc")]
    assert chart[0].text == "USDCLP: los valores desde el 02-05-2024 y el pronóstico al 08-07-2024"
    assert "en 8 de cada 10 casos entre 947,00 y 963,00" in str(chart[1].text)


def test_every_shape_carries_a_colour_of_its_own() -> None:
    """A PDF knows no style sheet inside a chart."""
    for chart in (charted(sample_forecast(steps=2)), coverage()):
        for shape in chart:
            if shape.tag not in ("title", "desc"):
                assert shape.get("fill") or shape.get("stroke"), shape.attrib


# --- coverage


def coverage(count: int = 25) -> ET.Element:
    return ET.fromstring(coverage_chart({50: 0.4, 80: 0.84, 95: 1.0}, count, "c", ENGLISH))


def share_at(x: float) -> float:
    """Read against the axis' outermost ticks."""
    ticks = [float(str(line.get("x1"))) for line in coverage() if line.get("class") == "grid"]
    return (x - ticks[0]) / (ticks[-1] - ticks[0])


@pytest.mark.parametrize("count", [25, 100])
def test_the_coverage_chart_shows_shares_promises_and_two_standard_errors(count: int) -> None:
    chart = coverage(count)
    dots = [share_at(float(str(dot.get("cx")))) for dot in chart if dot.tag == "circle"]
    assert dots == pytest.approx([0.4, 0.84, 1.0], abs=0.001)
    promised = [share_at(float(str(tick.get("d"))[1:].split()[0])) for tick in chart if tick.tag == "path"]
    assert promised == pytest.approx([0.5, 0.8, 0.95], abs=0.001)
    for bar, percent in zip((bar for bar in chart if bar.tag == "rect"), INTERVALS, strict=True):
        left, width = (float(str(bar.get(name))) for name in ("x", "width"))
        reach = 2 * binomial_error(percent, count)
        assert share_at(left) == pytest.approx(percent / 100 - reach, abs=0.001)
        assert share_at(left + width) == pytest.approx(min(percent / 100 + reach, 1), abs=0.001)


def test_the_coverage_chart_says_what_it_shows() -> None:
    assert coverage()[0].text == "Share of outcomes inside each range: 50%: 40.0%, 80%: 84.0%, 95%: 100.0%."


def test_the_spot_of_a_forecast_is_where_its_fan_starts_whatever_its_history_says() -> None:
    other = replace(sample_forecast().spot, value=953.0)
    chart = charted(spot=other)
    assert rates_of(chart, "walk")[0] == pytest.approx(953.0, abs=0.2)
