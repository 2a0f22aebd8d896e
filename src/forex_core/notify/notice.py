"""A short notice of what is wrong or worth knowing: plain text, with the fan chart if it is about a rate."""

import textwrap
from dataclasses import dataclass
from datetime import datetime
from email.message import EmailMessage
from email.utils import format_datetime
from hashlib import sha256

from forex_core.notify.message import LARGEST, POLICY, Letterhead
from forex_core.notify.text_table import COLUMNS
from forex_core.sources.plain_text import plain

LONGEST = 600  # characters of one line
SHORT = 120  # of the subject


@dataclass(frozen=True, slots=True)
class Notice:
    """identity: the same for the same news, so that they are mailed once; chart: a PNG, or nothing."""

    subject: str
    lines: tuple[str, ...]
    identity: str
    chart: bytes = b""

    @property
    def title(self) -> str:
        """The subject as one harmless line."""
        return plain(self.subject, SHORT)

    @property
    def text(self) -> str:
        """One paragraph a line, harmless and wrapped."""
        return "\n\n".join(textwrap.fill(plain(line, LONGEST), COLUMNS, break_long_words=False) for line in self.lines)

    def message_id(self, recipient: str, head: Letterhead) -> str:
        """Without brackets."""
        told = sha256(f"{self.identity}\n{recipient}".encode(errors="backslashreplace")).hexdigest()
        return f"alert.{told[:24]}@{head.domain}"

    def message(self, head: Letterhead, now: datetime) -> EmailMessage:
        """The mail, still without a recipient and a Message-ID."""
        message = EmailMessage(policy=POLICY)
        message.set_content(self.text + "\n")
        if self.chart and len(self.chart) * 4 / 3 < LARGEST - 8_000:
            message.add_attachment(self.chart, "image", "png", filename="forecast.png")
        message["From"] = f"forex <{head.sender}>"
        message["Subject"] = self.title
        message["Date"] = format_datetime(now)
        message["Auto-Submitted"] = "auto-generated"
        message["X-Auto-Response-Suppress"] = "All"
        message["List-Id"] = f"<alerts.forex.{head.domain}>"
        return message
