"""The official runtime: chronos-forecasting's pipelines (Bolt, Chronos-2, T5), imported when one is loaded."""

from pathlib import Path

import numpy as np

from forex_core.errors import ModelError
from forex_core.horizons import LONGEST_PATH
from forex_core.values import LEVELS, Floats

SAMPLES = 400  # of a model that draws paths: the 2.5 % quantile has ten below it
SEED = 20_260


class Official:
    """A checkpoint that can be asked through torch. `levels` are those it was trained on, ours if it draws paths."""

    def __init__(self, folder: Path) -> None:
        try:
            import torch
            from chronos import BaseChronosPipeline, ForecastType
            from safetensors import SafetensorError
            from transformers.utils import logging
        except ImportError as error:
            raise ModelError(
                f"this Chronos model needs the extra neural ({error})", hint="pip install 'forex-core[neural]'"
            ) from error
        logging.disable_progress_bar()
        torch.set_num_threads(1)  # the same bits whatever the number of cores
        try:
            self._pipeline = BaseChronosPipeline.from_pretrained(folder, device_map="cpu", dtype=torch.float32)
        except (SafetensorError, OSError, ValueError, RuntimeError, LookupError, TypeError, AttributeError) as error:
            raise ModelError(f"{folder} can't be loaded: {error}") from error
        self._draws = self._pipeline.forecast_type == ForecastType.SAMPLES
        self.levels = LEVELS if self._draws else tuple(map(float, self._pipeline.quantiles))
        self.context_length = int(self._pipeline.model_context_length)
        self._ahead = min(LONGEST_PATH, int(self._pipeline.model_prediction_length))

    def quantiles(self, context: Floats) -> Floats:
        """Of the days after a series, [steps in one go, levels], not sorted."""
        import torch

        how = {"num_samples": SAMPLES} if self._draws else {}
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(SEED)
            said = self._pipeline.predict([torch.tensor(context, dtype=torch.float32)], self._ahead, **how)
        # one series of one variate: [samples or levels, steps]
        found = np.asarray(said[0], dtype=float).reshape(-1, self._ahead)
        return np.quantile(found, LEVELS, axis=0).T if self._draws else found.T
