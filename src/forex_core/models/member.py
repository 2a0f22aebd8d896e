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
