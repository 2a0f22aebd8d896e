"""The settings of the forecast itself, and of where it is kept."""

from dataclasses import dataclass
from pathlib import Path

from forex_core.settings import kinds
from forex_core.settings.declare import setting


@dataclass(frozen=True)
class Forecasting:
    pairs: tuple[str, ...] = setting(("USDCLP",), kinds.pairs, "currency pairs to forecast, base and quote")
    source: str = setting("auto", kinds.text, "auto, the name of a source, or csv:PATH")
    members: tuple[str, ...] = setting(("random_walk", "empirical"), kinds.listed, "members of the ensemble")
    weighting: str = setting("equal", kinds.choice("equal", "median", "inverse_rmse"), "how the members are combined")
    chronos_model: str = setting(
        "mini", kinds.text, "mini (embedded), a hub id with its revision (id@revision), or a directory"
    )
    chronos_runtime: str = setting("auto", kinds.choice("auto", "light", "official"), "what runs a Chronos model")
    data_dir: Path = setting(Path("data"), kinds.path, "the one directory the program writes to")
    output_dir: Path | None = setting(None, kinds.path, "root of the reports; reports/ in data_dir if not set")
    environment: str = setting("production", kinds.text, "fills the tag environment of MLflow runs")
    stale_after_days: int = setting(3, kinds.whole(0), "business days after which the newest rate is too old")
    lock_wait_seconds: int = setting(1200, kinds.whole(0), "how long a run waits for another one")
    mlflow_tracking_uri: str | None = setting(
        None, kinds.text, "an MLflow server; the embedded store if not set", variable="MLFLOW_TRACKING_URI"
    )
