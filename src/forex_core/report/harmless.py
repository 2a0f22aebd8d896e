"""Text that others wrote, made fit to show: printable, on one line, and no longer than what a reader would read."""

import re

from forex_core.sources.plain_text import TERMINAL

LONGEST = 1_000  # characters of a sentence, a banner or a reason
PART = 400  # of what is put into a sentence
SHORT = 200  # of a name or a title
GAP = "\N{NO-BREAK SPACE}"  # where no line may break; the one blank that is kept as it is


def harmless(text: str, longest: int = LONGEST) -> str:
    """Without control characters and terminal sequences, cut at `longest` characters; still to be escaped in HTML."""
    seen = TERMINAL.sub("", text[: 4 * longest])
    seen = "".join(one if one.isprintable() or one == GAP else " " for one in seen)
    seen = re.sub(" {2,}", " ", seen).strip(" ")
    whole = len(seen) <= longest and len(text) <= 4 * longest
    return seen if whole else seen[: longest - 1].rstrip() + "…"
