"""An mlflow.db as an older MLflow made it: its schema by MLflow's own migrations, its rows those of a newer one."""

import sqlite3
from contextlib import closing
from pathlib import Path

from forex_core.mlops.quiet import mlflow

ONE_BEFORE = "75868b020152"
LAST_OF_2 = "0584bdc529eb"  # before logged models, workspaces and traces of the third kind


def make_older(path: Path, revision: str) -> None:
    """Put an older database with the same rows in place of this one."""
    older = path.with_name("older.db")
    _schema(older, revision)
    with closing(sqlite3.connect(older)) as connection, connection:
        connection.execute("ATTACH ? AS newer", (str(path),))
        known = {name for (name,) in connection.execute("SELECT name FROM newer.sqlite_master WHERE type = 'table'")}
        for table in known - {"alembic_version"}:
            columns = ", ".join(sorted(_columns(connection, "main", table) & _columns(connection, "newer", table)))
            if columns:
                connection.execute(
                    f"INSERT OR REPLACE INTO main.{table} ({columns}) SELECT {columns} FROM newer.{table}"
                )
    path.unlink()
    older.rename(path)


def _columns(connection: sqlite3.Connection, schema: str, table: str) -> set[str]:
    return {row[1] for row in connection.execute(f"PRAGMA {schema}.table_info('{table}')")}


def _schema(path: Path, revision: str) -> None:
    mlflow()
    from alembic import command
    from mlflow.store.db.utils import _get_alembic_config
    from mlflow.store.tracking.dbmodels.initial_models import Base
    from sqlalchemy import create_engine

    engine = create_engine(f"sqlite:///{path}")
    Base.metadata.create_all(engine)
    config = _get_alembic_config(f"sqlite:///{path}")
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, revision)
    engine.dispose()
