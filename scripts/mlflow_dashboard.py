#!/usr/bin/env python3
"""Print the last runs of each MLflow experiment. Thin: forex_cli.mlflow_dashboard does it."""

import os
import sys
from pathlib import Path

OWN = Path(__file__).resolve().parents[1] / ".venv" / "bin" / "python"

try:
    from forex_cli.mlflow_dashboard import main
except ModuleNotFoundError:
    # started with the system's Python: go on with the one that forex is installed in
    if Path(sys.prefix) == OWN.parents[1]:
        raise
    if not os.access(OWN, os.X_OK):  # which, unlike Path.exists, can be asked by somebody who may not look there
        sys.stderr.write(f"error: forex is not installed for {sys.executable}, and {OWN} is missing or not to be run\n")
        sys.exit(78)
    os.execv(OWN, [str(OWN), *sys.argv])

if __name__ == "__main__":
    sys.exit(main())
