"""Real files of many vendors and networks."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from selfseis.quality_log import quality_log_of
from selfseis.recording import open_recording, sampling_rate, start_time, tiles

FIBRES = {
    "decimated_optodas.hdf5": ((51, 5000), 500.0, "2023-10-27T14:23:37.020", 10.213),
    "deformation_rate_event_1.hdf5": ((225, 900), 1999.976, "2022-06-04T15:27:44.800", None),
    "febus_2.h5": ((101, 1050), 1050.0, "2025-09-23T11:40:14.013", 2.0),
    "iDAS005_hdf5_example.626.h5": ((1152, 1000), 1000.0, "2019-05-31T08:38:50.626", 10.0),
    "silixa_h5_1.hdf5": ((3840, 100), 500.0, "2023-09-22T18:29:26.158", 10.0),
    "terra15_v5_test_file.hdf5": ((43, 2060), 3217.803, "2022-08-23T23:09:54.373", 2.450),
    "valencia_febus_example.h5": ((100, 1250), 250.0, "2020-09-02T07:21:46.413", 30.4),
}


@pytest.mark.parametrize("name", list(FIBRES))
def test_fibres_of_six_vendors(shared_data: Path, name: str) -> None:
    dascore = pytest.importorskip("dascore")
    shape, rate, start, gauge_length = FIBRES[name]
    recording = open_recording(shared_data / "das" / name)
    assert recording.shape == shape
    assert sampling_rate(recording) == pytest.approx(rate, rel=1e-6)
    assert start_time(recording).astype("datetime64[ms]") == np.datetime64(start)
    assert recording.attrs.get("gauge_length") == (
        None if gauge_length is None else pytest.approx(gauge_length, rel=1e-3)
    )
    patch = dascore.read(shared_data / "das" / name)[0].transpose("distance", "time")
    samples, expected = recording.values, np.asarray(patch.data, dtype=np.float32)
    there = ~np.isnan(samples)
    assert there.mean() > 0.98
    np.testing.assert_array_equal(samples[there], expected[there])
    if name.startswith("silixa"):  # its header states other distances than DASCore
        np.testing.assert_allclose(recording["distance"].values[[0, -1]], [0.765761, 7839.680069])
    else:
        np.testing.assert_allclose(recording["distance"].values, patch.get_array("distance"))
    tiled = np.concatenate([tile.data[:, tile.core] for tile in tiles(recording, 77, halo=5)], axis=1)
    np.testing.assert_array_equal(tiled, samples)
    middle = open_recording(
        shared_data / "das" / name, start=recording["time"].values[31], end=recording["time"].values[60]
    )
    np.testing.assert_array_equal(middle.values, samples[:, 31:60])


def test_a_bare_matlab_matrix(shared_data: Path) -> None:
    path = shared_data / "das" / "forge_eq68.mat"
    given = open_recording(path, sampling_rate=2000.0, channel_spacing=1.0)
    assert given.shape == (960, 2000)
    guesses = {finding.detail.partition(":")[0] for finding in quality_log_of(given).issues}
    assert guesses == {"the axes have no names", "the file states no time"}
    assumed = open_recording(path)
    assert sampling_rate(assumed) == 1.0
    assert all(
        "--" in finding.detail or "yaml" in finding.detail for finding in quality_log_of(assumed).issues
    )


def test_overlapping_windows_of_a_network(shared_data: Path) -> None:
    recording = open_recording(shared_data / "stations" / "iceland_vt")
    assert recording.sizes["channel"] == 36
    assert 0.05 < np.isnan(recording.values).mean() < 0.08
    assert 600 < np.nanmax(recording["elevation"].values) < 2000
    found = {finding.kind for finding in quality_log_of(recording).issues}
    assert {"overlap", "gap", "not_waveforms", "assumed"} <= found
    assert "conflict" not in found
    assert quality_log_of(recording).failed_units == []


def test_gappy_network_agrees_with_obspy(shared_data: Path) -> None:
    from selfseis.io.obspy_import import read_stream

    path = shared_data / "stations" / "aegean_gappy.mseed"
    recording = open_recording(path)
    for seed_id, samples in zip(recording["seed_id"].values, recording.values, strict=True):
        traces = read_stream(str(path)).select(id=str(seed_id))
        np.testing.assert_array_equal(
            samples[~np.isnan(samples)], np.concatenate([trace.data for trace in traces])
        )


def test_archive_of_twelve_hours(shared_data: Path) -> None:
    archive = shared_data / "stations" / "cx_pb" / "archive"
    recording = open_recording(
        archive, start="2014-05-01T03:00:00", end="2014-05-01T03:10:00", select="CX.PB01..HH?"
    )
    assert recording.shape == (3, 60_000)
    assert not np.isnan(recording.values).any()
