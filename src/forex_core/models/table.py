"""The table of members. A new one is one file beside this and one line here."""

from collections.abc import Mapping

from forex_core.errors import UsageError
from forex_core.models.empirical import Empirical
from forex_core.models.member import Member
from forex_core.models.random_walk import RandomWalk
from forex_core.models.rw_const import RandomWalkConstant

MEMBERS: dict[str, Member] = {m.name: m for m in (RandomWalk(), Empirical(), RandomWalkConstant())}
YARDSTICK = MEMBERS["rw_const"]


def members_named(names: tuple[str, ...], configured: Mapping[str, Member] = MEMBERS) -> tuple[Member, ...]:
    """The members of these names, in this order; `configured` holds those that settings have changed."""
    known = {**MEMBERS, **configured}
    if unknown := [name for name in names if name not in known]:
        raise UsageError(f"no member {unknown[0]!r}; there are {', '.join(known)}")
    if not names or len(set(names)) < len(names):
        raise UsageError("name each member once, and at least one")
    return tuple(known[name] for name in names)


def with_yardstick(members: tuple[Member, ...]) -> tuple[Member, ...]:
    """The members, and the yardstick they are measured against."""
    return members if YARDSTICK in members else (*members, YARDSTICK)
