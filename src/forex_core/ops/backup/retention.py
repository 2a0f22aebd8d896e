"""Which backups to keep: restic's calendar rules, in days, ISO weeks and months of UTC that have a backup."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from forex_core.errors import SettingsError


@dataclass(frozen=True, slots=True)
class Policy:
    """How many days, weeks and months to keep the newest backup of. A policy that keeps nothing is refused."""

    daily: int
    weekly: int
    monthly: int

    def __post_init__(self) -> None:
        if self.daily + self.weekly + self.monthly == 0:
            raise SettingsError(
                "keep_daily, keep_weekly and keep_monthly are all 0: nothing would be kept", hint="set one of them"
            )


def reasons_to_keep(dates: Sequence[datetime], policy: Policy) -> list[str]:
    """For each backup, newest first, why it is kept, such as `day 2026-11-20, week 2026-W47`; empty: it may go.

    The oldest one stays as long as a rule has some left, so that the history grows from the first day on.
    """
    reasons: list[list[str]] = [[] for _ in dates]
    rules: list[tuple[str, int, Callable[[datetime], str]]] = [
        ("day", policy.daily, lambda at: f"{at:%Y-%m-%d}"),
        ("week", policy.weekly, lambda at: f"{at:%G-W%V}"),
        ("month", policy.monthly, lambda at: f"{at:%Y-%m}"),
    ]
    for unit, left, bucket_of in rules:
        last = ""
        for place, at in enumerate(dates):
            bucket = bucket_of(at)
            if left and (bucket != last or place == len(dates) - 1):
                reasons[place].append(f"{unit} {bucket}" if bucket != last else f"oldest {unit}")
                last, left = bucket, left - 1
    return [", ".join(why) for why in reasons]
