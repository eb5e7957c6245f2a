"""Samples of miniSEED records: decoded together, and proven by what their headers and neighbours state."""

from __future__ import annotations

import io
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from selfseis.io.obspy_import import read_stream
from selfseis.recording.miniseed_headers import Fault, Records
from selfseis.recording.steim import FRAME_BYTES, STEIM_ENCODINGS, decode_steim
from selfseis.typing import BoolArray, IntArray

_PLAIN = {1: "i2", 3: "i4", 4: "f4", 5: "f8"}  # NumPy's name of an encoding
_PLAIN_HEADER = b"SSSSSLLCCCNN" + bytes(
    [7, 208, 0, 1, 0, 0, 0, 0, 0, 0]
)  # codes and time that any reader accepts


@dataclass
class Decoded:
    """Samples of records, one after the other.

    Attributes
    ----------
    values : ndarray, shape (n_samples,)
        Samples, in the type of their encoding; NaN in records that are not sound.
    sound : ndarray of bool, shape (n_records,)
        Whether a record decodes to what it states.
    faults : list of Fault
        What the records state wrongly, although their samples are right.
    """

    values: npt.NDArray[Any]
    sound: BoolArray
    faults: list[Fault] = field(default_factory=list)


def decode_records(path: Path, records: Records) -> Decoded:
    """Decode some records of one channel.

    Parameters
    ----------
    path : Path
        The file.
    records : Records
        Headers of the records, in order of time.

    Returns
    -------
    Decoded
    """
    payloads = _payloads(path, records)
    kinds = sorted({(int(code), bool(little)) for code, little in zip(*_packing(records), strict=True)})
    begins = np.cumsum(records.n_samples) - records.n_samples
    total = int(records.n_samples.sum())
    decoded = Decoded(np.empty(0), np.zeros(len(records), dtype=bool))
    parts: list[tuple[IntArray, npt.NDArray[Any]]] = []
    for encoding, little_endian in kinds:
        chosen = np.flatnonzero((records.encoding == encoding) & (records.little_endian == little_endian))
        some = records.chosen(chosen)
        if encoding in STEIM_ENCODINGS:
            values = _steim([payloads[k] for k in chosen], some, chosen, decoded)
        elif encoding in _PLAIN:
            dtype = ("<" if little_endian else ">") + _PLAIN[encoding]
            values = _plain([payloads[k] for k in chosen], some, dtype, decoded)
            decoded.sound[chosen] = True
        else:
            values = _by_obspy(path, some, chosen, decoded)
        counts = records.n_samples[chosen]
        places = np.repeat(begins[chosen] - (np.cumsum(counts) - counts), counts) + np.arange(len(values))
        parts.append((places, values))
    if len(parts) == 1 and decoded.sound.all():
        decoded.values = parts[0][1]
        return decoded
    decoded.values = np.empty(total, dtype=np.float64)
    for places, values in parts:
        decoded.values[places] = values
    decoded.values[np.repeat(~decoded.sound, records.n_samples)] = np.nan
    return decoded


def _packing(records: Records) -> tuple[list[int], list[bool]]:
    return records.encoding.tolist(), records.little_endian.tolist()


def _payloads(path: Path, records: Records) -> list[bytes]:
    payloads: list[bytes] = []
    columns = (records.offset, records.data_offset, records.length)
    with path.open("rb") as file:
        for offset, data_offset, length in zip(*(column.tolist() for column in columns), strict=True):
            file.seek(offset + data_offset)
            payloads.append(file.read(length - data_offset).ljust(length - data_offset, b"\0"))
    return payloads


def _plain(payloads: list[bytes], records: Records, dtype: str, decoded: Decoded) -> npt.NDArray[Any]:
    """Read samples that are not compressed; those that are no finite numbers become NaN."""
    counts = records.n_samples.tolist()
    parts = [np.frombuffer(raw, dtype, count) for raw, count in zip(payloads, counts, strict=True)]
    values = np.concatenate(parts).astype(np.dtype(dtype).newbyteorder("="))
    bad = ~np.isfinite(values)
    if bad.any():
        count = int(bad.sum())
        values[bad] = np.nan
        detail = f"{count} samples from byte {records.offset[0]} on are not finite numbers: masked"
        decoded.faults.append(Fault("nan", detail, count=count))
    return values


def _steim(
    payloads: list[bytes], records: Records, positions: IntArray, decoded: Decoded
) -> npt.NDArray[Any]:
    """Decode Steim records and judge each by its stated last sample, or by the next record where that is wrong."""
    width = max(FRAME_BYTES, *(len(raw) // FRAME_BYTES * FRAME_BYTES for raw in payloads))
    frames = np.frombuffer(b"".join(raw[:width].ljust(width, b"\0") for raw in payloads), np.uint8)
    steim = decode_steim(
        frames.reshape(len(payloads), width),
        records.n_samples,
        int(records.encoding[0]),
        little_endian=bool(records.little_endian[0]),
    )
    ends = np.cumsum(records.n_samples)
    last, first = (
        steim.samples[ends - 1].astype(np.int64),
        steim.samples[ends - records.n_samples].astype(np.int64),
    )
    stated = steim.whole & (last == steim.stated_last)
    linked = np.diff(positions) == 1
    linked &= np.abs(records.start_ns[1:] - records.end_ns[:-1]) <= 0.5e9 / records.rate[1:]
    linked &= steim.whole[:-1] & steim.whole[1:]
    agree = first[1:] - last[:-1] == steim.first_difference[1:]
    proven = np.append(linked & agree, False)
    if proven.any() and not stated.any():  # no record of this writer states its last sample
        proven |= steim.whole & ~np.append(linked & ~agree, False)
    sound = stated | proven
    decoded.sound[positions] = sound
    wrong = np.flatnonzero(sound & ~stated)
    if wrong.size:
        detail = (
            f"{wrong.size} records from byte {records.offset[wrong[0]]} on state a wrong last sample; "
            "the records after them prove their differences: kept"
        )
        decoded.faults.append(Fault("header_mismatch", detail, count=int(wrong.size)))
    return steim.samples


def _by_obspy(path: Path, records: Records, positions: IntArray, decoded: Decoded) -> npt.NDArray[Any]:
    """Decode the encodings of old recorders one record at a time through ObsPy."""
    parts: list[npt.NDArray[Any]] = []
    with path.open("rb") as file:
        for k, position in enumerate(positions):
            file.seek(int(records.offset[k]))
            record = file.read(int(records.length[k]))
            plain = record[:8] + _PLAIN_HEADER + record[8 + len(_PLAIN_HEADER) :]
            samples = _samples_of(plain)
            whole = samples is not None and len(samples) == records.n_samples[k]
            decoded.sound[position] = whole
            parts.append(samples if samples is not None and whole else np.zeros(records.n_samples[k]))
    return np.concatenate(parts)


def _samples_of(record: bytes) -> npt.NDArray[Any] | None:
    try:
        stream = read_stream(io.BytesIO(record), format="MSEED")
    except Exception:  # ObsPy's C library and plugins may raise any exception
        return None
    return stream[0].data if len(stream) == 1 else None
