"""Sample times are those of the records: rates that differ a little, leap seconds, WIN seconds, delays of triggers."""

from __future__ import annotations

import io
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from selfseis.io.obspy_import import obspy
from selfseis.quality_log import quality_log_of
from selfseis.recording import open_recording, sample_times, start_time
from selfseis.recording.segments import SegmentInMemory
from selfseis.recording.time_axis import TimeGrid
from selfseis.recording.timeline import Timeline

HOURS = 2


def trace(station: str, rate: float, samples: np.ndarray, start: str = "2021-03-05") -> Any:
    header = {"network": "XX", "station": station, "channel": "HHZ", "sampling_rate": rate,
              "starttime": obspy().UTCDateTime(start)}  # fmt: skip
    return obspy().Trace(samples.astype(np.int32), header)


@pytest.mark.parametrize("other", [49.9986, 50.004])
def test_an_honest_odd_rate_keeps_its_times(tmp_path: Path, other: float) -> None:
    seconds = 3600.0 * (HOURS - 0.5)
    for station, rate in (("ST1", 50.0), ("ST2", other), ("ST3", 50.0)):
        samples = np.random.default_rng(1).integers(-50, 50, round(HOURS * 3600 * rate))
        samples[round(seconds * rate)] = 500_000
        trace(station, rate, samples).write(str(tmp_path / f"{station}.mseed"), format="MSEED")
    recording = open_recording(tmp_path)
    clicks = sample_times(recording, np.nanargmax(recording.values, axis=1))
    assert np.ptp(clicks.astype(np.int64)) <= 10_000_000  # half a sample
    n_lost = np.isnan(recording.values[1]).sum() if other < 50 else 0
    assert n_lost <= abs(other - 50) * HOURS * 3600 + 25
    assert {"shifted"} <= {issue.kind for issue in quality_log_of(recording).issues}


@pytest.mark.parametrize("rate", [99.99, 100.01, 100.0])
@pytest.mark.parametrize("start_ns", [0, 4_900_000, -4_900_000])
def test_each_piece_lies_within_half_a_sample_of_its_time(rate: float, start_ns: int) -> None:
    grid = TimeGrid(0, 100.0, 100_000)
    samples = np.arange(80_000, dtype=np.float64)
    segment = SegmentInMemory("A", start_ns, samples.size, rate, "memory", samples)
    timeline = Timeline("A", [segment], grid)
    quality_log = quality_log_of(open_recording(np.zeros((1, 10)), sampling_rate=1.0))
    values = timeline.read(0, grid.size, 1, quality_log)
    assert values is not None
    there = np.flatnonzero(np.isfinite(values[0]))
    true_times = start_ns / 1e9 + values[0, there] / rate
    assert np.abs(there / 100.0 - true_times).max() <= 0.0051
    assert len(there) >= 80_000 - 10


def test_record_times_overrule_a_rounded_rate(tmp_path: Path) -> None:
    """Headers state 99.99 Hz, but the records begin as at 100 Hz."""
    samples = np.cumsum(np.random.default_rng(3).integers(-40, 41, 360_000))
    buffer = io.BytesIO()
    trace("ST1", 100.0, samples).write(buffer, format="MSEED", reclen=512)
    raw = np.frombuffer(buffer.getvalue(), np.uint8).reshape(-1, 512).copy()
    raw[:, 32:36] = np.frombuffer(struct.pack(">hh", 9999, -100), np.uint8)
    (tmp_path / "a.mseed").write_bytes(raw.tobytes())
    recording = open_recording(tmp_path)
    assert recording.attrs["sampling_rate"] == pytest.approx(100.0, rel=1e-8)
    np.testing.assert_array_equal(recording.values[0], samples)


def leap_second_file(samples: np.ndarray) -> bytes:
    """Records that count the leap second at the end of 2016: from 23:59:50 to 00:00:10, 21 s long."""
    parts = []
    for first, start, second in ((0, "2016-12-31T23:59:50", 50), (1000, "2017-01-01T00:00:00", 60),
                                 (1100, "2017-01-01T00:00:00", 0)):  # fmt: skip
        last = {0: 1000, 1000: 1100, 1100: 2100}[first]
        buffer = io.BytesIO()
        begin = "2016-12-31T23:59:59" if second == 60 else start
        trace("ST1", 100.0, samples[first:last], begin).write(buffer, format="MSEED", reclen=4096)
        raw = bytearray(buffer.getvalue())
        if second == 60:
            raw[26], raw[36] = 60, raw[36] | 0x10
        parts.append(bytes(raw))
    return b"".join(parts)


def test_samples_after_a_leap_second_keep_their_times(tmp_path: Path) -> None:
    samples = np.cumsum(np.random.default_rng(4).integers(-40, 41, 2100))
    (tmp_path / "a.mseed").write_bytes(leap_second_file(samples))
    recording = open_recording(tmp_path)
    np.testing.assert_array_equal(recording.values[0], np.delete(samples, range(1000, 1100)))
    issues = {issue.kind: issue.count for issue in quality_log_of(recording).issues}
    assert issues == {"leap_second": 100}


def test_a_record_across_a_flagged_leap_second_is_divided(tmp_path: Path) -> None:
    samples = np.cumsum(np.random.default_rng(5).integers(-40, 41, 600))
    buffer = io.BytesIO()
    trace("ST1", 100.0, samples, "2016-12-31T23:59:57").write(buffer, format="MSEED", reclen=4096)
    raw = bytearray(buffer.getvalue())
    raw[36] |= 0x10
    (tmp_path / "a.mseed").write_bytes(bytes(raw))
    recording = open_recording(tmp_path)
    np.testing.assert_array_equal(recording.values[0], np.delete(samples, range(300, 400)))


def win_file(n_seconds: int, absent: set[int], width: int) -> bytes:
    """Two channels whose samples are their number since 00:00:00; channel 0102 lacks some seconds."""
    parts = []
    for second in range(n_seconds):
        body = b""
        for channel in (0x0101, 0x0102):
            if channel == 0x0102 and second in absent:
                continue
            first = second * 100
            ones = {0: b"\x11" * 50, 1: b"\1" * 99, 2: b"\0\1" * 99, 3: b"\0\0\1" * 99, 4: b"\0\0\0\1" * 99}
            body += struct.pack(">HHi", channel, (width << 12) | 100, first) + ones[width]
        clock = bytes([0x20, 0x01, 0x01, 0x00, 0x00, int(str(second), 16)])
        parts.append(struct.pack(">i", 10 + len(body)) + clock + body)
    return b"".join(parts)


@pytest.mark.parametrize("width", [0, 1, 2, 3, 4])
@pytest.mark.parametrize("absent", [{2}, {0, 1}, set()])
def test_win_seconds_lie_where_their_blocks_state(tmp_path: Path, absent: set[int], width: int) -> None:
    (tmp_path / "a.win").write_bytes(win_file(12, absent, width))
    recording = open_recording(tmp_path)
    assert recording["seed_id"].values.tolist() == ["XX.0101..", "XX.0102.."]
    expected = np.arange(1200.0)
    np.testing.assert_array_equal(recording.values[0], expected)
    for second in absent:
        expected[second * 100 : second * 100 + 100] = np.nan
    np.testing.assert_array_equal(recording.values[1], expected)


def test_a_cut_win_file_keeps_its_whole_seconds(tmp_path: Path) -> None:
    (tmp_path / "a.win").write_bytes(win_file(9, set(), 1)[:-30])
    recording = open_recording(tmp_path)
    assert recording.sizes["time"] == 800
    assert "truncated" in {issue.kind for issue in quality_log_of(recording).issues}


@pytest.mark.parametrize(("scalar", "seconds"), [(1, 0.2), (-10, 0.02), (0, 0.2), (10, 2.0)])
def test_the_delay_of_a_segy_trace_moves_it(tmp_path: Path, scalar: int, seconds: float) -> None:
    module = obspy()
    from obspy.io.segy.segy import SEGYTraceHeader

    stream = module.Stream()
    for number in range(2):
        one = module.Trace(np.arange(500, dtype=np.float32), {"delta": 0.002})
        one.stats.starttime = module.UTCDateTime(2020, 1, 1, 12)
        one.stats.segy = {"trace_header": SEGYTraceHeader()}
        one.stats.segy["trace_header"].delay_recording_time = -200 * number
        one.stats.segy["trace_header"].scalar_to_be_applied_to_times = scalar
        stream.append(one)
    stream.write(str(tmp_path / "a.segy"), format="SEGY", data_encoding=5)
    recording = open_recording(tmp_path)
    first = [int(np.flatnonzero(np.isfinite(row))[0]) for row in recording.values]
    assert first == [round(seconds * 500), 0]
    assert start_time(recording) == np.datetime64("2020-01-01T12:00:00", "ns") - np.timedelta64(
        round(seconds * 1e9), "ns"
    )


def test_a_station_years_away_is_named(tmp_path: Path) -> None:
    samples = np.cumsum(np.random.default_rng(6).integers(-40, 41, 3000))
    for station, start in (("ST1", "2019-04-08T02:00:00"), ("ST2", "1999-08-23T02:00:00")):
        trace(station, 100.0, samples, start).write(str(tmp_path / f"{station}.mseed"), format="MSEED")
    trace("ST3", 100.0, samples, "2019-04-08T02:00:00").write(str(tmp_path / "ST3.mseed"), format="MSEED")
    named = [
        issue for issue in quality_log_of(open_recording(tmp_path)).issues if issue.kind == "far_in_time"
    ]
    assert [issue.unit for issue in named] == ["XX.ST2"]
    assert "1024 weeks" in named[0].detail


def seg2_strings(lines: list[str]) -> bytes:
    return b"".join(struct.pack("<H", len(line) + 3) + line.encode() + b"\0" for line in lines) + bytes(2)


def seg2_file(delays: list[float]) -> bytes:
    """Traces of 1,000 samples at 1 kHz, each with its own delay in s."""
    free = seg2_strings(["ACQUISITION_DATE 01/02/2020", "ACQUISITION_TIME 10:00:00"])
    first = 32 + 4 * len(delays) + len(free)
    free += bytes(-first % 4)
    at, places, blocks = first + -first % 4, [], []
    for number, delay in enumerate(delays, start=1):
        text = seg2_strings([f"CHANNEL_NUMBER {number}", f"DELAY {delay}", "SAMPLE_INTERVAL 0.001"])
        text += bytes(-len(text) % 4)
        head = struct.pack("<HHIIB", 0x4422, 32 + len(text), 4000, 1000, 2) + bytes(19)
        places.append(at)
        blocks.append(head + text + np.arange(1000, dtype="<i4").tobytes())
        at += len(blocks[-1])
    head = struct.pack(
        "<HHHHBccBcc", 0x3A55, 1, 4 * len(delays), len(delays), 1, b"\0", b"\0", 1, b"\n", b"\0"
    )
    return head + bytes(18) + struct.pack(f"<{len(delays)}I", *places) + free + b"".join(blocks)


def test_the_delay_of_a_seg2_trace_moves_it(tmp_path: Path) -> None:
    (tmp_path / "a.sg2").write_bytes(seg2_file([0.0, -0.1, 0.05]))
    recording = open_recording(tmp_path)
    first = [int(np.flatnonzero(np.isfinite(row))[0]) for row in recording.values]
    assert first == [100, 0, 150]
