"""Alerts as people get them: a real mail server, a real chat service, real runs, and the commands around them."""

import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest

from conftest import business_days, forex, walk, write_csv
from forex_core.bootstrap.alerting import alerting
from forex_core.calendars import calendar, release_of
from forex_core.horizons import chosen
from forex_core.mlops.untracked import Untracked
from forex_core.pipeline.alarm import Story, recent
from forex_core.pipeline.alarm import standing as standing_in
from forex_core.pipeline.request import Adapters, Request
from forex_core.pipeline.watching import watch
from forex_core.settings import Settings
from forex_core.store.store import Store
from hook_server import Hook, running_hook
from samples import ISSUED_AT, freeze, sample_score
from smtp_server import MailServer, running_mail_server

NEWEST = release_of("USDCLP").newest_due(datetime.now(UTC), calendar("chile"))
DAY = timedelta(days=1)


@pytest.fixture
def rates(tmp_path: Path) -> Path:
    return write_csv(tmp_path / "rates.csv", walk(business_days(date(2022, 1, 3), NEWEST)))


@pytest.fixture
def server() -> Iterator[MailServer]:
    with running_mail_server() as told:
        yield told


@pytest.fixture
def hook() -> Iterator[Hook]:
    with running_hook() as told:
        yield told


def channels(server: MailServer | None, hook: Hook | None) -> dict[str, str]:
    mail = {
        "FOREX_SMTP_HOST": "127.0.0.1",
        "FOREX_SMTP_PORT": str(server.port if server else 9),
        "FOREX_SMTP_SECURITY": "none",
        "FOREX_MAIL_FROM": "forex@example.org",
        "FOREX_MAIL_TO": "ana@example.org",
    }
    return (mail if server else {}) | ({"FOREX_NOTIFY_URLS": hook.address} if hook else {})


def run(rates: Path, data_dir: Path, *arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
    asked = ("run", "7d", "--source", f"csv:{rates}", "--members", "random_walk", *arguments)
    return forex(*asked, data_dir=data_dir, **environ)


def alerts(server: MailServer) -> list[EmailMessage]:
    return [mail for mail in server.mails() if mail["List-Id"] == "<alerts.forex.example.org>"]


def words(mail: EmailMessage) -> str:
    body = mail.get_body(("plain",))
    assert body is not None
    return " ".join(str(body.get_content()).split())


def standing(data_dir: Path) -> list[dict[str, str]]:
    done = forex("alerts", "list", "--json", data_dir=data_dir)
    assert done.returncode == 0, done.stderr
    found: list[dict[str, str]] = json.loads(done.stdout)["standing"]
    return found


def scored_history(data_dir: Path, losses: list[float]) -> None:
    """A champion's forecasts, one a week, with these losses where the random walk lost 2.0."""
    with Store.for_writing(data_dir) as store:
        for n, loss in enumerate(losses):
            day = NEWEST - timedelta(weeks=len(losses) - n + 1)
            name = f"USDCLP-7d-{day}-champion"
            freeze(store, forecast_id=name, issued_on=day, target_date=day + timedelta(days=7))
            for step in ("report", "track"):
                store.forecasts.step_done(name, step, "done", datetime.now(UTC))
            outcome = 955.0 if n % 5 else 964.0  # 4 of 5 inside the 80 % interval
            score = sample_score(forecast_id=name, outcome=outcome, loss=loss, yardstick_loss=2.0)
            store.forecasts.score(score, final=True)


def test_a_model_that_drifts_is_told_once_by_mail_and_chat_and_seen_in_the_terminal(
    rates: Path, data_dir: Path, server: MailServer, hook: Hook
) -> None:
    scored_history(data_dir, [2.0] * 60 + [4.0] * 12)
    told = channels(server, hook)
    for _ in range(2):
        done = run(rates, data_dir, **told)
        assert done.returncode == 0, done.stderr
    (mail,) = alerts(server)
    assert "The errors of USDCLP 7d have grown beside the random walk's" in words(mail)
    (said,) = hook.heard
    assert said["title"] == mail["Subject"]
    (one,) = standing(data_dir)
    assert (one["key"], one["told_at"] is None) == ("drift USDCLP 7d", False)
    status = forex("status", "--json", data_dir=data_dir)
    assert status.returncode == 75
    assert any(trouble.startswith("the errors of USDCLP 7d") for trouble in json.loads(status.stdout)["troubles"])


def test_a_run_that_fails_raises_one_alert_and_the_next_good_one_ends_it(
    rates: Path, data_dir: Path, server: MailServer
) -> None:
    empty = write_csv(rates.with_name("empty.csv"), [])
    assert run(empty, data_dir, **channels(server, None)).returncode == 65
    (mail,) = alerts(server)
    assert "last run of USDCLP 7d failed" in words(mail)
    assert run(rates, data_dir, **channels(server, None)).returncode == 0
    assert words(alerts(server)[1]).startswith("Over: the last run of USDCLP 7d failed")
    assert standing(data_dir) == []


# the last look of a run, without the rest of it


class House:
    """One data directory with a forecast whose spot is 951.02, and what each look at it tells."""

    def __init__(self, data_dir: Path, hook: Hook) -> None:
        self.hook = hook
        self.settings = Settings(data_dir=data_dir, notify_urls=(hook.address,), alert_levels=("USDCLP>950",))
        with Store.for_writing(data_dir) as store:
            freeze(store)

    def look(self, later: timedelta = timedelta(0), *, steps: tuple[str, ...] = ("report",), **asked: Any) -> list[str]:
        """The titles of what was told."""
        request = Request(("USDCLP",), tuple(chosen(["7d"])), "auto", (), None, ISSUED_AT + later)
        channels = alerting(self.settings)
        before = len(self.hook.heard)
        with Store.for_writing(self.settings.data_dir) as store:
            adapters = Adapters(store, Untracked(), Path(), steps, alerting=channels, clock=lambda: ISSUED_AT + later)
            watch(replace(request, **asked), adapters)
        return [said["title"] for said in self.hook.heard[before:]]

    def stories(self) -> tuple[Story, ...]:
        with Store.for_reading(self.settings.data_dir) as store:
            return standing_in(recent(store.events))


@pytest.fixture
def house(data_dir: Path, hook: Hook) -> House:
    return House(data_dir, hook)


CROSSED = "forex: USDCLP above 950: it is at 951.02 (2024-07-01), its 7d forecast at 955.00 (2024-07-08). (and 1 more)"


def test_a_level_that_is_crossed_is_told_once_with_the_fan_chart(house: House) -> None:
    assert house.look() == [CROSSED]
    (said,) = house.hook.heard
    assert "The chance of USDCLP above 950 is 75% on 2024-07-08 (7d)." in said["message"]
    assert [one["filename"] for one in said["attachments"]] == ["forecast.png"]
    assert house.look(DAY) == []


def test_what_is_notable_waits_for_the_end_of_the_quiet_hours(house: House) -> None:
    house.settings = replace(house.settings, quiet_hours="08:00-09:00")  # it is 08:00 in Santiago
    assert house.look() == []
    assert {story.told_at for story in house.stories()} == {None}
    assert house.look(timedelta(hours=1)) == [CROSSED]


def test_when_no_channel_works_then_the_next_run_tells(house: House) -> None:
    house.hook.reply = 500
    house.look()
    house.hook.reply = 200
    assert house.look(DAY) == [CROSSED]
    assert house.look(2 * DAY) == []


def test_a_replay_a_demo_and_a_dry_run_look_at_nothing(house: House) -> None:
    for asked in ({"as_of": date(2024, 6, 28)}, {"demo": True}, {"steps": ()}):
        assert house.look(**asked) == []
    assert house.stories() == ()


def test_a_run_that_skips_mail_leaves_what_it_found_to_the_next(house: House) -> None:
    assert house.look(skip_email=True) == []
    assert len(house.stories()) == 2
    assert house.look(DAY) == [CROSSED]


def test_with_no_channel_what_is_found_is_only_listed_and_never_told_late(house: House) -> None:
    silent = replace(house.settings, notify_urls=())
    house.settings, told = silent, house.settings
    assert house.look() == []
    house.settings = told
    assert house.look(DAY) == []
    assert len(house.stories()) == 2


def test_whatever_breaks_in_the_last_look_the_run_goes_on(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError("by zero")

    monkeypatch.setattr("forex_core.pipeline.watching.due", broken)
    assert house.look() == []


def test_a_kill_between_telling_and_noting_it_tells_again_and_loses_nothing(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(*_: object) -> None:
        raise SystemExit(137)

    with monkeypatch.context() as context:
        context.setattr("forex_core.pipeline.watching.told", killed)
        with pytest.raises(SystemExit):
            house.look()
    assert house.look(DAY) == [CROSSED]


# the command


def test_the_test_goes_through_every_channel_and_leaves_nothing_behind(
    data_dir: Path, server: MailServer, hook: Hook
) -> None:
    done = forex("alerts", "test", data_dir=data_dir, **channels(server, hook))
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines() == ["mail to ana@example.org: taken", "json (notify_urls 1): taken"]
    assert len(alerts(server)) == len(hook.heard) == 1
    assert not data_dir.exists()


def test_when_a_channel_refuses_the_test_then_it_says_so_and_ends_with_1(data_dir: Path, server: MailServer) -> None:
    server.refused["ana@example.org"] = "550 unknown here"
    done = forex("alerts", "test", "--json", data_dir=data_dir, **channels(server, None))
    assert done.returncode == 1
    (channel,) = json.loads(done.stdout)["channels"]
    assert (channel["ok"], channel["why"]) == (False, "ana@example.org: 550 unknown here")
    assert json.loads(done.stderr)["error"]["message"] == "1 of 1 channels did not take the test"


def test_a_mail_that_would_only_be_spooled_fails_the_test(data_dir: Path) -> None:
    with running_mail_server() as gone:
        told = channels(gone, None)
    done = forex("alerts", "test", data_dir=data_dir, **told)
    assert done.returncode == 1
    assert "Connection refused" in done.stdout


def test_without_a_channel_the_test_says_what_to_set(data_dir: Path) -> None:
    done = forex("alerts", "test", data_dir=data_dir)
    assert (done.returncode, "no channel is set for alerts" in done.stderr) == (78, True)


def test_the_list_is_for_people_too(house: House) -> None:
    data_dir = house.settings.data_dir
    assert forex("alerts", "list", data_dir=data_dir).stdout == "No alarm stands.\n"
    house.look()
    shown = forex("alerts", "list", data_dir=data_dir).stdout.splitlines()
    assert shown[:2] == ["Standing:", "  notable  since 2024-07-01 12:00 UTC, told 2024-07-01 12:00"]
    assert shown[2].strip().startswith("the chance of USDCLP above 950 is 75%")
    assert shown[-1].startswith("  2024-07-01 12:00 raised    ")
    for command in ("status", "dashboard"):
        seen = forex(command, data_dir=data_dir).stdout
        assert "alert     2024-07-01 12:00 UTC: the chance of USDCLP above 950 is 75%" in seen


def test_where_nothing_was_ever_recorded_the_list_says_so(data_dir: Path) -> None:
    assert forex("alerts", "list", data_dir=data_dir).returncode == 78


def test_the_list_loads_nothing_heavy() -> None:
    code = (
        "import sys; import forex_cli.alerts; import forex_core.pipeline.alarm, forex_core.store.scoreboard; "
        "sys.exit(bool({'numpy', 'pandas', 'mlflow', 'apprise', 'matplotlib'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
