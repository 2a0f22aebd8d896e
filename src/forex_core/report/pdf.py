"""The report as a PDF, where WeasyPrint and its libraries are installed; without them there is a note and no file."""

from importlib import import_module
from pathlib import Path

from forex_core.store.files import replace_durably

MISSING = (
    "No PDF: WeasyPrint can't be loaded ({error}). `pip install 'forex-core[pdf]'` and the package libpango bring it."
)


def write_pdf(html: str, path: Path) -> str | None:
    """Put the page's PDF in place, whole; or say why there is none."""
    try:
        weasyprint = import_module("weasyprint")
    except (ImportError, OSError) as error:  # OSError: the system's pango is missing
        return MISSING.format(error=str(error).splitlines()[0] if str(error) else type(error).__name__)
    nothing = weasyprint.URLFetcher(allowed_protocols=())  # the page holds all it needs
    replace_durably(path, weasyprint.HTML(string=html, url_fetcher=nothing).write_pdf())
    return None
