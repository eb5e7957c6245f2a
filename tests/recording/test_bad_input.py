"""Bad input: samples that are masked, issues that are counted, sources that are refused."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from conftest import N_SAMPLES, RATE, SEED_IDS, START, patch_of, stream_of
from selfseis.errors import InputError
from selfseis.io.obspy_import import obspy
from selfseis.quality_log import QualityLog, quality_log_of
from selfseis.recording import open_recording


def kinds(recording: xr.DataArray) -> set[str]:
    _ = recording.values
    return {finding.kind for finding in quality_log_of(recording).issues}


def counted(recording: xr.DataArray, kind: str) -> int:
    return sum(finding.count for finding in quality_log_of(recording).issues if finding.kind == kind)


@pytest.fixture
def miniseed(tmp_path: Path, counts: np.ndarray) -> Path:
    """One channel in records of 512 bytes."""
    path = tmp_path / "a.mseed"
    stream_of(counts[:1]).write(str(path), format="MSEED", encoding="STEIM2", reclen=512)
    return path


def records(path: Path) -> list[bytes]:
    raw = path.read_bytes()
    return [raw[first : first + 512] for first in range(0, len(raw), 512)]


def test_truncated_file_keeps_the_whole_records(miniseed: Path, counts: np.ndarray) -> None:
    miniseed.write_bytes(miniseed.read_bytes()[:-100])
    recording = open_recording(miniseed)
    assert kinds(recording) == {"truncated"}
    assert 0 < recording.sizes["time"] < N_SAMPLES
    np.testing.assert_array_equal(recording.values[0], counts[0, : recording.sizes["time"]])


def test_lost_record_is_a_gap(miniseed: Path, counts: np.ndarray) -> None:
    whole = records(miniseed)
    miniseed.write_bytes(b"".join(whole[:5] + whole[6:]))
    recording = open_recording(miniseed)
    assert kinds(recording) == {"gap"}
    there = ~np.isnan(recording.values[0])
    assert 0 < np.count_nonzero(~there) == counted(recording, "gap") < 1000
    np.testing.assert_array_equal(recording.values[0, there], counts[0, there])


def test_swapped_records_are_put_in_order(miniseed: Path, counts: np.ndarray) -> None:
    whole = records(miniseed)
    whole[3], whole[9] = whole[9], whole[3]
    miniseed.write_bytes(b"".join(whole))
    recording = open_recording(miniseed)
    assert kinds(recording) == {"out_of_order"}
    np.testing.assert_array_equal(recording.values[0], counts[0])


def test_duplicated_records_are_dropped(miniseed: Path, counts: np.ndarray) -> None:
    whole = records(miniseed)
    miniseed.write_bytes(b"".join(whole[:8] + whole[4:]))
    recording = open_recording(miniseed)
    assert "duplicate" in kinds(recording)
    np.testing.assert_array_equal(recording.values[0], counts[0])


def test_garbage_between_records_is_skipped(miniseed: Path, counts: np.ndarray) -> None:
    whole = records(miniseed)
    miniseed.write_bytes(b"".join(whole[:4]) + os.urandom(700) + b"".join(whole[4:]))
    recording = open_recording(miniseed)
    assert kinds(recording) == {"damaged"}
    np.testing.assert_array_equal(recording.values[0], counts[0])


def test_damaged_samples_are_masked_record_by_record(miniseed: Path, counts: np.ndarray) -> None:
    whole = [bytearray(record) for record in records(miniseed)]
    whole[6][300] ^= 0x10
    miniseed.write_bytes(b"".join(bytes(record) for record in whole))
    recording = open_recording(miniseed)
    assert kinds(recording) == {"damaged"}
    there = ~np.isnan(recording.values[0])
    assert 0 < np.count_nonzero(~there) < 1000
    np.testing.assert_array_equal(recording.values[0, there], counts[0, there])


def test_overlaps_that_agree_lose_nothing(counts: np.ndarray) -> None:
    stream = stream_of(counts[:1])
    again = stream[0].slice(stream[0].stats.starttime + 20, stream[0].stats.starttime + 40)
    recording = open_recording(stream.append(again))
    assert kinds(recording) == {"overlap"}
    np.testing.assert_array_equal(recording.values[0], counts[0])


def test_overlaps_that_disagree_are_masked(counts: np.ndarray) -> None:
    stream = stream_of(counts[:1])
    other = stream[0].slice(stream[0].stats.starttime + 20, stream[0].stats.starttime + 40).copy()
    other.data = other.data + 1
    recording = open_recording(stream.append(other))
    assert kinds(recording) == {"overlap", "conflict"}
    assert np.isnan(recording.values[0, 2000:4001]).all()
    assert counted(recording, "conflict") == 2001 == np.count_nonzero(np.isnan(recording.values))


def test_five_thousand_segments_take_seconds(tmp_path: Path, counts: np.ndarray) -> None:
    module = obspy()
    start = module.UTCDateTime(START)
    samples = np.arange(200, dtype=np.int32) % 17
    stream = module.Stream(
        module.Trace(samples, {"sampling_rate": RATE, "station": "A", "network": "XX", "channel": "HHZ",
                               "starttime": start + number * 17.28})
        for number in range(5000)
    )  # fmt: skip
    stream.write(str(tmp_path / "a.mseed"), format="MSEED", reclen=512)
    began = time.monotonic()
    recording = open_recording(tmp_path / "a.mseed")
    assert np.count_nonzero(~np.isnan(recording.values)) == 5000 * 200
    assert time.monotonic() - began < 20
    assert counted(recording, "gap") == recording.sizes["time"] - 5000 * 200
    assert "4999 spans" in quality_log_of(recording).summary()[0]


def test_the_rate_of_most_samples_is_kept(counts: np.ndarray) -> None:
    stream = stream_of(counts)
    stream[2].stats.sampling_rate = 40.0
    recording = open_recording(stream)
    assert list(recording["seed_id"].values) == [SEED_IDS[0], SEED_IDS[1], SEED_IDS[3]]
    assert quality_log_of(recording).failed_units == [SEED_IDS[2]]
    assert open_recording(stream, sampling_rate=40.0).sizes["channel"] == 1
    with pytest.raises(InputError, match=r"no channel has a sampling rate of 50 Hz: there are 40, 100 Hz"):
        open_recording(stream, sampling_rate=50.0)


def test_wobbling_rates_are_one_rate(counts: np.ndarray) -> None:
    stream = stream_of(counts)
    stream[2].stats.sampling_rate = 99.9999
    assert open_recording(stream).sizes["channel"] == 4


def test_times_between_samples_are_moved_and_reported(counts: np.ndarray) -> None:
    stream = stream_of(counts)
    stream[2].stats.starttime += 0.003
    recording = open_recording(stream)
    np.testing.assert_array_equal(recording.values, counts)
    assert "moved by up to 3 ms" in " ".join(quality_log_of(recording).summary())


def test_one_channel_one_sample() -> None:
    trace = obspy().Trace(np.array([5], dtype=np.int32), {"station": "A", "sampling_rate": 20.0})
    recording = open_recording(trace)
    assert recording.shape == (1, 1)
    assert recording.values[0, 0] == 5


def test_dead_channel_and_dead_span_are_masked(counts: np.ndarray) -> None:
    samples = counts.copy()
    samples[0] = 17
    samples[1, 5000:5400] = samples[1, 5000]
    samples[2, 5000:5100] = samples[2, 5000]  # one second of equal values may be real
    recording = open_recording(stream_of(samples))
    assert kinds(recording) == {"dead"}
    assert np.isnan(recording.values[0]).all()
    assert np.isnan(recording.values[1]).sum() == 400
    assert not np.isnan(recording.values[2:]).any()


def test_nan_and_infinity_are_masked_and_counted(counts: np.ndarray, tmp_path: Path) -> None:
    samples = counts.copy()
    stream = stream_of(samples, "float32")
    stream[0].data[100:110] = np.nan
    stream[1].data[5] = np.inf
    stream.write(str(tmp_path / "a.mseed"), format="MSEED", encoding="FLOAT32")
    recording = open_recording(tmp_path / "a.mseed")
    assert kinds(recording) == {"nan"}
    assert counted(recording, "nan") == 11 == np.isnan(recording.values).sum()


def test_waveforms_under_a_wrong_name_are_read(miniseed: Path, counts: np.ndarray) -> None:
    disguised = miniseed.with_suffix(".txt")
    miniseed.rename(disguised)
    np.testing.assert_array_equal(open_recording(disguised).values[0], counts[0])


def test_one_bad_file_does_not_stop_the_others(miniseed: Path, counts: np.ndarray) -> None:
    folder = miniseed.parent
    (folder / "notes.txt").write_text("picked by hand")
    (folder / "picks.event").write_text("whatever")
    (folder / "b.mseed").write_text("this is no waveform")
    (folder / "c.h5").write_bytes(b"\x89HDF\r\n\x1a\n" + os.urandom(500))
    (folder / "d.sac").write_bytes(b"")
    recording = open_recording(folder)
    np.testing.assert_array_equal(recording.values[0], counts[0])
    assert quality_log_of(recording).failed_units == [
        str(folder / name) for name in ("b.mseed", "c.h5", "d.sac")
    ]
    assert counted(recording, "not_waveforms") == 2


def test_a_file_that_changes_while_it_is_open_is_masked(miniseed: Path) -> None:
    recording = open_recording(miniseed)
    miniseed.write_bytes(b"")
    assert "damaged" in kinds(recording)
    assert np.isnan(recording.values).all()


def test_files_of_another_fibre_are_rejected_and_counted(counts: np.ndarray, tmp_path: Path) -> None:
    patch_of(counts).io.write(tmp_path / "a.h5", "dasdae")
    patch_of(counts[:3, :500]).io.write(tmp_path / "b.h5", "dasdae")
    recording = open_recording(tmp_path)
    np.testing.assert_array_equal(recording.values, counts)
    assert quality_log_of(recording).failed_units == [str(tmp_path / "b.h5")]


def _empty(folder: Path) -> dict[str, object]:
    return {"source": folder}


def _only_text(folder: Path) -> dict[str, object]:
    (folder / "a.txt").write_text("hello")
    return {"source": folder}


def _text_named_miniseed(folder: Path) -> dict[str, object]:
    (folder / "a.mseed").write_text("hello")
    return {"source": folder / "a.mseed"}


def _missing(folder: Path) -> dict[str, object]:
    return {"source": folder / "nowhere"}


def _no_match(folder: Path) -> dict[str, object]:
    return {"source": str(folder / "*.mseed")}


def _stream_outside_span(folder: Path) -> dict[str, object]:
    return {"source": stream_of(np.arange(10.0)[None]), "start": "2020-01-01", "end": "2020-01-02"}


def _span_backwards(folder: Path) -> dict[str, object]:
    return {"source": stream_of(np.arange(10.0)[None]), "start": "2020-01-02", "end": "2020-01-01"}


def _no_time(folder: Path) -> dict[str, object]:
    return {"source": folder, "start": "yesterday-ish"}


def _no_such_channel(folder: Path) -> dict[str, object]:
    return {"source": stream_of(np.arange(10.0)[None]), "select": "YY.*"}


def _array_without_rate(folder: Path) -> dict[str, object]:
    return {"source": np.zeros((2, 5))}


def _fibre_and_stations(folder: Path) -> dict[str, object]:
    samples = np.arange(40.0).reshape(2, 20)
    patch_of(samples).io.write(folder / "a.h5", "dasdae")
    stream_of(samples).write(str(folder / "a.mseed"), format="MSEED")
    return {"source": folder}


def _not_a_recording(folder: Path) -> dict[str, object]:
    return {"source": xr.DataArray(np.zeros((2, 3)), dims=("x", "time"))}


def _some_object(folder: Path) -> dict[str, object]:
    return {"source": {"data": 1}}


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (_empty, "holds no files"),
        (_only_text, "none of the 1 files holds waveforms"),
        (_text_named_miniseed, "none of the 1 files can be used"),
        (_missing, "does not exist"),
        (_no_match, "no file matches"),
        (_stream_outside_span, "no data in the requested span: they run from 2021-03-04T05:06:07"),
        (_span_backwards, "give an end after the start"),
        (_no_time, "is not a time"),
        (_no_such_channel, "no channel matches YY"),
        (_array_without_rate, "give sampling_rate"),
        (_fibre_and_stations, "open them one at a time"),
        (_not_a_recording, "has the dimensions channel and time"),
        (_some_object, "a dict cannot be opened"),
    ],
)
def test_unusable_input_is_refused_in_one_line(
    tmp_path: Path, make: Callable[[Path], dict[str, object]], words: str
) -> None:
    options = make(tmp_path)
    with pytest.raises(InputError, match=words) as refusal:
        open_recording(options.pop("source"), **options)  # type: ignore[arg-type]
    assert "\n" not in str(refusal.value)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_folder_without_permission_is_refused(tmp_path: Path) -> None:
    tmp_path.chmod(0)
    try:
        with pytest.raises(InputError, match="may not be read"):
            open_recording(tmp_path)
    finally:
        tmp_path.chmod(0o700)


def test_unreadable_sources_are_refused_for_any_user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "access", lambda *_: False)
    with pytest.raises(InputError, match="may not be read"):
        open_recording(tmp_path)


def test_quality_log_counts_once_and_becomes_json() -> None:
    import json

    quality_log = QualityLog()
    for _ in range(3):
        quality_log.add("dead", "XX.A..HHZ", "200 samples from noon on", 200)
    quality_log.add("unreadable", "a.sac", "empty")
    assert tuple(quality_log.issues[0]) == ("dead", "XX.A..HHZ", "200 samples from noon on", 200)
    assert quality_log.failed_units == ["a.sac"]
    assert json.loads(json.dumps(quality_log.to_dict()))["kinds"]["dead"]["count"] == 200
    assert quality_log.summary() == [
        "dead: 200 samples in XX.A..HHZ: 200 samples from noon on",
        "unreadable: 1 pieces in a.sac: empty",
    ]
