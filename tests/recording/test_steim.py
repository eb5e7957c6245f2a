"""The Steim decoder against ObsPy's encoder, and records that are cut or hold impossible words."""

from __future__ import annotations

import io

import numpy as np
import pytest

from selfseis.io.obspy_import import obspy
from selfseis.recording.steim import decode_steim

NUMBERS = {"STEIM1": 10, "STEIM2": 11}
HEADER = 64  # bytes before the frames in ObsPy's records of 512 bytes


def encoded(samples: np.ndarray, encoding: str, big_endian: bool = True) -> tuple[np.ndarray, np.ndarray]:
    """Return the frames of each record, and the number of samples of each."""
    buffer = io.BytesIO()
    trace = obspy().Trace(samples, {"sampling_rate": 100.0})
    trace.write(buffer, format="MSEED", encoding=encoding, reclen=512, byteorder=int(big_endian))
    records = np.frombuffer(buffer.getvalue(), np.uint8).reshape(-1, 512)
    counts = records[:, 30:32].copy().view(">u2" if big_endian else "<u2").ravel().astype(np.int64)
    return records[:, HEADER:], counts


@pytest.mark.parametrize("encoding", ["STEIM1", "STEIM2"])
@pytest.mark.parametrize("big_endian", [True, False])
@pytest.mark.parametrize("amplitude", [2, 50, 3000, 1e5, 5e7])
def test_all_widths_and_byte_orders(encoding: str, big_endian: bool, amplitude: float) -> None:
    rng = np.random.default_rng(1)
    samples = (rng.standard_normal(5000) * amplitude * rng.choice([0.01, 0.1, 1], 5000)).astype(np.int32)
    frames, counts = encoded(samples, encoding, big_endian)
    steim = decode_steim(frames, counts, NUMBERS[encoding], little_endian=not big_endian)
    np.testing.assert_array_equal(steim.samples, samples)
    assert steim.whole.all()
    ends = np.cumsum(counts) - 1
    np.testing.assert_array_equal(steim.stated_last, samples[ends])
    np.testing.assert_array_equal(
        steim.first_difference[1:], samples[ends[:-1] + 1].astype(np.int64) - samples[ends[:-1]]
    )


def test_a_record_with_too_few_differences_is_not_whole() -> None:
    frames, counts = encoded(np.arange(3000, dtype=np.int32) * 7, "STEIM2")
    counts[1] += 200
    steim = decode_steim(frames, counts, 11)
    assert steim.whole.tolist() == [True, False] + [True] * (len(counts) - 2)
    np.testing.assert_array_equal(steim.samples[: counts[0]], np.arange(counts[0]) * 7)


def test_an_impossible_word_spoils_only_its_record() -> None:
    frames, counts = encoded(np.arange(3000, dtype=np.int32) ** 2 % 9973, "STEIM2")
    frames = frames.copy()
    frames[0, 2] = 0x80 | (frames[0, 2] & 0x3F)  # the code of word 4: two high bits tell how it is packed
    frames[0, 16] &= 0x3F  # ... and 0 is none of them
    steim = decode_steim(frames, counts, 11)
    assert not steim.whole[0] and steim.whole[1:].all()
