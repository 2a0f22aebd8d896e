"""Student's t in plain Python: SciPy's takes a third of a second to import, which every run and status would pay."""

from math import atan, cos, pi, sin, sqrt


def t_below(t: float, freedom: int) -> float:
    """Student's t distribution with whole degrees of freedom (Abramowitz and Stegun 26.7.3 and 26.7.4)."""
    angle = atan(t / sqrt(freedom))
    square, term, total = cos(angle) ** 2, 1.0, 1.0
    if freedom % 2:
        term = total = cos(angle) if freedom > 1 else 0.0
        for k in range(2, freedom - 1, 2):
            term *= square * k / (k + 1)
            total += term
        return 0.5 + (angle + sin(angle) * total) / pi
    for k in range(1, freedom - 2, 2):
        term *= square * k / (k + 1)
        total += term
    return 0.5 + sin(angle) * total / 2


def t_quantile(share: float, freedom: int) -> float:
    """The t below which this share lies; by bisection."""
    if share < 0.5:
        return -t_quantile(1 - share, freedom)
    if share == 0.5:
        return 0.0
    low, high = 0.0, 1e4
    for _ in range(100):
        middle = (low + high) / 2
        low, high = (middle, high) if t_below(middle, freedom) < share else (low, middle)
    return (low + high) / 2
