"""A report as a reader gets it: its elements in order, and its text line by line."""

import re
from html.parser import HTMLParser

BLOCKS = {"title", "desc", "p", "li", "h1", "h2", "h3", "caption", "tr", "summary", "figcaption", "svg", "path"}
CELLS = {"td", "th", "text"}


class Page(HTMLParser):
    """tags and classes: of the elements in order; lines: the text without the style sheet, a block a line."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.classes: list[str] = []
        self.links: list[str] = []
        self._words: list[str] = []
        self.feed(html)
        blocks = [" ".join(block.split()) for block in "".join(self._words).split("\n")]
        self.lines = [block.removeprefix("| ") for block in blocks if block.strip("| ")]
        self.text = re.sub(r" ([,.])", r"\1", " ".join(self.lines).replace(" |", ""))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        self.tags.append(tag)
        self.classes.append(found.get("class") or "")
        self.links += [found["href"] or ""] if "href" in found else []
        self._words.append("\n" if tag in BLOCKS else " | " if tag in CELLS else " " if tag == "br" else "")

    def handle_endtag(self, tag: str) -> None:
        self._words.append("\n" if tag in BLOCKS else "")

    def handle_data(self, data: str) -> None:
        if self.tags[-1:] != ["style"]:
            self._words.append(data.replace("\n", " "))
