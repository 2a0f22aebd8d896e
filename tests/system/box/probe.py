"""Run as a service of forex: what its jobs need works, what they don't need can't be reached."""

import os
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import mlflow
import torch

DATA = Path("/var/lib/forex")

torch.nn.Conv1d(8, 16, 5)(torch.randn(32, 8, 100)).sum().backward()  # large enough for oneDNN, which makes code
torch.nn.Linear(64, 64).bfloat16()(torch.randn(64, 64).bfloat16())
mlflow.set_tracking_uri(f"sqlite:///{DATA}/probe.db")
mlflow.set_experiment("probe")
with mlflow.start_run():
    mlflow.log_metric("one", 1.0)
subprocess.run(["true"], check=True)
assert Path(os.environ["CREDENTIALS_DIRECTORY"], "smtp_password").read_text() == "a secret"

for folder in ("/etc", "/opt/forex", "/usr", "/var/backups/forex"):
    with suppress(OSError):
        Path(folder, "probe").write_text("")
        sys.exit(f"{folder} can be written")
for folder in ("/root", "/home", "/etc/forex/credentials"):
    with suppress(OSError):
        if list(Path(folder).iterdir()):
            sys.exit(f"{folder} can be read")

seen = DATA / "public" / "seen"
seen.touch()
seen.chmod(0o640)

sys.stdout.writelines(f"flood {number}\n" for number in range(60_000))
sys.stdout.write("<3>the line that matters\n")
