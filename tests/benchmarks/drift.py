"""What the drift rules cost and find: false alarms a year, and forecasts scored until a broken model is noticed.

    python tests/benchmarks/drift.py [--paths 24] [--years 10]

The markets are simulated with fixed seeds: Student's t4 with a volatility that wanders and has wild regimes. Model and
yardstick are the members random_walk and rw_const; of each of the four horizons one forecast a business day is issued
and scored. A false alarm is one on the unbroken model. The limits promised: at most one a year per rule over the four
horizons together, and a doubling of relative error noticed by an error rule within 20 scored forecasts (the median).
Last come the false alarms on the ECB's real rates of twelve currencies against the euro.
"""

import argparse
import sys
from datetime import UTC, date, datetime
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))
from drift_histories import RULES, STEPS, YEAR, History, alarms, delay, returns, scored, starts
from forex_core.sources.ecb import EmbeddedEcb
from forex_core.values import Floats

REAL = "USD JPY GBP CHF SEK NOK AUD CAD PLN HUF CZK ZAR".split()

BREAKS = {
    "errors doubled": lambda good, broken, start: good.worse_from(start, 2.0),
    "band 5 times as wide": lambda good, broken, start: good.then(start, broken["wide"]),
    "median off by 1.5 sd": lambda good, broken, start: good.then(start, broken["off"]),
    "band half as wide": lambda good, broken, start: good.then(start, broken["narrow"]),
}


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--paths", type=int, default=24)
    parser.add_argument("--years", type=float, default=10.0)
    asked = parser.parse_args()
    for every, title in ((1, "one forecast a business day"), (5, "one forecast a week")):
        print(f"\n{title}, {asked.paths} markets of {asked.years:g} years")
        found = {name: histories(asked.paths, asked.years, steps, every) for name, steps in STEPS.items()}
        false_alarms({name: [good for good, _ in pairs] for name, pairs in found.items()}, YEAR / every)
        delays(found)
    print(f"\none forecast a business day, {len(REAL)} real rates of the euro since 1999")
    moves = [real(currency) for currency in REAL]
    false_alarms({name: [scored(one, steps) for one in moves] for name, steps in STEPS.items()}, YEAR)


def real(currency: str) -> Floats:
    """Daily log returns of a currency against the euro."""
    source = EmbeddedEcb()
    rows = source.fetch(f"EUR{currency}", date(1999, 1, 1), source.newest(), datetime.now(UTC))
    return np.diff(np.log([row.value for row in rows]))


def histories(paths: int, years: float, steps: int, every: int) -> list[tuple[History, dict[str, History]]]:
    """Each market as forecast by the model, and by the broken ones."""
    ways = {"wide": {"wider": 5.0}, "off": {"off": 1.5}, "narrow": {"wider": 0.5}}
    made = []
    for seed in range(paths):
        moves = returns(seed, years)
        broken = {name: scored(moves, steps, every=every, **how) for name, how in ways.items()}
        made.append((scored(moves, steps, every=every), broken))
    return made


def false_alarms(found: dict[str, list[History]], a_year: float) -> None:
    print(f"{'false alarms a year':32}" + "".join(f"{key:>9}" for key in [*found, "together"]))
    for name, rule in RULES.items():
        rates = []
        for good in found.values():
            forecasts = sum(len(history.losses) for history in good)
            rates.append(sum(alarms(rule(history)) for history in good) / forecasts * a_year)
        print(f"  {name:30}" + "".join(f"{rate:9.3f}" for rate in [*rates, sum(rates)]))


def delays(found: dict[str, list[tuple[History, dict[str, History]]]]) -> None:
    print(f"{'forecasts until noticed':32}" + "".join(f"{key:>17}" for key in found) + "   (median, 9 of 10)")
    for what, broken in BREAKS.items():
        print(f"  {what}")
        for name, rule in RULES.items():
            if what == "errors doubled" and name == "coverage":
                continue  # it looks at other things
            said = []
            for pairs in found.values():
                waits = [
                    delay(rule(broken(good, bad, start)), start)
                    for seed, (good, bad) in enumerate(pairs)
                    for start in starts(len(good.losses), 3, seed)
                ]
                half, most = (np.quantile(waits, share, method="higher") for share in (0.5, 0.9))
                said.append(f"{half:9.0f}{most:8.0f}")
            print(f"    {name:28}" + "".join(said))


if __name__ == "__main__":
    main()
