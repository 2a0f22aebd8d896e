"""Chat and push services through Apprise, in a process of its own that is ended when its time is up.

Apprise bounds each reply and not their sum, and its threads keep a program alive; so whatever a service does, a run
goes on after DEADLINE. The addresses hold tokens: they go by stdin, and nothing that Apprise says of them comes back.
"""

import json
import subprocess
import sys
from base64 import b64encode
from importlib.util import find_spec

from forex_core.notify.notice import Notice

DEADLINE = 15.0  # seconds for all addresses together
GRACE = 5.0  # to start and to end
MISSING = "the extra notify is not installed: pip install 'forex-core[notify]'"


def push(addresses: tuple[str, ...], notice: Notice, deadline: float = DEADLINE) -> list[str]:
    """Tell all addresses at once; for each, why it was not told, or nothing if it was."""
    if find_spec("apprise") is None:
        return [MISSING] * len(addresses)
    order = {
        "addresses": addresses,
        "title": notice.title,
        "body": notice.text,
        "chart": b64encode(notice.chart).decode(),
        "deadline": deadline,
    }
    command = [sys.executable, "-m", "forex_core.notify.messenger"]
    try:
        done = subprocess.run(
            command, input=json.dumps(order).encode(), capture_output=True, timeout=deadline + GRACE, check=False
        )
        return [str(answer) for answer in json.loads(done.stdout)]
    except (OSError, subprocess.TimeoutExpired, ValueError) as error:
        return [f"the messenger failed: {type(error).__name__}"] * len(addresses)
