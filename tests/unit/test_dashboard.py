"""What people see in the terminal: whole screens, and that no value, name or terminal can spoil them."""

import io
import json
import re
import sys
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conftest import business_days, command
from forex_cli import mlflow_dashboard, status, track_record
from forex_cli.dashboard import PLAIN, _records, described, read
from forex_cli.dashboard_view import Board, lines
from forex_cli.figures import LONGEST_RATE, ago, percent, rate, span
from forex_cli.terminal import WIDEST, Terminal
from forex_cli.watching import cropped
from forex_core.mlops.latest_runs import Experiment, RunLine
from forex_core.pipeline.health import Feed, Health
from forex_core.report.sparkline import ASCII, BLOCKS, band, sparkline
from forex_core.report.track_record_table import ScoreLine, scoreboard
from forex_core.settings import Settings
from forex_core.store.events import Event
from forex_core.store.scoreboard import Outlook, Scored, Tally
from forex_core.store.store import Store
from forex_core.values import LEVELS, Observation
from samples import ISSUED_AT, freeze, sample_score

NOW = datetime(2024, 7, 2, 9, 30, 5, tzinfo=UTC)
NARROW, WIDE = Terminal(80), Terminal(120)
ESCAPE = "\x1b"


def quantiles(spot: float, width: float) -> dict[float, float]:
    """Symmetric about the spot, all positive."""
    return {level: spot * (1 + width * (level - 0.5)) for level in LEVELS}


def outlook(**changes: Any) -> Outlook:
    one = Outlook(
        forecast_id="f1",
        pair="USDCLP",
        horizon="7d",
        role="champion",
        issued_on=date(2024, 7, 1),
        target_date=date(2024, 7, 8),
        spot=Observation(date(2024, 7, 1), 951.02, ISSUED_AT, "bcch"),
        quantiles=quantiles(951.02, 0.04),
        history=tuple(930.0 + 20 * (n % 50) / 50 for n in range(126)),
        backtest=Tally(60, -0.01, 0.78),
        version_id="v2024-06-01--12h00",
        version_since=datetime(2024, 6, 1, 12, tzinfo=UTC),
    )
    return replace(one, **changes)


def usdclp() -> list[Outlook]:
    """Four horizons; the last one's model is older."""
    found = [
        outlook(
            horizon=key,
            target_date=date(2024, 7, 1) + timedelta(days=days),
            quantiles=quantiles(951.02, width),
            version_id=f"v2024-06-01--12h00{ending}",
        )
        for key, days, width, ending in (("7d", 7, 0.03, ""), ("15d", 15, 0.05, "-2"), ("30d", 30, 0.07, "-3"))
    ]
    older = datetime(2023, 1, 2, 3, 4, tzinfo=UTC)
    last = outlook(horizon="90d", target_date=date(2024, 9, 27), quantiles=quantiles(951.02, 0.12), version_since=older)
    return [*found, replace(last, version_id="v2023-01-02--03h04")]


def board(newest: list[Outlook] | None = None, troubles: tuple[str, ...] = (), **changes: Any) -> Board:
    newest = usdclp() if newest is None else newest
    feeds = {
        one.pair: Feed(one.pair, one.spot.observed_on, one.spot.source, 1, datetime(2024, 7, 2, 22, tzinfo=UTC))
        for one in newest
    }
    ended = Event(datetime(2024, 7, 1, 22, 15, tzinfo=UTC), "finished", "a", "USDCLP", "90d", {})
    health = Health(tuple(newest), tuple(feeds.values()), ended, None, {}, troubles)
    tallies = {("USDCLP", "7d", "champion"): Tally(245, 0.0123, 0.796)}
    whole = Board(NOW, "production", health, tallies, 45_200_000_000, {"forex.db": 134_300_000, "mlflow.db": 900_000})
    return replace(whole, **changes)


def screen(shown: Board, terminal: Terminal) -> str:
    return "\n".join(terminal.shown(line) for line in lines(shown, terminal))


SCREEN = """\
FOREX production                                         2024-07-02 09:30:05 UTC
      for        median   from        80 %         to        skill inside     n
USDCLP  951.02 of 2024-07-01 from bcch, 1 business day old  ▁▂▃▄▅▆▇█▁▂▃▄▅▆▇█▁▂▃▄
  7d  2024-07-08 951.02 939.61        ━━●━━        962.43    +1.2%    80%   245
  15d 2024-07-16 951.02 932.00      ╌━━━●━━━╌      970.04    -1.0%    78%    60*
  30d 2024-07-31 951.02 924.39     ╌━━━━●━━━━╌     977.65    -1.0%    78%    60*
  90d 2024-09-27 951.02 905.37 ╌━━━━━━━━●━━━━━━━━╌ 996.67    -1.0%    78%    60*
  model 7d v2024-06-01--12h00, 15d -2, 30d -3 (30 days old);
  90d v2023-01-02--03h04 (547 days old)

last run  2024-07-01 22:15 UTC, 11 hours ago, finished (USDCLP 90d)
next due  2024-07-02 22:00 UTC, in 12 hours (USDCLP)
disk      45.2 GB free, forex.db 134.3 MB, mlflow.db 0.9 MB
! the last backup is 9 days old
━ 80 % ╌ 95 % ● median ┊ spot; skill against the random walk; * of the backtest"""

WIDE_SCREEN = """\
FOREX production                                                                                 2024-07-02 09:30:05 UTC
      for        median   from              80 %               to        skill inside     n  model                days
USDCLP  951.02 of 2024-07-01 from bcch, 1 business day old  ▁▁▂▂▂▂▃▃▃▄▄▄▅▅▅▆▆▆▆▇▇▇██▁▁▂▂▂▃▃▃▃▄▄▄▅▅▅▆▆▆▇▇▇▇██▁▁▂▂▂▃▃▃▃▄▄▄
  7d  2024-07-08 951.02 939.61            ╌━━━●━━━╌            962.43    +1.2%    80%   245  v2024-06-01--12h00      30
  15d 2024-07-16 951.02 932.00          ╌━━━━━●━━━━━╌          970.04    -1.0%    78%    60* v2024-06-01--12h00-2    30
  30d 2024-07-31 951.02 924.39       ╌╌━━━━━━━●━━━━━━━╌╌       977.65    -1.0%    78%    60* v2024-06-01--12h00-3    30
  90d 2024-09-27 951.02 905.37 ╌╌━━━━━━━━━━━━━●━━━━━━━━━━━━━╌╌ 996.67    -1.0%    78%    60* v2023-01-02--03h04     547

last run  2024-07-01 22:15 UTC, 11 hours ago, finished (USDCLP 90d)
next due  2024-07-02 22:00 UTC, in 12 hours (USDCLP)
disk      45.2 GB free, forex.db 134.3 MB, mlflow.db 0.9 MB
━ 80 % ╌ 95 % ● median ┊ spot; skill against the random walk; * of the backtest"""

ASCII_CURVE = "__..--^^__..--^^__.."


def test_the_dashboard_at_80_columns() -> None:
    assert screen(board(troubles=("the last backup is 9 days old",)), NARROW) == SCREEN


def test_the_dashboard_at_120_columns() -> None:
    assert screen(board(), WIDE) == WIDE_SCREEN


@pytest.mark.fault(37)
def test_the_dashboard_where_the_terminal_knows_ascii_only() -> None:
    shown = screen(board(troubles=("the last backup is 9 days old",)), replace(NARROW, unicode=False))
    drawn = str.maketrans("━╌●┊", "=.o:")
    expected = SCREEN.replace("▁▂▃▄▅▆▇█▁▂▃▄▅▆▇█▁▂▃▄", ASCII_CURVE).translate(drawn)
    assert shown == expected
    assert shown.isascii()


def test_three_pairs_fit_a_screen_of_24_rows() -> None:
    endings = dict(zip(("7d", "15d", "30d", "90d"), ("", "-2", "-3", "-4"), strict=True))
    pairs = [
        outlook(pair=pair, horizon=key, version_id=f"v2024-06-01--12h00{ending}")
        for pair in ("USDCLP", "EURUSD", "USDMXN")
        for key, ending in endings.items()
    ]
    shown = screen(board(pairs), Terminal(80, 24, moves=True))
    assert shown.count("\n") + 1 <= 23
    assert "disk" in shown


def test_colours_change_nothing_but_the_colour() -> None:
    troubled = board(troubles=("it is late",))
    coloured = screen(troubled, replace(NARROW, colour=True))
    assert f"{ESCAPE}[31mit is late{ESCAPE}[0m" in coloured
    bare = re.sub(rf"{ESCAPE}\[[0-9]+m", "", coloured)
    assert [line.rstrip() for line in bare.splitlines()] == screen(troubled, NARROW).splitlines()


def test_a_forecast_of_another_role_and_an_old_rate_are_said_beside_the_spot() -> None:
    demo = board([outlook(role="demo")])
    demo = replace(demo, health=replace(demo.health, feeds=(replace(demo.health.feeds[0], age=15),)))
    assert "from bcch, 15 business days old, demo  " in screen(demo, NARROW)


def test_a_rate_that_came_after_the_forecast_is_said() -> None:
    later = board([outlook()])
    later = replace(
        later, health=replace(later.health, feeds=(replace(later.health.feeds[0], newest=date(2024, 7, 2)),))
    )
    assert "from bcch, 2024-07-02 is known, 1 business day old" in screen(later, NARROW)


def test_without_a_record_or_a_backtest_nothing_is_claimed() -> None:
    shown = screen(board([outlook(backtest=None)], tallies={}), NARROW)
    assert re.search(r"966.24 +- +- +0$", shown, re.MULTILINE)
    assert "of the backtest" not in shown
    assert "%" not in shown.splitlines()[3]


def test_before_the_first_forecast_the_dashboard_says_so() -> None:
    assert "Nothing was forecast yet.\n" in screen(board([]), NARROW)


def test_a_pair_whose_value_is_out_is_due_now() -> None:
    late = board([outlook()])
    due = datetime(2024, 7, 1, 22, tzinfo=UTC)
    late = replace(late, health=replace(late.health, feeds=(replace(late.health.feeds[0], due=due),)))
    assert "next due  now, since 2024-07-01 22:00 UTC, 11 hours ago (USDCLP)" in screen(late, NARROW)


def test_a_long_trouble_takes_as_many_lines_as_it_needs() -> None:
    shown = screen(board(troubles=("it failed: " + "word " * 40,)), NARROW)
    assert len([line for line in shown.splitlines() if line.startswith(("! ", "  word"))]) == 3


rates = st.floats(1e-12, 1e12)
shares = st.one_of(st.none(), st.floats(-1e6, 1.0))
names = st.text(max_size=60)


@settings(max_examples=150, deadline=None)
@given(
    spots=st.lists(st.tuples(rates, st.floats(0.0, 1.9), shares, st.integers(0, 99_999)), min_size=1, max_size=4),
    source=names,
    troubles=st.lists(names, max_size=2),
    environment=names,
    terminal=st.builds(
        Terminal, width=st.sampled_from([80, 90, 109, 110, 120, 200]), unicode=st.booleans(), colour=st.booleans()
    ),
)
def test_no_value_and_no_name_makes_a_line_longer_than_the_terminal(
    spots: list[tuple[float, float, float | None, int]],
    source: str,
    troubles: list[str],
    environment: str,
    terminal: Terminal,
) -> None:
    newest = [
        outlook(
            horizon=key,
            spot=Observation(date(2024, 7, 1), spot, ISSUED_AT, source),
            quantiles=quantiles(spot, width),
            history=tuple(spot * (1 + width * n / 20) for n in range(9)),
            backtest=Tally(count, skill, 0.8),
        )
        for key, (spot, width, skill, count) in zip(("7d", "15d", "30d", "90d"), spots, strict=False)
    ]
    shown = screen(board(newest, tuple(troubles), environment=environment, tallies={}), terminal)
    bare = re.sub(rf"{ESCAPE}\[[0-9]+m", "", shown) if terminal.colour else shown
    assert ESCAPE not in bare
    assert all(len(line) <= terminal.width and (line.isprintable() or not line) for line in bare.splitlines())
    rows = [line for line in bare.splitlines() if "*" in line and "2024-07-08" in line]
    assert [int(re.split(r"[ ]+", row.split("*")[0])[-1]) for row in rows] == [count for *_, count in spots]
    assert terminal.unicode or bare.isascii()


@pytest.mark.parametrize("width", [40, 60, 70])
def test_on_a_narrow_terminal_what_matters_most_is_kept(width: int) -> None:
    shown = screen(board(), Terminal(width))
    assert max(map(len, shown.splitlines())) <= width
    assert "90d 2024-09-27 951.02" in shown


# figures


@pytest.mark.parametrize(
    ("value", "digits", "said"),
    [(948.371, 2, "948.37"), (1.0853, 4, "1.0853"), (1.5e12, 2, "1.5000e+12"), (1.5e-9, 13, "1.5000e-09")],
)
def test_a_rate_is_never_longer_than_its_column(value: float, digits: int, said: str) -> None:
    assert rate(value, digits) == said
    assert len(said) <= LONGEST_RATE


@pytest.mark.parametrize(
    ("share", "said"),
    [(0.0123, "+1.2%"), (-0.5, "-50.0%"), (-0.0001, "+0.0%"), (-1e5, "<-999%"), (1e5, ">999%"), (None, "-")],
)
def test_a_share_is_never_longer_than_its_column(share: float | None, said: str) -> None:
    assert percent(share) == said
    assert len(said) <= 7


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(-5, "0 s"), (4, "4 s"), (60, "1 minute"), (7199, "1 hour"), (47 * 3600, "47 hours"), (48 * 3600, "2 days")],
)
def test_a_length_of_time_is_said_in_its_largest_unit(seconds: int, said: str) -> None:
    assert span(timedelta(seconds=seconds)) == said


def test_an_age_is_counted_in_business_days() -> None:
    assert [ago(n) for n in (0, 1, 2)] == ["fresh", "1 business day old", "2 business days old"]


# curves and bars


def test_a_curve_rises_and_falls_with_its_values() -> None:
    assert sparkline([1, 2, 3, 4, 5, 6, 7, 8], 8, BLOCKS) == "▁▂▃▄▅▆▇█"
    assert sparkline([4, 1, 4], 8, ASCII) == "^_^"
    assert sparkline([1, 1, 3, 3], 2, ASCII) == "_^"
    assert sparkline([5, 5], 8, ASCII) == ".."
    assert sparkline([], 8, ASCII) == ""
    assert sparkline([1, 2], 0, ASCII) == ""


@given(st.lists(rates, min_size=1, max_size=300), st.integers(1, 60))
def test_a_curve_is_as_wide_as_asked_and_shows_its_ends(values: list[float], width: int) -> None:
    shown = sparkline(values, width, ASCII)
    assert len(shown) == min(width, len(values))
    assert len(set(shown)) == 1 or {"_", "^"} <= set(shown)


def test_a_bar_shows_the_intervals_the_median_and_the_spot() -> None:
    said = {level: 100.0 * level for level in LEVELS}
    assert band(said, 20.0, (0.0, 100.0), 25, ASCII) == " .===:======o==========. "
    assert band(said, 50.0, (0.0, 100.0), 25, ASCII) == " .==========o==========. "
    assert band(said, 500.0, (0.0, 100.0), 25, ASCII) == " .==========o==========. "


def test_a_bar_of_no_width_is_a_point() -> None:
    assert band(dict.fromkeys(LEVELS, 5.0), 5.0, (5.0, 5.0), 5, ASCII) == "  o  "


# the terminal


class Stream(io.StringIO):
    """A text stream that says what it is."""

    def __init__(self, screen: bool, encoding: str) -> None:
        super().__init__()
        self._screen, self._encoding = screen, encoding

    @property
    def encoding(self) -> str:  # type: ignore[override]
        return self._encoding

    def isatty(self) -> bool:
        return self._screen


UTF8 = {"LANG": "es_CL.UTF-8", "TERM": "xterm-256color"}


@pytest.mark.parametrize(
    ("environ", "screen", "colour"),
    [
        ({}, True, True),
        ({}, False, False),
        ({"NO_COLOR": "1"}, True, False),
        ({"NO_COLOR": ""}, True, True),
        ({"TERM": "dumb"}, True, False),
        ({"FORCE_COLOR": "1"}, False, True),
        ({"FORCE_COLOR": "1", "NO_COLOR": "1"}, True, False),
        ({"FORCE_COLOR": "1", "TERM": "dumb"}, True, False),
    ],
    ids=str,
)
def test_colour_needs_a_terminal_that_wants_it(environ: Mapping[str, str], screen: bool, colour: bool) -> None:
    assert Terminal.of(Stream(screen, "utf-8"), UTF8 | environ).colour is colour


@pytest.mark.fault(37)
@pytest.mark.parametrize(
    ("environ", "encoding", "unicode"),
    [
        ({}, "utf-8", True),
        ({"LANG": "C.utf8"}, "UTF-8", True),
        ({"LC_ALL": "C"}, "utf-8", False),
        ({"LC_CTYPE": "C", "LC_ALL": ""}, "utf-8", False),
        ({"LC_ALL": "es_CL.UTF-8@euro"}, "utf-8", True),
        ({"LANG": ""}, "utf-8", False),
        ({}, "iso8859-1", False),
    ],
    ids=str,
)
def test_signs_beyond_ascii_need_a_utf8_locale_and_stream(
    environ: Mapping[str, str], encoding: str, unicode: bool
) -> None:
    assert Terminal.of(Stream(True, encoding), UTF8 | environ).unicode is unicode


def test_the_cursor_moves_only_on_a_terminal_that_is_not_dumb() -> None:
    assert Terminal.of(Stream(True, "utf-8"), UTF8).moves
    assert not Terminal.of(Stream(False, "utf-8"), UTF8).moves
    assert not Terminal.of(Stream(True, "utf-8"), {"TERM": "dumb"}).moves
    assert not Terminal.of(Stream(True, "utf-8"), {}).moves


@given(st.text(), st.integers(0, 50), st.booleans())
def test_legible_text_is_one_line_of_single_columns(text: str, longest: int, unicode: bool) -> None:
    shown = Terminal(unicode=unicode).legible(text, longest)
    assert len(shown) <= longest
    assert shown.isprintable()
    assert unicode or shown.isascii()


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[31mred\x1b[0m", "?[31mred?[0m"),
        ("a\nb\tc", "a?b?c"),
        ("日本", "??"),
        ("e\u0301", "e?"),
        ("\u202eabc", "?abc"),
    ],
)
def test_what_could_draw_or_take_two_columns_is_a_question_mark(text: str, shown: str) -> None:
    assert Terminal().legible(text, 40) == shown


def test_a_name_of_a_megabyte_is_cut_at_once() -> None:
    assert Terminal().legible("x" * 1_000_000, 10) == "xxxxxxxxx…"
    assert Terminal(unicode=False).legible("x" * 1_000_000, 10) == "xxxxxxx..."


def test_a_frame_that_is_too_high_loses_its_middle() -> None:
    frame = [str(n) for n in range(30)]
    assert cropped(frame, Terminal(height=31)) == frame
    shown = cropped(frame, Terminal(height=12))
    assert (len(shown), shown[:2], shown[-5:], shown[5]) == (11, frame[:2], frame[-5:], "…")


# the other forms, and the other commands


def test_the_dashboard_reads_what_is_stored(data_dir: Path) -> None:
    with Store.for_writing(data_dir) as store:
        freeze(store)
        store.forecasts.score(sample_score(loss=1.0, yardstick_loss=2.0), final=True)
    found = read(replace(Settings(), data_dir=data_dir), NOW)
    (one,) = described(found)["forecasts"]  # type: ignore[misc]
    assert (one["skill"], one["coverage_80"], one["count"], one["basis"]) == (0.5, 1.0, 1, "track_record")
    assert (one["version_days"], one["interval_80"]) == (0, [947.0, 963.0])
    assert found.databases.keys() == {"forex.db"}
    json.dumps(described(found), allow_nan=False)


def test_plain_records_have_one_cell_a_column_whatever_the_names() -> None:
    (row,) = _records(board([outlook(version_id="a\tb\nc", backtest=None)], tallies={}))
    assert dict(zip(PLAIN, row, strict=True))["version_id"] == "a?b?c"
    assert dict(zip(PLAIN, row, strict=True))["skill"] == ""


def test_the_status_at_80_columns() -> None:
    found = board(troubles=("the last backup is 9 days old",)).health
    assert list(status.lines(found, NOW, NARROW)) == [
        "pair         issued on  for            median                  80 %  role",
        "USDCLP  7d   2024-07-01 2024-07-08     951.02         939.61–962.43  champion",
        "USDCLP  15d  2024-07-01 2024-07-16     951.02         932.00–970.04  champion",
        "USDCLP  30d  2024-07-01 2024-07-31     951.02         924.39–977.65  champion",
        "USDCLP  90d  2024-07-01 2024-09-27     951.02         905.37–996.67  champion",
        "",
        "USDCLP started from 951.02 of 2024-07-01, source bcch, 1 business day old",
        "last run  2024-07-01 22:15 UTC, 11 hours ago, finished (USDCLP 90d)",
        "next due  2024-07-02 22:00 UTC, in 12 hours (USDCLP)",
        "! the last backup is 9 days old",
    ]


@given(rates, names, names)
def test_no_status_line_is_longer_than_the_terminal(spot: float, source: str, trouble: str) -> None:
    one = outlook(spot=Observation(date(2024, 7, 1), spot, ISSUED_AT, source), quantiles=quantiles(spot, 1.0))
    found = board([one], (trouble,)).health
    for terminal in (NARROW, replace(NARROW, unicode=False)):
        shown = list(status.lines(found, NOW, terminal))
        assert all(len(line) <= 80 and (line.isprintable() or not line) for line in shown)
        assert terminal.unicode or "".join(shown).isascii()


def record(n: int, open_days: int) -> list[ScoreLine]:
    said = quantiles(950.0, 0.04)
    days = business_days(date(2023, 1, 2), date(2024, 6, 28))[:n]
    return scoreboard(
        [
            Scored(
                *("USDCLP", "7d", "champion", day, day + timedelta(days=open_days)),
                outcome=950.0 + 4 * (7 * number % 11 - 5),
                loss=2.0 + (31 * number % 101) / 40,
                yardstick_loss=2.2 + (31 * number % 97) / 40,
                said=said,
                walked=quantiles(951.0, 0.05),
            )
            for number, day in enumerate(days)
        ]
    )


def test_the_track_record_at_80_columns() -> None:
    shown = [NARROW.shown(line) for line in track_record.lines(record(240, 7), NARROW)]
    assert shown[:5] == [
        "          n   skill      95 % interval      t     p    50 %    80 %    95 %",
        "USDCLP champion, issued 2023-01-03 to 2023-12-19",
        "  7d    240   +4.4%     +3.9% to +5.0% -17.49 0.000    45±7    63±6    82±3",
        "      better than the walk; MAE 10.93 (walk 11.03),",
        "      80 % score 40.67 (walk 39.86)",
    ]
    assert max(map(len, shown)) <= 80


def test_a_short_track_record_says_that_nothing_can_be_said() -> None:
    shown = [NARROW.shown(line) for line in track_record.lines(record(12, 7), NARROW)]
    assert shown[2] == "  7d  12 scored, no more than 2 of which don't overlap: nothing can be said yet"
    assert shown[3].startswith("      7 of 12 inside 80 %; MAE 11.67 (walk 11.83)")
    assert "skill" not in "".join(shown[1:4])


def test_an_empty_track_record_says_when_there_will_be_one() -> None:
    (shown,) = track_record.lines([], NARROW)
    assert "its target date has come" in NARROW.shown(shown)


@given(st.floats(1e-9, 1e12), st.floats(-1e6, 1.0), st.floats(0, 1), st.booleans())
def test_no_line_of_the_track_record_is_cut(size: float, skill: float, share: float, unicode: bool) -> None:
    (line,) = record(240, 7)
    many = {name: share for name in ("coverage_50", "coverage_80", "coverage_95")}
    errors = dict.fromkeys(("mae", "walk_mae", "interval_80", "walk_interval_80"), size)
    tested = {"skill": skill, "skill_low": skill, "skill_high": skill, "dm_t": 1e3 * skill, "dm_p": share}
    line = replace(line, count=99_999, **many | errors | tested)
    terminal = Terminal(80, unicode=unicode)
    for found in track_record.lines([line], terminal):
        assert sum(len(text) for text, _ in found) <= 80


# what looking does without

IMPORTED = "import sys, {module}; print(sorted(set(sys.argv[1:]) & set(sys.modules)))"


@pytest.mark.parametrize("module", ["forex_cli.mlflow_dashboard", "forex_core.pipeline.health, forex_cli.main"])
def test_what_takes_long_to_import_is_not_needed_to_look(module: str, data_dir: Path) -> None:
    slow = ("loguru", "holidays", "pydantic", "rich", "numpy")
    done = command(sys.executable, "-c", IMPORTED.format(module=module), *slow, data_dir=data_dir)
    assert (done.stdout, done.stderr) == ("[]\n", "")


@pytest.mark.parametrize("before", ["", "import loguru; "])
def test_the_log_has_its_form_whoever_imports_it_first(before: str, data_dir: Path) -> None:
    code = "from forex_cli.session import _log_to_stderr as begin; begin('INFO'); from loguru import logger; "
    code += (
        "logger.info('{}', 'seen'); logger.debug('unseen'); secret = 'hunter2'; logger.opt(exception=True).error('x')"
    )
    done = command(sys.executable, "-c", f"{before}{code}", data_dir=data_dir)
    assert done.stderr.splitlines()[:2] == ["INFO    seen", "ERROR   x"]
    assert "hunter2" not in done.stderr


# MLflow's dashboard


def run(n: int, **changes: Any) -> RunLine:
    one = RunLine(datetime(2024, 7, n, 22, 15, tzinfo=UTC), 7.0 + n, 0.8 + n, "production", f"{n:032x}"[::-1])
    return replace(one, **changes)


GRID = """\

================================================================================
MLFLOW EXPERIMENT DASHBOARD
================================================================================

FORECASTER_7D
--------------------------------------------------------------------------------
+------------------+--------+--------+------------+----------+
| Timestamp        | RMSE   | MAPE   | Env        | Run ID   |
+==================+========+========+============+==========+
| 2024-07-02 22:15 | 9.0000 | 2.80%  | production | 20000000 |
+------------------+--------+--------+------------+----------+
| 2024-07-01 22:15 | 8.0000 | 1.80%  | production | 10000000 | *
+------------------+--------+--------+------------+----------+
  * lowest RMSE of all: 8.0000, MAPE 1.80%, 2024-07-01 22:15, run 10000000

FORECASTER_15D
--------------------------------------------------------------------------------
  No runs found

================================================================================"""


def test_mlflows_dashboard_shows_the_runs_and_marks_the_best() -> None:
    found = [Experiment("forecaster_7d", (run(2), run(1)), run(1)), Experiment("forecaster_15d", (), None)]
    assert "\n".join(mlflow_dashboard._lines(found, NARROW)) == GRID


def test_the_best_run_is_named_even_if_it_is_not_among_the_last() -> None:
    shown = "\n".join(mlflow_dashboard._lines([Experiment("forecaster_7d", (run(2),), run(1))], NARROW))
    assert "| *" not in shown
    assert "* lowest RMSE of all: 8.0000" in shown


def test_what_a_run_lacks_is_not_available() -> None:
    bare = run(3, rmse=None, mape=None, environment=None)
    shown = "\n".join(mlflow_dashboard._lines([Experiment("forecaster_7d", (bare,), None)], NARROW))
    assert "| 2024-07-03 22:15 | N/A    | N/A    | N/A   | 30000000 |" in shown


@given(names, st.floats(allow_nan=False), st.text(max_size=40), st.booleans())
def test_no_tag_and_no_number_spoils_mlflows_dashboard(name: str, value: float, run_id: str, unicode: bool) -> None:
    hostile = run(4, environment=name, rmse=value, mape=value, run_id=run_id)
    found = Experiment(f"forecaster_7d_{name}", (hostile,), hostile)
    for line in mlflow_dashboard._lines([found], Terminal(80, unicode=unicode)):
        assert line.isprintable() or not line
        assert len(line) <= WIDEST
        assert unicode or line.isascii()


def test_mlflows_dashboard_refuses_a_limit_that_is_none(capsys: pytest.CaptureFixture[str]) -> None:
    for wrong in ("0", "-1", "x", "1.5", "9" * 40):
        with pytest.raises(SystemExit) as ended:
            mlflow_dashboard.main(["--limit", wrong])
        assert ended.value.code == 2
    assert "must be a whole number above 0" in capsys.readouterr().err


def test_mlflows_dashboard_says_what_is_missing_as_json_too(
    data_dir: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("FOREX_DATA_DIR", str(data_dir))
    assert mlflow_dashboard.main(["--json"]) == 78
    said = capsys.readouterr()
    assert (said.out, json.loads(said.err)["error"]["code"]) == ("", "SettingsError")
