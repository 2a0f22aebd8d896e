"""Open every artifact the way a person would: through MLflow, which says nothing where an address is wrong."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from forex_core.errors import CorruptStore, TrackingError
from forex_core.mlops.quiet import client, mlflow
from forex_core.mlops.relocate import OURS


def open_all(path: Path) -> int:
    """Read each file that MLflow lists for each run of an mlflow.db; how many.

    CorruptStore if one can't be read, or if a run that must have some has none.
    """
    loaded, uri, opened = mlflow(), f"sqlite:///{path.absolute()}", 0
    from mlflow.exceptions import MlflowException

    found = client(uri)
    try:
        for run in _runs(found):
            names = list(_files(found, run.info.run_id))
            for name in names:
                place = loaded.artifacts.download_artifacts(
                    run_id=run.info.run_id, artifact_path=name, tracking_uri=uri
                )
                Path(place).read_bytes()
            if not names and run.info.status == "FINISHED" and run.data.tags.keys() & set(OURS):
                raise CorruptStore(
                    f"MLflow lists no artifact of the run {run.info.run_id}", hint="`forex mlflow relocate`"
                )
            opened += len(names)
    except MlflowException as error:
        raise TrackingError(f"MLflow can't read {path}: {error}") from error
    except OSError as error:
        raise CorruptStore(f"an artifact can't be opened: {error}") from error
    return opened


def _runs(found: Any) -> Iterator[Any]:
    experiments, token = [one.experiment_id for one in found.search_experiments()], None
    while page := found.search_runs(experiments, max_results=1000, page_token=token):
        yield from page
        if not (token := page.token):
            return


def _files(found: Any, run_id: str, folder: str | None = None) -> Iterator[str]:
    for entry in found.list_artifacts(run_id, folder):
        if entry.is_dir:
            yield from _files(found, run_id, entry.path)
        else:
            yield entry.path
