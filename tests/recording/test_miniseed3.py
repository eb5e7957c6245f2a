"""miniSEED 3: codes, times, rates and samples as written; damaged and cut records; a file of both versions."""

from __future__ import annotations

import datetime as dt
import io
import struct
from pathlib import Path

import numpy as np
import pytest

from selfseis.io.obspy_import import obspy
from selfseis.quality_log import quality_log_of
from selfseis.recording import open_recording, start_time
from selfseis.recording.miniseed3 import crc32c, seed_id_of

START = "2021-03-05T02:00:00.123456789"
PLAIN = {1: "<i2", 3: "<i4", 4: "<f4", 5: "<f8"}


def record(payload: bytes, n_samples: int, start_ns: int, encoding: int, rate: float = 100.0) -> bytes:
    """One record; this writer follows the specification and shares no code with the reader."""
    seconds, nanosecond = divmod(start_ns, 10**9)
    moment = dt.datetime.fromtimestamp(seconds, dt.UTC)
    source = b"FDSN:XX_ST2__H_H_Z"
    clock = (nanosecond, moment.year, moment.timetuple().tm_yday, moment.hour, moment.minute, moment.second)
    head = b"MS\x03\x00" + struct.pack("<IHHBBB", *clock) + struct.pack("<BdI", encoding, rate, n_samples)
    tail = struct.pack("<BBHI", 1, len(source), 0, len(payload)) + source + payload
    crc = crc32c(head + bytes(4) + tail)
    return head + struct.pack("<I", crc) + tail


def records(samples: np.ndarray, encoding: int, rate: float = 100.0, size: int = 400) -> list[bytes]:
    start = int(np.datetime64(START, "ns").astype(np.int64))
    return [
        record(
            samples[first : first + size].astype(PLAIN[encoding]).tobytes(),
            len(samples[first : first + size]),
            start + round(first * 1e9 / abs(rate) if rate > 0 else first * 1e9 * -rate),
            encoding,
            rate,
        )
        for first in range(0, len(samples), size)
    ]


@pytest.fixture
def samples() -> np.ndarray:
    return np.cumsum(np.random.default_rng(2).integers(-40, 41, 5000))


@pytest.mark.parametrize("encoding", [1, 3, 4, 5])
@pytest.mark.parametrize("rate", [100.0, 0.5, -2.0])
def test_numbers_times_and_rates(tmp_path: Path, samples: np.ndarray, encoding: int, rate: float) -> None:
    (tmp_path / "a.mseed").write_bytes(b"".join(records(samples, encoding, rate)))
    recording = open_recording(tmp_path)
    np.testing.assert_array_equal(recording.values[0], samples)
    assert recording["seed_id"].values.tolist() == ["XX.ST2..HHZ"]
    assert start_time(recording) == np.datetime64(START, "ns")
    assert recording.attrs["sampling_rate"] == (rate if rate > 0 else 0.5)
    assert len(quality_log_of(recording)) == 0


def test_steim_payloads(tmp_path: Path, samples: np.ndarray) -> None:
    buffer = io.BytesIO()
    trace = obspy().Trace(samples.astype(np.int32), {"sampling_rate": 100.0})
    trace.write(buffer, format="MSEED", encoding="STEIM2", reclen=512)
    old = [buffer.getvalue()[first : first + 512] for first in range(0, len(buffer.getvalue()), 512)]
    begin, parts = 0, []
    for raw in old:
        count = int.from_bytes(raw[30:32], "big")
        start = int(np.datetime64(START, "ns").astype(np.int64)) + begin * 10_000_000
        parts.append(record(raw[64:], count, start, 11))
        begin += count
    (tmp_path / "a.mseed").write_bytes(b"".join(parts))
    np.testing.assert_array_equal(open_recording(tmp_path).values[0], samples)


@pytest.mark.parametrize("place", [5, 30, 700, 1500])
def test_a_damaged_record_is_left_out_and_named(tmp_path: Path, samples: np.ndarray, place: int) -> None:
    whole = records(samples, 3)
    damaged = bytearray(whole[4])
    damaged[place] ^= 4
    (tmp_path / "a.mseed").write_bytes(b"".join([*whole[:4], bytes(damaged), *whole[5:]]))
    recording = open_recording(tmp_path / "a.mseed")
    row = recording.values[0]
    assert np.isnan(row[1600:2000]).all()
    np.testing.assert_array_equal(np.delete(row, range(1600, 2000)), np.delete(samples, range(1600, 2000)))
    assert {issue.kind for issue in quality_log_of(recording).issues} == {"damaged", "gap"}


def test_a_cut_file_and_both_versions_in_one_file(tmp_path: Path, samples: np.ndarray) -> None:
    buffer = io.BytesIO()
    header = {"network": "XX", "station": "ST1", "channel": "HHZ", "sampling_rate": 100.0,
              "starttime": obspy().UTCDateTime(START)}  # fmt: skip
    obspy().Trace(samples.astype(np.int32), header).write(buffer, format="MSEED", reclen=512)
    third = b"".join(records(samples, 3))
    (tmp_path / "a.mseed").write_bytes(buffer.getvalue() + third[:-100])
    recording = open_recording(tmp_path / "a.mseed")
    assert recording["seed_id"].values.tolist() == ["XX.ST1..HHZ", "XX.ST2..HHZ"]
    np.testing.assert_array_equal(recording.values[1, :4800], samples[:4800])
    assert "truncated" in {issue.kind for issue in quality_log_of(recording).issues}


def test_long_codes_stay_apart() -> None:
    assert seed_id_of("FDSN:XX_NODE000001__H_H_Z") != seed_id_of("FDSN:XX_NODE000002__H_H_Z")
    assert seed_id_of("FDSN:XX_ST2_10_L_H_Z") == "XX.ST2.10.LHZ"
