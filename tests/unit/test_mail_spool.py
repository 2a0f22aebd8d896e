"""The spool: each step of a mail is one durable rename, for its owner's eyes only, and nothing is kept for ever."""

import errno
import os
import stat
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from email.utils import format_datetime
from pathlib import Path

import pytest

from forex_core.errors import CannotWrite, SettingsError
from forex_core.notify.content import Morning
from forex_core.notify.email import Server
from forex_core.notify.post import Silent, Skipped
from forex_core.notify.spool import Letter, Spool, Unreadable
from samples import sample_forecast

NOON = datetime(2024, 7, 1, 12, tzinfo=UTC)


@pytest.fixture
def spool(tmp_path: Path) -> Spool:
    return Spool(tmp_path / "the data" / "spool")


def mail(subject: str = "hello") -> EmailMessage:
    message = EmailMessage()
    message["From"] = "forex <forex@example.org>"
    message["To"] = "ana@example.org"
    message["Date"] = format_datetime(NOON)
    message["Subject"] = subject
    message.set_content("text")
    return message


def put(spool: Spool, identity: str = "a.b@example.org") -> Letter:
    spool.put(identity, mail())
    return spool.read(spool.folder / f"{identity}.eml")


def names(spool: Spool) -> list[str]:
    return sorted(path.name for path in spool.folder.iterdir())


def test_a_mail_is_kept_whole_and_only_its_owner_can_read_it(spool: Spool) -> None:
    mask = os.umask(0)
    try:
        letter = put(spool)
    finally:
        os.umask(mask)

    assert names(spool) == ["a.b@example.org.eml"]
    assert letter.content == mail().as_bytes()
    assert (letter.identity, letter.sender, letter.recipient) == (
        "a.b@example.org",
        "forex@example.org",
        "ana@example.org",
    )
    assert letter.written_at == NOON
    assert stat.S_IMODE(letter.path.stat().st_mode) == 0o600
    assert stat.S_IMODE(spool.folder.stat().st_mode) == 0o700


def test_the_mail_is_durable_before_it_has_its_name(spool: Spool, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[str] = []
    fsync, rename = os.fsync, Path.replace

    def noted_fsync(descriptor: int) -> None:
        calls.append(f"fsync {Path(f'/proc/self/fd/{descriptor}').readlink().name}")
        fsync(descriptor)

    def noted_rename(self: Path, target: Path) -> Path:
        calls.append(f"rename {target.name}")
        return rename(self, target)

    monkeypatch.setattr(os, "fsync", noted_fsync)
    monkeypatch.setattr(Path, "replace", noted_rename)
    spool.put("a", mail())

    assert calls == ["fsync .a.eml.new", "rename a.eml", "fsync spool"]


def test_when_the_disk_is_full_then_nothing_stays(spool: Spool, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(CannotWrite):
        spool.put("a", mail())

    assert names(spool) == []


def test_the_states_of_a_mail_follow_one_another(spool: Spool) -> None:
    letter = put(spool, "a")
    seen = [spool.state("a")]
    spool.handing_over(letter)
    seen.append(spool.state("a"))
    again = spool.read(letter.path.with_suffix(".once"))
    spool.handing_over(again)
    seen.append(spool.state("a"))
    spool.take_back(again)
    seen.append(spool.state("a"))
    spool.handing_over(again)
    spool.sent(again)
    seen.append(spool.state("a"))

    assert seen == [".eml", ".once", ".twice", ".once", ".sent"]
    assert (letter.in_doubt, again.in_doubt) == (False, True)
    assert names(spool) == ["a.sent"]


@pytest.mark.parametrize("suffix", [".eml", ".once", ".twice", ".sent", ".given-up"])
def test_a_mail_that_was_ever_put_in_is_never_put_in_again(spool: Spool, suffix: str) -> None:
    letter = put(spool, "a")
    letter.path.rename(letter.path.with_suffix(suffix))
    spool.put("a", mail("another"))

    assert names(spool) == [f"a{suffix}"]
    assert b"another" not in (spool.folder / f"a{suffix}").read_bytes()


@pytest.mark.parametrize("suffix", [".eml", ".once", ".twice"])
def test_a_mail_that_is_given_up_leaves_its_file(spool: Spool, suffix: str) -> None:
    letter = put(spool, "a")
    letter.path.rename(letter.path.with_suffix(suffix))
    [waiting] = spool.waiting()
    spool.give_up(waiting)

    assert (names(spool), spool.waiting()) == (["a.given-up"], [])


def test_the_oldest_waits_first(spool: Spool) -> None:
    for name, age in (("b", 2), ("a", 1), ("c", 3)):
        path = put(spool, name).path
        os.utime(path, (NOON.timestamp() - age, NOON.timestamp() - age))

    assert [path.stem for path in spool.waiting()] == ["c", "b", "a"]


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"From: a@b.c\r\nTo: d@e.f\r\n\r\n",
        b"From: a@b.c\r\nDate: Mon, 1 Jul 2024 12:00:00 +0000\r\n\r\n",
        b"From: a@b.c\r\nTo: d@e.f, g@h.i\r\nDate: Mon, 1 Jul 2024 12:00:00 +0000\r\n\r\n",
        b"From: a@b.c\r\nTo: nobody\r\nDate: Mon, 1 Jul 2024 12:00:00 +0000\r\n\r\n",
        b"From: a@b.c\r\nTo: d@e.f\r\nDate: yesterday\r\n\r\n",
        b"\xff" * 100,
    ],
)
def test_a_file_that_is_no_mail_of_ours_is_told_apart(spool: Spool, content: bytes) -> None:
    spool.folder.mkdir(parents=True)
    path = spool.folder / "a.eml"
    path.write_bytes(content)

    with pytest.raises(Unreadable, match=r"a\.eml is no mail of ours"):
        spool.read(path)


@pytest.mark.parametrize("suffix", [".sent", ".given-up"])
@pytest.mark.parametrize(("days", "kept"), [(29, True), (31, False)])
def test_what_was_settled_is_kept_a_month(spool: Spool, suffix: str, days: int, kept: bool) -> None:
    path = put(spool, "a").path.rename(spool.folder / f"a{suffix}")
    os.utime(path, (NOON.timestamp(), NOON.timestamp()))
    spool.tidy(NOON + timedelta(days=days))

    assert path.exists() == kept


def test_tidying_leaves_what_waits_and_strangers_and_removes_what_a_crash_left(spool: Spool) -> None:
    path = put(spool, "a").path
    os.utime(path, (0, 0))
    (spool.folder / "notes.txt").write_text("mine")
    (spool.folder / ".b.eml.new").write_text("half a")
    spool.tidy(NOON)

    assert names(spool) == ["a.eml", "notes.txt"]


def test_when_there_is_no_spool_yet_then_nothing_waits(spool: Spool) -> None:
    spool.tidy(NOON)

    assert (spool.waiting(), spool.state("a"), spool.folder.exists()) == ([], None, False)


# --- settings of the server


@pytest.mark.parametrize("host", ["127.0.0.1", "127.9.9.9", "::1", "localhost"])
def test_on_this_very_machine_tls_may_be_left_out(host: str) -> None:
    assert Server(host, security="none").host == host


@pytest.mark.parametrize(
    "host", ["mail.example.org", "10.0.0.1", "0.0.0.0", "::", "localhost.example.org", "127.0.0.1.example.org"]
)
def test_anywhere_else_tls_is_a_must(host: str) -> None:
    with pytest.raises(SettingsError, match=r"in clear.*starttls or tls"):
        Server(host, security="none")


@pytest.mark.parametrize("half", [{"user": "forex"}, {"password": "a secret"}])
def test_a_user_and_a_password_go_together(half: dict[str, str]) -> None:
    with pytest.raises(SettingsError, match="go together") as caught:
        Server("mail.example.org", **half)

    assert "a secret" not in str(caught.value)


def test_the_password_is_in_no_text_of_the_server() -> None:
    assert "a secret" not in repr(Server("mail.example.org", user="forex", password="a secret"))


def test_when_nobody_is_to_be_told_then_nothing_is_drawn_or_sent() -> None:
    def draw() -> bytes:
        raise AssertionError("nobody looks at it")

    told = Morning((sample_forecast(),), "a verdict", "/r", draw=draw)

    assert (Silent().send(told, NOON), Silent().retry(NOON)) == (Skipped(), {})
