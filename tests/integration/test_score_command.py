"""forex score: what is due is scored, what stayed open is done, mails that wait are sent, and nothing is forecast."""

import json
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from conftest import business_days, forex, walk, write_csv
from forex_core.calendars import calendar, release_of
from forex_core.horizons import HORIZONS
from forex_core.mlops.untracked import Untracked
from forex_core.models.table import MEMBERS
from forex_core.notify.content import Morning
from forex_core.notify.email import Server
from forex_core.notify.language import language_of
from forex_core.notify.message import Letterhead
from forex_core.notify.post import Post, Spooled
from forex_core.notify.spool import Spool
from forex_core.pipeline.request import Adapters, Request
from forex_core.pipeline.scoring import Scored, score_pairs
from forex_core.store.store import Store
from forex_core.values import Observation
from monitor_server import running_monitor
from samples import freeze, sample_forecast
from smtp_server import running_mail_server

ISSUED, TARGET = date(2024, 6, 20), date(2024, 6, 27)
NEXT = datetime(2024, 7, 1, 12, tzinfo=UTC)


def frozen(store: Store, csv: Path, issued: date = ISSUED, target: date = TARGET) -> str:
    """A forecast from this file's rates; its id."""
    at = datetime.combine(issued, datetime.min.time(), UTC)
    spot = Observation(issued, 951.02, at, f"csv:{csv}")
    return freeze(store, issued_on=issued, target_date=target, created_at=at, as_of=at, spot=spot).forecast_id


def score(csv: Path, adapters: Adapters, now: datetime = NEXT, **asked: object) -> Scored:
    members = (MEMBERS["random_walk"],)
    request = Request(("USDCLP",), (), source=f"csv:{csv}", members=members, as_of=None, now=now)
    [one] = score_pairs(replace(request, **asked), adapters).pairs  # type: ignore[arg-type]
    return one


def test_what_is_due_is_scored_and_its_open_report_is_written(data_dir: Path, observado: Path) -> None:
    with Store.for_writing(data_dir) as store:
        forecast_id = frozen(store, observado)
        one = score(observado, Adapters(store, Untracked(), data_dir / "reports", ("report",)))
        assert [score.forecast_id for score in one.scores] == [forecast_id]
        assert len(store.forecasts.scores("USDCLP", "7d")) == 1
        assert list(store.forecasts.steps(forecast_id)) == ["report"]
        assert store.forecasts.newest_live("USDCLP", "7d", "champion") == store.forecasts.get(forecast_id)
    assert one.error is None
    assert one.spot is not None
    assert one.spot.observed_on == date(2024, 6, 28)
    assert (data_dir / "reports" / "USDCLP" / str(ISSUED) / "7d.html").exists()


def test_a_mail_that_waits_is_sent(data_dir: Path, observado: Path) -> None:
    def post(port: int) -> Post:
        head = Letterhead("forex@example.org", language_of("en"))
        return Post(Server("127.0.0.1", port, "none"), Spool(data_dir / "spool"), head, ("ana@example.org",))

    with Store.for_writing(data_dir) as store, running_mail_server() as server:
        waiting = post(9).send(Morning((sample_forecast(),), "No better.", "/reports/7d.html"), NEXT)
        assert isinstance(waiting, Spooled)
        score(observado, Adapters(store, Untracked(), data_dir / "reports", (), notifier=post(server.port)))
        assert len(server.taken) == 1


@pytest.mark.parametrize(("days", "code"), [(0, None), (4, 75), (9, 65)])
def test_when_the_newest_rate_is_late_then_it_says_so_and_when_too_old_it_is_an_error(
    data_dir: Path, observado: Path, days: int, code: int | None
) -> None:
    with Store.for_writing(data_dir) as store:
        adapters = Adapters(store, Untracked(), data_dir / "reports", ())
        now = datetime(2024, 6, 28, 12, tzinfo=UTC) + timedelta(days=days)
        found = score(observado, adapters, now).error
        assert (found.exit_code if found else None) == code


def test_when_one_pair_fails_then_the_other_is_scored_all_the_same(data_dir: Path) -> None:
    with Store.for_writing(data_dir) as store:
        request = Request(("USDCLP", "EURUSD"), (), "auto", (), as_of=None, now=NEXT)  # only one has a source offline
        done = score_pairs(request, Adapters(store, Untracked(), data_dir / "reports", ()))
    lacking, found = done.pairs
    assert done.exit_code == 69
    assert lacking.error is not None
    assert lacking.spot is None
    assert found.spot is not None


def test_the_command_answers_in_words_or_json_and_a_dry_run_writes_nothing(tmp_path: Path, data_dir: Path) -> None:
    newest = release_of("USDCLP").newest_due(datetime.now(UTC), calendar("chile"))
    days = business_days(newest - timedelta(days=900), newest)
    csv = write_csv(tmp_path / "rates.csv", walk(days))
    with Store.for_writing(data_dir) as store:
        forecast_id = frozen(store, csv, days[-8], days[-3])
        asked = ("score", "--source", f"csv:{csv}")
        dry = forex(*asked, "--dry-run", data_dir=data_dir)
        assert (dry.returncode, store.forecasts.scores("USDCLP", "7d")) == (0, []), dry.stderr
    assert f"  {forecast_id}: it became" in dry.stdout
    assert dry.stdout.endswith("Dry run: nothing was written.\n")

    with running_monitor() as monitor:
        done = forex(*asked, "--json", data_dir=data_dir, FOREX_HEARTBEAT_URL=f"{monitor.url}-{{job}}")
        assert monitor.signals == ["-score/start", "-score"]
    assert (done.returncode, done.stderr) == (0, "")
    answer = json.loads(done.stdout)
    assert (answer["command"], answer["exit_code"]) == ("score", 0)
    [pair] = answer["pairs"]
    assert pair["newest_rate"]["observed_on"] == str(newest)
    assert [one["forecast_id"] for one in pair["scored"]] == [forecast_id]
    assert (data_dir / "public" / "forex.db").exists()
    assert set(HORIZONS).isdisjoint(path.stem for path in data_dir.rglob(f"{newest}/*.html"))


def test_when_the_pair_is_unknown_then_it_is_a_usage_error(data_dir: Path) -> None:
    assert forex("score", "--pair", "usd", data_dir=data_dir).returncode == 2
