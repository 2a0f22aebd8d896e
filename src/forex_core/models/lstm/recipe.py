"""What the network is and how it is trained; weights belong to exactly one recipe."""

import json
from dataclasses import dataclass, fields
from hashlib import sha256

# the ECB's pairs that it learns from: one network for all of them, and for pairs it has never seen
PANEL = tuple("EURUSD USDMXN USDBRL USDZAR USDKRW USDNOK AUDUSD USDCAD USDJPY GBPUSD USDINR USDPLN".split())
REVISION = 1  # rises when the same recipe comes to mean other weights
SETTLED = 60  # returns before the first row of a window, from which volatility starts


@dataclass(frozen=True)
class Recipe:
    """Chosen on the origins of 2006-2014 only, where nothing beat a network that hardly leaves its start.

    knots: the steps whose quantiles it learns.
    """

    seed: int = 20_260
    time_steps: int = 40
    units: int = 24
    knots: tuple[int, ...] = (5, 11, 21, 63)
    decay: float = 0.97  # of the volatility that moves are measured in
    dof: int = 5  # of the Student's t that it starts from
    bound: float = 4.0  # it may say so many times the variance of its start, or the inverse
    epochs: int = 6
    batch: int = 512
    rate: float = 5e-3
    head_decay: float = 1e-2  # pulls the last layer to the start: the less it says, the better it did
    stride: int = 3  # business days between training origins: neighbours say the same
    validation: float = 0.15  # the last part of the dates, which picks the epoch

    @property
    def sha256(self) -> str:
        """Of the recipe, the panel and the revision."""
        said = {field.name: getattr(self, field.name) for field in fields(Recipe)}
        return sha256(json.dumps([said, PANEL, REVISION], sort_keys=True).encode()).hexdigest()
