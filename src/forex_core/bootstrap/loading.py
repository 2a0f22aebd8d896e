"""The data of a run for notebooks: `DataLoader(settings).load()` asks as a run does, and forecasts nothing."""

from dataclasses import dataclass
from datetime import date
from functools import cached_property

from forex_core.bootstrap import opened, request_for
from forex_core.dataset.features import FeatureTable, features
from forex_core.pipeline.market import Market, among, observe
from forex_core.settings import Settings
from forex_core.values import Event, Headline, Part, Series

COPPER = "copper"


@dataclass(frozen=True)
class Bundle:
    """Everything a forecast starts from."""

    market: Market

    @property
    def banners(self) -> tuple[str, ...]:
        """What a person should know of it."""
        return self.market.banners

    @property
    def sources(self) -> tuple[Part, ...]:
        """Of each part that is there: its source, age, the fallback used, and how many rows were refused."""
        return tuple(part for part in self.market.context.parts if part.source)

    @property
    def missing(self) -> tuple[Part, ...]:
        """The parts that could not be had, and why."""
        return tuple(part for part in self.market.context.parts if not part.source)

    @property
    def news(self) -> tuple[Headline, ...]:
        """Headlines, newest first."""
        return self.market.context.headlines

    @property
    def macro_events(self) -> tuple[Event, ...]:
        """What is ahead, the next one first."""
        return self.market.context.events

    @property
    def usdclp_series(self) -> Series:
        """The trusted rates of the pair, whichever it is."""
        return self.market.view.series

    @cached_property
    def copper_features(self) -> FeatureTable | None:
        """The features with copper among them, each as it was known then; None if copper is missing."""
        part = self.market.context.part(COPPER)
        return features(self.market.view.series, (COPPER,)) if part and part.source else None


@dataclass(frozen=True)
class DataLoader:
    """pair: the first one of the settings unless told; as_of: only what was known at the end of that day."""

    settings: Settings
    pair: str | None = None
    as_of: date | None = None

    def load(self) -> Bundle:
        """Ask the sources, store what is new, and hand on what passed the gate; a run's errors if there is nothing."""
        request = request_for(self.settings, [], as_of=self.as_of)
        with opened(self.settings) as adapters:
            market = observe(self.pair or self.settings.pairs[0], request, adapters)
            return Bundle(among(market, request, adapters, drivers=(COPPER,)))
