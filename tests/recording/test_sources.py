"""Folders, globs, archives, URLs, and coordinates from files in the data folder."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from conftest import RATE, patch_of, stream_of
from selfseis.errors import InputError
from selfseis.io.obspy_import import obspy
from selfseis.quality_log import quality_log_of
from selfseis.recording import as_recording, open_recording, write_recording
from selfseis.recording.options import QualityControlOptions
from selfseis.simulate import simulate_noise_recording


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    """An SDS archive of three days, one minute each around midday, two channels."""
    module = obspy()
    for day in (120, 121, 122):
        for channel in ("HHN", "HHZ"):
            start = module.UTCDateTime(year=2014, julday=day, hour=12)
            samples = np.random.default_rng(day).integers(-99, 99, 6000).astype(np.int32)
            header = {
                "network": "CX",
                "station": "PB01",
                "channel": channel,
                "sampling_rate": RATE,
                "starttime": start,
            }
            folder = tmp_path / "2014" / "CX" / "PB01" / f"{channel}.D"
            folder.mkdir(parents=True, exist_ok=True)
            name = f"CX.PB01..{channel}.D.2014.{day}"
            module.Trace(samples, header).write(str(folder / name), format="MSEED")
    return tmp_path


def test_only_the_days_around_the_span_of_an_archive_are_opened(
    archive: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from selfseis.recording import scan_headers as material

    opened: list[str] = []
    index = material.miniseed_segments
    monkeypatch.setattr(
        material, "miniseed_segments", lambda path, found: opened.append(path.name) or index(path, found)
    )
    recording = open_recording(
        archive, start="2014-05-02T12:00:10", end="2014-05-02T12:00:20", select="*.HHZ"
    )
    assert recording.shape == (1, 1000)
    assert opened == ["CX.PB01..HHZ.D.2014.121", "CX.PB01..HHZ.D.2014.122"]


def test_a_whole_archive_has_its_gaps(archive: Path) -> None:
    recording = open_recording(archive)
    assert recording.shape == (2, 2 * 86_400 * 100 + 6000)
    assert np.isnan(recording[:, 6000:7000].values).all()
    assert {finding.kind for finding in quality_log_of(recording).issues} == {"gap"}


def test_a_span_without_files_is_refused(archive: Path) -> None:
    with pytest.raises(InputError, match="none of the requested days"):
        open_recording(archive, start="2010-01-01", end="2010-01-02")


def test_globs_lists_and_urls(archive: Path) -> None:
    files = sorted(archive.rglob("*.2014.121"))
    whole = open_recording(*files)
    assert open_recording(f"{archive}/2014/**/*.121").identical(whole)
    assert open_recording(f"file://{files[0]}").sizes["channel"] == 1
    assert open_recording(*files, files[0]).identical(whole)
    with pytest.raises(InputError, match="cannot be opened"):
        open_recording("nosuchprotocol://host/file.mseed")


def test_urls_are_opened_through_fsspec(archive: Path) -> None:
    import fsspec

    file = next(archive.rglob("*.HHZ.D.2014.121"))
    with fsspec.open("memory://day.mseed", "wb") as remote:
        remote.write(file.read_bytes())
    np.testing.assert_array_equal(open_recording("memory://day.mseed").values, open_recording(file).values)


def test_a_table_of_stations_gives_coordinates(tmp_path: Path, counts: np.ndarray) -> None:
    stream_of(counts).write(str(tmp_path / "a.mseed"), format="MSEED")
    (tmp_path / "stations.csv").write_text(
        "station, latitude, longitude, elevation_m\nAAA, 64.5, -17.25, 1381\n"
    )
    recording = open_recording(tmp_path)
    np.testing.assert_array_equal(recording["latitude"].values, [64.5, 64.5, 64.5, np.nan])
    np.testing.assert_array_equal(recording["elevation"].values[:3], 1381)


def test_small_elevations_are_taken_as_kilometres_and_noted(tmp_path: Path, counts: np.ndarray) -> None:
    stream_of(counts).write(str(tmp_path / "a.mseed"), format="MSEED")
    (tmp_path / "stations.txt").write_text("Latitude,Longitude,Elevation,Name\n64.5,-17.25,1.381,AAA\n")
    recording = open_recording(tmp_path)
    np.testing.assert_allclose(recording["elevation"].values[:3], 1381)
    assert "kilometres" in quality_log_of(recording).summary()[0]


def test_station_xml_gives_coordinates_and_sensitivity(tmp_path: Path, counts: np.ndarray) -> None:
    obspy()
    from obspy.core.inventory import Channel, Inventory, Network, Station
    from obspy.core.inventory.response import InstrumentSensitivity, Response

    response = Response(instrument_sensitivity=InstrumentSensitivity(6.0e8, 1.0, "M/S", "COUNTS"))
    place = {"latitude": 1.5, "longitude": 2.5, "elevation": 300.0}
    channel = Channel("HHZ", "", depth=0.0, response=response, **place)
    inventory = Inventory([Network("XX", [Station("AAA", channels=[channel], **place)])])
    stream_of(counts).write(str(tmp_path / "a.mseed"), format="MSEED")
    inventory.write(str(tmp_path / "stations.xml"), format="STATIONXML")
    for recording in (open_recording(tmp_path), open_recording(tmp_path / "a.mseed", inventory=inventory)):
        np.testing.assert_array_equal(recording["latitude"].values, [1.5, 1.5, 1.5, np.nan])
        np.testing.assert_array_equal(recording["sensitivity"].values, [np.nan, np.nan, 6.0e8, np.nan])
    with pytest.raises(InputError, match="not a station inventory"):
        open_recording(tmp_path / "a.mseed", inventory=tmp_path / "a.mseed")


def test_import_loads_no_heavy_library() -> None:
    import subprocess
    import sys

    heavy = ("obspy", "dascore", "h5py", "torch", "scipy", "matplotlib")
    code = f"import sys, selfseis.recording; print([name for name in {heavy} if name in sys.modules])"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"


def test_a_list_of_paths_equals_its_members(tmp_path: Path) -> None:
    first = simulate_noise_recording("white", "network", 1 / 360, 50.0, 2, seed=1)
    names = [tmp_path / "a.mseed", tmp_path / "b.mseed"]
    write_recording(first.isel(time=slice(0, 250)), names[0])
    write_recording(first.isel(time=slice(250, 500)), names[1])
    xr.testing.assert_identical(open_recording(names).load(), open_recording(*names).load())
    assert open_recording(names).sizes["time"] == 500
    with pytest.raises(InputError, match="list of sources is empty"):
        open_recording([])


def test_estimators_take_whatever_holds_a_recording(tmp_path: Path, counts: np.ndarray) -> None:
    stream = stream_of(counts)
    stream.write(str(tmp_path / "a.mseed"), format="MSEED")
    expected = open_recording(stream)
    for data in (stream, tmp_path / "a.mseed", str(tmp_path), [tmp_path / "a.mseed"], expected):
        recording = as_recording(data)
        assert recording.dims == ("channel", "time") and recording.dtype == np.float32
        xr.testing.assert_identical(recording.load(), expected.load())


def test_a_recording_keeps_its_quality_log(gappy: np.ndarray) -> None:
    recording = open_recording(stream_of(gappy))
    assert quality_log_of(as_recording(recording)) is quality_log_of(recording)


def test_estimators_take_a_patch(counts: np.ndarray) -> None:
    patch = patch_of(counts)
    xr.testing.assert_identical(as_recording(patch).load(), open_recording(patch).load())


def test_an_array_has_no_sampling_rate(counts: np.ndarray) -> None:
    with pytest.raises(InputError, match=r"give open_recording\(array, sampling_rate=...\)"):
        as_recording(counts)


def test_limits_of_quality_control_are_options() -> None:
    samples = np.random.default_rng(0).standard_normal(3000).astype(np.float32)
    samples[1000:1100] = 7.0  # 1 s
    stream = stream_of(samples[None], dtype="float32")
    assert np.isfinite(open_recording(stream).values).all()
    strict = open_recording(stream, quality_control=QualityControlOptions(dead_seconds=0.5))
    assert np.flatnonzero(np.isnan(strict.values[0])).tolist() == list(range(1000, 1100))
