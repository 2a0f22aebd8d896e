"""A live run against local servers that speak the services' shapes: who answers, who doesn't, and what is said."""

import json
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from urllib.parse import quote, quote_plus

import pytest

from conftest import business_days, forex, walk
from forex_core.calendars import calendar, release_of
from rate_services import TOKEN, Services, Story, running_services

NOW = datetime.now(UTC)
NEWEST = release_of("USDCLP").newest_due(NOW, calendar("chile"))
ECB_NEWEST = release_of("EURUSD").newest_due(NOW, calendar("ecb"))
TARGETS = ("mindicador", "findic", "cmf", "frankfurter", "ecb", "ecb_sdmx", "fred", "fred_csv", "bcch")
SURROUNDINGS = ("yahoo", "google_news", "newspaper", "forex_factory")
CHAIN = ("bcch", "mindicador", "findic", "cmf", "frankfurter")


def surrounding_rates() -> dict[str, dict[date, float]]:
    """Every driver by its code at the services that need no key, as late as it is out."""
    yesterday = NOW.date() - timedelta(days=1)
    days = business_days(date(2024, 1, 2), yesterday, calendar("weekdays"))
    months = [date(year, month, 1) for year in (2024, 2025, NOW.year) for month in range(1, 13)]
    monthly = {month: 0.4 for month in months if month < NOW.date() - timedelta(days=70)}
    daily = {"HG=F": 4.2, "VIXCLS": 15.0, "DGS10": 4.0, "DFF": 5.0, "DTWEXBGS": 120.0, "DCOILWTICO": 80.0, "tpm": 5.0}
    tables = {code: dict(walk(days, start=start)) for code, start in daily.items()}
    return tables | {"ipc": monthly, "imacec": monthly}


@pytest.fixture
def services() -> Iterator[Services]:
    rates = surrounding_rates() | {
        "USDCLP": dict(walk(business_days(date(2012, 1, 2), NEWEST))),
        "EURUSD": dict(walk(business_days(date(2026, 1, 2), ECB_NEWEST, calendar("ecb")), start=1.1)),
    }
    with running_services(rates) as running:
        hour = NOW - timedelta(hours=1)
        running.stories["google_news"] = [Story("Dólar <b>sube</b> - Diario", "https://diario.cl/1", hour, "Diario")]
        at = (NOW + timedelta(hours=2)).isoformat(timespec="seconds")
        running.events = [
            {"title": "CPI y/y", "country": "USD", "date": at, "impact": "High", "forecast": "", "previous": "2%"}
        ]
        yield running


def run(services: Services, data_dir: Path, *arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
    """`forex`, every source's address that of the local server."""
    names = (*TARGETS, "yahoo", "google_news", "forex_factory")
    addresses = {f"FOREX_{name.upper()}_URL": services.url(name) for name in names}
    addresses["FOREX_NEWS_FEEDS"] = f"{services.url('newspaper')}/diario"
    return forex(*arguments, data_dir=data_dir, FOREX_SOURCE_DEADLINE_SECONDS="4", **addresses, **more)


def answer(done: subprocess.CompletedProcess[str]) -> dict:
    return json.loads(done.stdout)["pairs"][0]


def test_the_official_rate_needs_no_key_and_becomes_track_record(services: Services, data_dir: Path) -> None:
    done = run(services, data_dir, "run", "7d", "--json")
    assert (done.returncode, done.stderr) == (0, "")
    pair = answer(done)
    assert (pair["issued_on"], pair["role"], pair["source"]) == (str(NEWEST), "champion", "mindicador")
    assert (pair["spot"]["value"], pair["banners"]) == (services.rates["USDCLP"][NEWEST], [])
    assert any("/findic/" in path for path in services.asked)  # a second source was asked whether it says the same


@pytest.mark.parametrize("down", [1, 2])
def test_when_a_source_is_down_then_the_next_one_answers_and_the_run_says_so(
    services: Services, data_dir: Path, down: int
) -> None:
    for name in CHAIN[1 : down + 1]:
        services.fail(name, "broken")
    pair = answer(run(services, data_dir, "run", "7d", "--json"))
    speaks = ("mindicador", "findic", "frankfurter")[down]  # cmf is not asked without a key
    assert (pair["source"], pair["issued_on"]) == (speaks, str(NEWEST))
    failed = [banner.split()[0] for banner in pair["banners"] if "could not be used" in banner]
    assert failed == list(CHAIN[1 : down + 1])
    assert all("HTTP 500" in banner for banner in pair["banners"][:down])
    assert pair["banners"][down] == f"The newest rate comes from {speaks}."


def test_when_all_are_down_then_what_is_stored_serves_within_the_limit(services: Services, data_dir: Path) -> None:
    assert run(services, data_dir, "data", "fetch").returncode == 0
    for name in CHAIN:
        services.fail(name, "refused")
    done = run(services, data_dir, "run", "7d", "--json")
    assert done.returncode == 0, done.stderr
    pair = answer(done)
    assert (pair["issued_on"], pair["source"]) == (str(NEWEST), "mindicador")
    assert sum("could not be used" in banner for banner in pair["banners"]) == 3


def test_when_all_are_down_and_nothing_is_stored_then_the_code_is_69(services: Services, data_dir: Path) -> None:
    for name in CHAIN:
        services.fail(name, "refused")
    done = run(services, data_dir, "run", "7d")
    assert done.returncode == 69
    (line,) = done.stderr.splitlines()
    assert line.startswith("error: no source of USDCLP answered and nothing is stored: mindicador")
    assert all(hint in line for hint in ("findic", "frankfurter", "--source csv:PATH", "`forex demo`"))


def test_when_two_sources_disagree_then_the_run_is_flagged(data_dir: Path) -> None:
    rates = dict(walk(business_days(date(2012, 1, 2), NEWEST)))
    with running_services({"USDCLP": rates}) as one, running_services({"USDCLP": rates | {NEWEST: 1.0}}) as other:
        done = run(one, data_dir, "run", "7d", "--json", FOREX_BCCH_TOKEN=TOKEN)
        assert not any("disagree" in banner for banner in answer(done)["banners"])
        addresses = {"FOREX_FINDIC_URL": other.url("findic"), "FOREX_MINDICADOR_URL": one.url("mindicador")}
        flagged = forex("data", "check", data_dir=data_dir, FOREX_FRANKFURTER_URL=one.url("frankfurter"), **addresses)
    assert f"mindicador and findic differ on {NEWEST}" in flagged.stdout


def test_a_forecast_says_where_every_part_came_from(services: Services, data_dir: Path) -> None:
    done = run(services, data_dir, "run", "7d", "--json")
    pair = answer(done)
    sources = {part["name"]: part["source"] for part in pair["context"]["parts"]}
    assert sources == {
        "USDCLP": "mindicador",
        "copper": "yahoo",
        **dict.fromkeys(("vix", "us10y", "fed_funds", "dollar_index", "wti"), "fred"),
        **dict.fromkeys(("tpm", "ipc", "imacec"), "mindicador"),
        "headlines": "Diario",
        "events": sources["events"],  # those kept in the program among them, if any is near
    }
    assert "forex_factory" in sources["events"]
    report = Path(pair["forecasts"][0]["report"]).read_text()
    assert all(word in report for word in ("Dólar sube", "https://diario.cl/1", "CPI y/y", "yahoo"))
    with closing(sqlite3.connect(data_dir / "mlflow" / "mlflow.db")) as mlflow:
        tags = dict(mlflow.execute("SELECT key, value FROM tags"))
    params = sqlite_params(data_dir)
    assert params["copper_features_available"] == "True"
    assert (params["num_news"], params["num_events"]) == ("1", str(pair["context"]["events"]))
    assert int(params["num_sources"]) == len(set(sources.values()))
    assert (tags["source"], "copper yahoo" in tags["sources"]) == ("mindicador", True)
    assert "source mindicador" in run(services, data_dir, "status").stdout


def test_without_drivers_headlines_and_events_a_run_issues_and_says_what_is_missing(
    services: Services, data_dir: Path
) -> None:
    services.rates = {pair: services.rates[pair] for pair in ("USDCLP", "EURUSD")}
    for name in SURROUNDINGS:
        services.fail(name, "broken")
    done = run(services, data_dir, "run", "7d", "--json")
    assert done.returncode == 0, done.stderr
    pair = answer(done)
    (banner,) = pair["banners"]
    assert banner.startswith(
        "Made without copper, vix, us10y, fed_funds, dollar_index, wti, tpm, ipc, imacec, headlines"
    )
    why = {part["name"]: part["note"] for part in pair["context"]["parts"]}
    assert "HTTP 500" in why["copper"]
    assert "HTTP 500" in why["headlines"]
    assert "HTTP 500" in Path(pair["forecasts"][0]["report"]).read_text()
    params = sqlite_params(data_dir)
    assert (params["copper_features_available"], params["num_news"]) == ("False", "0")


def test_a_loader_hands_on_the_same_data_and_an_engine_forecasts_from_them(services: Services, data_dir: Path) -> None:
    from forex_core import DataLoader, ForecastEngine
    from forex_core.settings import Settings

    urls = {f"{name}_url": services.url(name) for name in (*TARGETS, *SURROUNDINGS) if name != "newspaper"}
    settings = Settings.load(urls | {"data_dir": str(data_dir), "news_feeds": ""}, {}, Path.cwd())
    bundle = DataLoader(settings).load()
    assert bundle.usdclp_series.last == services.rates["USDCLP"][NEWEST]
    assert [(part.source, part.quarantined) for part in bundle.sources][:2] == [("mindicador", 0), ("yahoo", 0)]
    assert [headline.title for headline in bundle.news] == ["Dólar sube"]
    assert "CPI y/y" in [event.title for event in bundle.macro_events]
    assert bundle.copper_features is not None
    assert "copper_Momentum_5" in bundle.copper_features.names
    forecast, artifacts = ForecastEngine(settings, "7d").forecast(bundle)
    issued = answer(run(services, data_dir, "run", "7d", "--json"))["forecasts"][0]
    assert forecast.series[-1].ci95_low == issued["quantiles"]["0.025"]
    assert len(forecast.series) == issued["steps"]
    assert artifacts.models["random_walk"].weight == 0.5
    assert artifacts.ensemble_rmse == issued["backtest"]["rmse"]


def sqlite_params(data_dir: Path) -> dict[str, str]:
    with closing(sqlite3.connect(data_dir / "mlflow" / "mlflow.db")) as mlflow:
        return dict(mlflow.execute("SELECT key, value FROM params"))


def test_a_cross_of_the_ecb_takes_its_history_from_the_file_and_the_newest_days_from_the_site(
    services: Services, data_dir: Path
) -> None:
    done = run(services, data_dir, "run", "7d", "--pair", "EURUSD", "--json")
    assert done.returncode == 0, done.stderr
    pair = answer(done)
    assert (pair["issued_on"], pair["source"]) == (str(ECB_NEWEST), "ecb")
    assert pair["forecasts"][0]["backtest"]["origins"] >= 55  # the walk and the file differ in between
    # the small answer serves until the embedded file is three months old, the file of all days beyond that
    assert any(path.startswith(("/ecb_sdmx/D.USD.EUR.SP00.A?", "/ecb/eurofxref-hist.zip")) for path in services.asked)


def test_a_replay_asks_no_server(services: Services, data_dir: Path) -> None:
    assert run(services, data_dir, "data", "fetch").returncode == 0
    services.asked.clear()
    before = NEWEST - timedelta(days=60)
    done = run(services, data_dir, "run", "7d", "--as-of", str(before), "--json")
    assert done.returncode == 0, done.stderr
    assert answer(done)["issued_on"] <= str(before)
    assert services.asked == []


SECRET_SETTINGS = ("BCCH_TOKEN", "BCCH_USER", "BCCH_PASSWORD", "CMF_KEY", "FRED_KEY", "SMTP_PASSWORD")
MARKER = "mark/er+1 ñ"


@pytest.mark.parametrize("mode", ["", "broken", "echo", "html"])
def test_a_credential_appears_nowhere(services: Services, data_dir: Path, mode: str) -> None:
    for name in ("bcch", "cmf", "fred", "yahoo"):
        services.fail(name, mode)
    secrets = {f"FOREX_{name}": MARKER for name in SECRET_SETTINGS}
    outputs = [
        run(services, data_dir, *arguments, **secrets)
        for arguments in (
            ("-v", "run", "7d", "--json"),
            ("data", "check", "--drivers"),
            ("config", "show"),
            ("status",),
        )
    ]
    assert outputs[0].returncode == 0, outputs[0].stderr
    assert all(any(f"/{name}" in path for path in services.asked) for name in ("bcch", "cmf", "fred"))
    said = [done.stdout + done.stderr for done in outputs]
    files = [path.read_bytes() for path in data_dir.rglob("*") if path.is_file()]
    for form in (MARKER, quote(MARKER), quote(MARKER, safe=""), quote_plus(MARKER), json.dumps(MARKER)[1:-1]):
        assert not any(form in text for text in said)
        assert not any(form.encode() in content for content in files)


def test_data_check_says_how_each_source_stands(services: Services, data_dir: Path) -> None:
    services.fail("findic", "refused")
    done = run(services, data_dir, "data", "check")
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[0] == f"USDCLP: the rate of {NEWEST} is due"
    assert lines[1].split() == ["mindicador", "fresh", str(NEWEST)]
    assert lines[2].split()[:2] == ["findic", "failed"]
    assert lines[-1].startswith("  next release ")
    assert not data_dir.exists()


def test_data_check_asks_for_the_drivers_when_told(services: Services, data_dir: Path) -> None:
    done = run(services, data_dir, "data", "check", "--drivers", "--json")
    assert done.returncode == 0, done.stderr
    around = {part["name"]: part["source"] for part in json.loads(done.stdout)["surroundings"]}
    assert (around["copper"], around["wti"], around["headlines"]) == ("yahoo", "fred", "Diario")
    services.fail("yahoo", "broken")
    said = run(services, data_dir, "data", "check", "--drivers").stdout
    assert any(line.split()[:2] == ["copper", "missing"] and "HTTP 500" in line for line in said.splitlines())
    assert not data_dir.exists()


def test_data_show_prints_the_newest_rates_and_what_the_gate_refused(services: Services, data_dir: Path) -> None:
    previous = calendar("chile").last_open(NEWEST - timedelta(days=1))
    services.rates["USDCLP"][previous] *= 10
    run(services, data_dir, "data", "fetch")
    done = run(services, data_dir, "data", "show", "--last", "3")
    assert done.returncode == 0, done.stderr
    assert str(NEWEST) in done.stdout.splitlines()[2]
    assert f"USDCLP refused {previous}" in done.stdout
    assert "a jump of +8" in done.stdout


def test_when_the_newest_rate_jumps_then_the_second_source_decides_whether_it_is_used(
    services: Services, data_dir: Path
) -> None:
    services.rates["USDCLP"][NEWEST] = round(services.rates["USDCLP"][NEWEST] * 1.2, 2)
    pair = answer(run(services, data_dir, "run", "7d", "--json"))
    assert (pair["issued_on"], pair["spot"]["value"]) == (str(NEWEST), services.rates["USDCLP"][NEWEST])
    services.fail("findic", "refused")
    services.fail("frankfurter", "refused")
    alone = answer(run(services, data_dir.with_name("other"), "run", "7d", "--json"))
    assert alone["issued_on"] < str(NEWEST)
    assert "a jump of +" in alone["banners"][-1]


def test_when_a_source_changes_a_value_it_gave_before_then_the_run_says_so(services: Services, data_dir: Path) -> None:
    run(services, data_dir, "data", "fetch")
    previous = calendar("chile").last_open(NEWEST - timedelta(days=1))
    before = services.rates["USDCLP"][previous]
    services.rates["USDCLP"][previous] = before + 1
    banners = answer(run(services, data_dir, "run", "7d", "--json"))["banners"]
    assert any(f"mindicador changed {previous} from {before:g} to {before + 1:g}" in banner for banner in banners)


def test_the_last_good_and_bad_reply_of_a_source_can_be_read(services: Services, data_dir: Path) -> None:
    run(services, data_dir, "data", "fetch")
    services.fail("mindicador", "html")
    run(services, data_dir, "data", "fetch")
    done = run(services, data_dir, "data", "show", "--raw", "mindicador")
    assert done.returncode == 0, done.stderr
    assert "mindicador, the last good reply" in done.stdout
    assert '"codigo": "dolar"' in done.stdout
    bad = done.stdout.split("the last bad reply", 1)[1]
    assert "<html" in bad.lower()
    assert run(services, data_dir, "data", "show", "--raw", "nobody").returncode == 78
