"""The table of members. A new one is one file beside this and one line here."""

from collections.abc import Mapping, Sequence

from forex_core.errors import UsageError
from forex_core.models.arima import Arima
from forex_core.models.chronos.member import Chronos, notice, settled
from forex_core.models.drift import Drift
from forex_core.models.empirical import Empirical
from forex_core.models.ets import Ets
from forex_core.models.garch import Garch
from forex_core.models.linear import Linear
from forex_core.models.lstm.member import Lstm
from forex_core.models.member import Member
from forex_core.models.random_walk import RandomWalk
from forex_core.models.rw_const import RandomWalkConstant
from forex_core.models.theta import Theta
from forex_core.settings import Settings

MEMBERS: dict[str, Member] = {
    member.name: member
    for member in (
        RandomWalk(),
        Empirical(),
        Arima(),
        Ets(),
        Theta(),
        Garch(),
        Drift(),
        Linear(),
        Lstm(),
        Chronos(),
        RandomWalkConstant(),
    )
}
YARDSTICK = MEMBERS["rw_const"]
ALL = "all"  # every member but the yardstick


def configured(settings: Settings) -> dict[str, Member]:
    """The members that settings change, by name."""
    folder = settings.data_dir / "models"
    chronos = settled(Chronos(settings.chronos_model, runtime=settings.chronos_runtime, folder=folder))
    return {chronos.name: chronos, Lstm.name: Lstm(folder=folder)}


def members_named(names: tuple[str, ...], configured: Mapping[str, Member] = MEMBERS) -> tuple[Member, ...]:
    """The members of these names, in this order; `configured` holds those that settings have changed."""
    known = {**MEMBERS, **configured}
    if names == (ALL,):
        return tuple(member for member in known.values() if member is not YARDSTICK)
    if unknown := [name for name in names if name not in known]:
        raise UsageError(f"no member {unknown[0]!r}; there are {ALL}, {', '.join(known)}")
    if not names or len(set(names)) < len(names):
        raise UsageError("name each member once, and at least one")
    return tuple(known[name] for name in names)


def with_yardstick(members: tuple[Member, ...]) -> tuple[Member, ...]:
    """The members, and the yardstick they are measured against."""
    return members if YARDSTICK in members else (*members, YARDSTICK)


def notices(members: Sequence[Member]) -> tuple[str, ...]:
    """What a reader must know of who speaks."""
    said = (notice(member) for member in members if isinstance(member, Chronos))
    return tuple(filter(None, said))
