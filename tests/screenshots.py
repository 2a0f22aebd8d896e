"""Make the README's pictures anew: a year of live forecasts on embedded rates, seen in Chromium.

`scripts/screenshots` starts it.
"""

import io
import shutil
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

from loguru import logger
from PIL import Image
from rich.console import Console
from rich.text import Text

from conftest import ROOT
from forex_cli.dashboard import read
from forex_cli.dashboard_view import lines
from forex_cli.terminal import Terminal
from past_days import CLOCK, make_history, settings_of

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
DARK, LIGHT = 0, 1  # as Chromium numbers the preferred colour schemes
COLUMNS = 100
# a window can't be as narrow as a telephone; a frame can
FRAME = '<!doctype html><body style="margin:0"><iframe src="{}" style="border:0;width:{}px;height:{}px"></iframe>'


def make(pictures: Path, days: int) -> None:
    """The report in two widths and colour schemes, and the dashboard, after so many days."""
    pictures.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory() as name:
        folder = Path(name)
        report = make_history(folder / "data", days)
        for scheme, called in ((LIGHT, "light"), (DARK, "dark")):
            photograph(report, pictures / f"report-{called}.png", (1280, 960), scheme, folder)
            photograph(report, pictures / f"phone-{called}.png", (390, 844), scheme, folder)
        dashboard, size = draw_dashboard(folder)
        photograph(dashboard, pictures / "dashboard.png", size, LIGHT, folder)


def draw_dashboard(folder: Path) -> tuple[Path, tuple[int, int]]:
    """`forex dashboard` three minutes after the last run, in a drawn terminal, and how large that is in pixels."""
    terminal = Terminal(COLUMNS, 40, colour=True)
    console = Console(record=True, width=COLUMNS, file=io.StringIO())
    for line in lines(read(settings_of(folder / "data"), CLOCK + timedelta(minutes=3)), terminal):
        console.print(Text.from_ansi(terminal.shown(line)), soft_wrap=True)
    drawn = console.export_svg(title="forex dashboard")
    path = folder / "dashboard.svg"
    path.write_text(drawn, encoding="utf-8")
    width, height = drawn.split('viewBox="0 0 ', 1)[1].split('"', 1)[0].split()
    return path, (round(float(width)), round(float(height)))


def photograph(page: Path, path: Path, size: tuple[int, int], scheme: int, folder: Path) -> None:
    """The top of a page as a browser window of this size shows it, with few enough colours to be small."""
    frame, whole = folder / "frame.html", folder / "whole.png"
    frame.write_text(FRAME.format(page.as_uri(), *size), encoding="utf-8")
    command = [str(CHROMIUM), "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars"]
    command += [f"--user-data-dir={folder / 'profile'}", f"--window-size={max(size[0], 600)},{size[1]}"]
    command += [f"--blink-settings=preferredColorScheme={scheme}", f"--screenshot={whole}", frame.as_uri()]
    subprocess.run(command, check=True, capture_output=True, timeout=120)
    with Image.open(whole) as picture:
        picture.convert("RGB").crop((0, 0, *size)).quantize(128).save(path, optimize=True)


if __name__ == "__main__":
    if CHROMIUM is None:
        sys.exit("chromium is not installed: apt-get install chromium")
    logger.remove()
    make(ROOT / ".github" / "screenshots", days=250)
