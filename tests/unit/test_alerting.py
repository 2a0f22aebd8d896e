"""Telling people: each channel fails alone, in bounded time, without giving a secret away."""

import time
from base64 import b64decode
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st

from forex_core.notify import push as pushing
from forex_core.notify.alerting import Alerting, Answer
from forex_core.notify.email import Server
from forex_core.notify.language import language_of
from forex_core.notify.message import Letterhead
from forex_core.notify.notice import Notice
from forex_core.notify.post import Post
from forex_core.notify.push import MISSING, push
from forex_core.notify.spool import Spool
from forex_core.settings import Settings
from hook_server import running_hook
from smtp_server import running_mail_server

NOW = datetime(2024, 7, 1, 12, tzinfo=UTC)
NOTICE = Notice("forex: the disk is full", ("The disk is full.", "And more."), "n1")
CHART = b"\x89PNG\r\n\x1a\n and so on"


def post(port: int, folder: Path, *recipients: str) -> Post:
    server = Server("127.0.0.1", port, "none")
    head = Letterhead("forex@example.org", language_of("en"))
    return Post(server, Spool(folder / "spool"), head, recipients or ("ana@example.org",))


def test_apprise_tells_a_real_service_the_words_and_the_picture() -> None:
    with running_hook() as hook:
        assert push((hook.address,), Notice("a title", ("One.", "Two."), "n", CHART)) == [""]
    (said,) = hook.heard
    assert (said["title"], said["message"].splitlines()) == ("a title", ["One.", "", "Two."])
    (attached,) = said["attachments"]
    assert (attached["filename"], b64decode(attached["base64"])) == ("forecast.png", CHART)


def test_each_address_has_its_own_answer() -> None:
    with running_hook() as hook:
        nowhere = "json://127.0.0.1:9/x"
        good, unknown, closed = push((hook.address, "carrier-pigeon://roof", nowhere), NOTICE)
        hook.reply = 500
        (refused,) = push((hook.address,), NOTICE)
    assert (good, unknown) == ("", "Apprise knows no such address")
    assert closed == refused == "the service did not take it"
    assert [said["attachments"] for said in hook.heard] == [[], []]


def test_a_service_that_never_answers_costs_the_others_nothing_and_the_run_no_more_than_the_deadline() -> None:
    with running_hook() as hook:
        begun = time.monotonic()
        answers = push((hook.silent_address, hook.address), NOTICE, deadline=2)
        assert time.monotonic() - begun < 2 + pushing.GRACE
    assert answers == ["no answer within 2 s", ""]


def test_without_the_extra_the_answer_names_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pushing, "find_spec", lambda _: None)
    assert push(("json://x", "tgram://y"), NOTICE) == [MISSING, MISSING]
    assert "pip install 'forex-core[notify]'" in MISSING


def test_a_messenger_that_dies_is_an_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.executable", "/bin/false")
    assert push(("json://x",), NOTICE) == ["the messenger failed: JSONDecodeError"]


def test_one_channel_that_fails_is_no_reason_not_to_use_the_others(tmp_path: Path) -> None:
    with running_hook() as hook, running_mail_server() as server:
        server.refused["ben@example.org"] = "550 unknown"
        mailing = post(server.port, tmp_path, "ana@example.org", "ben@example.org")
        channels = Alerting(Settings(notify_urls=("nope://x", hook.address)), mailing)
        answers = channels.tell(NOTICE, NOW)
        (mail,) = server.mails()
    assert answers == (
        Answer("mail to ana@example.org", True),
        Answer("mail to ben@example.org", False, "ben@example.org: 550 unknown"),
        Answer("nope (notify_urls 1)", False, "Apprise knows no such address"),
        Answer("json (notify_urls 2)", True),
    )
    assert mail["Subject"] == NOTICE.subject
    assert not any("a-token" in f"{answer.channel}{answer.why}" for answer in answers)


def test_a_mail_that_can_not_go_now_is_taken_for_later_and_the_same_news_are_mailed_once(tmp_path: Path) -> None:
    with running_mail_server() as gone:
        port = gone.port
    (answer,) = Alerting(Settings(), post(port, tmp_path)).tell(NOTICE, NOW)
    assert answer.taken
    assert "Connection refused" in answer.why
    with running_mail_server() as server:
        channels = Alerting(Settings(), post(server.port, tmp_path))
        assert [channels.tell(NOTICE, NOW) for _ in range(2)] == [(Answer("mail to ana@example.org", True),)] * 2
        assert len(server.mails()) == 1
        channels.tell(Notice(NOTICE.subject, NOTICE.lines, "n2"), NOW)
        assert len(server.mails()) == 2


def test_when_the_spool_can_not_be_written_then_the_mail_was_not_taken(tmp_path: Path) -> None:
    (tmp_path / "spool").touch()
    (answer,) = Alerting(Settings(), post(25, tmp_path)).tell(NOTICE, NOW)
    assert not answer.taken
    assert "cannot write" in answer.why


def test_the_mail_carries_the_picture_unless_it_is_too_large(tmp_path: Path) -> None:
    with running_mail_server() as server:
        channels = Alerting(Settings(), post(server.port, tmp_path))
        channels.tell(Notice("s", ("One.",), "a", CHART), NOW)
        channels.tell(Notice("s", ("One.",), "b", CHART * 10_000), NOW)
        small, large = server.mails()
    (attached,) = small.iter_attachments()
    assert (attached.get_filename(), attached.get_content()) == ("forecast.png", CHART)
    assert list(large.iter_attachments()) == []


@examples(max_examples=60)
@given(st.text(max_size=300), st.lists(st.text(max_size=900), min_size=1, max_size=4))
def test_whatever_is_told_becomes_one_mail_that_can_be_read(subject: str, lines: list[str]) -> None:
    head = Letterhead("forex@example.org", language_of("en"))
    message = Notice(subject, tuple(lines), "n", b"").message(head, NOW)
    assert "\n" not in message["Subject"]
    assert max(map(len, message.as_bytes().splitlines())) <= 998
    assert message.get_content_type() == "text/plain"
