"""The backtest's page and sentences: no claim exceeds its test, every row is there, and the page needs nothing else."""

import re
import xml.etree.ElementTree as ET
from dataclasses import replace
from datetime import date
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from forex_core.backtest.calibration import share_errors
from forex_core.backtest.panel import Plan
from forex_core.backtest.rows import Row
from forex_core.horizons import HORIZONS
from forex_core.models.random_walk import RandomWalk
from forex_core.models.rw_const import RandomWalkConstant
from forex_core.report.backtest_page import Page, render, write
from forex_core.report.backtest_words import headline, sentences
from forex_core.report.calibration_chart import BOTTOM, HEIGHT, TOP, calibration_chart
from forex_core.values import LEVELS

SAMPLE = Row(
    pair=None,
    horizon="7d",
    member="random_walk",
    origins=1007,
    wql_ratio=0.9891,
    wql=0.0123,
    rmse=0.0211,
    rmse_ratio=1.0,
    mae=0.0155,
    mape=0.0156,
    directional_accuracy=0.5,
    interval_80=0.051,
    interval_95=0.078,
    coverage_50=0.47,
    coverage_80=0.7983,
    coverage_95=0.9631,
    coverage_se=0.0126,
    dm_t=-2.722,
    dm_p=0.0071,
    dm_ensemble_t=0.31,
    dm_ensemble_p=0.76,
    below=LEVELS,
    in_confidence_set=True,
    pairs=7,
)
UNTESTED = {"dm_t": None, "dm_p": None, "dm_ensemble_t": None, "dm_ensemble_p": None}
ENSEMBLE = replace(SAMPLE, member="ensemble", dm_ensemble_t=None, dm_ensemble_p=None, wql_ratio=0.9887)
YARDSTICK = replace(SAMPLE, member="rw_const", **UNTESTED, wql_ratio=1.0, in_confidence_set=False)
PANEL = [replace(row, horizon=key) for key in HORIZONS for row in (ENSEMBLE, SAMPLE, YARDSTICK)]
ROWS = [replace(row, pair=pair, in_confidence_set=None) for pair in ("EURUSD", "USDMXN") for row in PANEL]
PLAN = Plan((RandomWalk(), RandomWalkConstant()), date(2015, 1, 1), date(2026, 10, 30))


class Seen(HTMLParser):
    """What a browser would make of it: elements with their attributes, rows of cells, and the text."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.rows: list[list[str]] = []
        self.words: list[str] = []
        self.feed(html)
        self.text = " ".join(" ".join(self.words).split())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th"):
            self.rows[-1].append("")

    def handle_data(self, data: str) -> None:
        if self.elements and self.elements[-1][0] in ("td", "th"):
            self.rows[-1][-1] += data.strip()
        if self.elements and self.elements[-1][0] != "style":
            self.words.append(data)


def page(**changes: Any) -> Page:
    return replace(Page(PLAN, ROWS, PANEL, "forex backtest --pair EURUSD", "0.1.0+abc"), **changes)


# --- sentences


def said(*rows: Row) -> list[str]:
    return sentences(rows)


def test_without_a_test_nothing_is_claimed() -> None:
    bare = [replace(row, **UNTESTED, in_confidence_set=None) for row in (ENSEMBLE, SAMPLE, YARDSTICK)]
    assert said(*bare) == [
        "Too few windows to test anything against the random walk.",
        "No median comes closer than the last value.",
    ]


@pytest.mark.parametrize(
    ("t", "p", "sentence"),
    [
        (-2.7, 0.0071, "Better than the random walk: random_walk."),
        (-1.9, 0.0501, "No member beats the random walk."),
        (2.7, 0.0071, "No member beats the random walk. Worse: random_walk."),
        (1.9, 0.06, "No member beats the random walk."),
    ],
)
def test_better_and_worse_are_said_only_where_the_test_says_so(t: float, p: float, sentence: str) -> None:
    silent = replace(ENSEMBLE, dm_t=-0.1, dm_p=0.9)
    assert said(silent, replace(SAMPLE, dm_t=t, dm_p=p), YARDSTICK)[0] == sentence


@pytest.mark.parametrize(
    ("ratio", "sentence"),
    [
        (0.9996, "No median comes closer than the last value."),
        (1.2, "No median comes closer than the last value."),
        (0.9982, "The closest median is that of random_walk: RMSE 0.998 of the last value's, not tested."),
    ],
)
def test_a_centre_is_called_closer_only_if_it_shows(ratio: float, sentence: str) -> None:
    assert said(ENSEMBLE, replace(SAMPLE, rmse_ratio=ratio), YARDSTICK)[1] == sentence


@pytest.mark.parametrize(
    ("t", "p", "sentence"),
    [
        (-2.1, 0.04, "Better than the ensemble: random_walk."),
        (2.1, 0.04, "No member beats the ensemble."),
        (-1.0, 0.3, "No member beats the ensemble."),
    ],
)
def test_the_ensemble_is_beaten_only_where_the_test_says_so(t: float, p: float, sentence: str) -> None:
    assert sentence in said(ENSEMBLE, replace(SAMPLE, dm_ensemble_t=t, dm_ensemble_p=p), YARDSTICK)


def test_who_is_out_of_the_set_is_named_and_who_was_not_judged_is_not() -> None:
    young = replace(SAMPLE, member="young", in_confidence_set=None)
    assert said(ENSEMBLE, SAMPLE, young, YARDSTICK)[-1] == "Told apart from the best: rw_const."
    everyone = [replace(row, in_confidence_set=True) for row in (ENSEMBLE, YARDSTICK)]
    assert said(*everyone, young)[-1] == "None can be told apart from the best."


def test_the_first_line_says_where_the_ensemble_is_better() -> None:
    keys = list(HORIZONS)
    assert headline(PANEL) == f"The ensemble is better than the random walk at {', '.join(keys)}."
    chance = [replace(row, dm_p=0.2) if row.horizon == keys[1] else row for row in PANEL]
    assert headline(chance).endswith(f"at {keys[0]}, {keys[2]}, {keys[3]}; not shown to be at {keys[1]}.")
    never = "The ensemble is not shown to be better than the random walk at any horizon."
    assert headline([replace(row, dm_p=0.2) for row in PANEL]) == never
    assert headline([replace(row, dm_t=3.0) for row in PANEL]) == never


# --- the chart


def chart(**shares: tuple[float, ...]) -> ET.Element:
    return ET.fromstring(calibration_chart("7d", shares, 400, {"ensemble": "median", "rw_const": "walk"}))


def heights(line: ET.Element) -> list[float]:
    return [float(point.split(",")[1]) for point in line.attrib["points"].split()]


def test_each_member_has_a_line_with_its_name_in_its_style() -> None:
    lines = chart(ensemble=LEVELS, other=LEVELS, rw_const=LEVELS).findall("polyline")
    assert [line.attrib["class"] for line in lines] == ["median", "other", "walk"]
    assert [line.findtext("title") for line in lines] == ["ensemble", "other", "rw_const"]


def test_a_calibrated_member_lies_on_zero_and_too_many_outcomes_below_lie_above_it() -> None:
    zero = TOP + (HEIGHT - TOP - BOTTOM) / 2
    off = tuple(level + (0.04 if level == 0.25 else -0.02 if level == 0.9 else 0) for level in LEVELS)
    perfect, wrong = chart(a=LEVELS, b=off).findall("polyline")
    assert heights(perfect) == pytest.approx([zero] * len(LEVELS), abs=0.06)
    moved = [zero - height for height in heights(wrong)]
    assert moved[LEVELS.index(0.25)] == pytest.approx(-2 * moved[LEVELS.index(0.9)], abs=0.2)
    assert moved[LEVELS.index(0.25)] > 10
    assert moved[LEVELS.index(0.5)] == pytest.approx(0, abs=0.06)


def test_the_band_is_what_chance_explains_at_each_level() -> None:
    zero = TOP + (HEIGHT - TOP - BOTTOM) / 2
    band = chart(a=LEVELS).find("polygon")
    assert band is not None
    points = heights(band)
    up, down = points[: len(LEVELS)], points[len(LEVELS) :][::-1]
    per_point = (zero - up[7]) / (1.96 * share_errors(400)[7])
    assert [zero - y for y in up] == pytest.approx([1.96 * e * per_point for e in share_errors(400)], abs=0.2)
    assert [y - zero for y in down] == pytest.approx([zero - y for y in up], abs=0.2)


@pytest.mark.parametrize("far", [0.0, 0.07, 0.5])
def test_nothing_is_drawn_outside(far: float) -> None:
    off = tuple(min(1.0, level + far) for level in LEVELS)
    for line in chart(a=off, b=LEVELS).findall("polyline"):
        assert all(TOP <= y <= HEIGHT - BOTTOM for y in heights(line))


def test_a_name_stays_text_in_the_chart() -> None:
    assert "<b>" not in calibration_chart("<b>", {"<b>": LEVELS}, 10, {})


# --- the page


def test_the_page_needs_nothing_else_and_runs_nothing() -> None:
    html = render(page())
    seen = Seen(html)
    assert not {tag for tag, _ in seen.elements} & {"script", "link", "img", "iframe", "object"}
    assert not re.search(r"(src|href)\s*=|url\(|@import|https?://", html)
    assert "prefers-color-scheme: dark" in html
    assert not [attrs for _, attrs in seen.elements if any(name.startswith("on") for name in attrs)]


def test_every_horizon_has_its_sentences_its_chart_and_each_members_figures() -> None:
    seen = Seen(render(page()))
    assert sum(tag == "svg" for tag, _ in seen.elements) == len(HORIZONS)
    for key in HORIZONS:
        assert f"a panel of 2 pairs, {key} ahead" in seen.text
    cells = ["random_walk", "1007", "0.989", "1.000", "79.8 ± 1.3", "96.3 ± 0.7", "50.0"]
    cells += ["−2.72", "0.007", "0.31", "0.760", "in"]
    assert seen.rows.count(cells) == len(HORIZONS)
    untested = ["rw_const", "1007", "1.000", "1.000", "79.8 ± 1.3", "96.3 ± 0.7", "50.0", *["–"] * 4, "out"]
    assert seen.rows.count(untested) == len(HORIZONS)
    assert seen.text.count("Better than the random walk: ensemble, random_walk.") == len(HORIZONS)


def test_the_first_table_marks_what_is_better_and_nothing_else() -> None:
    one_worse = [replace(row, dm_t=2.5) if row.member == "random_walk" else row for row in PANEL]
    for rows, marked in ((PANEL, 2 * len(HORIZONS)), (one_worse, len(HORIZONS))):
        seen = Seen(render(page(panel=rows)))
        assert sum(attrs.get("class") == "better" for _, attrs in seen.elements) == marked
    assert ["random_walk", *["0.989"] * len(HORIZONS)] in Seen(render(page())).rows


def test_each_pair_has_its_tables_and_a_pair_alone_has_them_once() -> None:
    seen = Seen(render(page()))
    assert "EURUSD, 7d ahead" in seen.text
    assert "USDMXN, 90d ahead" in seen.text
    alone = [row for row in ROWS if row.pair == "EURUSD"]
    seen = Seen(render(page(rows=alone)))
    assert "Backtest of EURUSD" in seen.text
    assert "Each pair" not in seen.text
    assert seen.text.count("EURUSD, 7d ahead") == 1


def test_a_member_that_is_missing_at_a_horizon_is_a_dash() -> None:
    seen = Seen(render(page(panel=[row for row in PANEL if (row.horizon, row.member) != ("7d", "random_walk")])))
    assert ["random_walk", "–", "0.989", "0.989", "0.989"] in seen.rows


def test_the_shares_below_each_level_and_the_furthest_are_told() -> None:
    off = tuple(level + 0.03 * (level == 0.1) for level in LEVELS)
    seen = Seen(render(page(panel=[replace(row, below=off) for row in PANEL])))
    row = next(row for row in seen.rows if row[0] == "ensemble" and len(row) == len(LEVELS) + 2)
    assert row[1 + LEVELS.index(0.1)] == "13.0"
    assert row[-1] == "10 %, by 3.2 errors"


def test_the_command_and_the_code_are_named_and_stay_text() -> None:
    html = render(page(command="forex backtest --source 'csv:<script>'", code_version="0.1.0+abc"))
    assert "<script>" not in html
    seen = Seen(html)
    assert "forex backtest --source 'csv:<script>'" in seen.text
    assert "code 0.1.0+abc" in seen.text
    assert "Members random_walk, rw_const; weighting equal" in seen.text
    assert "in 5 of 100 cases where the horizon spans 1 window, 7 of 100" in seen.text


def test_the_same_content_gives_the_same_bytes(tmp_path: Path) -> None:
    path = tmp_path / "new folder" / "page.html"
    write(page(), path)
    assert path.read_text(encoding="utf-8") == render(page())
