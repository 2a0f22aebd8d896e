"""The two languages say the same things, and each writes numbers and dates in its own way."""

import re
from datetime import UTC, date, datetime
from string import Formatter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forex_core.horizons import HORIZONS
from forex_core.report.harmless import GAP, LONGEST, harmless
from forex_core.report.language import ENGLISH, LANGUAGES, SPANISH
from forex_core.report.numbers import digits_for
from forex_core.report.words_en import WORDS as ENGLISH_WORDS
from forex_core.report.words_es import WORDS as SPANISH_WORDS

WRITTEN_OUT = {"8", "10", "1", "256"}  # 8 of 10, below 1, sha256


def placeholders(sentence: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(sentence) if name}


def test_both_languages_have_the_same_sentences() -> None:
    assert list(ENGLISH_WORDS) == list(SPANISH_WORDS)


@pytest.mark.parametrize("key", ENGLISH_WORDS)
def test_a_sentence_has_the_same_placeholders_in_both_languages(key: str) -> None:
    assert placeholders(ENGLISH_WORDS[key]) == placeholders(SPANISH_WORDS[key])


@pytest.mark.parametrize("words", [ENGLISH_WORDS, SPANISH_WORDS], ids=["en", "es"])
def test_no_number_of_ours_is_written_into_a_sentence(words: dict[str, str]) -> None:
    found = {number for sentence in words.values() for number in re.findall(r"\d+", sentence)}
    assert found <= WRITTEN_OUT


@pytest.mark.parametrize("words", [ENGLISH_WORDS, SPANISH_WORDS], ids=["en", "es"])
def test_every_word_is_used(words: dict[str, str]) -> None:
    from conftest import ROOT

    folder = ROOT / "src" / "forex_core" / "report"
    code = "".join(
        path.read_text() for path in folder.iterdir() if path.is_file() and not path.name.startswith("words_")
    )
    built = re.compile(
        r"(verdict|headline|regime|role|role_name|part|currency|impact|weighting|if|move|days|method|overlap_note|.*_caption)_\w+"
    )
    assert [key for key in words if f'"{key}"' not in code and not built.fullmatch(key)] == []


# --- numbers


@pytest.mark.parametrize(
    ("value", "digits", "english", "spanish"),
    [
        (948.37, 2, "948.37", "948,37"),
        (1234.5, 1, "1,234.5", "1.234,5"),
        (16_407.0, 2, "16,407.00", "16.407,00"),
        (-0.5, 1, "−0.5", "−0,5"),
        (-0.04, 1, "0.0", "0,0"),
        (1_234_567, 0, "1,234,567", "1.234.567"),
        (None, 2, "–", "–"),
    ],
)
def test_numbers_have_the_marks_of_the_language(value: float | None, digits: int, english: str, spanish: str) -> None:
    assert ENGLISH.number(value, digits) == english
    assert SPANISH.number(value, digits) == spanish


@given(st.floats(-1e9, 1e9), st.integers(0, 6))
def test_a_number_read_back_is_the_number(value: float, digits: int) -> None:
    shown = SPANISH.number(value, digits).replace(".", "").replace(",", ".").replace("−", "-")
    assert float(shown) == pytest.approx(value, abs=0.5 * 10**-digits + 1e-6 * abs(value))


def test_a_sign_is_shown_where_it_is_asked_for_and_never_before_a_zero() -> None:
    assert [ENGLISH.number(value, 2, signed=True) for value in (1.5, -1.5, 0.001, 0.0)] == [
        "+1.50",
        "−1.50",
        "0.00",
        "0.00",
    ]


def test_percentages_have_a_gap_in_spanish_that_no_line_breaks() -> None:
    assert ENGLISH.percent(0.0123) == "1.2%"
    assert SPANISH.percent(0.0123) == f"1,2{GAP}%"
    assert SPANISH.percent(-0.5, 0, signed=True) == f"−50{GAP}%"
    assert SPANISH.percent(None) == "–"


@pytest.mark.parametrize(("share", "shown"), [(0.5, "50%"), (0.025, "<2.5%"), (0.975, ">97.5%"), (1 - 0.975, "<2.5%")])
def test_a_chance_beyond_the_outermost_levels_is_only_bounded(share: float, shown: str) -> None:
    assert ENGLISH.chance(share) == shown


@pytest.mark.parametrize(("rate", "digits"), [(948.37, 2), (100.0, 2), (99.99, 4), (1.0853, 4), (0.00105234, 7)])
def test_rates_have_the_decimals_that_their_size_asks_for(rate: float, digits: int) -> None:
    assert digits_for(rate) == digits
    assert ENGLISH.about(rate).rate(rate) == f"{rate:.{digits}f}"


# --- dates, lists, names


def test_dates_are_written_as_the_language_has_them() -> None:
    moment = datetime(2026, 11, 20, 9, 5, tzinfo=UTC)
    assert (ENGLISH.day(date(2026, 11, 20)), SPANISH.day(date(2026, 11, 20))) == ("2026-11-20", "20-11-2026")
    assert (ENGLISH.moment(moment), SPANISH.moment(moment)) == ("2026-11-20 09:05 UTC", "20-11-2026 09:05 UTC")
    assert SPANISH.day(None) == "–"


def test_horizons_are_named_in_days() -> None:
    assert [ENGLISH.horizon(key) for key in HORIZONS] == ["7 days", "15 days", "30 days", "90 days"]
    assert SPANISH.horizon("7d") == "7 días"


def test_lists_end_with_and() -> None:
    assert [SPANISH.listed(names) for names in ([], ["a"], ["a", "b"], ["a", "b", "c"])] == [
        "",
        "a",
        "a y b",
        "a, b y c",
    ]


def test_what_has_no_word_keeps_its_name() -> None:
    assert SPANISH.name("part", "copper") == "copper"
    assert SPANISH.name("part", "headlines") == "titulares"


def test_the_languages_are_known_by_their_codes() -> None:
    assert {code: language.tag for code, language in LANGUAGES.items()} == {"en": "en", "es": "es-CL"}


# --- text of others


@given(st.text(max_size=3000))
def test_harmless_text_is_one_printable_line_of_bounded_length(text: str) -> None:
    shown = harmless(text, 100)
    assert len(shown) <= 100
    assert all(one.isprintable() or one == GAP for one in shown)
    assert harmless(shown, 100) == shown


def test_text_that_was_cut_says_so_and_text_that_was_not_does_not() -> None:
    assert harmless("x" * LONGEST) == "x" * LONGEST
    assert harmless("x" * (LONGEST + 1)) == "x" * (LONGEST - 1) + "…"
    assert harmless(" " * 5 * LONGEST + "x").endswith("…")


def test_a_value_cannot_change_the_sentence_it_is_put_into() -> None:
    spot = ENGLISH.say("live_loss", horizon="{change} {0}", change="1%")
    assert spot == "{change} {0} 1%"
