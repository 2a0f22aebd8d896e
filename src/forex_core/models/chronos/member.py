"""Chronos as a member: a pretrained network reads the last log prices and says the quantiles of the next."""

from collections.abc import Callable
from dataclasses import dataclass, field, fields, replace
from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import ClassVar, Protocol

import numpy as np

from forex_core.errors import ModelError, SettingsError
from forex_core.models.chronos.bolt import Bolt
from forex_core.models.chronos.checkpoint import config_of, fingerprint, is_bolt
from forex_core.models.chronos.levels import MIDDLE, at_our_levels, extended
from forex_core.models.chronos.official import Official
from forex_core.models.chronos.reference import EMBEDDED, EMBEDDED_FOLDER, Reference
from forex_core.models.member import NO_PARAMETER, Heavy, need
from forex_core.models.spread import around_last
from forex_core.values import LEVELS, Floats, QuantilePath, Series

RUNTIMES = ("auto", "light", "official")
EMBEDDED_SHA256 = "d025084a633568a606209d5baf2ca4ffb363e624bb6521ad6410d01befe58f43"
YOUNGEST = 60  # returns


class Checkpoint(Protocol):
    """What both runtimes offer."""

    levels: tuple[float, ...]
    context_length: int

    def quantiles(self, context: Floats) -> Floats: ...


@dataclass(frozen=True)
class Chronos:
    """model: mini, which comes with the program; owner/name@commit of a hub, fetched into `folder`; or a directory.

    runtime: light is NumPy and reads Chronos-Bolt, official is chronos-forecasting; auto is light where it can.
    missing: the model that was asked for and never fetched; the embedded one speaks in its place.
    A hub's model may have seen the rates of its past: windows from before its release flatter it. mini saw none.
    """

    model: str = EMBEDDED
    recentre: bool = True
    runtime: str = field(default="auto", metadata=NO_PARAMETER)
    folder: Path | None = field(default=None, metadata=NO_PARAMETER)
    missing: str = field(default="", metadata=NO_PARAMETER)
    name: ClassVar[str] = "chronos"
    revision: ClassVar[int] = 1

    def forecast(self, history: Series, steps: int) -> QuantilePath:
        """The checkpoint's quantiles at LEVELS, shifted so that the median is the last value if `recentre`."""
        need(history, YOUNGEST, self.name)
        checkpoint = self._checkpoint()
        context = np.log(history.values[-checkpoint.context_length :] / history.last)
        if not context.any():  # no move in sight: nothing to scale by
            return around_last(history.last, np.zeros((steps, len(LEVELS))))
        moves = extended(at_our_levels(checkpoint.quantiles(context), checkpoint.levels), steps)
        return around_last(history.last, moves - moves[:, [MIDDLE]] if self.recentre else moves)

    def weights_on(self, day: date) -> str:
        """The checkpoint's sha256, whatever the day: it changes only by hand."""
        found = fingerprint(where(self))
        if self.model == EMBEDDED and found != EMBEDDED_SHA256:
            raise ModelError(f"{EMBEDDED_FOLDER} is not the checkpoint of this release", hint="install forex-core anew")
        return found

    def _checkpoint(self) -> Checkpoint:
        self.weights_on(date.max)
        return _loaded(Official if speaks_officially(self) else Bolt, where(self), fingerprint(where(self)))


class OfficialChronos(Chronos, Heavy):
    """The same member where it needs torch, and so a process of its own."""


@lru_cache(maxsize=2)
def _loaded(runtime: Callable[[Path], Checkpoint], folder: Path, state: str) -> Checkpoint:
    return runtime(folder)


def speaks_officially(member: Chronos) -> bool:
    """True if the official runtime is asked for, or the only one that knows the model."""
    return member.runtime == "official" or (member.runtime == "auto" and not is_bolt(config_of(where(member))))


def where(member: Chronos) -> Path:
    """The directory of its checkpoint, whether or not it is there; SettingsError if the name pins no commit."""
    if member.model == EMBEDDED:
        return EMBEDDED_FOLDER
    reference = Reference.of(member.model)
    if reference is None:
        return Path(member.model).expanduser()
    if not reference.pinned:
        raise SettingsError(
            f"chronos_model {reference} names no commit, so that it could come to mean other weights",
            hint=f"`forex models fetch {reference}` says which name to set",
        )
    return reference.home(member.folder or Path("data", "models")) / str(reference.revision)


def settled(member: Chronos) -> Chronos:
    """The member as a run uses it: the embedded model where the one asked for is absent; heavy if it needs torch.

    The stand-in has the parameters and the weights of `mini`, so that it shares its version and its windows.
    """
    if member.runtime not in RUNTIMES:
        raise SettingsError(f"chronos_runtime must be one of {', '.join(RUNTIMES)}, got {member.runtime!r}")
    if not (where(member) / "config.json").is_file():
        member = replace(member, model=EMBEDDED, missing=member.model)
    try:
        heavy = speaks_officially(member)
    except ModelError:
        return member  # it says so itself when it is asked
    return OfficialChronos(**{f.name: getattr(member, f.name) for f in fields(member)}) if heavy else member


def notice(member: Chronos) -> str | None:
    """What a reader must know when another model speaks than the one that is set."""
    if not member.missing:
        return None
    remedy = f"`forex models fetch {member.missing}` gets it" if Reference.of(member.missing) else "correct its path"
    return f"chronos speaks with the embedded model mini: {member.missing} is not on this machine; {remedy}."
