"""What is lost is named and reaches the exit status; what can be saved is saved."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from conftest import stream_of
from selfseis.errors import InputError
from selfseis.io.obspy_import import obspy
from selfseis.quality_log import QualityLog, quality_log_of
from selfseis.recording import open_recording, recording_from_array

N_SAMPLES = 12_000


def trace(samples: np.ndarray, station: str = "ST1", start: float = 0.0) -> Any:
    header = {"network": "XX", "station": station, "channel": "HHZ", "sampling_rate": 100.0,
              "starttime": obspy().UTCDateTime("2021-03-05T02:00:00") + start}  # fmt: skip
    return obspy().Trace(samples, header)


def miniseed(one: Any, **options: Any) -> bytes:
    buffer = io.BytesIO()
    one.write(buffer, format="MSEED", **{"reclen": 512, **options})
    return buffer.getvalue()


@pytest.fixture
def samples() -> np.ndarray:
    return np.cumsum(np.random.default_rng(7).integers(-400, 401, N_SAMPLES)).astype(np.int32)


def logged(recording: Any) -> set[str]:
    _ = recording.values
    return {issue.kind for issue in quality_log_of(recording).issues}


@pytest.mark.parametrize("second", ["STEIM2", "FLOAT64", "FLOAT32", "INT32", "little-endian"])
def test_a_change_of_encoding_within_a_file_loses_nothing(
    tmp_path: Path, samples: np.ndarray, second: str
) -> None:
    kind = {"FLOAT64": np.float64, "FLOAT32": np.float32}.get(second, np.int32)
    options = {"encoding": "STEIM1", "byteorder": 0} if second == "little-endian" else {"encoding": second}
    first = miniseed(trace(samples[:4000]), encoding="STEIM1")
    rest = miniseed(trace(samples[4000:].astype(kind), start=40.0), **options)
    (tmp_path / "a.mseed").write_bytes(first + rest)
    recording = open_recording(tmp_path)
    np.testing.assert_array_equal(recording.values[0], samples)
    assert logged(recording) == set()


def test_a_change_of_rate_within_a_file_is_named(tmp_path: Path, samples: np.ndarray) -> None:
    other = trace(samples[:2000], start=130.0)
    other.stats.sampling_rate = 50.0
    (tmp_path / "a.mseed").write_bytes(miniseed(trace(samples)) + miniseed(other))
    recording = open_recording(tmp_path)
    np.testing.assert_array_equal(recording.values[0], samples)
    assert quality_log_of(recording).failed_units == ["XX.ST1..HHZ"]
    assert open_recording(tmp_path, sampling_rate=50.0).sizes["time"] == 2000


def with_last_samples(raw: bytes, value: bytes, records: slice) -> bytes:
    """Replace the stated last sample in the first frame of some records."""
    table = np.frombuffer(raw, np.uint8).reshape(-1, 512).copy()
    table[records, 72:76] = np.frombuffer(value, np.uint8)
    return table.tobytes()


@pytest.mark.parametrize("records", [slice(None), slice(3, 7)])
def test_a_wrong_stated_last_sample_is_proven_wrong_by_the_next_record(
    tmp_path: Path, samples: np.ndarray, records: slice
) -> None:
    raw = miniseed(trace(samples), encoding="STEIM2")
    (tmp_path / "a.mseed").write_bytes(with_last_samples(raw, bytes(4), records))
    recording = open_recording(tmp_path)
    np.testing.assert_array_equal(recording.values[0], samples)
    assert logged(recording) == {"header_mismatch"}
    assert quality_log_of(recording).failed_units == []


def test_damage_in_a_file_of_such_a_writer_is_still_masked(tmp_path: Path, samples: np.ndarray) -> None:
    raw = bytearray(with_last_samples(miniseed(trace(samples), encoding="STEIM2"), bytes(4), slice(None)))
    raw[5 * 512 + 300] ^= 0x10
    (tmp_path / "a.mseed").write_bytes(bytes(raw))
    row = open_recording(tmp_path).values[0]
    bad = np.isnan(row)
    assert 0 < bad.sum() < 1000
    np.testing.assert_array_equal(row[~bad], samples[~bad])


def test_a_file_of_damaged_records_counts_as_lost(tmp_path: Path, samples: np.ndarray) -> None:
    table = np.frombuffer(miniseed(trace(samples, "ST2")), np.uint8).reshape(-1, 512).copy()
    table[::3, 300] ^= 0x10
    (tmp_path / "b.mseed").write_bytes(table.tobytes())
    (tmp_path / "a.mseed").write_bytes(miniseed(trace(samples)))
    recording = open_recording(tmp_path)
    assert "damaged" in logged(recording)
    assert quality_log_of(recording).failed_units == [str(tmp_path / "b.mseed")]


def test_a_dead_channel_counts_as_lost_once_it_is_read(samples: np.ndarray) -> None:
    recording = open_recording(stream_of(np.stack([samples, np.full(N_SAMPLES, 7)]).astype(float)))
    assert quality_log_of(recording).failed_units == []
    _ = recording.values
    assert quality_log_of(recording).failed_units == [str(recording["seed_id"].values[1])]


@pytest.mark.parametrize("offset", [10**8, 1_500_000_000, -1_999_999_999])
@pytest.mark.parametrize("encoding", ["STEIM2", "INT32", "FLOAT64"])
def test_a_large_offset_does_not_swallow_the_signal(tmp_path: Path, offset: int, encoding: str) -> None:
    noise = np.random.default_rng(8).integers(-60, 61, N_SAMPLES)
    shifted = (noise.astype(np.int64) + offset).astype(np.float64 if encoding == "FLOAT64" else np.int32)
    trace(shifted).write(str(tmp_path / "a.mseed"), format="MSEED", encoding=encoding)
    recording = open_recording(tmp_path)
    row = recording.values[0]
    np.testing.assert_array_equal(row - row[0], noise - noise[0])
    assert logged(recording) == {"offset"}
    later = open_recording(tmp_path, start="2021-03-05T02:00:30")
    np.testing.assert_array_equal(later.values[0], row[3000:])


@pytest.mark.parametrize("amplitude", [100, 3000])
def test_gaps_filled_by_a_straight_line_are_masked(amplitude: int) -> None:
    rough = np.random.default_rng(9).normal(5000, amplitude, N_SAMPLES)
    filled = rough.copy()
    for first, n_filled in ((1000, 60), (3000, 250), (6000, 2000)):
        last = first + n_filled
        filled[first:last] = np.linspace(rough[first - 1], rough[last] + 40, n_filled)
    recording = open_recording(stream_of(np.round(np.stack([filled, rough]))))
    masked = np.isnan(recording.values)
    assert masked[0].sum() == pytest.approx(2310, abs=12)
    assert not masked[1].any()
    assert logged(recording) == {"filled"}


def test_a_smooth_signal_is_not_taken_for_a_line() -> None:
    times = np.arange(N_SAMPLES) / 100.0
    rng = np.random.default_rng(10)
    slow = 1e5 * np.sin(2 * np.pi * times / 60) + rng.normal(0, 1, N_SAMPLES)
    ramp = 1e3 * times + rng.normal(0, 2, N_SAMPLES)
    recording = open_recording(stream_of(np.round(np.stack([slow, ramp]))))
    assert np.isfinite(recording.values).all()


@pytest.mark.parametrize(
    ("suffix", "pack"), [(".gz", gzip.compress), (".bz2", bz2.compress), (".xz", lzma.compress)]
)
@pytest.mark.parametrize("kind", ["MSEED", "SAC"])
def test_compressed_files_are_read(
    tmp_path: Path, samples: np.ndarray, suffix: str, pack: Callable[[bytes], bytes], kind: str
) -> None:
    buffer = io.BytesIO()
    trace(samples).write(buffer, format=kind)
    (tmp_path / f"XX.ST1..HHZ.D.2021.064{suffix}").write_bytes(pack(buffer.getvalue()))
    np.testing.assert_array_equal(open_recording(tmp_path).values[0], samples)


def test_damaged_compression_is_one_line(tmp_path: Path, samples: np.ndarray) -> None:
    packed = gzip.compress(miniseed(trace(samples)))
    (tmp_path / "a.mseed.gz").write_bytes(packed[: len(packed) // 2])
    with pytest.raises(InputError, match="cannot be extracted"):
        open_recording(tmp_path / "a.mseed.gz")


def test_a_file_that_grows_without_end_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.mseed.gz").write_bytes(gzip.compress(bytes(64_000_000)))
    with pytest.raises(InputError, match="grows"):
        open_recording(tmp_path / "a.mseed.gz")


def test_day_files_that_cannot_be_read_are_named(tmp_path: Path, samples: np.ndarray) -> None:
    names = [f"XX.ST{number}..HHZ.D.2021.064" for number in range(1, 5)]
    (tmp_path / names[0]).write_bytes(miniseed(trace(samples)))
    (tmp_path / names[1]).write_bytes(b"")
    (tmp_path / names[2]).write_bytes(os.urandom(5000))
    trace(samples, "ST4").write(str(tmp_path / names[3]), format="SAC")
    recording = open_recording(tmp_path)
    assert recording["seed_id"].values.tolist() == ["XX.ST1..HHZ", "XX.ST4..HHZ"]
    assert quality_log_of(recording).failed_units == [str(tmp_path / name) for name in names[1:3]]


@pytest.mark.parametrize("name", ["HHZ.XX.MD", "ST1.LOG", "ST1.csv", "waves.PICKS"])
def test_stations_are_not_skipped_by_their_file_names(tmp_path: Path, samples: np.ndarray, name: str) -> None:
    trace(samples).write(str(tmp_path / name), format="SAC")
    np.testing.assert_array_equal(open_recording(tmp_path).values[0], samples)


def test_a_header_with_more_samples_than_its_file_is_refused(tmp_path: Path, samples: np.ndarray) -> None:
    trace(samples.astype(np.float32)).write(str(tmp_path / "a.sac"), format="SAC")
    raw = bytearray((tmp_path / "a.sac").read_bytes())
    raw[4 * 79 : 4 * 80] = (2_000_000_000).to_bytes(4, "little")  # NPTS
    (tmp_path / "a.sac").write_bytes(bytes(raw))
    with pytest.raises(InputError, match=r"states 2,000,000,000 samples|cannot be used|no reader"):
        open_recording(tmp_path / "a.sac")


def test_an_array_that_is_nearly_empty_is_not_made(tmp_path: Path, samples: np.ndarray) -> None:
    for station, start in (("ST1", 0.0), ("ST2", 30 * 86_400.0)):
        (tmp_path / station).write_bytes(miniseed(trace(samples, station, start)))
    recording = open_recording(tmp_path)
    with pytest.raises(InputError, match="nearly empty"):
        _ = recording.values
    np.testing.assert_array_equal(recording.isel(time=slice(0, N_SAMPLES)).values[0], samples)


def test_the_log_names_skipped_channels_together() -> None:
    quality_log = QualityLog()
    quality_log.expect("XX.A..HHZ", 10)
    for code in ("XX.B..LHZ", "XX.C..LHZ"):
        quality_log.add(
            "wrong_rate", code, "at 20 Hz, the rest at 100 Hz: left out; --sampling-rate 20 opens it"
        )
    (line,) = quality_log.summary()
    assert line.startswith("skipped 2 of 3, XX.B..LHZ, XX.C..LHZ: at 20 Hz, the rest at 100 Hz")
    assert quality_log.failed_units == ["XX.B..LHZ", "XX.C..LHZ"]


def test_arrays_with_a_large_offset_keep_their_signal() -> None:
    noise = np.random.default_rng(13).integers(-60, 61, (2, 1000)).astype(np.float64)
    recording = recording_from_array(np.add(noise, [[0.0], [1.2e9]]), 100.0)
    values = recording.values
    np.testing.assert_array_equal(values - values[:, :1], noise - noise[:, :1])
    assert [issue.kind for issue in quality_log_of(recording).issues] == ["offset"]


@pytest.mark.parametrize("samples", [np.array(["a", "b"]), np.array([1j, 2j]), np.zeros((2, 2, 2))])
def test_arrays_of_other_things_than_samples_are_refused(samples: np.ndarray) -> None:
    with pytest.raises(InputError, match="samples must be numbers"):
        recording_from_array(samples, 100.0)


def test_a_fibre_in_memory_is_read_block_by_block() -> None:
    samples = np.random.default_rng(14).normal(size=(3, 130_000)).astype(np.float32)
    recording = open_recording(samples, sampling_rate=100.0, channel_spacing=1.0)
    np.testing.assert_array_equal(
        recording.isel(time=slice(59_990, 60_010)).values, samples[:, 59_990:60_010]
    )
    np.testing.assert_array_equal(recording.values, samples)
