"""The report: every number comes from the values, hostile text stays text, and no claim exceeds its evidence."""

import re
import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from conftest import business_days, walk
from forex_core.report.render import render, render_day, write, write_day
from forex_core.report.track_record import TrackRecord
from forex_core.values import (
    INTERVALS,
    LEVELS,
    BacktestSummary,
    Context,
    Event,
    Forecast,
    Headline,
    MemberScore,
    MemberView,
    Observation,
    Part,
    Quantiles,
    Score,
)
from report_samples import sample_day
from report_text import Page
from samples import sample_forecast, sample_score

NOTHING_YET = TrackRecord(())
BACKTEST = BacktestSummary(60, 9.11, 7.22, 0.83, 0.55, 1.014, 0.787, 0.0516, None, None)
NOON = datetime(2024, 7, 1, 12, tzinfo=UTC)
LINE = Headline("El dólar sube", "https://www.example.cl/1", "La Tercera", NOON)
EVENT = Event(NOON, "USD", "Payrolls", "high", "forex_factory")


def page(record: TrackRecord = NOTHING_YET, notes: Sequence[str] = (), **changes: Any) -> Page:
    return Page(render(sample_forecast(**{"backtest": BACKTEST} | changes), record, notes))


def fan(median: float, width: float) -> Quantiles:
    """At the outermost levels, `width` times 0.475 from the median."""
    return {level: median + width * (level - 0.5) for level in LEVELS}


def path_to(quantiles: Quantiles) -> tuple[tuple[float, ...], ...]:
    last = np.array(list(quantiles.values()))
    return tuple(tuple((951.02 + (last - 951.02) * step / 5).tolist()) for step in range(1, 6))


def came(n: int, outcome: float, **changes: Any) -> tuple[Forecast, Score]:
    forecast = sample_forecast(
        forecast_id=f"f{n}",
        issued_on=date(2024, 5, 25) + timedelta(days=n),
        target_date=date(2024, 6, 1) + timedelta(days=n),
    )
    return forecast, sample_score(forecast_id=f"f{n}", outcome=outcome, **changes)


def surrounded(**changes: Any) -> dict[str, Any]:
    return {"context": Context(**changes)}


# --- every number comes from the values


@pytest.mark.parametrize(
    ("changes", "shown"),
    [
        ({"pair": "EURUSD"}, "EURUSD, 2024-07-01"),
        ({"pair": "EURUSD"}, "Rates are USD per EUR."),
        ({"pair": "EURUSD"}, "such cases the euro stands between"),
        ({"pair": "AUDNZD"}, "such cases AUD stands between"),
        ({"target_date": date(2031, 2, 3)}, "on 2031-02-03 median"),
        ({"target_date": date(2031, 2, 3)}, "the dollar stands between 947.00 and 963.00 on 2031-02-03."),
        ({"target_date": date(2031, 2, 3)}, "the forecast to 2031-02-03"),
        ({"issued_on": date(2023, 1, 27)}, "5 business days after 2023-01-27"),
        ({"issued_on": date(2023, 1, 27)}, "USDCLP, 2023-01-27"),
        ({"horizon": "30d", "steps": 21}, "30 days, to 2024-07-08"),
        ({"horizon": "30d", "steps": 21}, "21 business days after 2024-07-01"),
        ({"spot": Observation(date(2024, 6, 28), 951.234, NOON, "ecb")}, "Spot 951.23, the rate of 2024-06-28"),
        ({"spot": Observation(date(2024, 6, 28), 951.2, NOON, "ecb")}, "since 2024-07-01 12:00 UTC, source ecb."),
        ({"spot": Observation(date(2024, 6, 28), 953.4, NOON, "ecb")}, "chance above 953.40 58%"),
        ({"spot": Observation(date(2024, 6, 28), 910.0, NOON, "ecb")}, "chance above 910.00 >97.5%"),
        ({"spot": Observation(date(2024, 6, 28), 999.0, NOON, "ecb")}, "chance above 999.00 <2.5%"),
        ({"spot": Observation(date(2024, 6, 28), 940.0, NOON, "ecb")}, "from the spot +1.60%"),
        ({"path": path_to(fan(970.4, 20))}, "median 970.40"),
        ({"path": path_to(fan(970.4, 20))}, "between 962.40 and 978.40"),
        ({"path": path_to(fan(970.4, 20))}, "50% range 965.40 – 975.40"),
        ({"path": path_to(fan(970.4, 20))}, "80% range 962.40 – 978.40"),
        ({"path": path_to(fan(970.4, 20))}, "95% 960.90 – 979.90 939.55 – 960.45"),
        ({"path": path_to(fan(970.4, 20))}, "in 8 of 10 cases between 962.40 and 978.40"),
        ({"path": path_to(fan(970.4, 20))}, "2024-07-02 954.90 953.90 – 955.90 953.30 – 956.50 953.00 – 956.80"),
        ({"path": path_to(fan(970.4, 20))}, "one standard deviation higher 976.64"),
        ({"path": path_to(fan(970.4, 20))}, "one standard deviation lower 964.16"),
        ({"random_walk": fan(953.5, 20)}, "random walk, 80% 945.50 – 961.50"),
        ({"random_walk": fan(953.5, 20)}, "median 955.00 953.50 50% 950.00 – 960.00 948.50 – 958.50"),
        ({"random_walk": fan(953.5, 20)}, "95% 945.50 – 964.50 944.00 – 963.00"),
        ({"backtest": replace(BACKTEST, origins=37)}, "The last 37 windows, each seeing"),
        ({"backtest": replace(BACKTEST, origins=1)}, "The last window, seeing"),
        ({"backtest": replace(BACKTEST, wql_ratio=1.234)}, "(below 1 is better) 1.234"),
        ({"backtest": replace(BACKTEST, wql_ratio=1.234)}, "skill, past windows −23.4% (60)"),
        (
            {"backtest": replace(BACKTEST, wql_ratio=0.9, dm_t=-2.5, dm_p=0.01)},
            "skill, past windows +10.0% +2.0…+18.0 (60)",
        ),
        ({"backtest": replace(BACKTEST, dm_t=-2.51, dm_p=0.012)}, "Diebold-Mariano t −2.51, p 0.012"),
        ({"backtest": replace(BACKTEST, coverage_80=0.659)}, "inside the 80% range 65.9% ± 5.2%"),
        ({"backtest": replace(BACKTEST, coverage_se=0.0333)}, "78.7% ± 3.3%"),
        ({"backtest": replace(BACKTEST, rmse=12.345)}, "(RMSE) 12.35"),
        ({"backtest": replace(BACKTEST, mae=6.54)}, "(MAE) 6.54, 0.83%"),
        ({"backtest": replace(BACKTEST, mape=1.23)}, "7.22, 1.23%"),
        ({"backtest": replace(BACKTEST, directional_accuracy=0.612)}, "direction right 61.2%"),
        ({"backtest": replace(BACKTEST, wql_ratio=0.954, dm_p=0.01)}, "its loss was 4.6% lower over the last 60"),
        ({"backtest": None}, "No past window has come due yet."),
        ({"backtest": None}, "skill, past windows none yet"),
        ({"members": (MemberView("theta", 0.375, fan(950, 20)),)}, "theta 37.5% 942.00 – 958.00 –"),
        ({"members": (MemberView("theta", 1, fan(950, 20), score=MemberScore(8.76, 1, 1)),)}, "942.00 – 958.00 8.76"),
        ({"members": (MemberView("theta", 0, None, "too short"),)}, "theta 0.0% dropped out: too short"),
        ({"banners": ("Mind the gap.", "And the dog.")}, "Mind the gap. And the dog."),
        ({"role": "replay"}, "A replay: it is never track record."),
        ({"role": "demo"}, "A demonstration: it is never track record."),
        ({"role": "challenger"}, "From the challenger, not from the champion."),
        ({"role": "replay"}, "role replay,"),
        ({"weighting": "median"}, "the median of the members makes them one forecast"),
        ({"weighting": "inverse_rmse"}, "the mean with weights by past error makes"),
        ({"history_length": 4321}, "4,321 trusted rates"),
        ({"as_of": NOON - timedelta(days=1)}, "Information until 2024-06-30 12:00 UTC"),
        ({"created_at": NOON + timedelta(days=1)}, "made 2024-07-02 12:00 UTC"),
        ({"version_id": "v1999"}, "version v1999,"),
        ({"code_version": "9.8.7"}, "code 9.8.7,"),
        ({"forecast_id": "f99"}, "forecast f99,"),
        ({"content_hash": "0123456789abcdef99"}, "content, sha256 0123456789abcdef99,"),
        ({"data_hash": "fedcba987654321099"}, "data, sha256 fedcba987654321099"),
        ({"weights_hashes": {"lstm": "abc123"}}, "weights of lstm abc123"),
        (surrounded(parts=(Part("copper", "yahoo", date(2024, 6, 27), 2, 3, "late"),)), "yahoo 2024-06-27 2 3 late"),
        (surrounded(parts=(Part("vix", note="no answer"),)), "vix missing – – 0 no answer"),
        (surrounded(parts=(Part("events", "kept"),)), "events kept"),
        (surrounded(headlines=(LINE,)), "El dólar sube La Tercera, 2024-07-01 12:00 UTC"),
        (surrounded(events=(EVENT,)), "2024-07-01 12:00 UTC: Payrolls USD, high impact"),
        (surrounded(events=(replace(EVENT, approximate=True),)), "about 2024-07-01 12:00 UTC: Payrolls"),
        (surrounded(events=(replace(EVENT, impact="low"),)), "USD, low impact"),
    ],
)
def test_when_a_value_changes_then_the_report_says_so(changes: dict[str, Any], shown: str) -> None:
    assert shown in page(**changes).text
    assert shown not in page().text


def test_notes_of_today_stand_before_the_frozen_banners() -> None:
    assert "Revised since. a banner" in page(notes=["Revised since."]).text


def test_without_anything_around_the_page_says_so() -> None:
    text = page().text
    assert "Headlines None were read." in text
    assert "What is ahead Nothing is known to be due." in text
    assert "Only the rates themselves were used." in text


@pytest.mark.parametrize("language", ["en", "es"])
def test_no_number_is_written_into_the_report_but_the_names_of_intervals(language: str) -> None:
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
        path=tuple(tuple(1.17 + 0.001 * step + 0.02 * level**3 for level in LEVELS) for step in range(63)),
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
    miss = sample_score(
        outcome=1.1666, error=0.0042, loss=2.7, yardstick_loss=2.3, inside=dict.fromkeys(INTERVALS, False)
    )
    hit = replace(miss, inside=dict.fromkeys(INTERVALS, True))
    record = TrackRecord(((other, miss), (other, miss), (other, hit)))
    texts = [
        Page(
            render(sample_forecast(backtest=BACKTEST), TrackRecord((came(0, 948.5, loss=1.97),)), language=language)
        ).text,
        Page(render(other, record, language=language)).text,
    ]
    common = set.intersection(*({*re.findall(r"\d+(?:[.,:-]\d+)*", text)} for text in texts))
    # 8 of 10, the intervals, below 1, sha256; the coverage chart's axis; the random walk's skill and direction;
    # 15 levels, 21 days between windows, none refused
    zero, half = ("0.0", "50.0") if language == "en" else ("0,0", "50,0")
    axis = {"0", "25", "50", "75", "100"}
    assert common == {"8", "10", "80", "95", "1", "256", "15", "21", zero, half} | axis


# --- several horizons


def test_a_day_shows_its_horizons_side_by_side_the_nearest_first() -> None:
    day = sample_day(3)
    shown = Page(render_day(day.forecasts[::-1], day.records))
    lines = shown.lines
    assert "ahead | 7 days | 15 days | 30 days | 90 days" in lines
    assert "on | 2024-07-08 | 2024-07-15 | 2024-07-31 | 2024-09-27" in lines
    assert [line for line in lines if line.startswith("90 days: In 8 of 10 such cases")]
    assert [line for line in lines if re.fullmatch(r"\d+ days, to [\d-]{10}", line)][:4] == [
        "7 days, to 2024-07-08",
        "15 days, to 2024-07-15",
        "30 days, to 2024-07-31",
        "90 days, to 2024-09-27",
    ]


def test_the_banners_of_all_horizons_are_shown_once() -> None:
    day = sample_day(0)
    own = (*day.forecasts[:3], replace(day.forecasts[3], banners=(*day.forecasts[3].banners, "Only at 90 days.")))
    text = Page(render_day(own, day.records, ["A note."])).text
    assert text.count("bcch could not be used: it needs a token.") == 1
    assert "A note. bcch could not be used: it needs a token. The newest rate comes from mindicador. Only at 90" in text


def test_when_horizons_start_from_different_rates_then_the_table_says_so() -> None:
    day = sample_day(0)
    other = replace(day.forecasts[0], spot=replace(day.forecasts[0].spot, value=947.11))
    lines = Page(render_day((other, *day.forecasts[1:]), {})).lines
    assert "starts from | 947.11 | 948.37 | 948.37 | 948.37" in lines
    assert not [line for line in Page(render_day(day.forecasts, {})).lines if line.startswith("starts from")]


def test_a_horizon_without_a_record_has_none_yet() -> None:
    day = sample_day(3)
    lines = Page(render_day(day.forecasts, {"7d": day.records["7d"]})).lines
    assert next(line for line in lines if line.startswith("skill, issued")).count("none yet") == 3


def test_a_day_of_one_horizon_is_that_horizons_report() -> None:
    day = sample_day(5)
    one, key = day.forecasts[0], day.forecasts[0].horizon
    whole = render_day([one], day.records, ["a note"], day.previous, "es")
    assert whole == render(one, day.records[key], ["a note"], day.previous[key], "es")


def test_a_champion_shows_its_own_record_and_a_challenger_its_own() -> None:
    scored = [came(n, 950.0) for n in range(3)]
    mixed = TrackRecord((*scored[:2], (replace(scored[2][0], role="challenger"), scored[2][1])))
    assert "2 issued forecasts have come due" in page(mixed).text
    assert "1 issued forecast has come due" in page(mixed, role="challenger").text
    assert "2 issued forecasts have come due" in page(mixed, role="demo").text


def charts(html: str) -> list[str]:
    return [tag for tag in Page(html).tags if tag == "svg"]


def test_a_short_path_is_shown_close_up_beside_the_whole_history() -> None:
    day = sample_day(0)
    assert len(charts(render(day.forecasts[0], NOTHING_YET))) == 2
    assert len(charts(render(day.forecasts[3], NOTHING_YET))) == 1  # the page's own chart shows it
    lines = Page(render(day.forecasts[0], NOTHING_YET)).lines
    assert "USDCLP: the rates since 2024-01-02 and the forecast to 2024-07-08" in lines
    assert "USDCLP: the rates since 2024-06-17 and the forecast to 2024-07-08" in lines
    assert len(charts(render_day(day.forecasts, {}))) == 4


def test_each_path_is_in_one_table_beneath_its_chart() -> None:
    day = sample_day(0)
    tables = Page(render_day(day.forecasts, {})).lines.count("The chart as a table")
    assert tables == len(day.forecasts)
    assert Page(render(day.forecasts[0], NOTHING_YET)).lines.count("The chart as a table") == 1


def test_the_table_of_a_chart_has_a_past_rate_a_week_and_some_steps_ahead() -> None:
    forecast = sample_day(0).forecasts[3]
    lines = Page(render(replace(forecast, history=forecast.history[2:]), NOTHING_YET)).lines
    rows = lines[lines.index("date | rate or median | 50% | 80% | 95%") + 1 :]
    past = [row for row in rows if row.endswith("| – | – | –")]
    assert len(past) == 25
    assert past[-2:] == ["2024-06-24 | 925.14 | – | – | –", "2024-07-01 | 948.37 | – | – | –"]
    ahead = rows[len(past) : len(past) + 12]
    assert ahead[-1] == "2024-09-27 | 948.37 | 918.89 – 978.80 | 893.08 – 1,007.08 | 865.16 – 1,039.59"
    assert [row[:10] for row in ahead[-3:]] == ["2024-09-10", "2024-09-17", "2024-09-27"]


# --- the track record


def test_an_empty_track_record_claims_nothing() -> None:
    assert "No issued forecast of this horizon has come due yet." in page().text
    assert "skill, issued none yet" in page().text


def test_when_the_random_walk_lost_nothing_then_no_skill_is_claimed() -> None:
    text = page(TrackRecord((came(1, 950, yardstick_loss=0.0),))).text
    assert "skill, issued none yet" in text


def test_the_track_record_is_shown_with_its_misses() -> None:
    record = TrackRecord(
        (
            came(9, 971.25, error=-16.25, loss=6, yardstick_loss=5, inside={50: False, 80: False, 95: False}),
            came(8, 953.5, error=1.5, loss=2, yardstick_loss=3, inside={50: False, 80: True, 95: True}),
        )
    )
    lines = page(record).lines
    assert "2 issued forecasts have come due" in lines
    assert "skill | 0.0% (2) | 0.0%" in lines
    assert "mean miss of the median (MAE) | 8.88 | 12.38" in lines
    assert "interval score, 80% (less is better) | 57.25 | 79.85" in lines
    assert "direction right | 100.0% | 50.0%" in lines
    coverage = [line for line in lines if re.match(r"(50|80|95)% \| [\d.]+% \|", line)]
    assert coverage == ["50% | 0.0% | 50.0%", "80% | 50.0% | 40.0%", "95% | 50.0% | 21.8%"]
    assert "2024-06-10 | 955.00 | 947.00 – 963.00 | 971.25 outside | −16.25" in lines
    assert "2024-06-09 | 955.00 | 947.00 – 963.00 | 953.50 | +1.50" in lines


def test_the_ten_newest_of_a_long_track_record_are_listed_and_the_three_worst() -> None:
    misses = {n: 1.0 + (n * 7) % 25 for n in range(25, 0, -1)}
    lines = page(TrackRecord(tuple(came(n, 948.5, error=miss) for n, miss in misses.items()))).lines
    newest, worst = lines.index("The newest"), lines.index("The worst misses")
    days = [line[:10] for line in lines[newest:worst] if line.startswith("2024-06")]
    assert days == [str(date(2024, 6, 1) + timedelta(days=n)) for n in range(25, 15, -1)]
    assert [line.rsplit(" ", 1)[1] for line in lines[worst + 2 : worst + 5]] == ["+25.00", "+24.00", "+23.00"]


def test_the_skill_of_issued_forecasts_has_its_interval_and_test_once_there_are_enough() -> None:
    scored = [came(8 * n, 950, loss=2.0 + n % 3, yardstick_loss=2.6 + n % 4) for n in range(20, 0, -1)]
    lines = page(TrackRecord(tuple(scored))).lines
    assert "skill, issued | +25.6% +19.0…+32.0 (20)" in lines
    assert "Diebold-Mariano | t −15.91, p 0.004 |" in lines
    assert "skill, issued | +23.7% (9)" in page(TrackRecord(tuple(scored[:9]))).lines
    assert "Diebold-Mariano | too few to test |" in page(TrackRecord(tuple(scored[:9]))).lines


def test_forecasts_that_overlap_are_said_to() -> None:
    text = page(TrackRecord(tuple(came(n, 950) for n in range(20, 0, -1)))).text
    assert "Up to 7 of these forecasts overlap; ± and the bar count only the 2 that don't." in text
    assert "overlap" not in page(TrackRecord((came(1, 950),))).text


# --- hostile text


HOSTILE = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "</p></main></body>&lt;{{ 7 * 7 }}",
    "a\nb\r\n<b>",
    "{source} {0.__class__} %s",
]
PLACES: dict[str, Any] = {
    "banner": lambda text: {"banners": (text,)},
    "note": lambda text: {"notes": (text,)},
    "source": lambda text: {"spot": Observation(date(2024, 7, 1), 951.02, NOON, text)},
    "reason": lambda text: {"members": (MemberView("theta", 0, None, text),)},
    "member": lambda text: {"members": (MemberView(text, 0, None, "?"),)},
    "version": lambda text: {"code_version": text},
    "weights": lambda text: {"weights_hashes": {text: "?"}},
    "part": lambda text: surrounded(parts=(Part(text, "?"),)),
    "part's source": lambda text: surrounded(parts=(Part("?", text),)),
    "part's note": lambda text: surrounded(parts=(Part("?", note=text),)),
    "title": lambda text: surrounded(headlines=(replace(LINE, title=text),)),
    "outlet": lambda text: surrounded(headlines=(replace(LINE, outlet=text),)),
    "event": lambda text: surrounded(events=(replace(EVENT, title=text),)),
    "currency": lambda text: surrounded(events=(replace(EVENT, currency=text),)),
    "impact": lambda text: surrounded(events=(replace(EVENT, impact=text),)),
}


@pytest.mark.fault(38)
@pytest.mark.parametrize("text", HOSTILE)
@pytest.mark.parametrize("place", PLACES)
def test_hostile_text_is_shown_as_text_and_makes_no_element(place: str, text: str) -> None:
    hostile, harmless = (page(**PLACES[place](words)) for words in (text, "harmless"))
    assert hostile.tags == harmless.tags
    assert hostile.text == harmless.text.replace("harmless", " ".join(text.split()))


@pytest.mark.fault(38)
@pytest.mark.parametrize("place", PLACES)
def test_terminal_escapes_do_not_reach_the_file(place: str) -> None:
    html = render(sample_forecast(), NOTHING_YET, ["\x1b[31mred\x1b[0m\x07\u202e"])
    if place != "note":
        html = render(sample_forecast(**PLACES[place]("\x1b[31mred\x1b[0m\x07\u202e")), NOTHING_YET)
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e]|\[31m", html)


@pytest.mark.parametrize("place", PLACES)
def test_a_million_letters_are_cut(place: str) -> None:
    hostile, harmless = (page(**PLACES[place](words)).text for words in ("x" * 1_000_000, "harmless"))
    assert "xxx…" in hostile
    assert len(hostile) < len(harmless) + 1_100


def test_a_link_that_is_no_web_address_is_no_link() -> None:
    context = {
        "headlines": tuple(replace(LINE, link=link) for link in ("javascript:alert(1)", "https://a.cl/?a=1&b='"))
    }
    links = [link for link in page(**surrounded(**context)).links if not link.startswith("#")]
    assert links == ["https://a.cl/?a=1&b='"]


def test_many_headlines_events_and_banners_are_counted() -> None:
    context = {"headlines": (LINE,) * 27, "events": (EVENT,) * 24}
    found = page(**surrounded(**context), banners=tuple(f"banner {n}" for n in range(23)))
    assert found.text.count("El dólar sube") == 20
    assert found.text.count("Payrolls") == 20
    assert [line for line in found.lines if line.startswith("and ")] == ["and 3 more", "and 7 more", "and 4 more"]


# --- the file


def test_the_file_is_self_contained() -> None:
    html = render(sample_forecast(), TrackRecord((came(1, 950),)))
    assert not re.search(r"https?:|<script|<link|<img|<iframe|@import|url\(|\son\w+=", html)
    assert "default-src 'none'" in html


def test_the_page_has_landmarks_and_its_headings_are_in_order() -> None:
    day = sample_day(3)
    tags = Page(render_day(day.forecasts, day.records, (), day.previous)).tags
    assert [tags.count(name) for name in ("main", "nav", "footer", "h1")] == [1, 1, 1, 1]
    headings = [int(tag[1]) for tag in tags if re.fullmatch(r"h\d", tag)]
    assert headings[0] == 1
    assert all(after <= before + 1 for before, after in pairwise(headings))


def test_ids_are_unique_and_links_lead_somewhere() -> None:
    day = sample_day(3)
    html = render_day(day.forecasts, day.records, (), day.previous)
    ids = re.findall(r'\sid="([^"]+)"', html)
    assert len(ids) == len(set(ids))
    aimed = re.findall(r'href="#([^"]+)"', html) + " ".join(re.findall(r'aria-labelledby="([^"]+)"', html)).split()
    assert aimed
    assert set(aimed) <= set(ids)


def test_every_heading_of_a_table_says_what_it_heads() -> None:
    day = sample_day(3)
    heads = re.findall(r"<th\b[^>]*>", render_day(day.forecasts, day.records, (), day.previous))
    assert heads
    assert [head for head in heads if 'scope="' not in head] == []


@pytest.mark.parametrize(("language", "tag"), [("en", "en"), ("es", "es-CL")])
def test_the_page_names_its_language(language: str, tag: str) -> None:
    assert f'<html lang="{tag}">' in render(sample_forecast(), NOTHING_YET, language=language)


def test_a_whole_day_is_under_300_000_bytes_and_made_within_one_and_a_half_seconds() -> None:
    day = sample_day(250)
    start = time.process_time()
    html = render_day(day.forecasts, day.records, ["A note."], day.previous, "es")
    assert time.process_time() - start < 1.5
    assert len(html.encode()) < 300_000


def test_the_report_of_each_horizon_is_under_60_000_bytes() -> None:
    day = sample_day(250)
    for forecast in day.forecasts:
        key = forecast.horizon
        html = render(forecast, day.records[key], ["A note."], day.previous[key], "es")
        assert len(html.encode()) < 60_000


def test_what_is_written_is_what_is_rendered(tmp_path: Path) -> None:
    path = tmp_path / "USDCLP" / "7d.html"
    write(sample_forecast(), NOTHING_YET, path, ["a note"])
    assert path.read_bytes().decode("utf-8") == render(sample_forecast(), NOTHING_YET, ["a note"])
    assert [entry.name for entry in path.parent.iterdir()] == ["7d.html"]


def test_a_day_is_written_as_it_is_rendered(tmp_path: Path) -> None:
    day, path = sample_day(3), tmp_path / "USDCLP" / "report.html"
    write_day(day.forecasts, day.records, path, ["a note"], day.previous, "es")
    assert path.read_text(encoding="utf-8") == render_day(day.forecasts, day.records, ["a note"], day.previous, "es")


def test_the_same_values_give_the_same_bytes() -> None:
    first, second = (sample_day(5) for _ in range(2))
    pages = [render_day(day.forecasts, day.records, (), day.previous) for day in (first, second)]
    assert pages[0] == pages[1]
