"""deploy/install.sh on a machine with a real systemd: it installs, changes nothing twice, and never touches data."""

import re
from collections.abc import Iterator

import pytest

from systemd_box import CHECKOUT, VENV, Box, systemd_box

INSTALL = CHECKOUT / "deploy" / "install.sh"
BUSY = ("var/log/", "var/lib/systemd/", "run/", "tmp/", "etc/systemd/system/timers.target.wants")


MODES = {
    "/var/lib/forex": "711 forex:forex",
    "/var/lib/forex/public": "2750 forex:forex-view",
    "/var/backups/forex": "700 forex:forex",
    "/etc/forex/forex.toml": "644 root:root",
    "/etc/forex/credentials": "700 root:root",
    "/etc/forex/credentials/smtp_password": "600 root:root",
    "/opt/forex/deploy/alert": "755 root:root",
}


@pytest.fixture(scope="module")
def box(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Box]:
    with systemd_box(tmp_path_factory.mktemp("box")) as box:
        yield box


def written(box: Box) -> dict[str, tuple]:
    """Every file that the box has and the machine has not, or not so."""
    top = box.home / "changes"
    found = {}
    for path in top.rglob("*"):
        name = str(path.relative_to(top))
        if not name.startswith(BUSY) and "__pycache__" not in name:
            stat = path.lstat()
            found[name] = (stat.st_mode, stat.st_uid, stat.st_gid, stat.st_ino, path.is_file() and stat.st_mtime_ns)
    return found


def mode(box: Box, path: str) -> str:
    return box.run("stat", "-c", "%a %U:%G", path).strip()


def test_a_dry_run_says_what_it_would_do_and_does_nothing(box: Box) -> None:
    before = written(box)
    said = box.run(INSTALL, "--venv", VENV, "--dry-run")
    assert "would run: useradd" in said
    assert "would run: systemctl enable" in said
    assert written(box) == before


def test_when_it_is_installed_then_everything_belongs_to_whom_it_should(box: Box) -> None:
    said = box.run(INSTALL, "--venv", VENV)
    assert "Installed." in said
    assert {path: mode(box, path) for path in MODES} == MODES
    assert "data_dir = /var/lib/forex  [/etc/forex/forex.toml;" in box.run("forex", "config", "show", user="forex")
    for database in ("forex.db", "mlflow/mlflow.db"):
        assert mode(box, f"/var/lib/forex/{database}") == "600 forex:forex"
    writable = box.run("find", "/opt/forex/", VENV, "/etc/forex", "-writable", "!", "-type", "l", user="forex", ok=None)
    assert [line for line in writable.splitlines() if line.startswith("/")] == []


def test_installing_again_changes_nothing(box: Box) -> None:
    box.path("/etc/forex/credentials/smtp_password").write_text("not to be lost", encoding="utf-8")
    before = written(box)
    said = box.run(INSTALL, "--venv", VENV)
    assert [line for line in said.splitlines() if line.startswith("run:") and "systemctl" not in line] == []
    assert written(box) == before


def test_when_a_file_differs_then_only_it_is_put_right(box: Box) -> None:
    box.path("/etc/systemd/system/forex-score.timer").write_text("", encoding="utf-8")
    box.run("chmod", "644", "/etc/forex/credentials/smtp_password")
    said = [line for line in box.run(INSTALL, "--venv", VENV).splitlines() if line.startswith("run:")]
    assert len([line for line in said if "systemctl" not in line]) == 2
    assert mode(box, "/etc/forex/credentials/smtp_password") == "600 root:root"


def test_daily_horizons_are_run_every_business_day(box: Box) -> None:
    with box.path("/etc/forex/forex.toml").open("a", encoding="utf-8") as file:
        file.write('daily_horizons = ["15d", "90d"]\n')
    box.run(INSTALL, "--venv", VENV)
    shown = {key: box.show(f"forex-run@{key}.timer", "TimersCalendar") for key in ("7d", "15d", "30d", "90d")}
    days = {key: calendar.split("OnCalendar=")[1].split()[0] for key, calendar in shown.items()}
    assert days == {"7d": "Mon", "15d": "Mon..Fri", "30d": "Mon", "90d": "Mon..Fri"}


def test_a_new_version_is_put_in_force_only_when_the_data_could_become_its_own(box: Box) -> None:
    new = VENV.with_name("next")
    box.run("cp", "-a", VENV, new)
    program = box.path(new / "bin" / "forex")
    good = program.read_text(encoding="utf-8")
    program.write_text("#!/bin/sh\n[ $1 != upgrade ] || exit 76\n", encoding="utf-8")
    assert "the former version stays in force" in box.run(INSTALL, "--venv", new, ok=76)
    assert box.run("readlink", "/opt/forex/venv").strip() == str(VENV)
    assert box.show("forex-run@7d.timer", "ActiveState") == "active"

    program.write_text(good, encoding="utf-8")
    assert "Migrated" in box.run(INSTALL, "--venv", new)
    assert box.run("readlink", "/opt/forex/venv").strip() == str(new)
    assert box.show("forex-run@7d.timer", "ActiveState") == "active"


def test_when_root_is_led_elsewhere_by_a_link_of_forex_then_it_does_not_follow(box: Box) -> None:
    public, before = "/var/lib/forex/public", mode(box, "/etc")
    box.run("mv", public, f"{public}.kept", user="forex")
    box.run("ln", "-s", "/etc", public, user="forex")
    box.run(INSTALL, "--venv", VENV, ok=1)
    assert mode(box, "/etc") == before
    box.run("rm", public)
    box.run("mv", f"{public}.kept", public)


def test_when_forex_cannot_run_a_version_then_the_former_one_stays_and_it_is_built_again(box: Box) -> None:
    before = box.run("readlink", "/opt/forex/venv")
    closed = VENV.with_name("closed")
    box.run("cp", "-a", VENV, closed)
    box.run("chmod", "700", closed)
    assert "Set PYTHON to another one" in box.run(INSTALL, "--venv", closed, ok=77)
    [line] = re.findall("venv --clear (.*)", box.run(INSTALL, "--dry-run"))
    box.run("install", "-D", "/dev/null", f"{line}/complete")  # as if by a Python that forex can't run
    assert "is not. Set PYTHON" in box.run("env", "PYTHON=/bin/false", INSTALL, ok=78)
    assert box.run("readlink", "/opt/forex/venv") == before
    box.run("rm", "-r", line)


FAILING_LATER = "#!/bin/sh\n[ $1 != config ]\n"
BROKEN_OFF = "#!/bin/sh\n[ $1 != upgrade ] || { touch /var/lib/forex/begun; sleep 2; }\n"


@pytest.mark.parametrize("signal", ["", "HUP", "TERM"])
def test_when_it_ends_early_after_the_timers_were_stopped_then_they_go_on(box: Box, signal: str) -> None:
    new = VENV.with_name(f"early{signal}")
    box.run("cp", "-a", VENV, new)
    box.path(new / "bin" / "forex").write_text(BROKEN_OFF if signal else FAILING_LATER, encoding="utf-8")
    kill = f"until [ -e /var/lib/forex/begun ]; do sleep 0.1; done; kill -{signal} $!; rm /var/lib/forex/begun; wait $!"
    heeds = "env --default-signal=HUP,TERM"  # whoever starts the tests may ignore them, as nohup does
    said = box.run("sh", "-c", f"{heeds} {INSTALL} --venv {new} & {kill if signal else 'wait $!'}", ok=None)
    assert said.split()[0] == {"": "1", "HUP": "129", "TERM": "129"}[signal]
    assert "systemctl stop" in said
    assert box.show("forex-run@7d.timer", "ActiveState") == "active"
    box.run(INSTALL, "--venv", VENV)


def test_nobody_but_root_can_install(box: Box) -> None:
    assert "nothing was changed" in box.run(INSTALL, user="nobody", ok=77)


def test_uninstalling_keeps_data_settings_and_backups(box: Box) -> None:
    box.path("/var/backups/forex/one.tar").touch()
    kept = {k: v for k, v in written(box).items() if k.startswith(("var/lib/forex/", "var/backups/", "etc/forex"))}
    assert "var/lib/forex/forex.db" in kept
    box.run(INSTALL, "--uninstall", "--dry-run")
    assert box.path("/etc/systemd/system/forex.slice").exists()
    box.run(INSTALL, "--uninstall")
    left = written(box)
    assert {name: left.get(name) for name in kept} == kept
    left_over = {name for name in set(left) - set(kept) if "forex" in name and not name.startswith("opt/built/")}
    assert [name for name in left_over if not box.path(name).is_dir()] == []
    assert "forex" not in box.run("systemctl", "list-units", "--all", "--no-legend")
