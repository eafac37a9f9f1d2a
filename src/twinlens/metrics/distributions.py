"""Tail probabilities of the beta, binomial and Student's t distributions, without scipy.

Source: the continued fraction of the incomplete beta function, DLMF 8.17.22, evaluated by Lentz's method;
the others follow from it (DLMF 8.17.5; Abramowitz and Stegun 26.7.1).
"""

from __future__ import annotations

import math

TINY = 1e-300  # stands for a denominator of zero in Lentz's method
PRECISION = 1e-15
MAX_TERMS = 100_000  # far more than any count of pairs needs: the terms fall off after about sqrt(a + b)


def beta_cdf(x: float, a: float, b: float) -> float:
    """Return the regularised incomplete beta function I_x(a, b).

    Args:
        x: 0 to 1.
        a: above 0.
        b: above 0.
    """
    if x <= 0:
        return 0.0
    if x >= 1:
        return 1.0
    if x > (a + 1) / (a + b + 2):  # the fraction converges fast only on the other side
        return 1.0 - beta_cdf(1 - x, b, a)
    front = math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b) + a * math.log(x) + b * math.log1p(-x)
    return math.exp(front) / (a * _fraction(x, a, b))


def _fraction(x: float, a: float, b: float) -> float:
    value = upper = 1.0
    lower = 0.0
    for term in range(1, MAX_TERMS):
        m = term // 2
        if term % 2:
            d = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
        else:
            d = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
        lower = 1 / ((1 + d * lower) or TINY)
        upper = (1 + d / upper) or TINY
        value *= upper * lower
        if abs(upper * lower - 1) < PRECISION:
            break
    return value


def beta_quantile(probability: float, a: float, b: float) -> float:
    """Return x with I_x(a, b) = probability, by bisection down to neighbouring floats."""
    low, high = 0.0, 1.0
    while low < (middle := (low + high) / 2) < high:
        if beta_cdf(middle, a, b) < probability:
            low = middle
        else:
            high = middle
    return high


def binomial_at_most(successes: int, trials: int, probability: float) -> float:
    """Return the probability of at most so many successes."""
    if successes >= trials:
        return 1.0
    return beta_cdf(1 - probability, float(trials - successes), successes + 1.0)


def student_quantile(probability: float, freedom: int) -> float:
    """Return the quantile of Student's t distribution for a probability above one half."""
    x = beta_quantile(2 * (1 - probability), freedom / 2, 0.5)
    return math.sqrt(freedom * (1 - x) / x)
