"""The whole text of a day's report in both languages, as it is kept in tests/golden.

After a change that is meant: REGENERATE=1 python -m pytest tests/unit/test_report_golden.py; then read the diff.
"""

import os
from pathlib import Path

import pytest

from conftest import ROOT
from forex_core.report.render import render_day
from report_samples import sample_day
from report_text import Page

GOLDEN = ROOT / "tests" / "golden"
DAY = sample_day(scored=30)


def text_of(language: str) -> str:
    notes = ["Start value revised from 948.1 to 948.37; the forecast stands as issued."]
    return "\n".join(Page(render_day(DAY.forecasts, DAY.records, notes, DAY.previous, language)).lines) + "\n"


@pytest.mark.parametrize("language", ["en", "es"])
def test_the_report_reads_as_it_is_kept(language: str) -> None:
    path: Path = GOLDEN / f"report_{language}.txt"
    if os.environ.get("REGENERATE"):
        path.parent.mkdir(exist_ok=True)
        path.write_text(text_of(language), encoding="utf-8")
    assert text_of(language) == path.read_text(encoding="utf-8")
