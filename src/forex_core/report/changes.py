"""What changed since the last forecast of the same pair, horizon and role, and why: computed from the two."""

from collections.abc import Iterator
from dataclasses import dataclass
from math import sqrt

from forex_core.calendars import calendar_of
from forex_core.report.language import Language
from forex_core.report.reading import MONTH, returns, volatility
from forex_core.values import INTERVALS, LEVELS, Forecast, Quantiles

CALM, WILD = 0.8, 1.25  # recent volatility as a ratio to the usual one: below and above these it has another name
SEEN = 0.0005  # a smaller change of a share is not shown
PERCENT = 80  # the range that stands for the width


@dataclass(frozen=True, slots=True)
class Change:
    """One line of the table, written out."""

    name: str
    before: str
    now: str
    change: str


def table(forecast: Forecast, previous: Forecast, language: Language) -> list[Change]:
    """The figures of the two forecasts side by side."""

    def rates(name: str, before: float, now: float) -> Change:
        return Change(name, language.rate(before), language.rate(now), language.rate(now - before, signed=True))

    percent = language.percent(PERCENT / 100, 0)
    lines = [
        Change(language.say("issued_on"), language.day(previous.issued_on), language.day(forecast.issued_on), ""),
        Change(language.say("target"), language.day(previous.target_date), language.day(forecast.target_date), ""),
        Change(language.say("steps"), language.number(previous.steps), language.number(forecast.steps), ""),
        rates(language.say("spot_name"), previous.spot.value, forecast.spot.value),
        rates(language.say("median"), previous.median, forecast.median),
        rates(language.say("width", percent=percent), _width(previous.quantiles), _width(forecast.quantiles)),
        rates(language.say("walk_width"), _width(previous.random_walk), _width(forecast.random_walk)),
    ]
    before, now = _recent(previous), _recent(forecast)
    if before and now:
        shown = (language.percent(before, 2), language.percent(now, 2), language.percent(now / before - 1, signed=True))
        lines.append(Change(language.say("volatility"), *shown))
    return lines


def reasons(forecast: Forecast, previous: Forecast, language: Language) -> list[str]:
    """Why, in sentences: the spot, volatility, the members and their weights, the data."""
    return [
        *_move(forecast, previous, language),
        *_median(forecast, previous, language),
        *_range(forecast, previous, language),
        *regime(forecast, language),
        *_members(forecast, previous, language),
        *_data(forecast, previous, language),
    ]


def regime(forecast: Forecast, language: Language) -> list[str]:
    """How volatile the rate has been lately, beside all of the history that the chart shows."""
    recent, usual = _recent(forecast), volatility(_returns(forecast))
    if not recent or not usual or len(_returns(forecast)) <= MONTH:
        return []
    kind = "calm" if recent < CALM * usual else "wild" if recent > WILD * usual else "usual"
    return [
        language.say(
            "regime",
            regime=language.say(f"regime_{kind}"),
            recent=language.percent(recent, 2),
            n=MONTH,
            usual=language.percent(usual, 2),
            all=len(_returns(forecast)),
        )
    ]


def _move(forecast: Forecast, previous: Forecast, language: Language) -> Iterator[str]:
    elapsed = calendar_of(forecast.pair).steps(previous.issued_on, forecast.issued_on)
    if elapsed < 1:
        return
    rate = forecast.spot.value
    change = rate / previous.spot.value - 1
    way = "flat" if rate == previous.spot.value else "down" if change < 0 else "up"
    move = language.count(f"move_{way}", elapsed, change=language.percent(abs(change), 2))
    if elapsed > len(previous.path):
        yield language.say("move_beyond", move=move)
        return
    said = dict(zip(LEVELS, previous.path[elapsed - 1], strict=True))
    around = [percent for percent, (low, high) in sorted(INTERVALS.items()) if said[low] <= rate <= said[high]]
    percent = min(around, default=max(INTERVALS))
    shown = language.percent(percent / 100, 0)
    yield language.say("move_inside" if around else "move_outside", move=move, percent=shown)


def _median(forecast: Forecast, previous: Forecast, language: Language) -> Iterator[str]:
    moved, spot = forecast.median - previous.median, forecast.spot.value - previous.spot.value
    parts = {"change": moved, "spot": spot, "rest": moved - spot}
    yield language.say("median_moved", **{name: language.rate(part, signed=True) for name, part in parts.items()})


def _range(forecast: Forecast, previous: Forecast, language: Language) -> Iterator[str]:
    """The width is taken to grow with the rate and with the square root of the steps; the rest is what is left."""
    before, now = _width(previous.quantiles), _width(forecast.quantiles)
    if not before or abs(now / before - 1) < SEEN:
        return
    level, time = forecast.spot.value / previous.spot.value, sqrt(forecast.steps / previous.steps)
    parts = {"level": level, "time": time, "rest": now / before / level / time}
    yield language.say(
        "width_changed",
        percent=language.percent(PERCENT / 100, 0),
        change=language.percent(abs(now / before - 1)),
        wider=language.say("wider" if now > before else "narrower"),
        **{name: language.percent(part - 1, signed=True) for name, part in parts.items()},
    )


def _members(forecast: Forecast, previous: Forecast, language: Language) -> Iterator[str]:
    before, now = ({m.name: m.weight for m in f.members if m.state == "ok"} for f in (previous, forecast))
    yield from (language.say("member_lost", name=name) for name in before if name not in now)
    yield from (language.say("member_found", name=name) for name in now if name not in before)
    moved = {name: (before.get(name, 0.0), now.get(name, 0.0)) for name in dict.fromkeys([*before, *now])}
    moved = {name: shares for name, shares in moved.items() if abs(shares[1] - shares[0]) >= SEEN}
    if forecast.weighting != previous.weighting:
        names = {"before": previous.weighting, "now": forecast.weighting}
        yield language.say("weighting_changed", **{k: language.name("weighting", v) for k, v in names.items()})
    if moved:
        shown = [f"{name} {language.percent(a)} → {language.percent(b)}" for name, (a, b) in moved.items()]
        yield language.say("weights_changed", weights=", ".join(shown))
    elif before.keys() == now.keys():
        yield language.say("weights_same")


def _data(forecast: Forecast, previous: Forecast, language: Language) -> Iterator[str]:
    if forecast.spot.source != previous.spot.source:
        yield language.say("source_changed", now=forecast.spot.source, before=previous.spot.source)
    before, now = ({part.name: bool(part.source) for part in f.context.parts} for f in (previous, forecast))
    for name in now:
        if name in before and now[name] != before[name]:
            yield language.say("part_found" if now[name] else "part_lost", name=language.name("part", name))
    if forecast.history_length != previous.history_length:
        yield language.say("rows_changed", now=forecast.history_length, before=previous.history_length)
    if forecast.version_id != previous.version_id:
        yield language.say("version_changed", now=forecast.version_id, before=previous.version_id)
    if forecast.code_version != previous.code_version:
        yield language.say("code_changed", now=forecast.code_version, before=previous.code_version)


def _width(quantiles: Quantiles) -> float:
    low, high = INTERVALS[PERCENT]
    return quantiles[high] - quantiles[low]


def _returns(forecast: Forecast) -> list[float]:
    return returns([rate for _, rate in forecast.history])


def _recent(forecast: Forecast) -> float | None:
    return volatility(_returns(forecast)[-MONTH:])
