"""Every way in which services fail, through a whole run: it ends in time, with the numbers of the last good data."""

import random
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
import stamina

from conftest import business_days, walk
from forex_core.bootstrap.services import Services as Real
from forex_core.calendars import calendar, release_of
from forex_core.horizons import chosen
from forex_core.mlops.untracked import Untracked
from forex_core.models.table import MEMBERS
from forex_core.pipeline.request import Adapters, PairResult, Request
from forex_core.pipeline.run import run_forecast
from forex_core.settings import Settings
from forex_core.store.store import Store
from rate_services import KEY, SECRETS, TOKEN, Services, running_services

NOW = datetime(2024, 7, 1, 23, tzinfo=UTC)
DEADLINE = 1  # seconds for one question
NEWEST = {
    pair: release_of(pair).newest_due(NOW, calendar(name)) for pair, name in (("USDCLP", "chile"), ("EURUSD", "ecb"))
}
RATES = {
    "USDCLP": dict(walk(business_days(date(2021, 1, 4), NEWEST["USDCLP"]))),
    "EURUSD": dict(walk(business_days(date(2021, 1, 4), NEWEST["EURUSD"], calendar("ecb")), start=1.1)),
}
TARGETS = (
    "bcch",
    "mindicador",
    "findic",
    "cmf",
    "frankfurter",
    "ecb",
    "ecb_sdmx",
    "fred_csv",
    "yahoo",
    "news",
    "events",
)
FAULTS = (
    "refused",
    "black hole",
    "drip",
    "drip in the header",
    "reset",
    "redirect loop",
    "gzip bomb",
    "wait a day",
    "broken",
    "html",
    "empty",
    "NaN",
    "other keys",
    "half",
    "cut",
)
# the chain, the second opinion, and everything that surrounds the pair, each bounded by its own deadline
LONGEST = {"USDCLP": 5 * DEADLINE + 2 * DEADLINE, "EURUSD": 3 * DEADLINE + 2 * DEADLINE}
WORK = 6  # seconds that the forecast itself may take on a busy machine


@dataclass
class House:
    """A store, and runs that ask the local server."""

    services: Services
    store: Store
    folder: Path

    def run(self, pair: str, **addresses: str) -> PairResult:
        names = ("bcch", "mindicador", "findic", "cmf", "frankfurter", "ecb", "ecb_sdmx", "fred_csv", "yahoo")
        urls = {f"{name}_url": self.services.url(name) for name in names} | {
            "google_news_url": self.services.url("google_news"),
            "forex_factory_url": self.services.url("forex_factory"),
            "news_feeds": self.services.url("newspaper"),
        }
        keys = {"bcch_token": TOKEN, "cmf_key": KEY}
        settings = Settings.load(urls | addresses | keys | {"source_deadline_seconds": DEADLINE}, {}, self.folder)
        here = Real.of(settings)
        adapters = Adapters(
            self.store, Untracked(), self.folder, (), here.catalog, here.surroundings, clock=lambda: NOW
        )
        request = Request((pair,), tuple(chosen(["7d"])), "auto", (MEMBERS["random_walk"],), None, NOW)
        return run_forecast(request, adapters).pairs[0]


@pytest.fixture(autouse=True)
def _quick_and_quiet(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(random, "uniform", lambda low, high: 0.05)
    yield
    stamina.instrumentation.set_on_retry_hooks(None)


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, dict[str, PairResult]]]:
    """A store with all the good data of the day, and what a run says of them."""
    folder = tmp_path_factory.mktemp("good")
    with running_services(RATES) as services, Store.for_writing(folder) as store:
        from forex_core.dataset.fetch import fetch

        settings = Settings.load(
            {f"{n}_url": services.url(n) for n in ("mindicador", "ecb", "ecb_sdmx", "frankfurter")}, {}, folder
        )
        catalog = Real.of(settings).catalog
        for pair in RATES:
            fetch(pair, catalog.chain_for(pair, "auto")[:1], store, NOW)
    with _house(folder, running_services(RATES)) as house:
        yield folder, {pair: house.run(pair) for pair in RATES}


@contextmanager
def _house(folder: Path, server: object) -> Iterator[House]:
    """Runs on a copy in memory of a store."""
    with server as services, Store.in_memory(folder) as store:  # type: ignore[attr-defined]
        yield House(services, store, folder)


def check(house: House, pair: str, good: PairResult, **addresses: str) -> PairResult:
    """The run ends in time, issues from the last good data, and says what failed."""
    begun = time.monotonic()
    result = house.run(pair, **addresses)
    assert time.monotonic() - begun < LONGEST[pair] + WORK
    forecast, expected = result.horizons[0].forecast, good.horizons[0].forecast
    assert forecast, result.horizons[0].error
    assert expected
    assert forecast.quantiles == expected.quantiles
    assert forecast.spot.observed_on == NEWEST[pair]
    assert any("could not be used" in banner for banner in forecast.banners)
    missing = next(banner for banner in forecast.banners if banner.startswith("Made without"))
    assert "headlines" in missing
    said = "\n".join(forecast.banners) + "".join(part.note for part in forecast.context.parts)
    assert not any(secret in said for secret in SECRETS)
    return result


@pytest.mark.fault(29, 30, 31, 32)
@pytest.mark.parametrize("pair", RATES)
@pytest.mark.parametrize("fault", FAULTS)
def test_when_every_service_fails_in_one_way_then_the_last_good_data_stay(
    good: tuple[Path, dict[str, PairResult]], fault: str, pair: str
) -> None:
    folder, expected = good
    with _house(folder, running_services(RATES)) as house:
        for name in TARGETS:
            house.services.fail(name, fault)
        check(house, pair, expected[pair])


@pytest.mark.fault(29)
def test_when_no_certificate_can_be_trusted_then_nothing_is_believed(
    good: tuple[Path, dict[str, PairResult]],
) -> None:
    folder, expected = good
    with _house(folder, running_services(RATES, tls=True)) as house:
        result = check(house, "USDCLP", expected["USDCLP"])
    assert any("certificate" in banner.lower() for banner in result.banners)


@pytest.mark.fault(29)
def test_when_no_name_can_be_resolved_then_the_run_goes_on(good: tuple[Path, dict[str, PairResult]]) -> None:
    folder, expected = good
    nowhere = {
        f"{name}_url": f"http://{name}.invalid"
        for name in ("bcch", "mindicador", "findic", "cmf", "frankfurter", "fred_csv", "yahoo")
    }
    others = {"google_news_url": "http://news.invalid", "forex_factory_url": "http://events.invalid"}
    with _house(folder, running_services(RATES)) as house:
        check(house, "USDCLP", expected["USDCLP"], **nowhere, **others, news_feeds="http://feed.invalid")
