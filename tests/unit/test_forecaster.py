"""The four services' command line."""

import pytest
from typer.main import get_command

from forex_cli.forecaster import build_app
from forex_cli.main import app
from forex_core.horizons import HORIZONS


@pytest.mark.parametrize("key", HORIZONS)
def test_a_service_takes_every_option_of_forex_run_and_no_horizon(key: str) -> None:
    def options(of: object) -> list[tuple[str, list[str]]]:
        return [(one.name, one.opts) for one in get_command(of).commands["run"].params]

    assert options(build_app(key)) == [one for one in options(app) if one[0] != "horizons"]
