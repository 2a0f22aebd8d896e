"""The day's report and mail as steps of a run, with a real mail server."""

import json
import subprocess
from datetime import UTC, date, datetime
from email.message import EmailMessage
from pathlib import Path

import pytest

from conftest import business_days, forex, walk, write_csv
from forex_core.calendars import calendar, release_of
from smtp_server import running_mail_server

NEWEST = release_of("USDCLP").newest_due(datetime.now(UTC), calendar("chile"))


@pytest.fixture
def rates(tmp_path: Path) -> Path:
    return write_csv(tmp_path / "rates.csv", walk(business_days(date(2022, 1, 3), NEWEST)))


def run(rates: Path, data_dir: Path, port: int, *arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
    mail = {
        "FOREX_SMTP_HOST": "127.0.0.1",
        "FOREX_SMTP_PORT": str(port),
        "FOREX_SMTP_SECURITY": "none",
        "FOREX_MAIL_FROM": "forex@example.org",
        "FOREX_MAIL_TO": "ana@example.org",
    }
    asked = ("run", "7d", "30d", "--source", f"csv:{rates}", "--members", "random_walk", *arguments)
    return forex(*asked, data_dir=data_dir, **mail | more)


def texts(mails: list[EmailMessage]) -> str:
    return "\n".join(
        part.get_content() for mail in mails for part in mail.walk() if part.get_content_type() == "text/plain"
    )


def test_five_runs_of_a_day_send_one_mail_with_all_horizons(rates: Path, data_dir: Path) -> None:
    with running_mail_server() as server:
        answers = [run(rates, data_dir, server.port, "--json") for _ in range(5)]
        assert [done.returncode for done in answers] == [0] * 5, answers[0].stderr
        (mail,) = server.mails()
    said = texts([mail])
    assert "USD/CLP" in said or "USDCLP" in said
    (pair,) = json.loads(answers[0].stdout)["pairs"]
    assert pair["report"] in said
    for forecast in pair["forecasts"]:
        assert forecast["target_date"] in said
        assert f"{forecast['median']:.2f}" in said
    assert not any("mail" in banner for banner in pair["banners"])
    page = Path(pair["report"]).read_text()
    assert all(forecast["target_date"] in page for forecast in pair["forecasts"])


def test_when_the_server_is_down_then_the_run_succeeds_and_the_next_one_sends(rates: Path, data_dir: Path) -> None:
    with running_mail_server() as gone:
        port = gone.port
    done = run(rates, data_dir, port, "--json")
    assert done.returncode == 0, done.stderr
    (banner,) = [banner for banner in json.loads(done.stdout)["pairs"][0]["banners"] if "mail" in banner]
    assert banner.startswith("The mail was not sent: ")
    with running_mail_server() as server:
        assert run(rates, data_dir, server.port).returncode == 0
        assert run(rates, data_dir, server.port).returncode == 0
        assert len(server.mails()) == 1


def test_a_run_that_skips_mail_and_a_replay_send_none(rates: Path, data_dir: Path) -> None:
    with running_mail_server() as server:
        assert run(rates, data_dir, server.port, "--skip-email").returncode == 0
        assert run(rates, data_dir, server.port, "--as-of", "2025-06-30").returncode == 0
        assert server.mails() == []


def test_a_mail_can_be_looked_at_without_being_sent(rates: Path, data_dir: Path, tmp_path: Path) -> None:
    with running_mail_server() as server:
        asked = ("--as-of", "2025-06-30", "--email-preview")
        for name in ("mail.eml", "mail.html"):
            assert run(rates, data_dir, server.port, *asked, str(tmp_path / name)).returncode == 0
        assert server.mails() == []
    assert "text/plain" in (tmp_path / "mail.eml").read_text()
    assert "data:image/png;base64," in (tmp_path / "mail.html").read_text()


def test_half_a_mail_setting_is_refused_before_anything_is_done(rates: Path, data_dir: Path) -> None:
    done = run(rates, data_dir, 25, FOREX_MAIL_TO="")
    assert (done.returncode, "mail_from and mail_to must be" in done.stderr) == (78, True)
    assert not data_dir.exists()


def test_the_report_speaks_the_language_that_is_set(rates: Path, data_dir: Path) -> None:
    done = forex(
        "run",
        "7d",
        "--source",
        f"csv:{rates}",
        "--members",
        "random_walk",
        "--json",
        data_dir=data_dir,
        FOREX_LANGUAGE="es",
    )
    page = Path(json.loads(done.stdout)["pairs"][0]["report"]).read_text()
    assert '<html lang="es' in page
    assert "paseo aleatorio" in page
