"""MLflowConfig as the documents show it, in a fresh shell each time."""

import sys
from pathlib import Path

import pytest

from conftest import command


def shell(code: str, data_dir: Path, **environ: str) -> str:
    """What a fresh Python prints; every warning is an error, as an unclosed file or a deprecation would be."""
    start = "from forex_core.mlops.mlflow_config import MLflowConfig\n"
    done = command(sys.executable, "-c", start + code, data_dir=data_dir, **environ)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_its_attributes_are_absolute_and_nothing_is_made_by_asking(data_dir: Path) -> None:
    said = shell("c = MLflowConfig(); print(c.base_dir, c.tracking_uri, c.artifact_location, sep='\\n')", data_dir)
    base = data_dir / "mlflow"
    assert said.splitlines() == [str(base), f"sqlite:///{base}/mlflow.db", f"{base}/mlruns"]
    assert not data_dir.exists()


def test_setup_makes_the_store_and_metrics_go_under_the_documented_names(data_dir: Path, tmp_path: Path) -> None:
    said = shell(
        """
config = MLflowConfig()
first, again = config.setup("forecaster_7d", tags={"a": "b"}), config.setup("forecaster_7d")
with config.start_run(run_name="by hand", tags={"environment": "test"}, description="a try") as run:
    config.log_forecast_metrics("7d", 12.34, 10.15, 1.25, directional_accuracy=0.68)
with config.start_run():
    config.log_forecast_metrics("7d", rmse=11.0, mae=9.0, mape=1.0)
print(first == again, sorted(run.data.metrics.items()))
best = MLflowConfig.get_best_run("forecaster_7d", metric="7d_rmse")
worst = MLflowConfig.get_best_run("forecaster_7d", metric="7d_rmse", ascending=False)
print(best.data.metrics["7d_rmse"], worst.data.metrics["7d_rmse"], worst.info.run_name)
print(sorted(worst.data.metrics))
""",
        data_dir,
    )
    assert said.splitlines()[1:] == [
        "11.0 12.34 by hand",
        "['7d_directional_accuracy', '7d_mae', '7d_mape', '7d_rmse']",
    ]
    assert list(tmp_path.iterdir()) == [data_dir]  # no stray mlflow.db, no mlruns


def test_the_best_run_is_finished_and_has_the_metric(data_dir: Path) -> None:
    said = shell(
        """
import mlflow
config = MLflowConfig()
config.setup("x")
with config.start_run():
    mlflow.log_metric("7d_rmse", 5.0)
with config.start_run():
    mlflow.log_metric("other", 1.0)
failed = config.start_run(); mlflow.log_metric("7d_rmse", 1.0); mlflow.end_run("FAILED")
print(MLflowConfig.get_best_run("x").data.metrics["7d_rmse"])
print(MLflowConfig.get_best_run("x", metric="absent"), MLflowConfig.get_best_run("absent"))
""",
        data_dir,
    )
    assert said.splitlines() == ["5.0", "None None"]


def test_when_there_is_no_store_then_there_is_no_best_run_and_none_is_made(data_dir: Path, tmp_path: Path) -> None:
    assert shell("print(MLflowConfig.get_best_run('forecaster_7d'))", data_dir) == "None"
    assert list(tmp_path.iterdir()) == []


def test_a_torch_model_loads_from_its_run_and_from_the_registry(data_dir: Path) -> None:
    said = shell(
        """
import mlflow, torch
torch.manual_seed(1)
model = torch.nn.Linear(3, 2)
config = MLflowConfig()
config.setup("forecaster_7d")
with config.start_run() as run:
    config.log_model_artifact(model, "chronos_model", registered_model_name="usdclp_chronos_7d")
for uri in (f"runs:/{run.info.run_id}/chronos_model", "models:/usdclp_chronos_7d/1"):
    print(torch.equal(mlflow.pytorch.load_model(uri).weight, model.weight))
""",
        data_dir,
    )
    assert said.splitlines()[-2:] == ["True", "True"]


@pytest.mark.parametrize("by", ["argument", "variable"])
def test_another_store_can_be_named(data_dir: Path, tmp_path: Path, by: str) -> None:
    uri = f"sqlite:///{tmp_path}/elsewhere.db"
    argument = f"'{uri}', artifact_location='{tmp_path}/artifacts'" if by == "argument" else ""
    environ = {} if by == "argument" else {"MLFLOW_TRACKING_URI": uri}
    shell(f"c = MLflowConfig({argument}); assert c.tracking_uri == '{uri}'; c.setup('x')", data_dir, **environ)
    assert (tmp_path / "elsewhere.db").exists()
    assert not (data_dir / "mlflow").exists()
