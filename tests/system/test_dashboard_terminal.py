"""The dashboards in a real terminal (tmux), at two sizes, in two locales, on a dumb one, and in pipes."""

import itertools
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from tempfile import mkdtemp

import pytest

from conftest import FOREX, ROOT, command, forex
from forex_core.mlops import embedded
from forex_core.store.events import Event
from forex_core.store.store import Store
from samples import ISSUED_AT, freeze, sample_score

TMUX = shutil.which("tmux")
DAY = date(2024, 7, 1)
SIZES = [(80, 24), (120, 40)]
LOCALES = ["C.UTF-8", "C"]
PAIRS = {"USDCLP": "champion", "EURUSD": "demo", "USDMXN": "champion"}
HORIZONS = {"7d": 7, "15d": 15, "30d": 30, "90d": 90}
HOSTILE = "csv:/home/\x1b[31mred\x1b[0m/\n/日本/" + "long/" * 40 + "rates.csv"
NUMBERS = itertools.count()
ENDED = r"ended: \d"  # not the command's own line
PATIENCE = 30  # seconds for a screen to show what is awaited

needs_tmux = pytest.mark.skipif(TMUX is None, reason="tmux is not installed (apt-get install tmux)")


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three pairs at four horizons, a few scores, and one source with a name that would draw on the screen."""
    data_dir = tmp_path_factory.mktemp("seen") / "data"
    with Store.for_writing(data_dir) as store:
        embedded.ensure(data_dir / "mlflow", store)
        for pair, role in PAIRS.items():
            for horizon, days in HORIZONS.items():
                _issue(store, pair, horizon, role, DAY, days)
        for day in range(1, 13):
            earlier = DAY - timedelta(days=30 + day)
            _issue(store, "USDCLP", "7d", "champion", earlier, 7)
            store.forecasts.score(sample_score(forecast_id=f"USDCLP-7d-{earlier}"), final=True)
        ended = Event(ISSUED_AT, "failed", "a1", "EURUSD", "7d", {"error": HOSTILE, "code": "DataError"})
        store.events.add(ended)
    return data_dir


def _issue(store: Store, pair: str, horizon: str, role: str, day: date, days: int) -> None:
    spot = freeze(
        store,
        forecast_id=f"{pair}-{horizon}-{day}",
        pair=pair,
        horizon=horizon,
        role=role,
        issued_on=day,
        target_date=day + timedelta(days=days),
    )
    for step in ("report", "track"):
        store.forecasts.step_done(spot.forecast_id, step, "done", spot.created_at)


@dataclass
class Terminal:
    """One tmux server of our own, with one window in which a shell waits."""

    socket: Path

    def tmux(self, *arguments: object) -> str:
        done = subprocess.run(
            [str(TMUX), "-S", self.socket, *map(str, arguments)], capture_output=True, text=True, check=True, timeout=30
        )
        return done.stdout

    def type(self, text: str) -> None:
        self.tmux("send-keys", "-l", text)
        self.tmux("send-keys", "Enter")

    def screen(self) -> list[str]:
        return self.tmux("capture-pane", "-p").splitlines()

    def state(self, what: str) -> str:
        return self.tmux("display-message", "-p", f"#{{{what}}}").strip()

    def wait_for(self, pattern: str) -> list[str]:
        """The screen once a line holds this regular expression."""
        until = time.monotonic() + PATIENCE
        while time.monotonic() < until:
            seen = self.screen()
            if any(re.search(pattern, line) for line in seen):
                return seen
            time.sleep(0.1)
        raise AssertionError(f"{pattern!r} did not come:\n" + "\n".join(seen))

    def run(self, line: str) -> tuple[list[str], int]:
        """What the terminal showed while a command ran, without the command's own line, and its exit code."""
        end_mark = f"end {next(NUMBERS)}: "  # another one each time: what came before may still be on the screen
        self.type(f"clear; {line}; echo {end_mark}$?")
        seen = self.wait_for(rf"{end_mark}\d")
        end = next(n for n, shown in enumerate(seen) if re.match(rf"{end_mark}\d", shown))
        return seen[:end], int(seen[end].removeprefix(end_mark))


@pytest.fixture
def terminal(data_dir: Path, tmp_path: Path) -> Iterator[Callable[..., Terminal]]:
    """Open a terminal of a size, in a locale."""
    opened: list[Terminal] = []
    sockets = Path(mkdtemp())  # a socket's path must be short

    def open_(width: int, height: int, locale: str, **environ: str) -> Terminal:
        window = Terminal(sockets / str(len(opened)))
        # COLUMNS and LINES, which test runners set, would outrank the terminal's own size
        others = ("FOREX_", "MLFLOW_", "LC_", "LANG", "TMUX", "COLUMNS", "LINES")
        clean = {k: v for k, v in os.environ.items() if not k.startswith(others)}
        given = {"LC_ALL": locale, "FOREX_DATA_DIR": str(data_dir), "PS1": "$ "} | environ
        size = ("-x", str(width), "-y", str(height))
        shell = ["env", *(f"{name}={value}" for name, value in given.items()), "sh"]
        subprocess.run(
            [str(TMUX), "-S", window.socket, "-u", "-f", "/dev/null", "new-session", "-d", *size, *shell],
            env=clean | {"LC_ALL": "C.UTF-8"},
            check=True,
            timeout=30,
        )
        opened.append(window)
        window.wait_for(r"\$")
        return window

    yield open_
    for window in opened:
        subprocess.run([str(TMUX), "-S", window.socket, "kill-server"], check=False, capture_output=True)
    shutil.rmtree(sockets)


def unwrapped(terminal: Terminal) -> list[str]:
    """The whole history with lines that the terminal had to wrap joined again."""
    return terminal.tmux("capture-pane", "-p", "-J", "-S", "-").splitlines()


@needs_tmux
@pytest.mark.parametrize("locale", LOCALES)
@pytest.mark.parametrize(("width", "height"), SIZES, ids=str)
def test_the_dashboard_is_whole_in_a_terminal(
    width: int, height: int, locale: str, terminal: Callable[..., Terminal]
) -> None:
    window = terminal(width, height, locale)
    window.type(f"clear; {FOREX} dashboard; echo ended: $?")
    seen = window.wait_for(ENDED)
    assert any(line == "ended: 0" for line in seen)
    shown = [line for line in unwrapped(window) if not line.startswith("$")]
    assert max(map(len, shown)) <= width, "a line was wrapped"
    assert "●" in "".join(shown) if locale == "C.UTF-8" else "".join(shown).isascii()
    for pair in PAIRS:
        first = next(n for n, line in enumerate(shown) if line.startswith(f"{pair}  951.02 of "))
        assert [line.split()[0] for line in shown[first + 1 : first + 5]] == list(HORIZONS)
    assert any(line.startswith("! the last run of EURUSD 7d failed: csv:/home/?[31mred?[0m/?/??/") for line in shown)


@needs_tmux
@pytest.mark.parametrize("locale", LOCALES)
def test_one_pair_leaves_room_on_a_screen_of_24_rows(
    locale: str, terminal: Callable[..., Terminal], tmp_path: Path
) -> None:
    with Store.for_writing(tmp_path / "one") as store:
        for horizon, days in HORIZONS.items():
            _issue(store, "USDCLP", horizon, "champion", DAY, days)
    window = terminal(80, 24, locale, FOREX_DATA_DIR=str(tmp_path / "one"))
    for name in ("dashboard", "status"):
        seen, code = window.run(f"{FOREX} {name}")
        assert code == (0 if name == "dashboard" else 75)
        assert sum(bool(line.strip()) for line in seen) >= 7
        assert int(window.state("history_size")) == 0, "it scrolled"


@needs_tmux
@pytest.mark.parametrize("name", ["dashboard", "status", "track-record"])
def test_on_a_dumb_terminal_there_is_text_only(name: str, terminal: Callable[..., Terminal], tmp_path: Path) -> None:
    window = terminal(80, 24, "C", TERM="dumb")
    log = tmp_path / "log"
    window.tmux("pipe-pane", f"cat > '{log}'")
    window.type(f"{FOREX} {name}; echo ended: $?")
    window.wait_for(ENDED)
    assert b"\x1b" not in log.read_bytes()


@needs_tmux
def test_colours_are_used_in_a_terminal_unless_no_color_is_set(terminal: Callable[..., Terminal]) -> None:
    window = terminal(80, 24, "C.UTF-8")
    window.run(f"{FOREX} dashboard")
    assert "\x1b[31m" in window.tmux("capture-pane", "-p", "-e")
    window = terminal(80, 24, "C.UTF-8", NO_COLOR="1")
    window.run(f"{FOREX} dashboard")
    assert "\x1b" not in window.tmux("capture-pane", "-p", "-e")


@needs_tmux
def test_watching_changes_in_place_and_ctrl_c_gives_the_cursor_back(
    terminal: Callable[..., Terminal], data_dir: Path
) -> None:
    window = terminal(80, 24, "C.UTF-8")
    window.type("clear; seq 40")
    window.type(f"{FOREX} dashboard --watch; echo ended: $?")
    first = window.wait_for("FOREX production")
    scrolled = int(window.state("history_size"))
    assert window.state("cursor_flag") == "0"
    time.sleep(2.2)
    second = window.screen()
    assert [a.split()[0] for a in first if a] == [b.split()[0] for b in second if b]
    moments = [re.search(r"\d\d:\d\d:\d\d", "".join(seen)) for seen in (first, second)]
    assert moments[0] and moments[1]
    assert moments[0][0] != moments[1][0], "the clock stands still"
    assert int(window.state("history_size")) == scrolled, "it scrolled"
    window.tmux("send-keys", "C-c")
    assert "ended: 130" in "".join(window.wait_for(ENDED))
    assert window.state("cursor_flag") == "1"


@needs_tmux
def test_watching_shows_what_another_process_writes(terminal: Callable[..., Terminal], tmp_path: Path) -> None:
    data_dir = tmp_path / "watched"
    with Store.for_writing(data_dir) as store:
        _issue(store, "USDCLP", "7d", "champion", DAY, 7)
    window = terminal(80, 24, "C.UTF-8", FOREX_DATA_DIR=str(data_dir))
    window.type(f"{FOREX} dashboard --watch; echo ended: $?")
    window.wait_for("USDCLP  951.02")
    with Store.for_writing(data_dir) as store:
        _issue(store, "EURUSD", "7d", "demo", DAY, 7)
    window.wait_for("EURUSD  951.02")
    (data_dir / "forex.db").rename(data_dir / "away.db")
    window.wait_for("error: ")
    (data_dir / "away.db").rename(data_dir / "forex.db")
    until = time.monotonic() + PATIENCE
    while any("error: " in line for line in window.screen()):
        assert time.monotonic() < until
        time.sleep(0.2)


@needs_tmux
def test_watching_fits_itself_to_a_terminal_that_changes_its_size(terminal: Callable[..., Terminal]) -> None:
    window = terminal(80, 24, "C.UTF-8")
    window.type(f"clear; {FOREX} dashboard --watch; echo ended: $?")
    window.wait_for("FOREX production")
    window.tmux("resize-window", "-x", 120, "-y", 40)
    window.wait_for("  model  ")
    assert sum("FOREX production" in line for line in window.screen()) == 1
    window.tmux("resize-window", "-x", 80, "-y", 12)
    seen = window.wait_for("…")
    assert len(seen) == 12
    assert max(map(len, seen)) <= 80


@needs_tmux
def test_when_the_terminal_goes_then_watching_ends(terminal: Callable[..., Terminal], tmp_path: Path) -> None:
    window = terminal(80, 24, "C.UTF-8")
    note = tmp_path / "pid"
    window.type(f"sh -c 'echo $$ > {note}; exec {FOREX} dashboard --watch'")
    window.wait_for("FOREX production")
    pid = int(note.read_text())
    window.tmux("kill-server")
    until = time.monotonic() + PATIENCE
    while Path(f"/proc/{pid}").exists():
        assert time.monotonic() < until, "it is still there"
        time.sleep(0.1)


# without tmux


@pytest.mark.parametrize("locale", LOCALES)
@pytest.mark.parametrize("environ", [{}, {"NO_COLOR": "1"}, {"TERM": "dumb"}], ids=str)
@pytest.mark.parametrize(
    "arguments", [("dashboard",), ("status",), ("track-record",), ("dashboard", "--plain")], ids=str
)
def test_in_a_pipe_there_are_no_escape_codes(
    arguments: tuple[str, ...], environ: dict[str, str], locale: str, data_dir: Path
) -> None:
    done = forex(*arguments, data_dir=data_dir, LC_ALL=locale, **environ)
    assert (done.returncode, done.stderr) == (75 if arguments == ("status",) else 0, "")
    assert "\x1b" not in done.stdout
    assert locale == "C.UTF-8" or done.stdout.isascii()
    if "--plain" not in arguments:
        assert max(map(len, done.stdout.splitlines())) <= 80


@pytest.mark.parametrize("arguments", [("dashboard",), ("status",), ("track-record",)], ids=str)
def test_json_is_one_object(arguments: tuple[str, ...], data_dir: Path) -> None:
    import json

    answer = json.loads(forex(*arguments, "--json", data_dir=data_dir, FORCE_COLOR="1").stdout)
    assert (answer["schema"], answer["command"]) == (1, arguments[0])


def test_plain_is_a_table_of_tabs(data_dir: Path) -> None:
    lines = forex("dashboard", "--plain", data_dir=data_dir).stdout.splitlines()
    assert len(lines) == 1 + len(PAIRS) * len(HORIZONS)
    assert {line.count("\t") for line in lines} == {14}


def test_the_track_record_is_filtered_and_written_to_a_file(data_dir: Path, tmp_path: Path) -> None:
    done = forex("track-record", "--pair", "USDCLP", "--csv", tmp_path / "record.csv", data_dir=data_dir)
    assert "12 scored, no more than" in done.stdout
    assert "nothing can be said yet" in done.stdout
    assert (tmp_path / "record.csv").read_text().count("\n") == 2
    assert "No forecast was scored yet" in forex("track-record", "--role", "challenger", data_dir=data_dir).stdout
    assert forex("track-record", "--role", "demo", data_dir=data_dir).returncode == 2
    assert forex("track-record", "--pair", "usdclp", data_dir=data_dir).returncode == 2


@pytest.mark.parametrize("other", ["", "--plain", "--json"])
def test_watching_needs_a_terminal(other: str, data_dir: Path) -> None:
    done = forex("dashboard", "--watch", *other.split(), data_dir=data_dir)
    assert (done.returncode, done.stdout) == (2, "")
    assert "--watch needs a terminal" in done.stderr


@pytest.mark.parametrize("name", ["dashboard", "track-record"])
def test_a_new_command_imports_nothing_heavy_and_is_helped_in_80_columns(name: str, data_dir: Path) -> None:
    code = (
        f"import sys; from forex_cli.main import app\ntry: app([{name!r}])\nexcept SystemExit: pass\n"
        "print(sorted({'numpy', 'pandas', 'mlflow', 'torch', 'scipy', 'rich'} & set(sys.modules)), file=sys.stderr)"
    )
    done = command(sys.executable, "-c", code, data_dir=data_dir)
    assert done.stderr == "[]\n"
    assert max(map(len, forex(name, "--help", data_dir=data_dir).stdout.splitlines())) <= 80


def test_mlflows_dashboard_works_from_anywhere_and_ends_quietly_when_nobody_reads(data_dir: Path) -> None:
    script = ROOT / "scripts" / "mlflow_dashboard.py"
    done = command(sys.executable, script, data_dir=data_dir)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines()[2] == "MLFLOW EXPERIMENT DASHBOARD"
    assert done.stdout.count("No runs found") == 4
    assert command("sh", "-c", f"'{sys.executable}' '{script}' | true", data_dir=data_dir).stderr == ""
    full = command("sh", "-c", f"'{sys.executable}' '{script}' > /dev/full", data_dir=data_dir)
    assert (full.returncode, full.stderr.count("\n")) == (73, 1)
