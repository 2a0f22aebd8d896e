"""What a run is asked for, what it works with, and what it answers."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import Literal

from forex_core.calendars import utc_now
from forex_core.dataset.context import Surroundings
from forex_core.errors import ForexError, NotYet
from forex_core.horizons import Horizon
from forex_core.mlops.tracker import Tracker
from forex_core.models.member import Member
from forex_core.notify.alerting import Alerting
from forex_core.notify.post import Notifier, Silent
from forex_core.pipeline.order import STEPS
from forex_core.pipeline.publishing import Publication
from forex_core.sources.table import OFFLINE, Catalog
from forex_core.store.store import Store
from forex_core.values import Forecast, Observation

State = Literal["issued", "already_issued", "failed"]


@dataclass(frozen=True)
class Request:
    """One run. `as_of` makes it a replay; `demo` a demonstration, which knows no staleness."""

    pairs: tuple[str, ...]
    horizons: tuple[Horizon, ...]
    source: str
    members: tuple[Member, ...]
    as_of: date | None
    now: datetime
    weighting: str = "equal"
    demo: bool = False
    skip_email: bool = False
    environment: str = "production"
    stale_after_days: int = 3
    code_version: str = "unknown"
    language: str = "en"
    pdf: bool = False
    email_preview: Path | None = None

    @property
    def role(self) -> str:
        """What the forecasts will be; a live one may turn out a challenger (see `issue.role_of`)."""
        return "champion" if self.live else "demo" if self.demo else "replay"

    @property
    def live(self) -> bool:
        """True if the forecasts become track record."""
        return self.as_of is None and not self.demo


@dataclass(frozen=True)
class Adapters:
    """The outside world of a run, opened under the lock.

    A dry run has no steps, a store that is a copy, and publishes nothing.
    """

    store: Store
    tracker: Tracker
    reports: Path
    steps: tuple[str, ...] = STEPS
    catalog: Catalog = OFFLINE
    around: Surroundings = Surroundings()
    notifier: Notifier = Silent()
    publication: Publication | None = None
    alerting: Alerting | None = None
    clock: Callable[[], datetime] = utc_now


@dataclass(frozen=True)
class HorizonResult:
    """What became of one horizon: a forecast, or the error that prevented it (or, after the freeze, a step)."""

    horizon: str
    state: State
    forecast: Forecast | None = None
    run_id: str | None = None
    report: str | None = None
    notes: tuple[str, ...] = ()  # of today, beside the banners that were frozen
    error: ForexError | None = None


@dataclass(frozen=True)
class PairResult:
    """What became of one pair. Without a spot nothing could be trusted; `late` is set when waiting may bring more."""

    pair: str
    role: str
    spot: Observation | None
    horizons: tuple[HorizonResult, ...]
    banners: tuple[str, ...] = ()
    late: NotYet | None = None
    report: str | None = None  # of all horizons
    notes: tuple[str, ...] = ()
    error: ForexError | None = None  # why there is no such report


@dataclass(frozen=True)
class RunResult:
    pairs: Sequence[PairResult] = field(default_factory=tuple)
    unpublished: tuple[ForexError, ...] = ()

    @property
    def errors(self) -> list[ForexError]:
        """Every failure, in order."""
        of_pairs = [
            error
            for pair in self.pairs
            for error in (*(result.error for result in pair.horizons), pair.error, pair.late)
        ]
        return [error for error in (*of_pairs, *self.unpublished) if error is not None]

    @property
    def exit_code(self) -> int:
        """The first failure's, else 0."""
        return self.errors[0].exit_code if self.errors else 0
