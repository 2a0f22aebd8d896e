"""The process that speaks to Apprise's services: an order on stdin, the answers on stdout, both JSON.

python -m forex_core.notify.messenger < order.json
"""

import json
import os
import sys
import threading
import time
from base64 import b64decode
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import apprise


def main() -> None:
    """Tell all addresses at once; those that have not answered at the deadline are left behind."""
    order = json.load(sys.stdin)
    until = time.monotonic() + order["deadline"]
    answers = [f"no answer within {order['deadline']:g} s"] * len(order["addresses"])
    with TemporaryDirectory() as folder:
        chart = Path(folder) / "forecast.png"
        chart.write_bytes(b64decode(order["chart"]))
        threads = [
            threading.Thread(target=_tell, args=(number, order, chart, answers), daemon=True)
            for number in range(len(answers))
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(max(0.0, until - time.monotonic()))
    sys.stdout.write(json.dumps(answers))
    sys.stdout.flush()
    os._exit(0)  # without waiting for services that don't answer


def _tell(number: int, order: dict[str, Any], chart: Path, answers: list[str]) -> None:
    service = apprise.Apprise()
    if not service.add(order["addresses"][number]):
        answers[number] = "Apprise knows no such address"
        return
    attach = str(chart) if chart.stat().st_size else None
    taken = False
    with suppress(TypeError, ValueError, OSError):  # it says it never raises, and answers with what is false
        taken = bool(service.notify(title=order["title"], body=order["body"], attach=attach))
    answers[number] = "" if taken else "the service did not take it"


if __name__ == "__main__":
    main()
