"""All the drivers at the local server, and the services that ask it."""

import math
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta

from conftest import business_days, walk
from forex_core.calendars import calendar
from forex_core.sources.bcch import Bcch
from forex_core.sources.drivers import Chain, Service, chains
from forex_core.sources.fred import Fred
from forex_core.sources.http import Web
from forex_core.sources.mindicador import Mindicador
from forex_core.sources.yahoo import Yahoo
from rate_services import KEY, SECRETS, TOKEN, Services, Table

NOW = datetime(2024, 7, 1, 23, tzinfo=UTC)  # a Monday
FIRST = date(2022, 3, 1)
WEEKDAYS = business_days(FIRST, date(2024, 7, 1), calendar("weekdays"))
MONTHS = [date(year, month, 1) for year in (2021, 2022, 2023, 2024) for month in range(1, 13)]
NAMES = ("copper", "vix", "us10y", "fed_funds", "dollar_index", "wti", "tpm", "ipc", "imacec")


def daily(start: float, seed: int, up_to: date = WEEKDAYS[-1]) -> Table:
    return dict(walk([day for day in WEEKDAYS if day <= up_to], start=start, seed=seed))


def monthly(up_to: date, height: float, middle: float = 0.0) -> Table:
    """A wave around `middle`, which may go below 0."""
    return {m: round(middle + height * math.sin(n / 3), 1) for n, m in enumerate(MONTHS) if m <= up_to}


def driver_rates() -> dict[str, Table]:
    """What each service has, by its own codes; the newest values are as late as they really are."""
    index = {month: round(100 + 0.3 * n, 2) for n, month in enumerate(MONTHS) if month <= date(2024, 4, 1)}
    steps = {day: 11.25 if day < date(2024, 1, 2) else 5.75 for day in WEEKDAYS}
    return {
        "HG=F": daily(4.2, 1),
        "F019.PPB.PRE.100.D": daily(4.1, 2),
        "libra_cobre": daily(4.1, 2),
        "VIXCLS": daily(15.0, 3, date(2024, 6, 28)),
        "^VIX": daily(15.0, 3),
        "DGS10": daily(4.0, 4, date(2024, 6, 28)),
        "DFF": daily(5.0, 5, date(2024, 6, 28)),
        "DTWEXBGS": daily(120.0, 6, date(2024, 6, 21)),
        "DCOILWTICO": daily(80.0, 7, date(2024, 6, 24)),
        "F022.TPM.TIN.D001.NO.Z.D": steps,
        "tpm": steps,
        "F074.IPC.VAR.Z.EP23.C.M": monthly(date(2024, 5, 1), 0.6),
        "ipc": monthly(date(2024, 5, 1), 0.6),
        "F032.IMC.IND.Z.Z.EP18.Z.Z.0.M": index,
        "imacec": {
            m: round(100 * (v / index[m.replace(year=m.year - 1)] - 1), 1) for m, v in index.items() if m.year > 2021
        },
        "USDCLP": daily(900.0, 8),
        "EURUSD": daily(1.08, 9),
    }


def services_at(server: Services, *, with_keys: bool = True, **options: object) -> tuple[Service, ...]:
    """The four services; with_keys: with the credentials that the Central Bank needs, and FRED likes."""
    web = Web(**({"deadline": 2.0, "secrets": SECRETS} | options))
    free: tuple[Service, ...] = (Yahoo(web, server.url("yahoo")), Mindicador(web, server.url("mindicador")))
    if with_keys:
        return (*free, Bcch(web, server.url("bcch"), TOKEN), Fred(web, server.url("fred"), KEY))
    return (*free, Fred(web, server.url("fred_csv")))


def chains_at(server: Services, names: Sequence[str] = NAMES, **options: object) -> tuple[Chain, ...]:
    """The chains of these drivers, asking the server."""
    return tuple(chain for chain in chains(services_at(server, **options)) if chain.driver.name in names)


def weekend_after(day: date) -> list[date]:
    """The Saturday and the Sunday after a date."""
    return [day + timedelta(days=n) for n in range(1, 8) if (day + timedelta(days=n)).weekday() > 4]
