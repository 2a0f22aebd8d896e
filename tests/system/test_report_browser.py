"""The report in a real browser: nothing cut, nothing overlapping, nothing fetched, no serious accessibility violation.

axe-core comes from whichever package brings its file: `pip install axe-core-python`.
"""

import json
import re
import shutil
import subprocess
from collections.abc import Callable
from html import unescape
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from forex_core.report.render import render, render_day
from forex_core.report.track_record import TrackRecord
from report_samples import sample_day
from samples import sample_forecast

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
DARK, LIGHT = 0, 1  # as Chromium numbers the preferred colour schemes
SMALLEST = 9  # pixels of a letter in a chart

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed")

MEASURE = """
const wide = document.documentElement.clientWidth, found = [];
const name = e => e.tagName + ' ' + (e.textContent || '').trim().slice(0, 40);
const box = e => e.getBoundingClientRect();
if (innerWidth !== WIDTH) found.push('the window is ' + innerWidth + ' wide');
if (document.documentElement.scrollWidth > wide) found.push('the page scrolls sideways');
for (const e of document.querySelectorAll('body *')) {
  const b = box(e);
  if (b.width && (b.right > wide + 1 || b.left < -1)) found.push('outside the window: ' + name(e));
  if (['TD', 'TH', 'P', 'LI', 'H1', 'H2', 'H3', 'CAPTION'].includes(e.tagName) && e.scrollWidth > e.clientWidth + 1
      && getComputedStyle(e).display !== 'inline') found.push('cut: ' + name(e));
}
for (const svg of document.querySelectorAll('svg')) {
  const texts = [...svg.querySelectorAll('text')], frame = box(svg);
  texts.forEach((a, n) => {
    const p = box(a);
    if (p.left < frame.left - 1 || p.right > frame.right + 1 || p.top < frame.top - 1 || p.bottom > frame.bottom + 1)
      found.push('outside its chart: ' + name(a));
    const size = parseFloat(getComputedStyle(a).fontSize) * frame.width / svg.viewBox.baseVal.width;
    if (size < SMALLEST) found.push('too small: ' + name(a) + ' ' + size);
    for (const b of texts.slice(n + 1)) {
      const q = box(b);
      if (p.left < q.right && q.left < p.right && p.top + 3 < q.bottom && q.top + 3 < p.bottom)
        found.push('overlap: ' + name(a) + ' and ' + name(b));
    }
  });
}
for (const e of performance.getEntriesByType('resource')) found.push('fetched: ' + e.name);
if (!document.querySelector('svg')) found.push('no chart');
done(found);
"""
AXE = """
axe.run(document, {resultTypes: ['violations']}).then(result => done(result.violations
  .filter(v => ['serious', 'critical'].includes(v.impact))
  .map(v => v.id + ': ' + v.nodes.slice(0, 3).map(n => n.html.slice(0, 120)).join(' | '))));
"""

FRAME = """<!doctype html><meta name="color-scheme" content="light dark"><pre id="found"></pre><script>
onmessage = answer => document.getElementById('found').textContent = answer.data;
</script><iframe src="{page}" style="border:0;width:{width}px;height:2000px"></iframe>
"""


def day(language: str) -> str:
    sample = sample_day(60)
    return render_day(sample.forecasts, sample.records, ["A note of today."], sample.previous, language)


def short() -> str:
    """A first forecast, of which there is nothing to tell yet."""
    history = sample_day(0).forecasts[0].history
    return render(sample_forecast(history=history, backtest=None, role="demo"), TrackRecord(()))


def long_words() -> str:
    """Large rates, and text without a place to break."""
    forecast = sample_day(0).forecasts[-1]
    word = "x" * 3000
    return render(
        sample_forecast(
            pair="USDIDR",
            path=tuple(tuple(17.3 * rate for rate in row) for row in forecast.path),
            history=tuple((when, 17.3 * rate) for when, rate in forecast.history),
            spot=sample_forecast().spot.__class__(forecast.spot.observed_on, 16407.0, forecast.spot.known_at, word),
            random_walk={level: 17.3 * rate for level, rate in forecast.random_walk.items()},
            banners=(word,),
            members=tuple(member.__class__(word, 0.1, None, word) for member in forecast.members),
            context=forecast.context.__class__(
                tuple(p.__class__(word, word, note=word) for p in forecast.context.parts)
            ),
            issued_on=forecast.issued_on,
            target_date=forecast.target_date,
            steps=forecast.steps,
        ),
        TrackRecord(()),
    )


PAGES: dict[str, Callable[[], str]] = {
    "day": lambda: day("en"),
    "day in Spanish": lambda: day("es"),
    "first forecast": short,
    "long words": long_words,
}


def asked(html: str, script: str, tmp_path: Path, *, width: int, scheme: int) -> list[str]:
    """What `script` says of the page at this width: in a frame, since a window can't be as narrow as a telephone.

    The copy lets a script run, as the page does not.
    """
    html = re.sub(r'<meta http-equiv="Content-Security-Policy"[^>]*>', "", html)
    script = script.replace("WIDTH", str(width)).replace("SMALLEST", str(SMALLEST))
    script = f"const done = found => parent.postMessage(JSON.stringify(found), '*');{script}"
    copy, page = tmp_path / "copy.html", tmp_path / "page.html"
    copy.write_text(html.replace("</html>", f"<script>{script}</script></html>"), encoding="utf-8")
    page.write_text(FRAME.format(page=copy.name, width=width), encoding="utf-8")
    command = [CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--dump-dom"]
    command += [f"--user-data-dir={tmp_path / 'profile'}", "--window-size=1400,2200", "--virtual-time-budget=30000"]
    command += [f"--blink-settings=preferredColorScheme={scheme}", page.as_uri()]
    dom = subprocess.run(command, capture_output=True, text=True, timeout=180, check=True).stdout
    found = re.search(r'<pre id="found">(.+?)</pre>', dom, re.DOTALL)
    assert found is not None, dom[-2000:]
    answered: list[str] = json.loads(unescape(found[1]))
    return answered


@pytest.mark.parametrize("width", [390, 1280])
@pytest.mark.parametrize("page", PAGES)
def test_nothing_is_cut_overlaps_or_is_fetched(page: str, width: int, tmp_path: Path) -> None:
    assert asked(PAGES[page](), MEASURE, tmp_path, width=width, scheme=LIGHT) == []


def test_a_page_that_is_too_wide_is_found(tmp_path: Path) -> None:
    html = day("en").replace("<h1>", "<h1 style='width:2000px'>")
    assert asked(html, MEASURE, tmp_path, width=390, scheme=LIGHT) != []


@pytest.mark.parametrize("scheme", [LIGHT, DARK], ids=["light", "dark"])
@pytest.mark.parametrize("page", ["day", "first forecast"])
def test_axe_finds_no_serious_violation(page: str, scheme: int, tmp_path: Path) -> None:
    assert asked(PAGES[page](), axe() + AXE, tmp_path, width=1280, scheme=scheme) == []


def test_a_violation_is_found(tmp_path: Path) -> None:
    html = day("en").replace("<h1>", "<h1 style='color:#ccc;background:#fff'>")
    assert [found.split(":")[0] for found in asked(html, axe() + AXE, tmp_path, width=1280, scheme=LIGHT)] == [
        "color-contrast"
    ]


def test_the_two_colour_schemes_differ(tmp_path: Path) -> None:
    script = "done([getComputedStyle(document.body).backgroundColor]);"
    html = day("en")
    seen: list[Any] = [asked(html, script, tmp_path, width=390, scheme=scheme) for scheme in (LIGHT, DARK)]
    assert seen == [["rgb(255, 255, 255)"], ["rgb(18, 22, 28)"]]


def axe() -> str:
    """The text of axe-core, as a package brings it."""
    for package in ("axe_core_python", "axe_playwright_python"):
        if (spec := find_spec(package)) and spec.submodule_search_locations:
            return (Path(spec.submodule_search_locations[0]) / "axe.min.js").read_text(encoding="utf-8")
    pytest.skip("axe-core is not installed: pip install axe-core-python")
