"""What the mail says in each language, and how it writes numbers and dates."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from math import floor, log10

from forex_core.errors import UsageError


@dataclass(frozen=True, slots=True)
class Language:
    """The texts in braces are filled by `str.format`."""

    code: str
    day_format: str
    decimal: str
    thousands: str
    gap: str  # between a number and its percent sign
    to: str
    spot: str
    moved: str
    known: str
    horizon: str
    target: str
    median: str
    range_80: str
    walk_80: str
    above: str
    reading: str
    chart: str
    caption: str
    events: str
    about: str
    headlines: str
    more: str
    report: str
    provenance: str
    advice: str

    def day(self, day: date) -> str:
        """2026-11-20, or 20-11-2026."""
        return f"{day:{self.day_format}}"

    def moment(self, moment: datetime) -> str:
        """A day and an hour, UTC."""
        return f"{self.day(moment.date())} {moment:%H:%M} UTC"

    def number(self, value: float, digits: int, *, signed: bool = False) -> str:
        """948.37, or 1.948,37."""
        marks = {",": self.thousands, ".": self.decimal, "-": "−"}
        return "".join(marks.get(one, one) for one in f"{value:{'+' if signed else ''},.{digits}f}")

    def percent(self, fraction: float, digits: int = 0, *, signed: bool = False) -> str:
        """51%, or 51 %."""
        return f"{self.number(100 * fraction, digits, signed=signed)}{self.gap}%"

    def rates_like(self, rate: float) -> Callable[[float], str]:
        """How rates of this size are written: 948.37, 1.0853, 0.0010523."""
        digits = 2 if rate >= 100 else max(4, 4 - floor(log10(rate)))
        return lambda value: self.number(value, digits)


ENGLISH = Language(
    code="en",
    day_format="%Y-%m-%d",
    decimal=".",
    thousands=",",
    gap="",
    to="to",
    spot="the rate of {day}",
    moved="{percent} since {day}",
    known="Known since {moment}, source {source}.",
    horizon="horizon",
    target="target date",
    median="median",
    range_80="80% range",
    walk_80="random walk, 80%",
    above="chance above spot",
    reading="In 8 of 10 such cases the rate of {day} lies between {low} and {high}.",
    chart="Fan chart of {pair}: past rates, then the forecast to {day}; "
    "median {median}, in 8 of 10 cases {low} to {high}.",
    caption="Bands hold 50, 80 and 95 of 100 cases; bars: each horizon's median and 80% range. "
    "Dashed: the random walk, the rate stays where it is.",
    events="What is ahead",
    about="about",
    headlines="Headlines, which no forecast uses",
    more="{count} more in the full report.",
    report="The full report:",
    provenance="Role {role}, version {version}, made {moment}.",
    advice="No advice to buy or sell. Past accuracy promises nothing.",
)

SPANISH = Language(
    code="es",
    day_format="%d-%m-%Y",
    decimal=",",
    thousands=".",
    gap="\u00a0",
    to="a",
    spot="el valor del {day}",
    moved="{percent} desde el {day}",
    known="Conocido desde el {moment}, fuente {source}.",
    horizon="plazo",
    target="fecha",
    median="mediana",
    range_80="rango 80\u00a0%",
    walk_80="paseo aleatorio, 80\u00a0%",
    above="prob. de alza",
    reading="En 8 de 10 casos como este, el valor del {day} queda entre {low} y {high}.",
    chart="Abanico de {pair}: valores pasados y pronóstico al {day}; "
    "mediana {median}, en 8 de 10 casos {low} a {high}.",
    caption="Las bandas contienen 50, 80 y 95 de 100 casos; barras: mediana y rango 80\u00a0% de cada horizonte. "
    "Línea cortada: el paseo aleatorio, el valor no se mueve.",
    events="Lo que viene",
    about="aprox.",
    headlines="Titulares, que ningún pronóstico usa",
    more="{count} más en el informe completo.",
    report="El informe completo:",
    provenance="Rol {role}, versión {version}, hecho el {moment}.",
    advice="No es un consejo de compra ni de venta. La precisión pasada no promete nada.",
)

LANGUAGES = {language.code: language for language in (ENGLISH, SPANISH)}


def language_of(code: str) -> Language:
    """The language of a code such as es or es-CL; UsageError for one that the mail does not speak."""
    found = LANGUAGES.get(code.replace("_", "-").partition("-")[0].lower())
    if found is None:
        raise UsageError(f"no language {code!r}; there are {', '.join(LANGUAGES)}")
    return found
