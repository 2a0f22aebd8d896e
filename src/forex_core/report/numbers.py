"""How many decimals a rate is shown with."""

from math import floor, log10


def digits_for(rate: float) -> int:
    """Decimals to show: 948.37, 1.0853, 0.0010523."""
    return 2 if rate >= 100 else max(4, 4 - floor(log10(rate)))
