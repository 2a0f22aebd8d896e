"""Every service that can be asked with these settings; one that lacks its key is left out."""

from collections.abc import Callable
from dataclasses import dataclass

import stamina

from forex_core.dataset.context import Surroundings
from forex_core.settings import Settings
from forex_core.sources.bcch import Bcch
from forex_core.sources.cmf import Cmf
from forex_core.sources.drivers import chains
from forex_core.sources.ecb import Ecb
from forex_core.sources.events import ForexFactory
from forex_core.sources.frankfurter import FrankfurterEcb, FrankfurterObservado
from forex_core.sources.fred import Fred
from forex_core.sources.headlines import Press
from forex_core.sources.http import Web, nothing_kept
from forex_core.sources.mindicador import Mindicador
from forex_core.sources.source import Source
from forex_core.sources.table import Catalog
from forex_core.sources.yahoo import Yahoo

Keep = Callable[[str, bool, bytes], None]


@dataclass(frozen=True)
class Services:
    """catalog: of the rates; surroundings: of everything else, which no forecast needs."""

    catalog: Catalog
    surroundings: Surroundings

    @classmethod
    def of(cls, settings: Settings, keep: Keep = nothing_kept) -> "Services":
        """keep: is given each one's replies, good and bad."""
        stamina.instrumentation.set_on_retry_hooks(())  # what is retried is said once, when it failed for good
        web = Web(settings.source_deadline_seconds, settings.secrets(), keep)
        mindicador = Mindicador(web, settings.mindicador_url)
        fred = Fred(web, settings.fred_url if settings.fred_key else settings.fred_csv_url, settings.fred_key or "")
        bcch = _bcch(web, settings)
        sources: list[Source] = [
            *bcch,
            mindicador,
            Mindicador(web, settings.findic_url, "findic"),
            *([Cmf(web, settings.cmf_url, settings.cmf_key)] if settings.cmf_key else []),
            FrankfurterObservado(web, settings.frankfurter_url),
            Ecb(web, settings.ecb_url, settings.ecb_sdmx_url),
            FrankfurterEcb(web, settings.frankfurter_url),
            fred,
        ]
        around = Surroundings(
            chains([Yahoo(web, settings.yahoo_url), *bcch, mindicador, fred], settings.survey_series),
            Press(web, settings.google_news_url, settings.news_feeds),
            ForexFactory(web, settings.forex_factory_url),
        )
        return cls(Catalog({source.name: source for source in sources}), around)


def _bcch(web: Web, settings: Settings) -> list[Bcch]:
    token, user, password = settings.bcch_token or "", settings.bcch_user or "", settings.bcch_password or ""
    return [Bcch(web, settings.bcch_url, token, user, password)] if token or (user and password) else []
