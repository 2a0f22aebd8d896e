"""What a member is: one method that fits and predicts in one call, so that no state crosses backtest windows."""

from dataclasses import fields
from datetime import date
from typing import Any, Protocol, cast, runtime_checkable

from forex_core.errors import ModelError
from forex_core.values import QuantilePath, Series

NO_PARAMETER = {"parameter": False}  # metadata of a dataclass field that decides where or how, never what


class Member(Protocol):
    """One model. Its dataclass fields are its parameters; `revision` rises when they come to mean other numbers."""

    @property
    def name(self) -> str: ...

    @property
    def revision(self) -> int: ...

    def forecast(self, history: Series, steps: int) -> QuantilePath:
        """Fit on `history` and return the quantiles of the next `steps` business days; ModelError if it can't."""
        ...


@runtime_checkable
class Weighted(Protocol):
    """A member that was trained beforehand."""

    def weights_on(self, day: date) -> str:
        """The hash of the weights that a forecast issued on `day` may use; ModelError if all are younger, or none."""
        ...


class Retrained:
    """A member that is trained anew from time to time: its version is that of its recipe, not of its weights."""


class Heavy:
    """A member whose libraries cost so much memory that it speaks from a short-lived child process."""


def need(history: Series, returns: int, name: str) -> None:
    """Refuse a history with fewer than `returns` daily returns."""
    if len(history) <= returns:
        raise ModelError(f"{name} needs {returns + 1} rates, there are {len(history)}")


def ask(member: Member, history: Series, steps: int) -> QuantilePath:
    """The member's forecast; whatever arithmetic it trips over is a ModelError, so that it drops out by name."""
    try:
        return member.forecast(history, steps)
    except (ArithmeticError, ValueError) as error:
        raise ModelError(f"{member.name} failed: {error}") from error


def parameters(member: Member) -> dict[str, Any]:
    """What makes a member the one it is: its dataclass fields, but for those marked NO_PARAMETER."""
    given = fields(cast(Any, member))
    return {field.name: getattr(member, field.name) for field in given if field.metadata.get("parameter", True)}


def weights_of(member: Member, day: date) -> str:
    """The hash of the weights that it would use on `day`; empty for a member that is not trained beforehand."""
    return member.weights_on(day) if isinstance(member, Weighted) else ""


def drivers_of(member: Member) -> tuple[str, ...]:
    """The other series that a member makes use of, where a history carries them."""
    found: tuple[str, ...] = getattr(member, "drivers", ())
    return found
