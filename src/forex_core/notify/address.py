"""Mail addresses: bare ones, as in name@example.org, which no header can be forged with."""

import re

from forex_core.errors import SettingsError

ATOM, LABEL = r"[\w!#$%&'*+/=?^`{|}~-]+", r"[A-Za-z0-9]+(?:-+[A-Za-z0-9]+)*"
ADDRESS = re.compile(rf"{ATOM}(?:\.{ATOM})*@{LABEL}(?:\.{LABEL})*", re.ASCII)


def checked_address(address: str) -> str:
    """The address itself; SettingsError unless it is a bare one."""
    if not ADDRESS.fullmatch(address):
        raise SettingsError(f"{address!r} is no mail address", hint="write it as in name@example.org")
    return address
