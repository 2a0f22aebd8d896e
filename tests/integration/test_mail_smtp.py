"""The mail on a real wire: sent once, spooled while it can't be, and no password to anybody unproven."""

import re
import signal
import socket
import stat
import subprocess
import sys
import threading
from base64 import b64encode
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import trustme

from forex_core.notify.content import Morning
from forex_core.notify.email import Server
from forex_core.notify.language import language_of
from forex_core.notify.message import Letterhead
from forex_core.notify.post import Delivery, GivenUp, Post, Sent, Spooled, Unsent
from forex_core.notify.spool import Spool
from forex_core.report.png import fan_chart_png
from samples import sample_forecast
from smtp_server import PASSWORD, USER, MailServer, certificate, running_mail_server, trusted

NOON = datetime(2024, 7, 1, 12, tzinfo=UTC)
WEEK = timedelta(days=7)
ANA, BEN = "ana@example.org", "ben@example.org"
HEAD = Letterhead("forex@example.org", language_of("en"))


@pytest.fixture
def spool(tmp_path: Path) -> Spool:
    return Spool(tmp_path / "the data" / "spool")


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def believed(authority: trustme.CA, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> trustme.CA:
    """An authority that this machine trusts."""
    monkeypatch.setenv("SSL_CERT_FILE", str(trusted(authority, tmp_path)))
    return authority


def post(to: MailServer | int, spool: Spool, *recipients: str, **server: object) -> Post:
    port = to if isinstance(to, int) else to.port
    said = {"host": "127.0.0.1", "port": port, "security": "none", "deadline_seconds": 10.0} | server
    return Post(Server(**said), spool, HEAD, recipients or (ANA,))  # type: ignore[arg-type]


def morning(**changes: object) -> Morning:
    return Morning((sample_forecast(**changes),), "No better than the random walk.", "/reports/7d.html")


def files(spool: Spool) -> list[str]:
    return sorted(path.suffix for path in spool.folder.iterdir())


def reason(answer: Delivery) -> str:
    assert isinstance(answer, Spooled | GivenUp | Unsent)
    return answer.reason


def closed_port() -> int:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        return int(unused.getsockname()[1])


# --- it arrives, whole and once


def test_the_mail_arrives_with_text_html_and_the_chart_that_it_shows(spool: Spool) -> None:
    forecast = sample_forecast()
    rate = HEAD.language.rates_like(951.02)
    told = replace(morning(), draw=lambda: fan_chart_png([forecast], rate, HEAD.language.day))
    with running_mail_server() as server:
        assert post(server, spool).send(told, NOON) == Sent()

    [(recipient, raw)] = server.taken
    [mail] = server.mails()
    text, html = mail.get_body(("plain",)), mail.get_body(("html",))
    assert text is not None
    assert html is not None
    [image] = [part for part in mail.walk() if part.get_content_type() == "image/png"]
    assert recipient == ANA
    assert len(raw) < 80_000
    assert image.get_content().startswith(b"\x89PNG")
    assert re.findall(r'src="([^"]*)"', html.get_content()) == [f"cid:{image['Content-ID'].strip('<>')}"]
    for part in (text, html):
        assert {"951.02", "955.00", "7d", "2024-07-08", "a banner"} <= set(
            re.findall(r"a banner|[\w.-]+", part.get_content())
        )
    assert mail["To"] == ANA
    assert mail["From"] == "forex <forex@example.org>"
    assert mail["Date"].datetime == NOON
    assert mail["Auto-Submitted"] == "auto-generated"


def test_when_it_is_asked_five_times_then_it_is_sent_once(spool: Spool) -> None:
    with running_mail_server() as server:
        answers = [post(server, spool).send(morning(), NOON + timedelta(hours=n)) for n in range(5)]

    assert answers == [Sent()] * 5
    assert len(server.taken) == 1


def test_when_there_are_other_forecasts_then_there_is_another_mail(spool: Spool) -> None:
    with running_mail_server() as server:
        for identity in ("f1", "f2", "f1"):
            post(server, spool).send(morning(forecast_id=identity), NOON)

    assert len({mail["Message-ID"] for mail in server.mails()}) == len(server.taken) == 2


def test_when_there_are_two_recipients_then_each_gets_one_mail_that_names_no_other(spool: Spool) -> None:
    with running_mail_server() as server:
        assert post(server, spool, ANA, BEN, ANA).send(morning(), NOON) == Sent()

    assert sorted(recipient for recipient, _ in server.taken) == [ANA, BEN]
    assert [mail["To"] for mail in server.mails()] == [recipient for recipient, _ in server.taken]


def test_accents_and_signs_arrive_as_they_were_written(spool: Spool) -> None:
    told = Morning(
        (sample_forecast(banners=("El señor Ñandú: 3 ≥ 2 – ¿sí?",)),), "Ningún pronóstico", "/informe año.html"
    )
    with running_mail_server() as server:
        post(server, spool).send(told, NOON)

    [mail] = server.mails()
    for part in (mail.get_body(("plain",)), mail.get_body(("html",))):
        assert part is not None
        for words in ("El señor Ñandú: 3 ≥ 2 – ¿sí?", "Ningún pronóstico", "/informe año.html"):
            assert words in part.get_content()
    assert server.taken[0][1].isascii()


# --- it can't go, and goes later


@pytest.mark.fault(34)
def test_when_the_server_is_down_then_the_mail_is_spooled_and_sent_by_the_next_run(spool: Spool) -> None:
    port = closed_port()
    answer = post(port, spool).send(morning(), NOON)

    assert reason(answer) == f"127.0.0.1:{port}: [Errno 111] Connection refused"
    [path] = spool.folder.iterdir()
    assert (path.suffix, stat.S_IMODE(path.stat().st_mode)) == (".eml", 0o600)
    with running_mail_server(port=port) as server:
        assert list(post(server, spool).retry(NOON + timedelta(days=1)).values()) == [Sent()]
        assert post(server, spool).send(morning(), NOON) == Sent()
        assert post(server, spool).retry(NOON + timedelta(days=1)) == {}
    assert len(server.taken) == 1
    assert server.taken[0][1] == path.with_suffix(".sent").read_bytes()


def test_when_todays_mail_goes_then_so_does_yesterdays_and_before_it(spool: Spool) -> None:
    post(closed_port(), spool).send(morning(forecast_id="yesterday"), NOON - timedelta(days=1))
    with running_mail_server() as server:
        assert post(server, spool).send(morning(forecast_id="today"), NOON) == Sent()

    assert [mail["Date"].datetime for mail in server.mails()] == [NOON - timedelta(days=1), NOON]


@pytest.mark.fault(34)
@pytest.mark.parametrize("command", ["MAIL", "RCPT", "DATA"])
def test_when_the_server_says_not_now_then_the_mail_goes_with_the_next_run(spool: Spool, command: str) -> None:
    with running_mail_server() as server:
        server.replies = {command: ["451 4.7.1 Greylisted, try again"]}
        answer = post(server, spool).send(morning(), NOON)
        assert reason(answer) == "ana@example.org: 451 4.7.1 Greylisted, try again"
        assert files(spool) == [".eml"]
        assert post(server, spool).send(morning(), NOON) == Sent()

    assert len(server.taken) == 1


@pytest.mark.fault(34)
@pytest.mark.parametrize("command", ["RCPT", "DATA"])
def test_when_the_mail_is_refused_for_good_then_it_is_given_up_and_never_tried_again(
    spool: Spool, command: str
) -> None:
    with running_mail_server() as server:
        server.replies = {command: ["550 5.1.1 No such user"]}
        assert post(server, spool).send(morning(), NOON) == GivenUp("ana@example.org: 550 5.1.1 No such user")
        assert files(spool) == [".given-up"]
        assert post(server, spool).send(morning(), NOON) == GivenUp("given up before")

    assert server.taken == []


def test_when_the_sender_is_refused_then_the_mail_waits_for_other_settings(spool: Spool) -> None:
    with running_mail_server() as server:
        server.replies = {"MAIL": ["553 5.7.1 Sender not yours"]}
        assert isinstance(post(server, spool).send(morning(), NOON), Spooled)
        assert post(server, spool).send(morning(), NOON) == Sent()


@pytest.mark.fault(34)
def test_when_one_recipient_is_refused_then_the_other_gets_the_mail_once(spool: Spool) -> None:
    with running_mail_server() as server:
        server.refused = {ANA: "452 4.2.2 Mailbox full"}
        answers = [post(server, spool, ANA, BEN).send(morning(), NOON) for _ in range(3)]

    assert {reason(answer) for answer in answers} == {"ana@example.org: 452 4.2.2 Mailbox full"}
    assert [recipient for recipient, _ in server.taken] == [BEN]


def test_when_the_connection_ends_at_one_recipient_then_the_other_gets_the_mail_all_the_same(spool: Spool) -> None:
    with running_mail_server() as server:
        server.hangs_up_on = ANA
        assert isinstance(post(server, spool, ANA, BEN).send(morning(), NOON), Spooled)

    assert [recipient for recipient, _ in server.taken] == [BEN]
    assert files(spool) == [".eml", ".sent"]


def test_when_the_server_closes_after_a_refusal_then_the_next_mail_goes_over_another_connection(spool: Spool) -> None:
    with running_mail_server() as server:
        server.refused = {ANA: "421 4.3.2 Closing"}
        post(server, spool, ANA, BEN).send(morning(), NOON)

    assert server.heard.count(b"ehlo") == 2
    assert [recipient for recipient, _ in server.taken] == [BEN]


def test_when_a_mail_waited_a_week_then_it_is_given_up_with_a_trace(spool: Spool) -> None:
    post(closed_port(), spool).send(morning(), NOON)
    with running_mail_server() as server:
        answers = post(server, spool).retry(NOON + WEEK + timedelta(seconds=1))
        assert list(answers.values()) == [GivenUp("not sent within 7 days")]
        assert files(spool) == [".given-up"]
        assert post(server, spool).retry(NOON) == {}

    assert server.taken == []


def test_a_mail_that_waited_a_week_less_a_second_is_sent(spool: Spool) -> None:
    post(closed_port(), spool).send(morning(), NOON)
    with running_mail_server() as server:
        assert list(post(server, spool).retry(NOON + WEEK - timedelta(seconds=1)).values()) == [Sent()]


def test_when_the_spool_cant_be_written_then_nothing_is_sent_and_the_answer_says_so(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with running_mail_server() as server:
        answer = post(server, Spool(tmp_path / "file" / "spool")).send(morning(), NOON)

    assert isinstance(answer, Unsent)
    assert "cannot write" in answer.reason
    assert server.taken == []


def test_when_a_file_in_the_spool_is_no_mail_then_it_is_set_aside_and_the_others_go(spool: Spool) -> None:
    spool.folder.mkdir(parents=True)
    (spool.folder / "strange.eml").write_bytes(b"\xff\xfe nothing\r\n\r\n")
    with running_mail_server() as server:
        assert post(server, spool).send(morning(), NOON) == Sent()

    assert files(spool) == [".given-up", ".sent"]


# --- at most one duplicate


@pytest.mark.fault(34)
def test_when_the_connection_drops_after_the_mail_then_it_is_handed_over_once_more_and_never_again(
    spool: Spool,
) -> None:
    with running_mail_server() as server:
        server.drops = 9
        answers = [post(server, spool).send(morning(), NOON) for _ in range(5)]

    assert len(server.taken) == 2
    assert isinstance(answers[0], Spooled)
    assert answers[1] == GivenUp(f"{ANA}: handed over twice without an answer; it may have arrived")
    assert answers[2:] == [GivenUp("given up before")] * 3


def test_when_the_connection_drops_once_then_the_second_answer_settles_it(spool: Spool) -> None:
    with running_mail_server() as server:
        server.drops = 1
        answers = [post(server, spool).send(morning(), NOON) for _ in range(4)]

    assert answers[1:] == [Sent()] * 3
    assert len(server.taken) == 2


def test_when_a_mail_in_doubt_is_refused_for_now_then_it_stays_in_doubt(spool: Spool) -> None:
    with running_mail_server() as server:
        server.drops = 1
        post(server, spool).send(morning(), NOON)
        server.replies = {"DATA": ["451 later"] * 3}
        for _ in range(3):
            post(server, spool).send(morning(), NOON)
        assert files(spool) == [".once"]
        server.drops = 1
        post(server, spool).send(morning(), NOON)

    assert files(spool) == [".given-up"]
    assert len(server.taken) == 2


RETRY = """
import sys
from datetime import UTC, datetime
from pathlib import Path
from forex_core.notify.email import Server
from forex_core.notify.language import language_of
from forex_core.notify.message import Letterhead
from forex_core.notify.post import Post
from forex_core.notify.spool import Spool

head = Letterhead("forex@example.org", language_of("en"))
server = Server("127.0.0.1", int(sys.argv[1]), "none")
Post(server, Spool(Path(sys.argv[2])), head, ("ana@example.org",)).retry(datetime(2024, 7, 1, 13, tzinfo=UTC))
"""


def test_when_the_program_is_killed_between_the_servers_yes_and_its_note_then_there_is_one_duplicate(
    spool: Spool,
) -> None:
    post(closed_port(), spool).send(morning(), NOON)
    with running_mail_server() as server:
        for _ in range(4):
            run = subprocess.Popen([sys.executable, "-c", RETRY, str(server.port), str(spool.folder)])
            server.when_taken = run.kill
            assert run.wait(60) in (0, -signal.SIGKILL)

    assert len(server.taken) == 2
    assert files(spool) == [".given-up"]


# --- nothing secret to anybody unproven


def refused_by(server: MailServer, spool: Spool, **said: object) -> str:
    """The reason why a mail with a password did not go; neither was sent."""
    answer = post(server, spool, user=USER, password=PASSWORD, **said).send(morning(), NOON)
    assert isinstance(answer, Spooled)
    assert server.taken == []
    assert server.logins == []
    for form in (b"AUTH", PASSWORD.encode(), b64encode(PASSWORD.encode()), b64encode(f"\0{USER}\0{PASSWORD}".encode())):
        assert form.lower() not in server.heard.lower()
    return answer.reason


@pytest.mark.parametrize(("security", "implicit"), [("starttls", False), ("tls", True)])
def test_with_a_trusted_certificate_the_password_and_the_mail_go_encrypted(
    spool: Spool, believed: trustme.CA, security: str, implicit: bool
) -> None:
    with running_mail_server(certificate(believed, "127.0.0.1"), implicit=implicit) as server:
        post_it = post(server, spool, security=security, user=USER, password=PASSWORD)
        assert post_it.send(morning(), NOON) == Sent()

    assert server.logins == [True]
    assert len(server.taken) == 1


@pytest.mark.fault(34)
@pytest.mark.parametrize(("security", "implicit"), [("starttls", False), ("tls", True)])
def test_when_nobody_trusted_issued_the_certificate_then_no_password_is_sent(
    spool: Spool, believed: trustme.CA, security: str, implicit: bool
) -> None:
    with running_mail_server(certificate(trustme.CA(), "127.0.0.1"), implicit=implicit) as server:
        assert "its certificate is not to be trusted" in refused_by(server, spool, security=security)


@pytest.mark.parametrize(("security", "implicit"), [("starttls", False), ("tls", True)])
def test_when_the_certificate_is_for_another_name_then_no_password_is_sent(
    spool: Spool, believed: trustme.CA, security: str, implicit: bool
) -> None:
    with running_mail_server(certificate(believed, "mail.other.org"), implicit=implicit) as server:
        assert "IP address mismatch" in refused_by(server, spool, security=security)


def test_when_the_certificate_has_expired_then_no_password_is_sent(spool: Spool, believed: trustme.CA) -> None:
    old = certificate(believed, "127.0.0.1", not_before=datetime(2000, 1, 1), not_after=datetime(2001, 1, 1))  # noqa: DTZ001
    with running_mail_server(old) as server:
        assert "certificate has expired" in refused_by(server, spool, security="starttls")


@pytest.mark.fault(34)
def test_when_somebody_takes_starttls_away_then_no_password_is_sent(spool: Spool) -> None:
    with running_mail_server(auth_in_clear=True) as server:
        assert "STARTTLS extension not supported" in refused_by(server, spool, security="starttls")


def test_when_starttls_is_offered_and_then_denied_then_the_mail_waits(spool: Spool) -> None:
    offered = b"250-hello\r\n250-AUTH PLAIN\r\n250 STARTTLS\r\n"
    with raw_server(b"220 hello\r\n", answers=[offered, b"454 no\r\n"]) as port:
        answer = post(port, spool, security="starttls", user=USER, password=PASSWORD).send(morning(), NOON)

    assert reason(answer) == f"127.0.0.1:{port}: 454 no"


def test_when_a_plain_server_is_asked_for_tls_then_no_password_is_sent(spool: Spool) -> None:
    with running_mail_server(auth_in_clear=True) as server:
        refused_by(server, spool, security="tls")


@pytest.mark.fault(34)
def test_when_the_password_is_wrong_then_the_mail_waits_and_no_message_holds_it(
    spool: Spool, believed: trustme.CA
) -> None:
    with running_mail_server(certificate(believed, "127.0.0.1")) as server:
        answer = post(server, spool, security="starttls", user=USER, password="wrong one").send(morning(), NOON)

    assert "535" in reason(answer)
    assert "wrong one" not in reason(answer)
    assert files(spool) == [".eml"]


def test_when_the_password_has_a_letter_that_cant_be_sent_then_the_reason_says_so_without_it(
    spool: Spool, believed: trustme.CA
) -> None:
    with running_mail_server(certificate(believed, "127.0.0.1")) as server:
        answer = post(server, spool, security="starttls", user=USER, password="señal").send(morning(), NOON)

    assert "only ASCII can" in reason(answer)
    assert "señal" not in reason(answer)


# --- servers that are no servers


@contextmanager
def raw_server(first: bytes, *, every: float = 0.0, answers: Sequence[bytes] = ()) -> Iterator[int]:
    """Says `first`, byte by byte and as slowly as told, then one answer after the other, whatever it hears."""
    done = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve() -> None:
            with suppress(OSError), listening.accept()[0] as connection:
                for byte in first:
                    connection.sendall(bytes([byte]))
                    done.wait(every)
                for answer in answers:
                    connection.recv(65536)
                    connection.sendall(answer)
                if not answers:
                    done.wait(10)

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield int(listening.getsockname()[1])
        finally:
            done.set()
            thread.join()


@pytest.mark.fault(34)
@pytest.mark.parametrize("first", [b"", b"220 a greeting that never ends " + b"." * 500], ids=["silent", "dripping"])
def test_when_the_server_takes_for_ever_then_the_deadline_ends_it(spool: Spool, first: bytes) -> None:
    with raw_server(first, every=0.02) as port:
        began = datetime.now(UTC)
        answer = post(port, spool, deadline_seconds=0.5).send(morning(), NOON)
        took = (datetime.now(UTC) - began).total_seconds()

    assert reason(answer) == f"127.0.0.1:{port}: no answer in time (0.5 s in all)"
    assert 0.4 < took < 3
    assert files(spool) == [".eml"]


def test_when_the_server_repeats_the_password_then_the_reason_does_not(spool: Spool) -> None:
    forms = (PASSWORD, b64encode(PASSWORD.encode()).decode(), b64encode(f"\0{USER}\0{PASSWORD}".encode()).decode())
    said = f"535 you said {', '.join(forms)} \x1b[31mred\r\n".encode()
    with raw_server(b"220 hello\r\n", answers=[b"250-hello\r\n250 AUTH PLAIN\r\n", said]) as port:
        answer = post(port, spool, user=USER, password=PASSWORD).send(morning(), NOON)

    assert reason(answer) == f"127.0.0.1:{port}: 535 you said ***, ***, *** red"


def test_when_the_host_does_not_exist_then_the_mail_waits(spool: Spool) -> None:
    answer = post(25, spool, host="mail.invalid", security="starttls").send(morning(), NOON)

    assert reason(answer).startswith("mail.invalid:25: ")
    assert files(spool) == [".eml"]
