"""Headers of miniSEED 3 records, and the check value that each of them holds."""

from __future__ import annotations

import datetime as dt
import struct
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from selfseis.typing import ByteArray, IntArray

MIN_HEADER = 40  # bytes
_SIGNATURE = b"MS\x03"
_HEADER = struct.Struct("<2sBBIHHBBBBdIIBBHI")
_CRC_AT = slice(28, 32)
_STEIM = (10, 11)
_TOGETHER = 4096  # records whose check values are computed together: it bounds the memory
_FEW = 16  # records for which a loop over bytes is faster than one over columns
_LEAP_SECOND = 60


class Record3(NamedTuple):
    """Header of one record.

    Attributes
    ----------
    length, data_offset : int
        Bytes of the whole record, and before its samples.
    seed_id : str
        NET.STA.LOC.CHA, from the FDSN source identifier.
    start_ns : int
        Time of the first sample, ns since 1970 UTC.
    n_samples : int
        Number of samples.
    rate : float
        Sampling rate in Hz.
    encoding : int
        Number of the encoding, as in SEED.
    little_endian : bool
        Byte order of the samples.
    in_leap_second : bool
        Whether the record begins in second 60.
    """

    length: int
    data_offset: int
    seed_id: str
    start_ns: int
    n_samples: int
    rate: float
    encoding: int
    little_endian: bool
    in_leap_second: bool


def begins_record(buffer: ByteArray, offset: int) -> bool:
    """Whether the bytes at an offset begin a miniSEED 3 record."""
    return bytes(buffer[offset : offset + 3]) == _SIGNATURE


def ends_within(buffer: ByteArray, offset: int) -> bool:
    """Whether the file ends within a miniSEED 3 record that begins at an offset."""
    raw = bytes(buffer[offset : offset + MIN_HEADER])
    if raw[:3] != _SIGNATURE:
        return False
    if len(raw) < MIN_HEADER:
        return True
    return offset + MIN_HEADER + sum(_HEADER.unpack(raw)[-3:]) > buffer.size


def parse_records(buffer: ByteArray, offset: int, max_records: int = _TOGETHER) -> list[Record3]:
    """Read the headers of the records that follow each other from an offset.

    Parameters
    ----------
    buffer : numpy.ndarray
        uint8, the whole file.
    offset : int
        First byte of the first record.
    max_records : int
        Number of records to read at most.

    Returns
    -------
    list of Record3
        Up to the first that is cut, invalid, or differs from its check value.
    """
    found: list[Record3] = []
    checks: list[int] = []
    at = offset
    while len(found) < max_records:
        parsed = _parse(buffer, at)
        if parsed is None:
            break
        found.append(parsed[0])
        checks.append(parsed[1])
        at += found[-1].length
    if not found:
        return []
    lengths = np.array([record.length for record in found], dtype=np.int64)
    right = _crc_of_records(buffer, offset + np.cumsum(lengths) - lengths, lengths) == np.array(checks)
    return found[: int(np.argmin(right)) if not right.all() else len(found)]


def _parse(buffer: ByteArray, offset: int) -> tuple[Record3, int] | None:
    """Return the header of a record and its check value; None if the header is cut or invalid."""
    raw = bytes(buffer[offset : offset + MIN_HEADER])
    if len(raw) < MIN_HEADER or raw[:3] != _SIGNATURE:
        return None
    (_, _, _, nanosecond, year, day, hour, minute, second, encoding, rate, n_samples, crc, _, n_id, n_extra,
     n_payload) = _HEADER.unpack(raw)  # fmt: skip
    data_offset = MIN_HEADER + n_id + n_extra
    length = data_offset + n_payload
    clock_is_valid = hour < 24 and minute < 60 and second <= _LEAP_SECOND and nanosecond < 10**9
    if not (1900 <= year <= 2100 and 1 <= day <= 366 and clock_is_valid and np.isfinite(rate)):
        return None
    if ends_within(buffer, offset):
        return None
    source = bytes(buffer[offset + MIN_HEADER : offset + MIN_HEADER + n_id]).decode("utf-8", "replace")
    midnight = dt.date(year, 1, 1).toordinal() - dt.date(1970, 1, 1).toordinal() + day - 1
    seconds = ((midnight * 24 + hour) * 60 + minute) * 60 + second
    record = Record3(
        length,
        data_offset,
        seed_id_of(source),
        seconds * 10**9 + nanosecond,
        n_samples,
        rate if rate >= 0 else -1.0 / rate,
        encoding,
        encoding not in _STEIM,
        second == _LEAP_SECOND,
    )
    return record, crc


def _crc_of_records(buffer: ByteArray, offsets: IntArray, lengths: IntArray) -> IntArray:
    """Return the check value of each record, computed with zeros in its own place."""
    if len(offsets) < _FEW:
        return np.array(
            [_crc_of(buffer[at : at + size]) for at, size in zip(offsets, lengths, strict=True)],
            dtype=np.int64,
        )
    table = np.array(_crc_table(), dtype=np.uint32)
    crc = np.full(len(offsets), 0xFFFFFFFF, dtype=np.uint32)
    for column in range(int(lengths.max())):
        here = np.flatnonzero(lengths > column)
        byte = np.uint32(0) if _CRC_AT.start <= column < _CRC_AT.stop else buffer[offsets[here] + column]
        crc[here] = (crc[here] >> np.uint32(8)) ^ table[(crc[here] ^ byte) & np.uint32(0xFF)]
    return (crc ^ np.uint32(0xFFFFFFFF)).astype(np.int64)


def _crc_of(record: ByteArray) -> int:
    raw = bytearray(record)
    raw[_CRC_AT] = bytes(4)
    return crc32c(bytes(raw))


def seed_id_of(source_identifier: str) -> str:
    """Turn an FDSN source identifier into NET.STA.LOC.CHA.

    Codes longer than those of miniSEED 2 stay whole; band, source and subsource are then joined by underscores.

    Examples
    --------
    >>> seed_id_of("FDSN:XX_ST2__H_H_Z")
    'XX.ST2..HHZ'
    >>> seed_id_of("FDSN:XX_NODE12345_00_H_DIST_X")
    'XX.NODE12345.00.H_DIST_X'
    """
    name = "".join(
        letter if letter.isascii() and letter.isprintable() else "?" for letter in source_identifier
    )
    parts = name.removeprefix("FDSN:").replace(".", "?").strip().split("_")
    if len(parts) != 6:
        return f".{name.replace('.', '?').replace(':', '_')}.."
    network, station, location, *channel = parts
    joint = "" if all(len(code) <= 1 for code in channel) else "_"
    return f"{network}.{station}.{location}.{joint.join(channel)}"


def crc32c(data: bytes) -> int:
    """Return the CRC-32C of bytes.

    Examples
    --------
    >>> hex(crc32c(b"123456789"))
    '0xe3069283'
    """
    table = _crc_table()
    crc = 0xFFFFFFFF
    for byte in data:
        crc = (crc >> 8) ^ table[(crc ^ byte) & 0xFF]
    return crc ^ 0xFFFFFFFF


@lru_cache(maxsize=1)
def _crc_table() -> list[int]:
    """Return the CRC of each byte, for the reversed Castagnoli polynomial."""
    values: npt.NDArray[np.uint32] = np.arange(256, dtype=np.uint32)
    for _ in range(8):
        values = np.where(values & 1, (values >> 1) ^ np.uint32(0x82F63B78), values >> 1).astype(np.uint32)
    return [int(value) for value in values]
