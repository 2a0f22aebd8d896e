"""The horizons: the one table that services, timers, reports and tests follow."""

from dataclasses import dataclass

from forex_core.errors import UsageError


@dataclass(frozen=True, slots=True)
class Horizon:
    """How far ahead a forecast looks, in calendar days."""

    key: str
    days: int

    @property
    def most_steps(self) -> int:
        """No calendar has more business days than this between an issue date and its target date."""
        return self.days * 5 // 7 + 1


HORIZONS = {h.key: h for h in (Horizon("7d", 7), Horizon("15d", 15), Horizon("30d", 30), Horizon("90d", 90))}
LONGEST_PATH = max(h.most_steps for h in HORIZONS.values())


def chosen(keys: list[str]) -> list[Horizon]:
    """The horizons that `keys` name, in the table's order; `all` or nothing means every one."""
    if unknown := [key for key in keys if key != "all" and key not in HORIZONS]:
        raise UsageError(f"no horizon {unknown[0]!r}; there are {', '.join(HORIZONS)} and all")
    return [h for h in HORIZONS.values() if not keys or "all" in keys or h.key in keys]
