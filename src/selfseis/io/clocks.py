"""Dates and times of day in text, as bulletins write them: hour 24, second 60, day of the year, time zones."""

from __future__ import annotations

import re
from typing import NamedTuple

import numpy as np

_DATE = re.compile(
    r"(?P<year>\d{4})(?:(?P<mark>[-/.])(?P<month>\d{1,2})(?P=mark)(?P<day>\d{1,2})|[-.](?P<of_year>\d{3})|"
    r"(?P<both>\d{4}))(?!\d)"
)
_TIME = re.compile(
    r"(?P<hour>\d{1,2}):(?P<minute>\d{1,2})(?::(?P<second>\d{1,2})(?:[.,](?P<part>\d*))?)?"
    r"|(?P<compact>\d{6})(?:[.,](?P<rest>\d*))?"
)
_ZONE = re.compile(r"\s*(?:Z|UTC|GMT|(?P<sign>[-+])(?P<hours>\d\d):?(?P<minutes>\d\d)?)?", re.I)
MAX_HOUR = 48  # bulletins count the hours of the day after on: 24:00:03 is three seconds after midnight
MIN_YEAR, MAX_YEAR = 1800, 2200
NS = 1_000_000_000


class Clock(NamedTuple):
    """A moment that was read from text.

    Attributes
    ----------
    utc : numpy.datetime64
        To a nanosecond.
    carried : bool
        Whether an hour of 24 or more, or a minute or second of 60 or more, was carried over.
    """

    utc: np.datetime64
    carried: bool


def read_clock(text: str, time: str = "") -> Clock:
    """Read a moment, also one that bulletins count on: hour 24, second 60.

    Parameters
    ----------
    text : str
        ``2020-01-31T23:59:60.5Z``, ``2020/01/31 24:00:01``, ``20200131T235900``, ``2020-031 12:00``, or a date.
    time : str, optional
        The time of day, if `text` is a date.

    Returns
    -------
    Clock

    Raises
    ------
    ValueError
        If the text is not such a moment, or has an impossible number. A date with the day first is refused, because
        01/02/2020 has two meanings.

    Examples
    --------
    >>> from selfseis.io.clocks import read_clock
    >>> read_clock("2020-12-31T23:59:60.25").utc
    np.datetime64('2021-01-01T00:00:00.250000000')
    >>> read_clock("2020/12/31", "24:00:01").carried
    True
    """
    whole = f"{text.strip()} {time.strip()}".strip()
    found = _DATE.match(whole)
    if found is None:
        raise ValueError(f"{whole!r} is not a date with the year first")
    rest = whole[found.end() :].lstrip(" Tt_")
    nanoseconds, carried = _time_of_day(rest) if rest else (0, False)
    return Clock(_day(found) + np.timedelta64(nanoseconds, "ns"), carried)


def parse_utc(text: str, time: str = "") -> np.datetime64:
    """Return the moment of `read_clock`."""
    return read_clock(text, time).utc


def seconds_of_day(text: str) -> float:
    """Return the seconds since midnight of a time of day.

    Raises
    ------
    ValueError
        If the text is not a time of day.

    Examples
    --------
    >>> from selfseis.io.clocks import seconds_of_day
    >>> seconds_of_day("24:00:01.5")
    86401.5
    """
    return _time_of_day(text.strip())[0] / NS


def _day(found: re.Match[str]) -> np.datetime64:
    year = int(found["year"])
    if not MIN_YEAR <= year <= MAX_YEAR:
        raise ValueError(f"the year {year} is not between {MIN_YEAR} and {MAX_YEAR}")
    if found["of_year"]:
        number = int(found["of_year"])
        day = np.datetime64(f"{year:04d}-01-01", "D") + np.timedelta64(number - 1, "D")
        if number < 1 or day.astype("datetime64[Y]") != np.datetime64(f"{year:04d}", "Y"):
            raise ValueError(f"the year {year} has no day {number}")
        return day.astype("datetime64[ns]")
    month, of_month = (
        (found["month"], found["day"]) if found["month"] else (found["both"][:2], found["both"][2:])
    )
    return np.datetime64(f"{year:04d}-{int(month):02d}-{int(of_month):02d}", "ns")


def _time_of_day(text: str) -> tuple[int, bool]:
    """Return nanoseconds since midnight in UTC, and whether a number was carried over."""
    found = _TIME.match(text)
    zone = _ZONE.fullmatch(text[found.end() :]) if found else None
    if found is None or zone is None:
        raise ValueError(f"{text!r} is not a time of day")
    if found["compact"]:
        hour, minute, second = (int(found["compact"][place : place + 2]) for place in (0, 2, 4))
    else:
        hour, minute, second = (int(found[name] or 0) for name in ("hour", "minute", "second"))
    if hour >= MAX_HOUR or minute > 60:
        raise ValueError(f"{text!r} is not a time of day")
    part = found["part"] or found["rest"] or ""
    nanoseconds = ((hour * 60 + minute) * 60 + second) * NS + int(part[:9].ljust(9, "0"))
    if zone["sign"]:
        ahead = (int(zone["hours"]) * 60 + int(zone["minutes"] or 0)) * 60 * NS
        nanoseconds -= ahead if zone["sign"] == "+" else -ahead
    return nanoseconds, hour >= 24 or minute >= 60 or second >= 60
