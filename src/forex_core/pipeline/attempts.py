"""Every start leaves a trace, so that a run that died is noticed by the next one."""

from dataclasses import dataclass
from datetime import datetime
from uuid import uuid4

from loguru import logger

from forex_core.errors import ForexError
from forex_core.mlops.tracker import Attempt
from forex_core.pipeline.request import Adapters, Request
from forex_core.store.events import Event


@dataclass(frozen=True)
class Attempts:
    """The attempts of one run at one pair, a horizon each."""

    adapters: Adapters
    by_horizon: dict[str, Attempt]

    @classmethod
    def start(cls, pair: str, request: Request, adapters: Adapters) -> "Attempts":
        """Record that each horizon is begun, before anything is fetched."""
        attempts = {
            horizon.key: Attempt(uuid4().hex, pair, horizon.key, request.now, request.environment)
            for horizon in request.horizons
        }
        with adapters.store.transaction():
            for attempt in attempts.values():
                adapters.store.events.add(_event("started", attempt, request.now, environment=attempt.environment))
        return cls(adapters, attempts)

    def issued(self, horizon: str, forecast_id: str) -> None:
        """Note the freeze; the caller's transaction commits both together."""
        event = _event("issued", self.by_horizon[horizon], self.adapters.clock(), forecast_id=forecast_id)
        self.adapters.store.events.add(event)

    def finish(self, horizon: str, state: str) -> None:
        """The horizon is done."""
        self._end("finished", horizon, state=state)

    def fail(self, horizon: str, error: ForexError) -> None:
        """No forecast came of it: record the failure in MLflow too."""
        try:
            self.adapters.tracker.record_end(self.by_horizon[horizon], "FAILED", str(error))
        except ForexError as trouble:
            logger.warning("{}", trouble)
        self._end("failed", horizon, error=str(error), code=error.code)

    def leave_open(self, horizon: str, error: ForexError) -> None:
        """A step after the freeze failed: the forecast stands, and the next run completes it."""
        self._end("failed", horizon, error=str(error), code=error.code)

    def _end(self, kind: str, horizon: str, **detail: str) -> None:
        with self.adapters.store.transaction():
            self.adapters.store.events.add(_event(kind, self.by_horizon[horizon], self.adapters.clock(), **detail))


def sweep(adapters: Adapters) -> None:
    """End what earlier runs began and, killed or crashed, never ended; we hold the lock, so they are dead."""
    store = adapters.store
    for start in store.events.unended():
        attempt = Attempt(
            start.attempt or "", start.pair or "", start.horizon or "", start.at, start.detail["environment"]
        )
        frozen = store.events.has("issued", attempt.attempt_id)
        if not frozen:
            logger.warning("the run of {} {} at {:%Y-%m-%d %H:%M} UTC was killed", start.pair, start.horizon, start.at)
            try:
                adapters.tracker.record_end(attempt, "KILLED", "the run ended without a word: killed or crashed")
            except ForexError as trouble:
                logger.warning("{}", trouble)
                continue  # the next run tries again
        with store.transaction():
            store.events.add(_event("finished" if frozen else "killed", attempt, adapters.clock(), state="swept"))


def _event(kind: str, attempt: Attempt, at: datetime, **detail: str) -> Event:
    return Event(at, kind, attempt.attempt_id, attempt.pair, attempt.horizon, detail)
