"""Clocks: the same moment in all spellings, numbers that are carried over, and what is no moment."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from selfseis.io.clocks import parse_utc, read_clock, seconds_of_day

MOMENT = np.datetime64("2020-02-29T23:59:58.250", "ns")
MOMENTS = st.datetimes(datetime(1850, 1, 1), datetime(2150, 1, 1))


@pytest.mark.parametrize(
    "text",
    [
        "2020-02-29T23:59:58.25", "2020-02-29 23:59:58.250Z", "2020/02/29 23:59:58,25", "20200229T235958.25",
        "2020-060T23:59:58.25", "2020.02.29 23:59:58.25 UTC", "2020-03-01T01:59:58.25+02:00", "2020-2-29T23:59:58.25",
    ],
)  # fmt: skip
def test_the_same_moment_in_many_spellings(text: str) -> None:
    assert parse_utc(text) == MOMENT


@given(MOMENTS, st.integers(0, 1))
def test_hour_24_and_second_60_are_carried_over(moment: datetime, days: int) -> None:
    counted = f"{moment - timedelta(days=days):%Y-%m-%d} {moment.hour + 24 * days}:{moment:%M:%S.%f}"
    found = read_clock(counted)
    assert found.utc == np.datetime64(moment, "ns") and found.carried == bool(days)
    before = moment - timedelta(minutes=1)
    if before.date() == moment.date() and moment.second < 40:  # two digits
        text = f"{before:%Y-%m-%dT%H:%M}:{60 + moment.second}.{moment.microsecond:06d}"
        assert read_clock(text) == (np.datetime64(moment, "ns"), True)


@given(MOMENTS)
def test_no_digit_is_lost(moment: datetime) -> None:
    assert parse_utc(moment.replace(tzinfo=UTC).isoformat()) == np.datetime64(moment, "ns")
    assert parse_utc(f"{moment:%Y-%m-%d}", f"{moment:%H:%M:%S.%f}") == np.datetime64(moment, "ns")


@pytest.mark.parametrize(
    "text",
    ["", "x", "01/02/2020", "2020-13-01", "2020-02-30", "2019-366", "0020-01-01", "2020-01-01T48:00:00",
     "2020-01-01T12:61:00", "2020-01-01Tnoon", "2020-01-01T12:00:00 later", "23:59:58"],
)  # fmt: skip
def test_what_is_no_moment_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        parse_utc(text)


def test_a_time_of_day() -> None:
    assert seconds_of_day("24:00:01.5") == 86401.5
    with pytest.raises(ValueError, match="time of day"):
        seconds_of_day("2020-01-01")
