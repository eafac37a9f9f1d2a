"""Numbers of a report -> what people read: per cent with as many digits as the interval supports.

A space before the per cent sign (ISO 80000-1, 7.3); thousands by commas, as in every other text here.
"""

from __future__ import annotations

import math

from twinlens.evaluate.score_records import Figure

THIN = "\N{NARROW NO-BREAK SPACE}"
DASH = "\N{EN DASH}"
UNMEASURED = DASH  # in a table, where there is no number
MOST_DECIMALS = 6
PLAIN_DIGITS = 3  # significant, of a number without an interval


def count(number: int) -> str:
    """Write a count: 12,000."""
    return f"{number:,}"


def plural(number: int, one: str, many: str = "") -> str:
    """Write a count with its noun: 1 photo, 2 photos."""
    return f"{count(number)} {one if number == 1 else many or one + 's'}"


def percent(rate: float) -> str:
    """Write a rate that has no interval: 0.1 %, 12.3 %."""
    return f"{_grouped(rate * 100, _plain_decimals(rate * 100))}{THIN}%"


def target(rate: float) -> str:
    """Write a rate that was asked for, as short as it is: 1 %, 0.001 %."""
    return f"{f'{rate * 100:.6f}'.rstrip('0').rstrip('.')}{THIN}%"


def number(value: float) -> str:
    """Write a number that has no interval."""
    return _grouped(value, _plain_decimals(value))


def threshold(value: float) -> str:
    """Write a similarity."""
    return f"{value:.4f}".replace("-", "\N{MINUS SIGN}")


def p_value(value: float) -> str:
    """Write a p-value: 0.4, 0.031, below 0.0001."""
    if value < 1e-4:
        return "below 0.0001"
    return f"{value:.2g}" if value < 0.995 else "1"


def shown(figure: Figure) -> str:
    """Write a figure's value, with its unit."""
    if figure.value is None:
        return UNMEASURED
    if figure.format == "count":
        return count(round(figure.value))
    if figure.format == "similarity":
        return threshold(figure.value)
    if figure.format == "p-value":
        return f"p = {p_value(figure.value)}".replace("= below", "<")
    scale = _scale(figure)
    text = _exact(figure.value * scale, _decimals(figure), scale)
    return f"{text}{THIN}%" if figure.format == "rate" else text


def interval(figure: Figure) -> str:
    """Write a figure's interval, or nothing where there is none: 98.4 to 99.5 %."""
    if figure.value is None or figure.low is None or figure.high is None:
        return ""
    if figure.format == "count":
        return f"{count(round(figure.low))} to {count(round(figure.high))}"
    scale, decimals = _scale(figure), _decimals(figure)
    text = " to ".join(_exact(end * scale, decimals, scale) for end in (figure.low, figure.high))
    return f"{text}{THIN}%" if figure.format == "rate" else text


def with_interval(figure: Figure) -> str:
    """Write value and interval on one line: 99.1 % (98.4 to 99.5 %)."""
    ends = interval(figure)
    return f"{shown(figure)} ({ends})" if ends else shown(figure)


def moment(made: str) -> str:
    """Write an ISO 8601 time for people: 2025-01-31, 12:00 UTC."""
    day, _, time = made.partition("T")
    return f"{day}, {time[:5]} UTC" if time else day


def duration(seconds: float) -> str:
    """Write a time span: 0.8 s, 12 s, 3 min 20 s, 2 h 5 min."""
    if seconds < 10:
        return f"{seconds:.2g}{THIN}s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole}{THIN}s"
    if whole < 3600:
        return f"{whole // 60}{THIN}min {whole % 60}{THIN}s"
    return f"{whole // 3600}{THIN}h {whole % 3600 // 60}{THIN}min"


def shortened(text: str, most: int) -> str:
    """Return a text of at most so many letters."""
    return text if len(text) <= most else text[: most - 1].rstrip() + "\N{HORIZONTAL ELLIPSIS}"


def named(text: str) -> str:
    """Return a name, or what stands for an empty one."""
    return text if text.strip() else "(empty)"


def sentence(text: str) -> str:
    """Return a text with a capital at its beginning and a full stop at its end."""
    text = text.strip()
    if not text:
        return ""
    text = text[0].upper() + text[1:]
    return text if text[-1] in ".!?" else text + "."


def _scale(figure: Figure) -> float:
    return 100.0 if figure.format == "rate" else 1.0


def _grouped(value: float, decimals: int) -> str:
    text = f"{value:,.{decimals}f}"
    return text.replace("-", "\N{MINUS SIGN}") if float(f"{value:.{decimals}f}") else text.lstrip("-")


def _exact(value: float, decimals: int, whole: float) -> str:
    """Write none and all without decimals, so that they differ from hardly any and nearly all."""
    return _grouped(value, 0 if value in {0.0, whole} else decimals)


def _plain_decimals(value: float) -> int:
    if value == 0 or not math.isfinite(value):
        return 0
    digits = PLAIN_DIGITS - 1 - math.floor(math.log10(abs(value)))
    wanted = min(max(digits, 0), MOST_DECIMALS)
    while wanted and f"{value:.{wanted}f}".endswith("0"):
        wanted -= 1
    return wanted


def _decimals(figure: Figure) -> int:
    """Return how many decimals are worth showing: the interval's half is known to one or two digits."""
    scale = _scale(figure)
    value = (figure.value or 0.0) * scale
    if figure.low is None or figure.high is None or figure.high <= figure.low:
        return _plain_decimals(value)
    half = (figure.high - figure.low) * scale / 2
    wanted = min(max(-math.floor(math.log10(half / 2)), 1), MOST_DECIMALS)
    # nearly all is not all, and hardly any is not none
    while wanted < MOST_DECIMALS and value not in (0.0, scale) and float(f"{value:.{wanted}f}") in (0.0, scale):
        wanted += 1
    return wanted
