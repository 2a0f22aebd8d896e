"""Options that several commands share."""

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

Json = Annotated[bool, typer.Option("--json", help="One JSON object on stdout.")]
Pairs = Annotated[list[str] | None, typer.Option("--pair", help="Currency pair such as USDCLP; may be repeated.")]
Source = Annotated[str | None, typer.Option(help="auto, a source by name, or csv:PATH (header date,value).")]
Members = Annotated[str | None, typer.Option(help="Members of the ensemble, separated by commas.")]
AsOf = Annotated[
    datetime | None,
    typer.Option(formats=["%Y-%m-%d"], help="Replay: use only what was known at the end of that day (UTC)."),
]
SkipEmail = Annotated[bool, typer.Option("--skip-email", help="Send no mail.")]
EmailPreview = Annotated[Path | None, typer.Option(help="Write the mail to this file: .eml, or .html for a browser.")]
OutputDir = Annotated[Path | None, typer.Option(help="Root of the reports.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Compute and show, but write nothing.")]
