"""Import MLflow the way this program wants it: no telemetry, no chatter, a dead server noticed in seconds."""

import gc
import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

DEFAULTS = {
    "MLFLOW_DISABLE_TELEMETRY": "true",  # DO_NOT_TRACK=1 is not enough
    "MLFLOW_LOGGING_LEVEL": "WARNING",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "10",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",  # stdout is for answers
    "GIT_PYTHON_REFRESH": "quiet",
}


def mlflow() -> Any:
    """The mlflow module, imported on first use (about a second and 100 MB)."""
    for name, value in DEFAULTS.items():
        os.environ.setdefault(name, value)
    with _nothing_collected():
        import mlflow

    logging.getLogger("alembic").setLevel(logging.WARNING)
    logging.getLogger("mlflow.store.db.utils").setLevel(logging.CRITICAL)  # it shows the traceback of what it raises
    return mlflow


def client(tracking_uri: str) -> Any:
    """An MlflowClient of this store."""
    loaded = mlflow()
    with _nothing_collected():  # the first one imports the store
        return loaded.MlflowClient(tracking_uri=tracking_uri)


@contextmanager
def _nothing_collected() -> Iterator[None]:
    """Without garbage collection, which looks through the modules that are just being made: a quarter of an import."""
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()
