"""The lazy time coordinate, compared with plain arithmetic."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
import xarray as xr
from hypothesis import assume, given
from hypothesis import strategies as st

from selfseis.errors import InputError
from selfseis.recording import recording_from_array, sample_times, sampling_rate
from selfseis.recording.time_axis import TimeGrid, TimeIndex, grid_of, to_ns

RATES = st.sampled_from([100.0, 1.0, 3.0, 1 / 3, 500.0, 99.9999, 1050.0, 3217.803463, 0.01])


@given(RATES, st.integers(0, 4_000_000_000), st.integers(-(10**17), 4 * 10**18))
def test_times_are_exact_to_a_nanosecond(rate: float, index: int, start: int) -> None:
    grid = TimeGrid(start, rate, index + 1)
    assume(start + index * grid.period < 2**63)  # datetime64[ns] ends in 2262
    exact = start + index * grid.period
    assert abs(int(grid.at(index)) - exact) <= Fraction(1, 2)
    assert abs(grid.period * Fraction(rate) - 10**9) < Fraction(1, 1000)
    assert grid.nearest(int(grid.at(index))) == index


@given(RATES, st.slices(40), st.slices(40))
def test_parts_of_parts_keep_their_times(rate: float, one: slice, two: slice) -> None:
    grid = TimeGrid(1_400_000_000_123_456_789, rate, 40)
    times = grid.at(np.arange(40))[one][two]
    part = grid.part(one).part(two)
    np.testing.assert_array_equal(part.at(np.arange(part.size)), times)


@given(RATES, st.integers(0, 199), st.integers(0, 199))
def test_label_slices_find_their_own_samples(rate: float, one: int, two: int) -> None:
    first, last = min(one, two), max(one, two)
    recording = recording_from_array(np.arange(200.0), rate, "2020-02-29T23:59:59.123456789")
    begin, end = sample_times(recording, [first, last])
    np.testing.assert_array_equal(recording.sel(time=slice(begin, end)).values[0], np.arange(first, last + 1))


def test_selection_and_arithmetic_stay_lazy() -> None:
    recording = recording_from_array(np.arange(1000.0), 100.0, "2020-01-01")
    part = recording.isel(time=slice(10, 500)).sel(time=slice("2020-01-01T00:00:01", None))
    assert isinstance((part * 2 + part).xindexes["time"], TimeIndex)
    assert part.values[0, 0] == 100
    assert recording.sel(time="2020-01-01T00:00:02.004", method="nearest").values == 200
    with pytest.raises(KeyError, match="nearest"):
        recording.sel(time="2020-01-01T00:00:02.004")
    with pytest.raises(KeyError, match="outside"):
        recording.sel(time="2021-01-01")


def test_skipping_samples_changes_the_rate() -> None:
    recording = recording_from_array(np.arange(100.0), 100.0)
    assert sampling_rate(recording.isel(time=slice(None, None, 4))) == 25.0


def test_concatenated_and_foreign_axes_are_understood() -> None:
    recording = recording_from_array(np.arange(100.0), 100.0, "2020-01-01")
    joined = xr.concat([recording[:, :50], recording[:, 50:]], "time")
    np.testing.assert_array_equal(joined["time"].values, recording["time"].values)
    assert grid_of(joined).rate == 100.0
    del joined.attrs["sampling_rate"]
    assert grid_of(joined).rate == pytest.approx(100.0)
    with pytest.raises(InputError, match="not regular"):
        grid_of(joined.isel(time=[0, 1, 5]))


def test_plain_xarray_writes_and_reads_it(tmp_path: object) -> None:
    recording = recording_from_array(np.ones((2, 30)), 3.0, "2020-01-01", seed_id=["A.B..Z", "A.B..N"])
    recording.to_netcdf(f"{tmp_path}/a.nc")
    with xr.open_dataarray(f"{tmp_path}/a.nc") as again:
        np.testing.assert_array_equal(again["time"].values, recording["time"].values)


@pytest.mark.parametrize(
    "instant", ["2014-05-01T02:00:00+02:00", "2014-05-01", np.datetime64("2014-05-01"), "20140501"]
)
def test_times_are_utc(instant: object) -> None:
    assert to_ns(instant) == 1_398_902_400_000_000_000


def test_obspy_times_are_understood() -> None:
    from selfseis.io.obspy_import import obspy

    assert to_ns(obspy().UTCDateTime(2014, 5, 1)) == 1_398_902_400_000_000_000
