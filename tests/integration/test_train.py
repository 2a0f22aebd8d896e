"""forex train: what it makes is kept, recorded, used by runs from the next day on, and not made twice."""

import json
import sqlite3
from contextlib import closing
from datetime import date
from pathlib import Path

import pytest

from conftest import forex
from forex_core.bootstrap import opened
from forex_core.errors import ModelError
from forex_core.models.lstm import panel
from forex_core.models.lstm.member import Lstm
from forex_core.pipeline.training import Trained, train
from forex_core.settings import Settings

CUT_OFFS = (date(2005, 12, 31), date(2006, 12, 31))


def runs_of(data_dir: Path) -> list[tuple[str, str]]:
    with closing(sqlite3.connect(data_dir / "mlflow" / "mlflow.db")) as mlflow:
        return mlflow.execute(
            "SELECT r.name, r.status FROM runs r JOIN experiments e USING (experiment_id) WHERE e.name = 'Training'"
        ).fetchall()


def test_one_fit_of_linear_and_arima_can_be_looked_into(tmp_path: Path) -> None:
    data_dir = tmp_path / "data"
    asked = ("train", "linear", "arima", "--pair", "EURUSD", "--source", "ecb", "--json")
    done = forex(*asked, data_dir=data_dir)
    assert done.returncode == 0, done.stderr
    said = {one["kind"]: one["said"] for one in json.loads(done.stdout)["trained"]}
    assert "the largest coefficient is 0." in said["linear"]
    assert "order (" in said["arima"]
    assert runs_of(data_dir) == [("linear_EURUSD", "FINISHED"), ("arima_EURUSD", "FINISHED")]
    (fit,) = [json.loads(path.read_text()) for path in data_dir.rglob("fit.json") if "MA_5" in path.read_text()]
    assert set(fit["5"]) >= {"Return", "MA_5", "Lag_1", "Volatility"}
    (config,) = data_dir.rglob("feature_config.json")
    assert "Volatility" in json.loads(config.read_text())["feature_cols"]


def test_what_is_not_known_is_refused(tmp_path: Path) -> None:
    done = forex("train", "oracle", data_dir=tmp_path / "data")
    assert (done.returncode, "there are all, linear, arima, lstm, chronos-mini" in done.stderr) == (2, True)


def test_lstm_weights_are_made_once_and_serve_forecasts_after_their_cut_off(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(panel, "cut_offs", lambda today: CUT_OFFS)
    settings = Settings.load({"data_dir": str(tmp_path / "data")}, {}, tmp_path)
    models, lines = settings.data_dir / "models", []

    def trained() -> list[Trained]:
        with opened(settings) as adapters:
            return list(train(("lstm",), "EURUSD", "ecb", adapters, models, lines.append))

    first = trained()
    assert [one.params["cut_off"] for one in first] == list(CUT_OFFS)
    assert all(f"validation loss {min(one.curves['validation']):.4f}" in one.said for one in first)
    assert any("epoch 1: 0." in line for line in lines)
    assert trained() == []
    member = Lstm(folder=models)
    assert member.weights_on(date(2006, 6, 1)) != member.weights_on(date(2007, 1, 1))
    with pytest.raises(ModelError, match="before 2005-12-31"):
        member.weights_on(CUT_OFFS[0])
