"""forex config init on a real terminal, against real local servers: what it asks, tries, says and writes."""

import fcntl
import os
import pty
import re
import select
import signal
import stat
import subprocess
import termios
import time
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conftest import FOREX, business_days, command, walk
from forex_cli.config_text import config_text, write_privately
from forex_core.calendars import calendar, release_of
from forex_core.settings import Settings, names, table, variable_of
from rate_services import KEY, TOKEN, Services, running_services
from smtp_server import PASSWORD, USER, running_mail_server

NEWEST = release_of("USDCLP").newest_due(datetime.now(UTC), calendar("chile"))
NO_MAIL = ("by mail", "n")
NO_KEYS = (("Token", ""), ("and password", ""), ("CMF", ""), ("FRED", ""))


@pytest.fixture
def services() -> Iterator[Services]:
    with running_services({"USDCLP": dict(walk(business_days(date(2026, 1, 2), NEWEST)))}) as running:
        yield running


class Person:
    """Somebody at the terminal on which the wizard runs."""

    def __init__(self, terminal: int, process: subprocess.Popen[bytes]) -> None:
        self._terminal, self._process, self._seen, self.screen = terminal, process, 0, ""

    def reads(self, words: str) -> None:
        """Wait until the words are on the screen, after those read before."""
        until = time.monotonic() + 20
        while words not in self.screen[self._seen :]:
            assert time.monotonic() < until and self._more(), f"{words!r} is not on the screen:\n{self.screen}"
        self._seen = self.screen.index(words, self._seen) + len(words)

    def answers(self, *pairs: tuple[str, str]) -> None:
        """To each question, named by words of it, what is typed."""
        for question, answer in pairs:
            self.reads(question)
            self.reads(": ")
            os.write(self._terminal, answer.encode() + b"\n")

    def interrupts(self) -> None:
        os.write(self._terminal, b"\x03")

    def leaves(self) -> int:
        """Read to the end; the exit code."""
        while self._more():
            pass
        return self._process.wait(30)

    def _more(self) -> bool:
        if not select.select([self._terminal], [], [], 20)[0]:
            return False
        try:
            read = os.read(self._terminal, 65536)
        except OSError:  # the other end is closed
            return False
        self.screen += read.decode().replace("\r\n", "\n")
        return bool(read)


def _as_a_person_would() -> None:
    """On its own terminal, so that Ctrl-C and hidden typing work; who started the tests may have Ctrl-C ignored."""
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)
    signal.signal(signal.SIGINT, signal.SIG_DFL)


@contextmanager
def wizard(*arguments: str, services: Services | None = None) -> Iterator[Person]:
    """The wizard on a terminal of its own; every source's address is that of the local server, or closed."""
    closed = {variable_of(name): "http://127.0.0.1:9" for name in names() if name.endswith(("_url", "_feeds"))}
    reached = ("bcch", "mindicador", "findic", "cmf", "fred", "fred_csv") if services else ()
    open_ones = {f"FOREX_{name.upper()}_URL": services.url(name) for name in reached if services}
    more = {"FOREX_SOURCE_DEADLINE_SECONDS": "4", "COLUMNS": "200"}
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [str(FOREX), "config", "init", *arguments],
        env=os.environ | closed | open_ones | more,
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
        preexec_fn=_as_a_person_would,
    )
    os.close(theirs)
    try:
        yield Person(ours, process)
    finally:
        process.kill()
        process.wait()
        os.close(ours)


def loaded(path: Path) -> Settings:
    return Settings.load({}, {}, path.parent, path)


def test_when_every_answer_works_then_the_private_file_loads_back_to_them(services: Services, tmp_path: Path) -> None:
    with running_mail_server(auth_in_clear=True) as mail, wizard(services=services) as person:
        person.answers(("pairs", ""), ("Language", "es"), ("by mail", "y"))
        person.answers(("Encryption", "none"), ("Mail server", "127.0.0.1"), ("Port", str(mail.port)), ("User", USER))
        person.answers(("Password", PASSWORD), ("Sender", "forex@example.org"), ("Readers", "a@b.org,c@d.org"))
        person.answers(("Token", TOKEN), ("CMF", KEY), ("FRED", ""))
        assert person.leaves() == 0, person.screen
        assert (mail.logins, mail.taken) == ([True], [])
    path = tmp_path / "forex.toml"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [entry.name for entry in tmp_path.iterdir()] == ["forex.toml"]
    settings = loaded(path)
    assert {name: getattr(settings, name) for name in names() if settings.origins[name] == str(path)} == {
        "pairs": ("USDCLP",),
        "language": "es",
        "smtp_host": "127.0.0.1",
        "smtp_port": mail.port,
        "smtp_security": "none",
        "smtp_user": USER,
        "smtp_password": PASSWORD,
        "mail_from": "forex@example.org",
        "mail_to": ("a@b.org", "c@d.org"),
        "bcch_token": TOKEN,
        "cmf_key": KEY,
    }
    assert re.search(rf"mindicador +fresh +{NEWEST}", person.screen)
    assert "takes the password; no mail was sent" in person.screen
    assert not any(secret in person.screen for secret in (PASSWORD, TOKEN, KEY))
    assert "forex config show    forex run" in person.screen


def test_when_an_answer_can_not_be_then_it_is_asked_again(services: Services, tmp_path: Path) -> None:
    with wizard(services=services) as person:
        person.answers(("pairs", "USD-CLP"))
        person.reads("it must be currency pairs")
        person.answers(("pairs", "USDCLP"), ("Language", "de"))
        person.reads("it must be one of en, es")
        person.answers(("Language", ""), NO_MAIL, *NO_KEYS)
        assert person.leaves() == 0, person.screen
    assert loaded(tmp_path / "forex.toml").language == "en"


def test_when_no_source_answers_then_the_pair_is_asked_again_or_kept_on_request(tmp_path: Path) -> None:
    with wizard() as person:
        person.answers(("pairs", "USDCLP"))
        person.reads("failed")
        person.answers(("Keep it", "n"), ("pairs", "USDVND"))
        person.reads("no source is known")
        person.answers(("Keep it", "y"), ("Language", ""), NO_MAIL, *NO_KEYS)
        assert person.leaves() == 0, person.screen
    assert loaded(tmp_path / "forex.toml").pairs == ("USDVND",)


def test_when_keys_are_refused_then_it_is_said_and_they_can_be_left_out(services: Services, tmp_path: Path) -> None:
    with wizard(services=services) as person:
        person.answers(("pairs", ""), ("Language", ""), NO_MAIL, ("Token", "wrong"))
        person.reads("the credentials are refused")
        person.answers(("Keep it", ""), ("Token", ""), ("and password", ""), ("CMF", "kept"))
        person.reads("failed")
        person.answers(("Keep it", "y"), ("FRED", ""))
        assert person.leaves() == 0, person.screen
    settings = loaded(tmp_path / "forex.toml")
    assert (settings.bcch_token, settings.cmf_key) == (None, "kept")


def test_when_the_mail_server_refuses_then_all_of_it_is_asked_again(services: Services, tmp_path: Path) -> None:
    with running_mail_server(auth_in_clear=True) as mail, wizard(services=services) as person:
        person.answers(("pairs", ""), ("Language", ""), ("by mail", "y"))
        person.answers(("Encryption", "none"), ("Mail server", "mail.example.org"), ("Port", "25"), ("User", ""))
        person.answers(("Sender", "forex@example.org"), ("Readers", ""))
        person.reads("would send the mail to mail.example.org in clear")
        person.answers(("by mail", "y"), ("Encryption", "none"), ("Mail server", "127.0.0.1"))
        person.answers(("Port", str(mail.port)), ("User", USER), ("Password", "wrong"))
        person.answers(("Sender", "forex@example.org"), ("Readers", ""))
        person.reads("535")
        person.answers(("Keep it", ""), NO_MAIL, *NO_KEYS)
        assert person.leaves() == 0, person.screen
        assert mail.logins and not any(mail.logins)
    assert loaded(tmp_path / "forex.toml").smtp_host is None


def test_when_it_is_interrupted_then_nothing_is_left(services: Services, tmp_path: Path) -> None:
    with wizard(services=services) as person:
        person.answers(("pairs", ""), ("Language", ""), NO_MAIL, ("Token", ""))
        person.reads("and password")
        person.interrupts()
        assert person.leaves() != 0
    assert list(tmp_path.iterdir()) == []
    assert "Traceback" not in person.screen


def init(*arguments: object) -> subprocess.CompletedProcess[str]:
    clean = {name: "" for name in os.environ if name.startswith("FOREX_")}
    return command(FOREX, "config", "init", *arguments, data_dir=Path("data"), **clean)


def test_without_a_terminal_it_says_what_to_add(tmp_path: Path) -> None:
    done = init()
    assert (done.returncode, done.stdout) == (2, "")
    assert "add --defaults" in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_with_defaults_it_asks_nothing_and_what_is_there_stays_unless_forced(tmp_path: Path) -> None:
    path = tmp_path / "a place" / "forex.toml"
    assert init("--defaults", "--output", path).returncode == 0
    assert tomllib.loads(path.read_text()) == {"pairs": ["USDCLP"], "language": "en"}
    path.write_text("this is mine")
    refused = init("--defaults", "--output", path)
    assert (refused.returncode, path.read_text()) == (73, "this is mine")
    assert "--force replaces it" in refused.stderr
    assert init("--defaults", "--output", path, "--force").returncode == 0
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [entry.name for entry in path.parent.iterdir()] == ["forex.toml"]


def test_when_a_variable_outranks_an_answer_then_it_is_said() -> None:
    done = command(FOREX, "config", "init", "--defaults", data_dir=Path("data"), FOREX_PAIRS="EURUSD")
    assert "FOREX_PAIRS is set in the environment and outranks the file" in done.stdout


def test_when_the_lines_of_the_file_are_put_in_force_then_they_are_the_defaults(tmp_path: Path) -> None:
    path = tmp_path / "forex.toml"
    lines = [line.removeprefix("# ") for line in config_text({}).splitlines() if re.match(r"# \w+ = ", line)]
    assert [line.partition(" = ")[0] for line in lines] == names()
    kept = [line for line in lines if not line.endswith(' = "..."')]
    write_privately(path, "\n".join(kept))
    assert loaded(path) == Settings.load({}, {}, tmp_path)


TEXTS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1).filter(str.strip)


@given(password=TEXTS, readers=st.lists(TEXTS, min_size=1))
def test_whatever_is_chosen_loads_back_the_same(
    password: str, readers: list[str], tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.mktemp("config") / "forex.toml"
    chosen = {"smtp_password": password, "mail_to": readers, "smtp_port": 25, "pdf": True}
    parsed = {name: table()[name].metadata["parse"](value) for name, value in chosen.items()}
    write_privately(path, config_text(parsed))
    settings = loaded(path)
    assert {name: getattr(settings, name) for name in parsed} == parsed
