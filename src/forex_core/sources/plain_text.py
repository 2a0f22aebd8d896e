"""Text from strangers made harmless: one line without tags, entities, control characters or terminal sequences."""

import html
import re
import unicodedata

LOOKED_AT = 4_000  # characters; what comes after them is cut off unread
ROUNDS = 3  # of removing tags and resolving entities, which may hide tags
PASSAGE = re.compile(r"<(script|style)\b.*?(</\1\s*>|\Z)", re.IGNORECASE | re.DOTALL)
TAG = re.compile(r"<(?=[a-zA-Z/!?])[^<>]*>?")
TERMINAL = re.compile(r"(\x1b\[|\x9b)[0-?]*[ -/]*[@-~]|\x1b\].*?(\x07|\x1b\\|\Z)|\x1b.?", re.DOTALL)


def plain(text: str, longest: int = 200) -> str:
    """One printable line of at most `longest` characters; still to be escaped where it becomes HTML."""
    text = _bare(text[:LOOKED_AT])
    for _ in range(ROUNDS):
        text = _bare(html.unescape(text))
    text = " ".join(unicodedata.normalize("NFC", text).split())
    return text if len(text) <= longest else text[: longest - 1].rstrip() + "…"


def _bare(text: str) -> str:
    """Without tags; controls go first, which may stand inside of one."""
    text = "".join(map(_printable, TERMINAL.sub("", text)))
    return TAG.sub(" ", PASSAGE.sub(" ", text))


def _printable(character: str) -> str:
    """The character, a blank for any space or break, nothing for what controls, overrides or has no meaning."""
    kind = unicodedata.category(character)
    if kind.startswith("Z") or character in "\t\n\r\v\f":
        return " "
    return "" if kind.startswith("C") else character
