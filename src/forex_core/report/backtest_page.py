"""A backtest as one HTML file: which member deserves weight, at each horizon, and how sure that is."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined

from forex_core.backtest.calibration import furthest
from forex_core.backtest.evaluate import ENSEMBLE
from forex_core.backtest.metrics import binomial_error
from forex_core.backtest.panel import Plan
from forex_core.backtest.rows import Row
from forex_core.backtest.significance import LEVEL, MEASURED
from forex_core.backtest.windows import EVERY
from forex_core.models.table import YARDSTICK
from forex_core.report.backtest_words import headline, sentences
from forex_core.report.calibration_chart import calibration_chart
from forex_core.store.files import replace_durably
from forex_core.values import LEVELS

STYLES = {ENSEMBLE: "median", YARDSTICK.name: "walk"}


@dataclass(frozen=True)
class Page:
    """What the page is made from; the same content gives the same bytes."""

    plan: Plan
    rows: Sequence[Row]
    panel: Sequence[Row]
    command: str  # that made it
    code_version: str

    @property
    def pairs(self) -> list[str]:
        """The pairs that have rows."""
        return list(dict.fromkeys(row.pair or "" for row in self.rows))

    @property
    def members(self) -> list[str]:
        """Whatever has a row in the panel."""
        return list(dict.fromkeys(row.member for row in self.panel))


@dataclass(frozen=True)
class _Section:
    """One horizon."""

    horizon: str
    sentences: Sequence[str]
    rows: Sequence[Row]
    chart: str


def render(page: Page) -> str:
    """The page's HTML, complete in itself."""
    environment = Environment(
        loader=PackageLoader("forex_core.report", ""),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["points"] = lambda value: f"{100 * value:.1f}"
    environment.filters["ratio"] = lambda value: f"{value:.3f}"
    environment.filters["test"] = lambda value: "–" if value is None else f"{value:.2f}".replace("-", "−")
    environment.filters["chance"] = lambda value: "–" if value is None else f"{value:.3f}"
    return environment.get_template("backtest.html.j2").render(
        page=page,
        headline=headline(page.panel),
        sections=[_section(page, horizon) for horizon in dict.fromkeys(row.horizon for row in page.panel)],
        cells={(row.member, row.horizon): row for row in page.panel},
        error=binomial_error,
        furthest=furthest,
        levels=LEVELS,
        certain=LEVEL,
        measured=MEASURED,
        every=EVERY,
    )


def write(page: Page, path: Path) -> None:
    """Render and put the file in place, whole."""
    replace_durably(path, render(page).encode("utf-8"))


def _section(page: Page, horizon: str) -> _Section:
    rows = [row for row in page.panel if row.horizon == horizon]
    shares = {row.member: row.below for row in rows}
    chart = calibration_chart(f"{horizon} calibration", shares, max(row.origins for row in rows), STYLES)
    return _Section(horizon, sentences(rows), rows, chart)
