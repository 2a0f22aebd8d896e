"""The machine: lock, disk, clock, time zones, and what systemd makes of our units."""

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from forex_core.errors import LockBusy
from forex_core.ops.doctor.finding import Finding, Place
from forex_core.pipeline.upkeep import TIGHT
from forex_core.store.database import open_for_reading
from forex_core.store.lock import writer_lock

FEW_INODES = 1000
SKEW = timedelta(hours=1)
SLICE = Path("/sys/fs/cgroup/forex.slice/memory.max")


def lock(place: Place) -> Iterator[Finding]:
    """Free, or held by a run that is named."""
    try:
        with writer_lock(place.data_dir, 0):
            yield Finding("lock", "ok", "free")
    except LockBusy as error:
        yield Finding("lock", "ok", f"in use: {error.message}")


def disk(place: Place) -> Iterator[Finding]:
    """Room for the next runs: bytes, and files."""
    free, inodes = shutil.disk_usage(place.data_dir).free, os.statvfs(place.data_dir)
    if free < TIGHT:
        yield Finding("disk", "failed", f"only {free / 1e6:.0f} MB are free in {place.data_dir}", "forex backup prune")
    elif inodes.f_files and inodes.f_favail < FEW_INODES:
        said = f"only {inodes.f_favail} more files fit on the disk of {place.data_dir}"
        yield Finding("disk", "failed", said, "forex backup prune")
    else:
        yield Finding("disk", "ok", f"{free / 1e9:.1f} GB free")


def clock(place: Place) -> Iterator[Finding]:
    """Not before what was recorded, and kept right by somebody."""
    with closing(open_for_reading(place.data_dir / "forex.db")) as connection:
        newest = connection.execute("SELECT max(at) FROM events").fetchone()[0]
    if newest and datetime.fromisoformat(newest) > place.now + SKEW:
        said = f"it says {place.now:%Y-%m-%d %H:%M} UTC, but something was recorded at {newest[:16]}"
        yield Finding("clock", "failed", said, "sudo timedatectl set-ntp true")
    elif _systemd("timedatectl", "show", "--property=NTPSynchronized", "--value") == "no":
        yield Finding("clock", "warning", "nothing keeps it right", "sudo timedatectl set-ntp true")
    else:
        yield Finding("clock", "ok", f"{place.now:%Y-%m-%d %H:%M} UTC")


def zones(place: Place) -> Iterator[Finding]:
    """Quiet hours and release times need the time zone data."""
    try:
        ZoneInfo(place.settings.time_zone)
    except ZoneInfoNotFoundError:
        yield Finding(
            "time zones", "failed", f"{place.settings.time_zone} is not known here", "sudo apt-get install tzdata"
        )
    else:
        yield Finding("time zones", "ok", f"{place.settings.time_zone} is known")


def units(place: Place) -> Iterator[Finding]:
    """Where the units are installed, each timer waits and no service has failed."""
    listed = _systemd("systemctl", "list-units", "forex-*", "--all", "--no-legend", "--plain", "--output=json")
    found = json.loads(listed) if listed else []
    for unit in found:
        name, state = unit["unit"], unit["active"]
        if state == "failed":
            repair = f"journalctl -u {name} -n 50; sudo systemctl reset-failed {name} && sudo systemctl start {name}"
            yield Finding("units", "failed", f"{name} has failed", repair)
        elif name.endswith(".timer") and state != "active":
            yield Finding("units", "failed", f"{name} does not run", f"sudo systemctl enable --now {name}")
    if not found:
        yield Finding("units", "ok", "none are installed here")
    elif all(unit["active"] != "failed" for unit in found):
        yield Finding("units", "ok", f"{sum(unit['unit'].endswith('.timer') for unit in found)} timers")


def memory_limit(place: Place) -> Iterator[Finding]:
    """A limit in a unit file means nothing where the kernel's memory controller is not handed down."""
    wanted = _systemd("systemctl", "show", "forex.slice", "--property=MemoryMax", "--value")
    if not wanted or wanted == "infinity":
        yield Finding("memory limit", "ok", "none is asked for")
    elif SLICE.is_file() and SLICE.read_text(encoding="ascii").strip() == wanted:
        yield Finding("memory limit", "ok", f"{int(wanted) / 1e9:.1f} GB in force")
    elif _systemd("systemctl", "is-active", "forex.slice") != "active":
        yield Finding("memory limit", "ok", f"{int(wanted) / 1e9:.1f} GB, in force as soon as a unit runs")
    else:
        said = f"{int(wanted) / 1e9:.1f} GB is asked for and not in force: no memory controller"
        yield Finding(
            "memory limit", "warning", said, "add systemd.unified_cgroup_hierarchy=1 to the kernel's command line"
        )


def _systemd(*command: str) -> str:
    """What a command of systemd says; nothing where there is none."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=10, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip()
