"""6,000 seeded mutations of a small miniSEED file: no crash, no hang, no change without an issue in the log.

Undetectable changes are left out: a file cut between two records, flips in uncompressed samples (Steim has a
check value, INT32 and FLOAT32 have none), and several flips in one record whose effects cancel out.
"""

from __future__ import annotations

import io
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from selfseis.errors import InputError
from selfseis.io.obspy_import import obspy
from selfseis.quality_log import quality_log_of
from selfseis.recording import open_recording, start_time

RECORD = 512
N_SAMPLES = 900
MUTATIONS = 6000


@pytest.fixture(scope="module")
def original() -> bytes:
    """Three records of Steim 2."""
    module = obspy()
    samples = np.cumsum(np.random.default_rng(0).integers(-300, 300, N_SAMPLES)).astype(np.int32)
    header = {"sampling_rate": 10.0, "network": "XX", "station": "ABC", "channel": "HHZ",
              "starttime": module.UTCDateTime(2015, 3, 4, 5, 6, 7, 890000)}  # fmt: skip
    buffer = io.BytesIO()
    module.Trace(samples, header).write(buffer, format="MSEED", reclen=RECORD, encoding="STEIM2")
    assert len(buffer.getvalue()) == 3 * RECORD
    return buffer.getvalue()


def flip_bit(raw: bytearray, rng: np.random.Generator) -> bytearray:
    raw[rng.integers(len(raw))] ^= 1 << int(rng.integers(8))
    return raw


def flip_bit_of_header(raw: bytearray, rng: np.random.Generator) -> bytearray:
    raw[RECORD * rng.integers(3) + rng.integers(64)] ^= 1 << int(rng.integers(8))
    return raw


def replace_byte(raw: bytearray, rng: np.random.Generator) -> bytearray:
    raw[rng.integers(len(raw))] = rng.integers(256)
    return raw


def flip_bit_in_each_record(raw: bytearray, rng: np.random.Generator) -> bytearray:
    for record in range(3):
        raw[RECORD * record + rng.integers(RECORD)] ^= 1 << int(rng.integers(8))
    return raw


def truncate(raw: bytearray, rng: np.random.Generator) -> bytearray:
    return raw[: RECORD * rng.integers(3) + rng.integers(1, RECORD)]


def blank(raw: bytearray, rng: np.random.Generator) -> bytearray:
    first = int(rng.integers(len(raw) - 64))
    raw[first : first + 64] = bytes(64)
    return raw


def remove(raw: bytearray, rng: np.random.Generator) -> bytearray:
    first = int(rng.integers(len(raw) - 64))
    del raw[first : first + int(rng.integers(1, 64))]
    return raw


def repeat(raw: bytearray, rng: np.random.Generator) -> bytearray:
    first, length = int(rng.integers(len(raw))), int(rng.integers(1, 600))
    raw[first:first] = raw[first : first + length]
    return raw


def shuffle_records(raw: bytearray, rng: np.random.Generator) -> bytearray:
    order = rng.permutation(3)
    return bytearray(b"".join(raw[RECORD * k : RECORD * (k + 1)] for k in order))


KINDS: list[Callable[[bytearray, np.random.Generator], bytearray]] = [
    flip_bit,
    flip_bit_of_header,
    replace_byte,
    flip_bit_in_each_record,
    truncate,
    blank,
    remove,
    repeat,
    shuffle_records,
]


def outcome(path: Path) -> tuple[bytes, list[str]] | None:
    """Return the content that a reader sees, and the issues; None if the file is refused."""
    try:
        recording = open_recording(path)
    except InputError as refusal:
        assert "\n" not in str(refusal)
        return None
    n_samples = recording.sizes["time"]
    shown = recording.isel(time=slice(0, 5000))
    _ = recording.isel(time=slice(max(0, n_samples - 2000), n_samples)).values
    names = " ".join(recording["seed_id"].values)
    seen = f"{n_samples} {names} {start_time(recording)}".encode() + shown.values.tobytes()
    return seen, quality_log_of(recording).summary()


@pytest.mark.parametrize("kind", KINDS)
def test_no_silent_change(
    original: bytes, tmp_path: Path, kind: Callable[[bytearray, np.random.Generator], bytearray]
) -> None:
    path = tmp_path / "a.mseed"
    path.write_bytes(original)
    first = outcome(path)
    assert first is not None
    truth, issues = first
    assert issues == []
    for seed in range(KINDS.index(kind), MUTATIONS, len(KINDS)):
        path.write_bytes(kind(bytearray(original), np.random.default_rng(seed)))
        began = time.monotonic()
        found = outcome(path)
        assert time.monotonic() - began < 5, f"seed {seed} hangs"
        if found is not None:
            assert found[1] or found[0] == truth, f"seed {seed}: silent change"


def test_a_lone_wrong_year_does_not_stretch_the_recording(original: bytes, tmp_path: Path) -> None:
    raw = bytearray(original)
    raw[RECORD + 20 : RECORD + 22] = (2047).to_bytes(2, "big")
    (tmp_path / "a.mseed").write_bytes(raw)
    recording = open_recording(tmp_path / "a.mseed")
    assert recording.sizes["time"] == N_SAMPLES
    assert {finding.kind for finding in quality_log_of(recording).issues} == {"header_mismatch", "gap"}
