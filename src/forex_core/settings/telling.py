"""The settings of what people are told, and how: language, mail, alerts, heartbeat."""

from dataclasses import dataclass

from forex_core.settings import kinds
from forex_core.settings.declare import secret, setting


@dataclass(frozen=True)
class Telling:
    language: str = setting("en", kinds.choice("en", "es"), "of reports and mails: en or es")
    pdf: bool = setting(False, kinds.flag, "write the day's report as a PDF, too")
    smtp_host: str | None = setting(None, kinds.text, "the server that mails go to; none are sent if not set")
    smtp_port: int = setting(587, kinds.whole(1, 65535), "its port")
    smtp_user: str | None = setting(None, kinds.text, "user there")
    smtp_password: str | None = secret("password there")
    smtp_security: str = setting("starttls", kinds.choice("starttls", "tls", "none"), "none is for this machine only")
    mail_from: str | None = setting(None, kinds.text, "the sender's address")
    mail_to: tuple[str, ...] = setting((), kinds.some, "the readers' addresses")
    heartbeat_url: str | None = secret(
        "a monitor's address for this job, such as healthchecks' ping URL", kinds.address
    )
    notify_urls: tuple[str, ...] = secret("Apprise addresses that alerts go to besides the mail", kinds.some, ())
    alert_levels: tuple[str, ...] = setting((), kinds.crossings, "rates to watch, such as USDCLP>950")
    alert_probability: float = setting(0.25, kinds.share, "how likely a crossing of such a rate must be to be told")
    quiet_hours: str | None = setting(None, kinds.hours, "when only what is urgent is told, such as 22:00-07:00")
    time_zone: str = setting("America/Santiago", kinds.zone, "of the quiet hours")
    daily_digest: bool = setting(False, kinds.flag, "gather what is not urgent into one message a day")
