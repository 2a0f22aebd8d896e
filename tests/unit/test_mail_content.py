"""What the mail says: each number from the values, each text harmless and short, in both languages."""

import dataclasses
import re
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forex_core.errors import UsageError
from forex_core.notify.content import Content, Morning, chance_above, content
from forex_core.notify.language import LANGUAGES, Language, language_of
from forex_core.notify.text_table import text_table
from forex_core.values import LEVELS, Context, Event, Forecast, Headline, Observation, Quantiles
from samples import sample_forecast

ENGLISH, SPANISH = language_of("en"), language_of("es")
NOON = datetime(2024, 7, 1, 12, tzinfo=UTC)
HOSTILE = "a\r\nBcc: evil@example.org\x1b[31m<script>alert(1)</script>\u202e\u2028b\x00"


def said(language: Language = ENGLISH, verdict: str = "a verdict", **changes: Any) -> Content:
    return content(Morning((sample_forecast(**changes),), verdict, "/reports/7d.html"), language)


def fan(median: float, width: float) -> Quantiles:
    return {level: median + width * (level - 0.5) for level in LEVELS}


def path_to(quantiles: Quantiles) -> tuple[tuple[float, ...], ...]:
    return (tuple(quantiles.values()),)


def at(horizon: str, target: date, **changes: Any) -> Forecast:
    return sample_forecast(forecast_id=horizon, horizon=horizon, target_date=target, **changes)


# --- every number comes from the values


def test_the_table_shows_each_horizon_beside_the_random_walk() -> None:
    [row] = said(path=path_to(fan(970.4, 20)), random_walk=fan(951.02, 40), target_date=date(2031, 2, 3)).rows

    assert dataclasses.astuple(row) == (
        "7d", "2031-02-03", "970.40", "962.40", "978.40", "935.02", "967.02", ">97.5%"
    )  # fmt: skip


def spot(rate: float = 948.372, on: date = date(2024, 7, 1), source: str = "bcch") -> Observation:
    return Observation(on, rate, NOON, source)


@pytest.mark.parametrize(
    ("changes", "field", "shown"),
    [
        ({"spot": spot()}, "spot", "948.37"),
        ({"spot": spot()}, "spot_day", "the rate of 2024-07-01, +0.43% since 2024-06-28"),
        ({"history": ()}, "spot_day", "the rate of 2024-07-01"),
        ({"spot": spot(source="bcch")}, "known", "Known since 2024-07-01 12:00 UTC, source bcch."),
        (
            {"target_date": date(2031, 2, 3)},
            "reading",
            "In 8 of 10 such cases the rate of 2031-02-03 lies between 947.00 and 963.00.",
        ),
        ({"pair": "EURUSD"}, "subject", "EURUSD 951.02; 80%: 7d 947.00 to 963.00"),
        (
            {"path": path_to(fan(970.4, 20))},
            "chart",
            "Fan chart of USDCLP: past rates, then the forecast to 2024-07-08; median 970.40, "
            "in 8 of 10 cases 962.40 to 978.40.",
        ),
        ({"role": "replay", "version_id": "v7"}, "provenance", "Role replay, version v7, made 2024-07-01 12:00 UTC."),
    ],
)
def test_each_text_follows_its_value(changes: dict[str, Any], field: str, shown: str) -> None:
    assert getattr(said(**changes), field).replace("\N{NO-BREAK SPACE}", " ") == shown


def test_in_spanish_numbers_and_dates_are_written_as_in_chile() -> None:
    found = said(SPANISH, spot=spot(1951.02), history=((date(2024, 6, 28), 2000.0),))

    assert found.spot == "1.951,02"
    assert found.spot_day == "el valor del 01-07-2024, −2,45\N{NO-BREAK SPACE}% desde el 28-06-2024"
    assert found.subject == "USDCLP 1.951,02; 80%: 7d 947,00 a 963,00"
    assert found.rows[0].day == "08-07-2024"


@pytest.mark.parametrize(
    ("rate", "english", "spanish"),
    [
        (948.3749, "948.37", "948,37"),
        (1.08534, "1.0853", "1,0853"),
        (0.00105234, "0.0010523", "0,0010523"),
        (18234.5, "18,234.50", "18.234,50"),
        (99.5, "99.5000", "99,5000"),
    ],
)
def test_rates_have_the_decimals_of_their_size(rate: float, english: str, spanish: str) -> None:
    assert (ENGLISH.rates_like(rate)(rate), SPANISH.rates_like(rate)(rate)) == (english, spanish)


@pytest.mark.parametrize(
    ("code", "language"), [("en", ENGLISH), ("es-CL", SPANISH), ("es_CL", SPANISH), ("ES", SPANISH)]
)
def test_a_language_is_found_by_its_code(code: str, language: Language) -> None:
    assert language_of(code) is language


def test_when_the_mail_does_not_speak_a_language_then_it_says_which_it_does() -> None:
    with pytest.raises(UsageError, match="no language 'fr'; there are en, es"):
        language_of("fr")


def test_the_languages_fill_in_the_same_things() -> None:
    def gaps(language: Language) -> dict[str, list[str]]:
        texts = dataclasses.asdict(language)
        return {name: sorted(re.findall(r"{\w+}", text)) for name, text in texts.items()}

    assert gaps(ENGLISH) == gaps(SPANISH)
    assert all(
        all(dataclasses.asdict(language)[name] for name in ("spot", "advice")) for language in LANGUAGES.values()
    )


# --- several horizons


def test_the_nearest_horizon_comes_first_and_the_subject_names_the_first_and_the_last() -> None:
    far, near, middle = at("90d", date(2024, 9, 27)), at("7d", date(2024, 7, 8)), at("30d", date(2024, 7, 31))
    found = content(Morning((far, near, middle), "a verdict", "/r"), ENGLISH)

    assert [row.horizon for row in found.rows] == ["7d", "30d", "90d"]
    assert found.subject == "USDCLP 951.02; 80%: 7d 947.00 to 963.00, 90d 947.00 to 963.00"
    assert "the rate of 2024-09-27" in found.reading


@pytest.mark.parametrize("changes", [{"pair": "EURUSD"}, {"issued_on": date(2024, 6, 28)}, {"role": "challenger"}])
def test_a_mail_never_mixes_pairs_issue_dates_or_roles(changes: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="one pair, issue date and role"):
        Morning((sample_forecast(), sample_forecast(**changes)), "a verdict", "/r")


def test_a_banner_of_several_horizons_is_said_once_and_todays_come_first() -> None:
    days = (at("7d", date(2024, 7, 8), banners=("old", "weak")), at("30d", date(2024, 7, 31), banners=("old",)))

    assert content(Morning(days, "v", "/r", ("revised",)), ENGLISH).banners == ("revised", "old", "weak")


def test_when_there_are_many_banners_then_the_last_line_counts_the_others() -> None:
    found = said(banners=tuple(f"banner {n}" for n in range(12))).banners

    assert found == (*(f"banner {n}" for n in range(6)), "6 more in the full report.")


# --- news


def test_the_first_headlines_and_events_are_told_with_where_and_when() -> None:
    headlines = tuple(Headline(f"title {n}", f"https://example.org/{n}", "Reuters", NOON) for n in range(5))
    events = (Event(NOON, "USD", "Payrolls", "high", "ff"), Event(NOON, "CLP", "TPM", "high", "rule", approximate=True))
    found = said(context=Context(headlines=headlines, events=events))

    assert [item.text for item in found.headlines] == ["title 0", "title 1", "title 2"]
    assert (found.headlines[0].about, found.headlines[0].link) == (
        "Reuters, 2024-07-01 12:00 UTC",
        "https://example.org/0",
    )
    assert [item.text for item in found.events] == [
        "2024-07-01 12:00 UTC: Payrolls",
        "2024-07-01 12:00 UTC, about: TPM",
    ]


@pytest.mark.parametrize(
    "link", ["javascript:alert(1)", "https://a b", "https://a\r\nb", "https://a/\u202e", "https://" + "a" * 500]
)
def test_a_link_that_is_odd_is_no_link(link: str) -> None:
    headline = Headline("a title", link, "Reuters", NOON)

    assert said(context=Context(headlines=(headline,))).headlines[0].link == ""


@pytest.mark.parametrize(
    ("report", "link"), [("https://example.org/r", "https://example.org/r"), ("/srv/reports/r.html", "")]
)
def test_only_an_address_on_the_web_is_a_link_to_the_report(report: str, link: str) -> None:
    found = content(Morning((sample_forecast(),), "v", report), ENGLISH)

    assert (found.report, found.report_link) == (report, link)


# --- hostile text


def texts(found: Content) -> list[str]:
    rows = [text for row in found.rows for text in dataclasses.astuple(row)]
    items = [text for item in (*found.events, *found.headlines) for text in dataclasses.astuple(item)]
    plain = [value for value in (getattr(found, f.name) for f in dataclasses.fields(found)) if isinstance(value, str)]
    return [*plain, *found.banners, *rows, *items]


@settings(max_examples=50, deadline=None)
@given(st.one_of(st.just(HOSTILE), st.text()), st.sampled_from([1, 300]))
def test_whatever_a_source_says_each_text_is_one_short_printable_line(text: str, times: int) -> None:
    text = text * times
    news = Context(headlines=(Headline(text, text, text, NOON),), events=(Event(NOON, text, text, text, text),))
    hostile = sample_forecast(
        pair=text, role=text, version_id=text, spot=spot(source=text), banners=(text,), context=news
    )
    found = content(Morning((hostile,), text, text, (text,)), ENGLISH)

    for said_so in texts(found):
        assert len(said_so) <= 600
        assert all(character.isprintable() or character == "\N{NO-BREAK SPACE}" for character in said_so)


def test_script_and_terminal_codes_are_gone() -> None:
    assert said(banners=(HOSTILE,)).banners == ("a Bcc: evil@example.org b",)


# --- the chance


def test_the_chance_is_read_between_the_levels() -> None:
    quantiles = fan(100.0, 40.0)  # 0.4 a percentage point

    assert chance_above(quantiles, 100.0) == pytest.approx(0.5)
    assert chance_above(quantiles, 104.0) == pytest.approx(0.4)
    assert chance_above(quantiles, 101.0) == pytest.approx(0.475)


@pytest.mark.parametrize(("rate", "shown"), [(1.0, ">97.5%"), (10_000.0, "<2.5%"), (955.0, "50%")])
def test_beyond_the_outermost_levels_no_more_is_claimed_than_is_known(rate: float, shown: str) -> None:
    found = said(path=path_to(fan(955.0, 20)), spot=spot(rate))

    assert found.rows[0].above.replace("\N{NO-BREAK SPACE}", " ") == shown


def test_when_every_level_says_the_same_then_the_chance_is_even() -> None:
    assert chance_above(dict.fromkeys(LEVELS, 100.0), 100.0) == pytest.approx(0.5)


@given(st.lists(st.floats(1, 2000), min_size=15, max_size=15), st.floats(1, 2000), st.floats(0, 100))
def test_the_chance_never_rises_with_the_rate(values: list[float], rate: float, more: float) -> None:
    quantiles = dict(zip(LEVELS, sorted(values), strict=True))

    assert 0.024 < chance_above(quantiles, rate + more) <= chance_above(quantiles, rate) + 1e-9 < 0.976


# --- the table as text


@pytest.mark.parametrize("language", [ENGLISH, SPANISH], ids=lambda language: language.code)
@given(st.floats(0.001, 99_000))
def test_the_table_fits_into_78_columns_and_is_aligned(language: Language, rate: float) -> None:
    wide = {level: rate * (1 + 0.005 * (level - 0.5)) for level in LEVELS}
    days = tuple(
        at(key, target, spot=spot(rate), path=path_to(wide), random_walk=wide)
        for key, target in (("7d", date(2024, 7, 8)), ("90d", date(2024, 9, 27)))
    )
    lines = text_table(content(Morning(days, "v", "/r"), language).rows, language).splitlines()

    assert max(map(len, lines)) <= 78
    assert len({len(line) for line in lines}) == 1


def test_the_table_reads_so() -> None:
    found = content(Morning((sample_forecast(), at("90d", date(2024, 9, 27))), "v", "/r"), ENGLISH)

    assert text_table(found.rows, ENGLISH) == (
        "                                                           chance\n"
        "             target                          random walk,   above\n"
        "horizon        date  median      80% range            80%    spot\n"
        "     7d  2024-07-08  955.00  947.00–963.00  941.20–958.80     70%\n"
        "    90d  2024-09-27  955.00  947.00–963.00  941.20–958.80     70%"
    )


def test_two_mails_of_one_day_differ_only_where_the_values_do() -> None:
    assert said() == said()
    assert replace(said(), verdict="another") == said(verdict="another")
