"""What can be tuned of each member and within which bounds, and the search for the best values (optuna's TPE)."""

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from datetime import date
from pathlib import Path
from typing import Any, cast

from forex_core.errors import ModelError, SettingsError, UsageError
from forex_core.models.lstm.member import Lstm
from forex_core.models.lstm.panel import embedded_panel
from forex_core.models.member import Member

SEED = 20_061_231
Values = dict[str, float]  # by knob


@dataclass(frozen=True)
class Knob:
    """A parameter and its bounds, whole numbers if the bounds are; log: it is searched by factors, not by steps."""

    low: float
    high: float
    log: bool = False


# `windows.0` is the first of a tuple. Today's values lie within, and no knob makes a member see less than it needs.
SPACES: dict[str, dict[str, Knob]] = {
    "random_walk": {
        "dof": Knob(3, 30, log=True),
        "decays.0": Knob(0.85, 0.96),
        "decays.1": Knob(0.96, 0.995),
        "windows.0": Knob(60, 500, log=True),
        "windows.1": Knob(500, 3000, log=True),
    },
    "empirical": {
        "decay": Knob(0.9, 0.995),
        "long_window": Knob(250, 3000, log=True),
        "sample": Knob(500, 5000, log=True),
    },
    "drift": {"share": Knob(0.0, 1.0)},
    "linear": {"shrink": Knob(1e2, 1e7, log=True), "sample": Knob(500, 5000, log=True)},
    "garch": {"window": Knob(500, 5000, log=True)},
    "arima": {"window": Knob(250, 3000, log=True)},
    "ets": {"window": Knob(250, 3000, log=True)},
    "theta": {"window": Knob(250, 3000, log=True)},
    "lstm": {"units": Knob(8, 48, log=True), "time_steps": Knob(20, 80, log=True), "epochs": Knob(2, 12)},
}


def space_of(member: Member) -> dict[str, Knob]:
    """The knobs of a member; UsageError if it has none."""
    if member.name not in SPACES:
        raise UsageError(f"nothing of {member.name} can be tuned; there are {', '.join(SPACES)}")
    return SPACES[member.name]


def values_of(member: Member) -> Values:
    """Where a member's knobs stand."""
    found = {}
    for knob in space_of(member):
        name, _, position = knob.partition(".")
        value = getattr(member, name)
        found[knob] = value[int(position)] if position else value
    return found


def varied(member: Member, values: Mapping[str, float]) -> Member:
    """The member with its knobs turned to these values."""
    changed: dict[str, Any] = {}
    for knob, value in values.items():
        name, _, position = knob.partition(".")
        if position:
            before = changed.get(name, getattr(member, name))
            changed[name] = tuple(value if n == int(position) else each for n, each in enumerate(before))
        else:
            changed[name] = value
    return cast(Member, replace(cast(Any, member), **changed))


def restored(member: Member, revision: int, given: Mapping[str, Any]) -> Member:
    """The member with the parameters of a file, whose lists were tuples; ModelError if they mean another one."""
    known = {field.name for field in fields(cast(Any, member))}
    if revision != member.revision or not set(given) <= known:
        raise ModelError(f"these parameters of {member.name} belong to another version of the program")
    tuples = {name: tuple(value) if isinstance(value, list) else value for name, value in given.items()}
    return cast(Member, replace(cast(Any, member), **tuples))


def ready(member: Member, cut_off: date, scratch: Path) -> Member:
    """A member that can speak of the days after `cut_off`: one that is trained gets weights of that day, in `scratch`.

    ModelError if there is too little to train on, or no torch.
    """
    if not isinstance(member, Lstm):
        return member
    try:
        from forex_core.models.lstm.training import train_missing
    except ImportError as error:
        hint = "pip install 'forex-core[neural]'"
        raise ModelError(f"to train lstm needs the extra neural ({error})", hint=hint) from error
    for _ in train_missing([cut_off], recipe=member.recipe, panel=embedded_panel(), models=scratch):
        pass
    return replace(member, folder=scratch)


class Search:
    """Proposes values one after another: today's first, then where those before did well. Same losses, same values."""

    def __init__(self, today: Member) -> None:
        self._space = space_of(today)
        try:
            import optuna
        except ImportError as error:
            hint = "pip install 'forex-core[tune]'"
            raise SettingsError("tuning needs optuna, which is not installed", hint=hint) from error
        optuna.logging.set_verbosity(optuna.logging.ERROR)
        self._study: Any = optuna.create_study(sampler=optuna.samplers.TPESampler(seed=SEED))
        self._study.enqueue_trial(values_of(today))
        self._asked: Any = None

    def propose(self) -> Values:
        """The values to try next."""
        self._asked = self._study.ask()
        return {name: self._suggested(name, knob) for name, knob in self._space.items()}

    def learn(self, loss: float | None) -> None:
        """What came of the values proposed last; None: the member could not speak with them."""
        from optuna.trial import TrialState

        if loss is None:
            self._study.tell(self._asked, state=TrialState.FAIL)
        else:
            self._study.tell(self._asked, loss)

    def _suggested(self, name: str, knob: Knob) -> float:
        if isinstance(knob.low, int):
            return int(self._asked.suggest_int(name, knob.low, knob.high, log=knob.log))
        return float(self._asked.suggest_float(name, knob.low, knob.high, log=knob.log))
