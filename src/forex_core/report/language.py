"""How a report speaks: its words, numbers and dates. A language is one table of words and a few signs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime

from forex_core.horizons import HORIZONS
from forex_core.report.harmless import GAP, PART, harmless
from forex_core.report.numbers import digits_for
from forex_core.report.words_en import WORDS as ENGLISH_WORDS
from forex_core.report.words_es import WORDS as SPANISH_WORDS

NONE = "–"
MINUS = "−"
SMALLEST, LARGEST = 0.025, 0.975  # the outermost levels: beyond them a chance is only known to be smaller, or larger


@dataclass(frozen=True)
class Language:
    """words: sentences with {placeholders}, by key; digits: decimals of the rates that are spoken of."""

    code: str
    tag: str  # as HTML's lang wants it
    words: Mapping[str, str]
    point: str
    group: str
    gap: str  # between a number and its percent sign
    day_format: str
    digits: int = 2

    def about(self, rate: float) -> "Language":
        """The same, with the decimals that rates of this size ask for."""
        return replace(self, digits=digits_for(rate))

    def say(self, key: str, **values: object) -> str:
        """The sentence of this key; whole numbers are written out, texts of others made harmless."""
        return self.words[key].format(**{name: self._shown(value) for name, value in values.items()})

    def count(self, key: str, n: int, **values: object) -> str:
        """The sentence of `key`_one or `key`_many."""
        return self.say(f"{key}_{'one' if n == 1 else 'many'}", n=n, **values)

    def name(self, kind: str, name: str) -> str:
        """What a role, a part or a currency is called; whatever has no word of its own keeps its name."""
        return self.words.get(f"{kind}_{name}", name)

    def horizon(self, key: str) -> str:
        """How far ahead, in words."""
        return self.count("days", HORIZONS[key].days) if key in HORIZONS else key

    def number(self, value: float | None, digits: int = 0, *, signed: bool = False) -> str:
        """A number with the language's marks; a zero has no sign."""
        if value is None:
            return NONE
        shown = f"{abs(value):,.{digits}f}"
        shown = shown.translate({ord(","): self.group, ord("."): self.point})
        if not any(digit in shown for digit in "123456789"):
            return shown
        return (MINUS if value < 0 else "+" if signed else "") + shown

    def rate(self, value: float | None, *, signed: bool = False) -> str:
        """A rate, or the difference of two."""
        return self.number(value, self.digits, signed=signed)

    def span(self, low: float, high: float) -> str:
        """A range of rates, which a narrow column breaks after the dash."""
        return f"{self.rate(low)}{GAP}– {self.rate(high)}"

    def percent(self, fraction: float | None, digits: int = 1, *, signed: bool = False) -> str:
        """A fraction as a percentage."""
        if fraction is None:
            return NONE
        return f"{self.number(100 * fraction, digits, signed=signed)}{self.gap}%"

    def chance(self, share: float) -> str:
        """A probability read off the levels, as a whole percentage."""
        share = round(share, 9)  # 1 - 0.975 is a little more than 0.025
        if not SMALLEST < share < LARGEST:
            return ("<" if share <= SMALLEST else ">") + self.percent(min(max(share, SMALLEST), LARGEST))
        return self.percent(share, 0)

    def day(self, day: date | None) -> str:
        """A date."""
        return f"{day:{self.day_format}}" if day else NONE

    def moment(self, moment: datetime) -> str:
        """A date and its hour, UTC."""
        return f"{self.day(moment.date())} {moment:%H:%M} UTC"

    def listed(self, names: Sequence[str]) -> str:
        """a, b and c."""
        if len(names) < 2:
            return "".join(names)
        return " ".join([", ".join(names[:-1]), self.say("and"), names[-1]])

    def _shown(self, value: object) -> str:
        return self.number(value) if isinstance(value, int) else harmless(str(value), PART)


ENGLISH = Language("en", "en", ENGLISH_WORDS, ".", ",", "", "%Y-%m-%d")
SPANISH = Language("es", "es-CL", SPANISH_WORDS, ",", ".", GAP, "%d-%m-%Y")
LANGUAGES = {language.code: language for language in (ENGLISH, SPANISH)}
