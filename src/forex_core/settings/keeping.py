"""The settings of unattended work: when it is done, and what is kept of it."""

from dataclasses import dataclass
from pathlib import Path

from forex_core.horizons import HORIZONS
from forex_core.settings import kinds
from forex_core.settings.declare import secret, setting


@dataclass(frozen=True)
class Keeping:
    daily_horizons: tuple[str, ...] = setting(
        tuple(HORIZONS)[:1],
        kinds.horizons,
        "horizons that the timers forecast every business day; the others on Mondays",
    )
    backup_dir: Path | None = setting(None, kinds.path, "where backups are kept; backups/ in data_dir if not set")
    backup_key: str | None = secret("signs backups, so that nobody can exchange one unnoticed")
    keep_daily: int = setting(7, kinds.whole(0), "backups to keep, one a day")
    keep_weekly: int = setting(5, kinds.whole(0), "backups to keep, one a week")
    keep_monthly: int = setting(12, kinds.whole(0), "backups to keep, one a month")
