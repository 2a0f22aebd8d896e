"""The PDF: made by WeasyPrint where it is installed; where it isn't a note says so and nothing fails."""

import sys
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType

import pytest

from forex_core.report.pdf import write_pdf
from forex_core.report.render import render_day
from report_samples import sample_day

needs_weasyprint = pytest.mark.skipif(find_spec("weasyprint") is None, reason="the extra pdf is not installed")


def test_without_weasyprint_there_is_a_note_and_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "weasyprint", None)
    note = write_pdf("<p>hello</p>", tmp_path / "report.pdf")
    assert note is not None
    assert note.startswith("No PDF: WeasyPrint can't be loaded")
    assert "forex-core[pdf]" in note
    assert list(tmp_path.iterdir()) == []


class NoPango(ModuleType):
    """What happens where the system lacks the libraries that WeasyPrint opens when it is imported."""

    def find_spec(self, name: str, *_: object) -> None:
        if name == "weasyprint":
            raise OSError("cannot load library 'libpango-1.0-0'\nand more")


def test_without_pango_there_is_a_note_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "weasyprint", raising=False)
    monkeypatch.setattr(sys, "meta_path", [NoPango("finder"), *sys.meta_path])
    note = write_pdf("<p>hello</p>", tmp_path / "report.pdf")
    assert note is not None
    assert "(cannot load library 'libpango-1.0-0')" in note
    assert list(tmp_path.iterdir()) == []


@needs_weasyprint
def test_a_day_becomes_a_pdf_of_several_pages(tmp_path: Path) -> None:
    day = sample_day(5)
    path = tmp_path / "USDCLP" / "report.pdf"
    assert write_pdf(render_day(day.forecasts, day.records, (), day.previous, "es"), path) is None
    content = path.read_bytes()
    assert content.startswith(b"%PDF-")
    assert 20_000 < len(content) < 300_000


@needs_weasyprint
def test_a_pdf_fetches_nothing(tmp_path: Path) -> None:
    secret = tmp_path / "secret.css"
    secret.write_text("p::after { content: '" + "what was fetched " * 5000 + "' }")
    page = f"<link rel=stylesheet href='{secret.as_uri()}'><p>hello</p>"
    assert write_pdf(page, tmp_path / "with.pdf") is None
    assert write_pdf("<p>hello</p>", tmp_path / "without.pdf") is None
    assert abs((tmp_path / "with.pdf").stat().st_size - (tmp_path / "without.pdf").stat().st_size) < 50
