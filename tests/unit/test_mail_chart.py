"""The chart in the mail: small, readable on any ground, and drawn from the values."""

from datetime import date, timedelta
from io import BytesIO
from itertools import groupby
from typing import Any

import pytest
from PIL import Image

from forex_core.notify.language import language_of
from forex_core.report.png import fan_chart_png
from forex_core.values import LEVELS, Forecast
from samples import sample_forecast

LANGUAGE = language_of("en")
STEPS = 60


def wide(**changes: Any) -> Forecast:
    """A straight fan of 60 steps around 950, after a level history; at the end 10 wide a tenth."""
    path = tuple(tuple(950 + 100 * (level - 0.5) * step / STEPS for level in LEVELS) for step in range(1, STEPS + 1))
    history = tuple((date(2024, 7, 1) - timedelta(days=125 - n), 951.02) for n in range(126))
    return sample_forecast(**{"path": path, "steps": STEPS, "history": history} | changes)


def drawn(*forecasts: Forecast) -> Image.Image:
    png = fan_chart_png(forecasts or [wide()], LANGUAGE.rates_like(951.02), LANGUAGE.day)
    return Image.open(BytesIO(png)).convert("RGBA")


def opacity(image: Image.Image, x: float, rate: float) -> int:
    """How opaque the picture is where a rate stands, x in [0, 1]; the axis spans 902.5 - 5 % to 997.5 + 5 %."""
    low, high = 902.5 - 4.75, 997.5 + 4.75
    top, bottom = 1 - (0.105 + 0.875), 1 - 0.105
    y = top + (high - rate) / (high - low) * (bottom - top)
    pixel = image.getpixel((round(x * image.width), round(y * image.height)))
    assert isinstance(pixel, tuple)
    return int(pixel[3])


def test_the_picture_is_sharp_small_and_transparent() -> None:
    png = fan_chart_png([wide()], LANGUAGE.rates_like(951.02), LANGUAGE.day)
    image = Image.open(BytesIO(png)).convert("RGBA")

    assert image.size == (1200, 600)
    assert len(png) < 30_000
    assert opacity(image, 0.003, 950.0) == 0


def test_the_bands_lie_inside_one_another_the_darkest_in_the_middle() -> None:
    image = drawn()
    inside = [opacity(image, 0.975, rate) for rate in (963.0, 981.0, 994.0)]  # in the 50, the 80, the 95 % band
    outside = opacity(image, 0.3, 963.0)

    assert inside[0] > inside[1] > inside[2] > outside


@pytest.mark.parametrize(
    "changes",
    [
        {"path": tuple(tuple(950 + 40 * (level - 0.5) for level in LEVELS) for _ in range(STEPS))},
        {"history": tuple((date(2024, 7, 1) - timedelta(days=125 - n), 930.0 + n % 7) for n in range(126))},
        {"target_date": date(2031, 2, 3)},
        {"issued_on": date(2024, 6, 28)},
    ],
    ids=lambda changes: next(iter(changes)),
)
def test_when_a_value_changes_then_so_does_the_picture(changes: dict[str, Any]) -> None:
    assert drawn(wide(**changes)).tobytes() != drawn().tobytes()


def test_every_horizon_is_marked() -> None:
    near = sample_forecast(steps=20)

    assert drawn(wide(), near).tobytes() != drawn().tobytes()


def test_the_axes_are_written_as_told() -> None:
    spanish = language_of("es")
    png = fan_chart_png([wide()], spanish.rates_like(951.02), spanish.day)

    assert Image.open(BytesIO(png)).convert("RGBA").tobytes() != drawn().tobytes()


@pytest.mark.parametrize("steps", [1, 5, 22, 60])
def test_the_dates_below_the_chart_stand_apart(steps: int) -> None:
    near = wide(steps=steps, path=wide().path[:steps])
    image = drawn(near)
    band = image.getchannel("A").crop((0, round(0.92 * image.height), image.width, image.height))
    inked = [max(band.crop((x, 0, x + 1, band.height)).tobytes()) > 0 for x in range(band.width)]
    gaps = [len(list(run)) for ink, run in groupby(inked) if not ink][1:-1]

    assert len([gap for gap in gaps if gap > 30]) == 2  # pixels, between three dates


def test_a_forecast_of_one_step_and_one_past_rate_can_be_drawn() -> None:
    spot = (date(2024, 7, 1), 951.02)

    assert drawn(sample_forecast(path=((951.02,) * len(LEVELS),), steps=1, history=(spot,))).size == (1200, 600)
