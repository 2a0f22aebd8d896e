"""The settings of the services that are asked: addresses, keys, deadlines."""

from dataclasses import dataclass

from forex_core.settings import kinds
from forex_core.settings.declare import secret, setting

NEWS_FEEDS = (
    "https://www.latercera.com/arc/outboundfeeds/rss/?outputType=xml",
    "https://www.biobiochile.cl/static/feed-rss",
    "https://www.ex-ante.cl/feed/",
    "https://www.elmostrador.cl/mercados/feed/",
    "https://www.df.cl/rss",
)


@dataclass(frozen=True)
class Asking:
    source_deadline_seconds: int = setting(20, kinds.whole(1), "how long one question to a source may take in all")
    bcch_token: str | None = secret("token of the Central Bank of Chile's data base (or user and password)")
    bcch_user: str | None = secret("user there")
    bcch_password: str | None = secret("password there")
    cmf_key: str | None = secret("key of the CMF's interface")
    fred_key: str | None = secret("key of FRED's interface; its CSV needs none")
    bcch_url: str = setting("https://si3.bcentral.cl/SieteRestWS/SieteRestWS.ashx", kinds.address, "where it is asked")
    mindicador_url: str = setting("https://mindicador.cl/api", kinds.address, "where it is asked")
    findic_url: str = setting("https://findic.cl/api", kinds.address, "where it is asked")
    cmf_url: str = setting("https://api.cmfchile.cl/api-sbifv3/recursos_api", kinds.address, "where it is asked")
    frankfurter_url: str = setting("https://api.frankfurter.dev", kinds.address, "where it is asked")
    ecb_url: str = setting("https://www.ecb.europa.eu/stats/eurofxref", kinds.address, "where its files lie")
    ecb_sdmx_url: str = setting("https://data-api.ecb.europa.eu/service/data/EXR", kinds.address, "where it is asked")
    fred_url: str = setting("https://api.stlouisfed.org/fred", kinds.address, "where it is asked")
    fred_csv_url: str = setting("https://fred.stlouisfed.org/graph/fredgraph.csv", kinds.address, "where its CSV lies")
    yahoo_url: str = setting(
        "https://query2.finance.yahoo.com/v8/finance/chart", kinds.address, "where copper is asked"
    )
    survey_series: tuple[str, ...] = setting(
        (), kinds.some, "codes of the Central Bank's surveys to keep as benchmarks"
    )
    google_news_url: str = setting("https://news.google.com/rss/search", kinds.address, "where headlines are searched")
    news_feeds: tuple[str, ...] = setting(NEWS_FEEDS, kinds.addresses, "RSS feeds of newspapers")
    forex_factory_url: str = setting(
        "https://nfs.faireconomy.media/ff_calendar_thisweek.json", kinds.address, "where the week's events are asked"
    )
    hub_url: str = setting("https://huggingface.co", kinds.address, "where `forex models fetch` downloads")
