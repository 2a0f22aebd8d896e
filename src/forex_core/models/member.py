"""What a member is: one method that fits and predicts in one call, so that no state crosses backtest windows."""

from typing import Protocol

from forex_core.errors import ModelError
from forex_core.values import QuantilePath, Series


class Member(Protocol):
    """One model. Its dataclass fields are its parameters; `revision` rises when they come to mean other numbers."""

    @property
    def name(self) -> str: ...

    @property
    def revision(self) -> int: ...

    def forecast(self, history: Series, steps: int) -> QuantilePath:
        """Fit on `history` and return the quantiles of the next `steps` business days; ModelError if it can't."""
        ...


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
