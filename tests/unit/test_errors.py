"""The error family is the operator's manual, and the manual is true."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forex_core import errors
from forex_core.errors import ForexError, SourceUnavailable

OUTLINE = re.findall(r"^( *)([A-Z]\w+) +(\d+)   ?\w", errors.__doc__ or "", flags=re.MULTILINE)


def family(base: type[ForexError] = ForexError) -> list[type[ForexError]]:
    ours = [child for child in base.__subclasses__() if child.__module__.startswith("forex_core")]
    return [base, *(member for child in ours for member in family(child))]


def test_the_outline_is_the_family_with_its_exit_codes_and_branches() -> None:
    written = [(len(indent) // 4, name, int(code)) for indent, name, code in OUTLINE]

    assert written == [(len(kind.__mro__) - 4, kind.__name__, kind.exit_code) for kind in family()]


@given(st.text(), st.text(), st.text())
def test_an_error_is_one_line_whatever_its_parts_hold(message: str, hint: str, untouched: str) -> None:
    assert len(str(ForexError(message, hint=hint, untouched=untouched)).splitlines()) <= 1


def test_an_error_says_what_failed_then_what_is_untouched_then_what_repairs_it() -> None:
    error = SourceUnavailable("no source\nanswered", hint="try again", untouched="nothing was stored")

    assert str(error) == "no source answered; nothing was stored; try again"


def test_parts_that_are_not_given_leave_no_trace() -> None:
    assert str(ForexError("it failed", hint="mend it")) == "it failed; mend it"


@pytest.mark.parametrize("kind", family())
def test_the_code_for_machines_is_the_name_of_the_class(kind: type[ForexError]) -> None:
    assert kind("it failed").code == kind.__name__
