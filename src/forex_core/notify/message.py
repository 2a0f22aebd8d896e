"""The mail as a message: text, HTML and the chart in one, under a Message-ID that the forecasts decide."""

import re
import textwrap
from base64 import b64encode
from copy import deepcopy
from dataclasses import dataclass
from datetime import datetime
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from hashlib import sha256

from jinja2 import Environment, PackageLoader, StrictUndefined
from loguru import logger
from markupsafe import Markup, escape

from forex_core.notify.address import checked_address
from forex_core.notify.content import Content, Morning, content
from forex_core.notify.language import Language
from forex_core.notify.text_table import COLUMNS, text_table

POLICY = SMTP.clone(cte_type="7bit")  # no relay has to change a line
LARGEST = 78_000  # bytes, to which a recipient and an id are added
DATE = re.compile(r"\b\d+-\d+-\d+\b")


@dataclass(frozen=True, slots=True)
class Letterhead:
    """Who writes, in which language."""

    sender: str
    language: Language

    def __post_init__(self) -> None:
        checked_address(self.sender)

    @property
    def domain(self) -> str:
        return self.sender.rpartition("@")[2]


def message_id(morning: Morning, recipient: str, head: Letterhead) -> str:
    """The same for the same forecasts and recipient, whenever and however often it is made; without brackets."""
    first = morning.forecasts[0]
    told = "\n".join([*sorted(forecast.forecast_id for forecast in morning.forecasts), recipient])
    pair = re.sub(r"[^A-Za-z0-9]", "", first.pair)[:20]
    return f"{pair}.{first.issued_on}.{sha256(told.encode(errors='backslashreplace')).hexdigest()[:16]}@{head.domain}"


def compose(morning: Morning, head: Letterhead, now: datetime) -> EmailMessage:
    """The whole mail, still without a recipient and a Message-ID; too large with its chart, it goes without."""
    said = content(morning, head.language)
    message = _built(said, _drawn(morning), head)
    if len(message.as_bytes()) > LARGEST:
        message = _built(said, b"", head)
    message["From"] = f"forex <{head.sender}>"
    message["Subject"] = said.subject
    message["Date"] = format_datetime(now)
    message["Auto-Submitted"] = "auto-generated"
    message["X-Auto-Response-Suppress"] = "All"  # what Exchange reads instead
    message["List-Id"] = f"<{re.sub('[^a-z0-9]', '', said.pair.lower())}.forex.{head.domain}>"
    message["Content-Language"] = head.language.code
    return message


def addressed(message: EmailMessage, recipient: str, identity: str) -> EmailMessage:
    """A copy for one recipient."""
    letter = deepcopy(message)
    letter["To"] = checked_address(recipient)
    letter["Message-ID"] = f"<{identity}>"
    return letter


def preview(message: EmailMessage) -> str:
    """The HTML with the chart inside of it, as a browser can show it from a file."""
    html = message.get_body(("html",))
    assert html is not None
    page = str(html.get_content())
    for part in message.walk():
        if part.get_content_maintype() == "image":
            data = b64encode(part.get_content()).decode()
            page = page.replace(f"cid:{part['Content-ID'].strip('<>')}", f"data:image/png;base64,{data}")
    return page


def _built(said: Content, chart: bytes, head: Letterhead) -> EmailMessage:
    """The parts: text, and HTML with the chart, if there is one."""
    image = f"chart@{head.domain}" if chart else ""
    message = EmailMessage(policy=POLICY)
    message.set_content(_text(said, head.language))
    message.add_alternative(_html(said, head.language, image), subtype="html")
    if chart:
        page = message.get_payload(1)
        assert isinstance(page, EmailMessage)
        page.add_related(chart, "image", "png", cid=f"<{image}>", filename="chart.png", disposition="inline")
    return message


def _drawn(morning: Morning) -> bytes:
    """The chart; a mail without one is better than none."""
    try:
        return morning.draw() if morning.draw else b""
    except (ImportError, OSError, RuntimeError, ValueError) as error:
        logger.warning("no chart in the mail: {}", error)
        return b""


def _html(said: Content, language: Language, image: str) -> str:
    return _templates(autoescape=True).get_template("mail.html.j2").render(said=said, language=language, image=image)


def _text(said: Content, language: Language) -> str:
    table = text_table(said.rows, language)
    return _templates(autoescape=False).get_template("mail.txt.j2").render(said=said, language=language, table=table)


def _templates(*, autoescape: bool) -> Environment:
    environment = Environment(
        loader=PackageLoader("forex_core.notify", ""),
        autoescape=autoescape,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["wrapped"] = _wrapped
    environment.filters["unbroken"] = _unbroken
    return environment


def _wrapped(text: str) -> str:
    """Lines of at most 78 columns; what has no blank, such as an address, stays whole."""
    return textwrap.fill(text, COLUMNS, break_long_words=False, break_on_hyphens=False)


def _unbroken(text: str) -> Markup:
    """HTML in which no date is broken at its hyphens, as a narrow screen would."""
    return Markup(DATE.sub(r'<span style="white-space:nowrap;">\g<0></span>', str(escape(text))))
