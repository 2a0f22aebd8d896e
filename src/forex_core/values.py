"""The frozen values that the stages hand on; each refuses to exist broken."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Floats: TypeAlias = "NDArray[np.float64]"  # in quotes: status and config must not wait for numpy

# What every forecast says, as probabilities. The median is the point; 50, 80 and 95 % intervals are read off.
LEVELS = (0.025, 0.05, 0.1, 0.2, 0.25, 0.3, 0.4, 0.5, 0.6, 0.7, 0.75, 0.8, 0.9, 0.95, 0.975)
DECILES = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)
INTERVALS = {50: (0.25, 0.75), 80: (0.1, 0.9), 95: (0.025, 0.975)}

TRACK_RECORD = ("champion", "challenger")  # the roles of forecasts that were really issued

Quantiles = dict[float, float]  # level -> rate, at one date


@dataclass(frozen=True, slots=True)
class Observation:
    """One value of a series for one date, and when it became known (UTC). A revision is another observation."""

    observed_on: date
    value: float
    known_at: datetime
    source: str


@dataclass(frozen=True, slots=True)
class Quarantined:
    """An observation that the gate refused, and why."""

    observed_on: date
    value: float
    reason: str

    def __str__(self) -> str:
        return f"{self.observed_on} {self.value:g}: {self.reason}"


@dataclass(frozen=True)
class Series:
    """Trusted values, one a business day, ascending. dates: datetime64[D] [n]; values: float64 [n], quote per base.

    drivers: other series by name, [n], each as it was known when the rate of that row was; NaN where nothing was.
    """

    dates: NDArray[np.datetime64]
    values: Floats
    drivers: Mapping[str, Floats] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for column in (self.values, *self.drivers.values()):
            if self.dates.shape != column.shape or column.ndim != 1:
                raise ValueError(f"dates {self.dates.shape} and values {column.shape} must be equally long")
        if len(self) and not (self.values > 0).all():
            raise ValueError("rates are positive")
        if (self.dates[1:] <= self.dates[:-1]).any():
            raise ValueError("dates ascend, one row a date")
        self.values.setflags(write=False)
        self.dates.setflags(write=False)

    def __len__(self) -> int:
        return len(self.values)

    @property
    def last(self) -> float:
        """The newest value."""
        return float(self.values[-1])

    def log_returns(self) -> Floats:
        """Daily log returns, [n - 1]."""
        import numpy as np

        return np.diff(np.log(self.values))


@dataclass(frozen=True)
class QuantilePath:
    """A forecast at every step ahead. rates: float64 [steps, len(LEVELS)], ascending along the levels."""

    rates: Floats

    def __post_init__(self) -> None:
        import numpy as np

        if self.rates.ndim != 2 or self.rates.shape[1] != len(LEVELS):
            raise ValueError(f"a path has {len(LEVELS)} levels, this one is {self.rates.shape}")
        if not np.isfinite(self.rates).all() or (self.rates <= 0).any():
            raise ValueError("a path holds finite, positive rates")
        if (np.diff(self.rates, axis=1) < 0).any():
            raise ValueError("quantiles must not cross")
        self.rates.setflags(write=False)

    def __len__(self) -> int:
        return len(self.rates)

    def at(self, step: int) -> Quantiles:
        """The quantiles `step` business days ahead (1 is the next one)."""
        return dict(zip(LEVELS, map(float, self.rates[step - 1]), strict=True))


@dataclass(frozen=True, slots=True)
class MemberView:
    """What one member said for the target date, or why it said nothing."""

    name: str
    weight: float
    quantiles: Quantiles | None
    reason: str | None = None
    score: MemberScore | None = None

    @property
    def state(self) -> str:
        """ok, or dropped."""
        return "dropped" if self.quantiles is None else "ok"


@dataclass(frozen=True, slots=True)
class MemberScore:
    """A member's backtest errors at the target date: rmse and mae in rate units, mape in percent."""

    rmse: float
    mae: float
    mape: float


@dataclass(frozen=True, slots=True)
class BacktestSummary:
    """The ensemble over the last grid origins, at the target date. Units as in `MemberScore`; the rest fractions."""

    origins: int
    rmse: float
    mae: float
    mape: float
    directional_accuracy: float
    wql_ratio: float
    coverage_80: float
    coverage_se: float
    dm_t: float | None  # Diebold-Mariano against the yardstick; below 0 the ensemble loses less
    dm_p: float | None


@dataclass(frozen=True, slots=True)
class Part:
    """One part of what a forecast was made from: where it came from and how old it was, or why it is missing."""

    name: str  # a pair, a driver, headlines, events
    source: str = ""  # none if it is missing
    newest: date | None = None
    age: int | None = None  # business days
    quarantined: int = 0
    note: str = ""  # which first choice failed, or why there is nothing


@dataclass(frozen=True, slots=True)
class Headline:
    """One headline: plain text, an address that begins with https:// or http://, UTC."""

    title: str
    link: str
    outlet: str
    published_at: datetime


@dataclass(frozen=True, slots=True)
class Event:
    """One event of the economic calendar. currency: whose it is; approximate: by rule, not announced."""

    at: datetime  # UTC
    currency: str
    title: str
    impact: str
    source: str
    approximate: bool = False


@dataclass(frozen=True, slots=True)
class Context:
    """What a forecast was made from and among. headlines: newest first; events: the next one first."""

    parts: tuple[Part, ...] = ()
    headlines: tuple[Headline, ...] = ()
    events: tuple[Event, ...] = ()

    @property
    def sources(self) -> tuple[str, ...]:
        """Every source that gave something, once."""
        return tuple(dict.fromkeys(part.source for part in self.parts if part.source))

    def part(self, name: str) -> Part | None:
        """The part of this name."""
        return next((part for part in self.parts if part.name == name), None)


@dataclass(frozen=True, slots=True)
class Forecast:
    """One issued forecast: frozen, complete, and enough to render its report again at any time."""

    forecast_id: str
    pair: str
    horizon: str
    role: str
    issued_on: date
    as_of: datetime
    created_at: datetime
    target_date: date
    steps: int
    spot: Observation  # the rate it starts from
    path: tuple[tuple[float, ...], ...]  # [steps][levels], quote per base
    random_walk: Quantiles  # the yardstick's, at the target date
    members: tuple[MemberView, ...]
    backtest: BacktestSummary | None
    banners: tuple[str, ...]
    history: tuple[tuple[date, float], ...]  # what the fan chart shows before the spot
    history_length: int
    environment: str
    weighting: str
    version_id: str
    data_hash: str
    content_hash: str
    code_version: str
    context: Context = Context()
    weights_hashes: Mapping[str, str] = field(default_factory=dict)  # of members that were trained beforehand

    @property
    def quantiles(self) -> Quantiles:
        """The ensemble at the target date."""
        return dict(zip(LEVELS, self.path[-1], strict=True))

    @property
    def median(self) -> float:
        """The point forecast: the median at the target date."""
        return self.quantiles[0.5]


@dataclass(frozen=True, slots=True)
class Score:
    """What came of an issued forecast; losses are in rate units and stand beside the yardstick's."""

    forecast_id: str
    scored_at: datetime
    outcome: float
    error: float  # median - outcome
    loss: float  # mean of twice the pinball loss over the nine deciles
    yardstick_loss: float
    inside: dict[int, bool] = field(default_factory=dict)  # interval in percent -> outcome inside
