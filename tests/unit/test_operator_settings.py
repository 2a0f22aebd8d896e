"""What an operator writes into the settings of unattended work: what is meant, and what is refused."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from forex_core import settings as module
from forex_core.errors import SettingsError
from forex_core.settings import Settings


@pytest.fixture(autouse=True)
def _no_system_configuration(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(module, "SYSTEM_CONFIG", tmp_path / "etc" / "forex.toml")


def loaded(cwd: Path, environ: Mapping[str, str]) -> Settings:
    return Settings.load({}, environ, cwd)


def test_systemd_gives_a_secret_as_a_file_that_the_environment_outranks(tmp_path: Path) -> None:
    folder = tmp_path / "credentials"
    folder.mkdir()
    (folder / "smtp_password").write_text("swordfish\n", encoding="utf-8")
    (folder / "environment").write_text("never from here", encoding="utf-8")
    (tmp_path / ".env").write_text("FOREX_SMTP_PASSWORD=weaker\n", encoding="utf-8")
    (tmp_path / ".env").chmod(0o600)
    told = {"CREDENTIALS_DIRECTORY": str(folder)}

    settings = loaded(tmp_path, told)
    assert (settings.smtp_password, settings.origins["smtp_password"]) == ("swordfish", "credential smtp_password")
    assert settings.environment == "production"
    assert loaded(tmp_path, {**told, "FOREX_SMTP_PASSWORD": "stronger"}).smtp_password == "stronger"


def test_each_address_of_a_secret_list_is_a_secret(tmp_path: Path) -> None:
    settings = loaded(tmp_path, {"FOREX_NOTIFY_URLS": "tgram://token/1, discord://a/b"})
    assert settings.secrets() == ("tgram://token/1", "discord://a/b")
    assert settings.shown("notify_urls") == "***"


@pytest.mark.parametrize(
    ("name", "written", "meant"),
    [
        ("alert_levels", "USDCLP > 950, USDCLP<900.5", ("USDCLP>950", "USDCLP<900.5")),
        ("alert_probability", "0.1", 0.1),
        ("quiet_hours", "22:00-07:00", "22:00-07:00"),
        ("daily_horizons", "90d,7d", ("7d", "90d")),
        ("smtp_port", "65535", 65535),
        ("time_zone", "Europe/Madrid", "Europe/Madrid"),
    ],
)
def test_what_an_operator_writes_is_understood(tmp_path: Path, name: str, written: str, meant: object) -> None:
    assert getattr(loaded(tmp_path, {f"FOREX_{name.upper()}": written}), name) == meant


@pytest.mark.fault(46)
@pytest.mark.parametrize(
    ("name", "written"),
    [
        ("alert_levels", "USDCLP=950"),
        ("alert_levels", "USDCLP>0"),
        ("alert_levels", "USDUSD>1"),
        ("alert_probability", "1"),
        ("alert_probability", "nan"),
        ("quiet_hours", "22-7"),
        ("quiet_hours", "25:00-07:00"),
        ("daily_horizons", "8d"),
        ("smtp_port", "65536"),
        ("time_zone", "Mars/Olympus"),
        ("time_zone", "../../etc/passwd"),
        ("heartbeat_url", "ftp://x"),
    ],
)
def test_what_can_not_be_meant_is_refused(tmp_path: Path, name: str, written: str) -> None:
    with pytest.raises(SettingsError, match=f"FOREX_{name.upper()} must be"):
        loaded(tmp_path, {f"FOREX_{name.upper()}": written})
