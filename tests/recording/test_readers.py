"""Requirements that every reader must meet."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr

from conftest import RATE, Case
from selfseis.quality_log import quality_log_of
from selfseis.recording import (
    is_fibre,
    open_recording,
    recording_from_array,
    sample_times,
    sampling_rate,
    start_time,
    station_codes,
    tiles,
    write_recording,
)


@pytest.fixture
def recording(case: Case) -> xr.DataArray:
    return open_recording(case.source, **case.options)


def test_form(case: Case, recording: xr.DataArray) -> None:
    assert recording.dims == ("channel", "time")
    assert recording.dtype == np.float32
    assert recording.shape == case.truth.shape
    assert recording.attrs["sampling_rate"] == sampling_rate(recording) == RATE
    assert isinstance(recording.attrs["units"], str)
    assert is_fibre(recording) == case.fibre
    assert len(set(station_codes(recording))) == (
        2 if "XX.AAA..HHE" in str(recording.coords) else len(case.truth)
    )


def test_samples_and_gaps(case: Case, recording: xr.DataArray) -> None:
    np.testing.assert_array_equal(recording.values, case.truth)


def test_times(case: Case, recording: xr.DataArray) -> None:
    expected = np.datetime64(case.start, "ns") + np.arange(recording.sizes["time"]) * np.timedelta64(
        10_000_000, "ns"
    )
    np.testing.assert_array_equal(recording["time"].values, expected)
    assert start_time(recording) == expected[0]
    np.testing.assert_array_equal(sample_times(recording, [3, 17]), expected[[3, 17]])


def test_channels_are_sorted(case: Case, recording: xr.DataArray) -> None:
    key = recording["distance" if case.fibre else "seed_id"].values
    np.testing.assert_array_equal(key, np.sort(key))


@pytest.mark.parametrize(
    "key",
    [
        (slice(None), slice(3990, 4010)),
        (1, slice(6990, 7010)),
        (slice(1, 3), slice(100, 9000, 7)),
        (slice(None, None, -1), slice(None, None, -500)),
        ([2, 0], [5, 3, 12_000]),
        (slice(None), 4000),
        (slice(2, 2), slice(0, 0)),
    ],
)
def test_slices_equal_the_whole(case: Case, recording: xr.DataArray, key: tuple[Any, Any]) -> None:
    part = recording.isel(channel=key[0], time=key[1])
    expected = case.truth[key[0]][..., key[1]]
    np.testing.assert_array_equal(part.values, expected)
    np.testing.assert_array_equal(part["time"].values, recording["time"].values[key[1]])


def test_tiled_equals_whole(case: Case, recording: xr.DataArray) -> None:
    cores = [tile.data[:, tile.core] for tile in tiles(recording, 1000, halo=137)]
    np.testing.assert_array_equal(np.concatenate(cores, axis=1), case.truth)


def test_span(case: Case) -> None:
    begin = np.datetime64(case.start, "ns") + np.timedelta64(60, "s")
    part = open_recording(case.source, start=begin, end=begin + np.timedelta64(15, "s"), **case.options)
    np.testing.assert_array_equal(part.values, case.truth[:, 6000:7500])
    assert start_time(part) == begin


def test_select(case: Case) -> None:
    whole = open_recording(case.source, **case.options)
    if case.fibre:
        low, high = whole["distance"].values[[1, 2]]
        part = open_recording(case.source, select=(low, high), **case.options)
        np.testing.assert_array_equal(part.values, case.truth[1:3])
    else:
        wanted = str(whole["seed_id"].values[2])
        part = open_recording(case.source, select=wanted[:-1] + "?", **case.options)
        assert wanted in part["seed_id"].values
        assert "XX.BBB.00.HHZ" not in part["seed_id"].values


def test_the_gap_is_logged(case: Case, recording: xr.DataArray) -> None:
    _ = recording.values
    counted = sum(count for kind, _, _, count in quality_log_of(recording).issues if kind == case.gap_is)
    assert counted == (0 if case.gap_is == "known" else np.isnan(case.truth).sum())
    assert not {"damaged", "header_mismatch", "shifted"} & {
        kind for kind, *_ in quality_log_of(recording).issues
    }


def test_reading_twice_logs_once(recording: xr.DataArray) -> None:
    _ = recording.values
    once = quality_log_of(recording).issues
    _ = recording[:, 100:].values
    assert quality_log_of(recording).issues == once


def test_parts_share_the_quality_log(recording: xr.DataArray) -> None:
    assert quality_log_of(recording.isel(time=slice(10, 20))) is quality_log_of(recording)


def test_can_be_sent_to_another_process(case: Case, recording: xr.DataArray) -> None:
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(recording)).values, case.truth)


@pytest.mark.parametrize("suffix", [".nc", ".zarr", ".mseed"])
def test_round_trip(case: Case, recording: xr.DataArray, tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"out{suffix}"
    write_recording(recording, path)
    again = open_recording(path)
    np.testing.assert_array_equal(again.values, case.truth)
    np.testing.assert_array_equal(again["time"].values, recording["time"].values)
    assert sampling_rate(again) == RATE
    if suffix != ".mseed":
        assert set(again.coords) == set(recording.coords)
        assert again.attrs == recording.attrs


def test_nothing_is_decoded_at_opening(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    from selfseis.recording import block_reader as blocks
    from selfseis.recording import netcdf_zarr as own_formats

    def refuse(*_: object) -> None:
        raise AssertionError("samples were read")

    monkeypatch.setattr(blocks.BlockReader, "__call__", refuse)
    monkeypatch.setattr(own_formats._ReadFromStore, "__call__", refuse)
    recording = open_recording(case.source, **case.options)
    part = recording.isel(time=slice(5, 5000)).isel(channel=slice(0, 2))
    assert part.shape == (2, 4995)
    assert part["time"][0] == recording["time"][5]


def test_a_year_opens_at_once() -> None:
    from selfseis.recording import lazy_recording

    def read(channels: np.ndarray, first: int, last: int) -> np.ndarray:
        return (channels[:, None] + np.arange(first, last)[None] % 1000).astype(np.float32)

    year = lazy_recording(read, 3, 365 * 86_400 * 100, 100.0, "2014-01-01")
    day = year.sel(time=slice("2014-06-01", "2014-06-01T00:00:00.05"))
    np.testing.assert_array_equal(day.values[2], 2 + np.arange(6))
    assert str(year["time"][-1].values) == "2014-12-31T23:59:59.990000000"


def test_a_given_order_of_channels_is_sorted_with_its_data() -> None:
    samples = np.arange(3)[:, None] * np.ones((3, 5))
    recording = recording_from_array(samples, 10.0, distance=[30.0, 10.0, 20.0], latitude=[3.0, 1.0, 2.0])
    np.testing.assert_array_equal(recording.values[:, 0], [1, 2, 0])
    np.testing.assert_array_equal(recording["latitude"], [1, 2, 3])
