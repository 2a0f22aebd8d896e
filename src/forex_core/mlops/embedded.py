"""The embedded store mlflow.db: made once under the lock, whole or not at all; looked at before MLflow may touch it."""

import sqlite3
from contextlib import closing
from importlib.metadata import files, version
from pathlib import Path

from forex_core.errors import CorruptStore, VersionMismatch
from forex_core.horizons import HORIZONS
from forex_core.mlops.names import DOCUMENTED_PAIR, experiment_location, experiment_name, experiment_tags
from forex_core.mlops.quiet import mlflow
from forex_core.store.database import RESTORE, check_integrity, damage_named
from forex_core.store.files import move_durably, writing
from forex_core.store.store import Store

MLFLOW = "3.17.2"
REVISION = "dc11669786a5"  # the schema of that MLflow
MADE = "mlflow_made"


def ensure(base_dir: Path, store: Store) -> None:
    """Check mlflow.db, or make it if it never was; the caller holds the lock and `store` remembers the making."""
    path = base_dir / "mlflow.db"
    if path.exists() or path.is_symlink():
        check(path)
    elif store.fact(MADE):
        raise CorruptStore(f"{path} is missing, though it was made before", hint=RESTORE)
    else:
        _make(path, base_dir / "mlruns")
    if not store.fact(MADE):
        store.remember(MADE, REVISION)


def check(path: Path) -> None:
    """Refuse a damaged database and one of another MLflow, without importing MLflow, which would migrate it unasked."""
    installed = version("mlflow")
    if installed != MLFLOW:
        raise VersionMismatch(
            f"MLflow {installed} is installed, this program needs {MLFLOW}", hint="install it exactly"
        )
    found = revision_of(path)
    if found != REVISION:
        older = is_older(found)
        raise VersionMismatch(
            f"{path} has the {'older ' if older else ''}schema {found}, MLflow {MLFLOW} needs {REVISION}",
            untouched="nothing was changed",
            hint="`forex mlflow upgrade`" if older else "use the newer program that wrote it",
        )


def revision_of(path: Path) -> str | None:
    """The schema of an mlflow.db, by plain SQL; CorruptStore if it is damaged, or half of a migration."""
    with damage_named(path):
        if not path.is_file() or path.is_symlink() or path.stat().st_size == 0:
            raise CorruptStore(f"{path} is empty or no plain file", hint=RESTORE)
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as connection:
            check_integrity(connection, path)
            found = connection.execute("SELECT version_num FROM alembic_version").fetchone()
            half = connection.execute("SELECT name FROM sqlite_master WHERE name GLOB '_alembic_tmp_*'").fetchone()
            if found is None or half:
                raise CorruptStore(f"{path} was left in the middle of a migration", hint=RESTORE)
    return str(found[0])


def is_older(revision: str | None) -> bool:
    """True for a schema that the installed MLflow can migrate to its own."""
    steps = (path.name for path in files("mlflow") or () if path.parent.name == "versions")
    return revision != REVISION and any(name.startswith(f"{revision}_") for name in steps if name[0] != "_")


def _make(path: Path, artifacts: Path) -> None:
    scratch = path.with_name(f".{path.name}.new")
    with writing(path):
        artifacts.mkdir(parents=True, exist_ok=True)
        for leftover in path.parent.glob(f"{scratch.name}*"):
            leftover.unlink()
    mlflow()
    from mlflow.entities import ExperimentTag
    from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore

    made = SqlAlchemyStore(f"sqlite:///{scratch.absolute()}", artifacts.as_uri())
    for horizon in HORIZONS:
        name = experiment_name(DOCUMENTED_PAIR, horizon)
        tags = [ExperimentTag(key, value) for key, value in experiment_tags(DOCUMENTED_PAIR, horizon).items()]
        made.create_experiment(name, experiment_location(artifacts, name), tags)
    made.engine.dispose()
    scratch.chmod(0o600)  # its journals take after it
    with closing(sqlite3.connect(scratch)) as connection:
        # MLflow keeps a mode that was set once; readers then never block the writer, and a power cut loses nothing
        connection.execute("PRAGMA journal_mode = WAL")
    with writing(path):
        move_durably(scratch, path)
