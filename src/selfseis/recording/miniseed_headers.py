"""Headers of miniSEED records: all records in the bytes of a file, also after damaged bytes."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
import numpy.typing as npt

from selfseis.recording.miniseed3 import Record3, begins_record, ends_within, parse_records
from selfseis.typing import BoolArray, ByteArray, FloatArray, IntArray

_HEADER = 48  # bytes
_MIN_RECORD_LENGTH = 128  # bytes, of the standard
_SEARCHED_AT_ONCE = 65_536  # bytes; the next record mostly follows within a few
_QUALITIES = np.frombuffer(b"DMQR", dtype=np.uint8)
_BLANKS = np.frombuffer(b"\0 ", dtype=np.uint8)
_CHUNK = 4096  # records whose headers are parsed together: it bounds the memory
_BLOCKETTES = 8  # a longer chain is a loop in a damaged record
NUMERIC_ENCODINGS = (1, 3, 4, 5, 10, 11, 12, 13, 14, 16, 30, 31, 32, 33)


@dataclass(frozen=True)
class Records:
    """Headers of records, one row per record, in the order of the file."""

    offset: IntArray
    length: IntArray
    seed_id: npt.NDArray[np.str_]
    start_ns: IntArray
    n_samples: IntArray
    rate: FloatArray
    encoding: ByteArray
    little_endian: BoolArray
    data_offset: IntArray
    leap: ByteArray
    """0, or 1 where a leap second is stated to occur within the record, or 2 where the record begins in one."""

    def __len__(self) -> int:
        return len(self.offset)

    def chosen(self, which: BoolArray | IntArray | slice) -> Records:
        """Return some of the records."""
        return Records(*(getattr(self, field.name)[which] for field in fields(self)))

    @property
    def end_ns(self) -> IntArray:
        """Time of the sample that would follow the last one."""
        return self.start_ns + np.round(self.n_samples * (1e9 / self.rate)).astype(np.int64)


@dataclass(frozen=True)
class Fault:
    """A fault in the bytes of a file.

    Attributes
    ----------
    kind, detail : str
        As in `QualityLog.add`.
    n_bytes : int
        Bytes whose samples are lost by it.
    count : int
        Pieces, or samples for the kinds that are counted in samples.
    """

    kind: str
    detail: str
    n_bytes: int = 0
    count: int = 1


def holds_records(head: ByteArray) -> bool:
    """Whether the first bytes of a file hold a miniSEED record, directly or after damaged bytes."""
    return begins_record(head, 0) or (
        head.size >= _HEADER
        and (bool(_parse(head, np.array([0]))[1][0]) or _next_record(head, 0) < head.size)
    )


def walk_records(buffer: ByteArray) -> tuple[Records, list[Fault]]:
    """Find all records in the bytes of a file.

    Parameters
    ----------
    buffer : numpy.ndarray
        uint8, the whole file.

    Returns
    -------
    records : Records
        All records with a valid header.
    faults : list of Fault
        Truncation, bytes that hold no record, records whose stated length hides another record.
    """
    parts: list[Records] = []
    faults: list[Fault] = []
    offset = 0
    while offset < buffer.size:
        third = begins_record(buffer, offset)
        run = _run_of_version_3(buffer, offset) if third else _run_of_records(buffer, offset)
        if run is None:
            following = _next_record(buffer, offset)
            faults.append(_unreadable_bytes(buffer, offset, following))
            offset = following
            continue
        hidden = None if third else _first_hiding(buffer, run)
        if hidden is not None:
            position, inner = hidden
            at = int(run.offset[position])
            faults.append(
                Fault("header_mismatch", f"the record at byte {at} states a length that hides another record")
            )
            run = run.chosen(slice(0, position + 1))
            run.length[-1] = inner
        parts.append(run)
        offset = int(run.offset[-1] + run.length[-1])
    if not parts:
        parts = [_parse(buffer, np.empty(0, dtype=np.int64))[0]]
    columns = (np.concatenate([getattr(part, field.name) for part in parts]) for field in fields(Records))
    return Records(*columns), faults


def _run_of_records(buffer: ByteArray, offset: int) -> Records | None:
    """Return the records of equal length that follow each other from an offset."""
    first, valid = _parse(buffer, np.array([offset]))
    if not valid[0] or offset + first.length[0] > buffer.size:
        return None
    length = int(first.length[0])
    count = min(_CHUNK, (buffer.size - offset) // length)
    records, valid = _parse(buffer, offset + length * np.arange(count))
    good = valid & (records.length == length)
    return records.chosen(slice(0, int(np.argmin(good)) if not good.all() else count))


def _run_of_version_3(buffer: ByteArray, offset: int) -> Records | None:
    """Return the miniSEED 3 records that follow each other from an offset."""
    found = parse_records(buffer, offset)
    if not found:
        return None
    column = {name: np.array([getattr(record, name) for record in found]) for name in Record3._fields}
    return Records(
        offset=offset + np.cumsum(column["length"]) - column["length"],
        length=column["length"],
        seed_id=column["seed_id"],
        start_ns=column["start_ns"],
        n_samples=column["n_samples"],
        rate=column["rate"].astype(np.float64),
        encoding=column["encoding"].astype(np.uint8),
        little_endian=column["little_endian"],
        data_offset=column["data_offset"],
        leap=np.where(column["in_leap_second"], 2, 0).astype(np.uint8),
    )


def _first_hiding(buffer: ByteArray, run: Records) -> tuple[int, int] | None:
    """First record within whose stated length another one begins: its position and its true length."""
    length = int(run.length[0])
    for inner in (1 << power for power in range(7, length.bit_length() - 1)):
        suspects = np.flatnonzero(_plausible(buffer, run.offset + inner))
        hides = suspects[_parse(buffer, run.offset[suspects] + inner)[1]]
        if hides.size:
            return int(hides[0]), inner
    return None


def _next_record(buffer: ByteArray, offset: int) -> int:
    """Offset of the next record after damaged bytes, at any byte; or the end of the file."""
    for start in range(offset + 1, buffer.size - _HEADER, _SEARCHED_AT_ONCE):
        part = buffer[start : start + _SEARCHED_AT_ONCE + 8]
        candidates = start + np.flatnonzero(np.isin(part[6:-1], _QUALITIES) & np.isin(part[7:], _BLANKS))
        candidates = candidates[_plausible(buffer, candidates)]
        _, valid = _parse(buffer, candidates)
        thirds = start + np.flatnonzero((part[:-2] == 77) & (part[1:-1] == 83) & (part[2:] == 3))  # "MS", 3
        at_third = next((int(at) for at in thirds if parse_records(buffer, int(at), 1)), None)
        found = [int(candidates[np.argmax(valid)])] if valid.any() else []
        found += [] if at_third is None else [at_third]
        if found:
            return min(found)
    return int(buffer.size)


def _unreadable_bytes(buffer: ByteArray, offset: int, following: int) -> Fault:
    n_bytes = following - offset
    cut = ends_within(buffer, offset) or bool(_plausible(buffer, np.array([offset]))[0])
    if following == buffer.size and cut:
        return Fault("truncated", f"the file ends within the record that begins at byte {offset}", n_bytes)
    return Fault("damaged", f"{n_bytes} bytes from byte {offset} on hold no readable record", n_bytes)


def _plausible(buffer: ByteArray, offsets: IntArray) -> BoolArray:
    """Whether a fixed section of data header can begin at each offset, by the rules that libmseed uses."""
    header = _gather(buffer, offsets, _HEADER)
    digits_or_blank = ((header[:, :6] >= 48) & (header[:, :6] <= 57)) | np.isin(header[:, :6], _BLANKS)
    quality = np.isin(header[:, 6], _QUALITIES)
    blank = np.isin(header[:, 7], _BLANKS)
    clock = (header[:, 24] < 24) & (header[:, 25] < 60) & (header[:, 26] < 61)
    return np.asarray(
        digits_or_blank.all(axis=1) & quality & blank & clock & (offsets + _HEADER <= buffer.size)
    )


def _parse(buffer: ByteArray, offsets: IntArray) -> tuple[Records, BoolArray]:
    """Read the headers at some offsets, and return which of them are valid in all relevant fields."""
    offsets = np.asarray(offsets, dtype=np.int64)
    valid = _plausible(buffer, offsets)
    header = _gather(buffer, offsets, _HEADER)
    year, swapped = _u2(header, 20, False), _u2(header, 20, True)
    little = ~_possible_year(year) & _possible_year(swapped)
    year = np.where(little, swapped, year)
    day, fraction = _u2(header, 22, little), _u2(header, 28, little)
    valid &= _possible_year(year) & (day >= 1) & (day <= 366) & (fraction < 10_000)
    blockettes = _walk_blockettes(buffer, offsets, _u2(header, 46, little), little)
    rate = np.where(blockettes.rate > 0, blockettes.rate, _nominal_rate(header, little))
    data_offset = _u2(header, 44, little)
    n_samples = _u2(header, 30, little)
    valid &= (
        blockettes.found
        & (blockettes.length >= _MIN_RECORD_LENGTH)
        & ((data_offset >= _HEADER) | (n_samples == 0))
    )
    valid &= (data_offset < blockettes.length) & blockettes.sound
    clock = (
        header[:, 24] * np.int64(3600) + header[:, 25] * np.int64(60) + header[:, 26]
    ) * 10_000 + fraction
    corrected = (header[:, 36] & 2) != 0
    clock = clock + np.where(corrected, 0, _i4(header, 40, little))
    days = _days_before_year(year) + day - 1
    records = Records(
        offset=offsets,
        length=blockettes.length,
        seed_id=_seed_ids(header),
        start_ns=days * 86_400_000_000_000 + clock * 100_000 + blockettes.microseconds * 1000,
        n_samples=n_samples,
        rate=rate,
        encoding=blockettes.encoding,
        little_endian=~blockettes.big_endian,
        data_offset=data_offset,
        leap=np.where(header[:, 26] == 60, 2, (header[:, 36] >> 4) & 1).astype(np.uint8),
    )
    return records, valid


@dataclass
class _Blockettes:
    found: BoolArray
    sound: BoolArray
    length: IntArray
    encoding: ByteArray
    big_endian: BoolArray
    rate: FloatArray
    microseconds: IntArray


def _walk_blockettes(buffer: ByteArray, offsets: IntArray, first: IntArray, little: BoolArray) -> _Blockettes:
    """Follow the chain of blockettes of every record at once."""
    n = len(offsets)
    seen = _Blockettes(
        found=np.zeros(n, bool),
        sound=np.ones(n, bool),
        length=np.zeros(n, np.int64),
        encoding=np.zeros(n, np.uint8),
        big_endian=np.zeros(n, bool),
        rate=np.zeros(n),
        microseconds=np.zeros(n, np.int64),
    )
    position = first.copy()
    for _ in range(_BLOCKETTES):
        here = position >= _HEADER
        if not here.any():
            break
        block = _gather(buffer, offsets + position, 12)
        kind, following = _u2(block, 0, little), _u2(block, 2, little)
        is_1000, is_1001, is_100 = (here & (kind == code) for code in (1000, 1001, 100))
        power = np.clip(block[:, 6], 0, 24).astype(np.int64)
        seen.length = np.where(is_1000, np.int64(1) << power, seen.length)
        seen.encoding = np.where(is_1000, block[:, 4], seen.encoding)
        seen.big_endian = np.where(is_1000, block[:, 5] == 1, seen.big_endian)
        seen.sound &= ~is_1000 | ((block[:, 5] <= 1) & (block[:, 6] <= 20))
        seen.found |= is_1000
        seen.microseconds = np.where(is_1001, block[:, 5].astype(np.int8), seen.microseconds)
        seen.rate = np.where(is_100, _f4(block, 4, little), seen.rate)
        seen.sound &= ~here | (following == 0) | (following > position)
        position = np.where(here & (following > position), following, 0)
    seen.rate = np.where(np.isfinite(seen.rate), seen.rate, 0.0)
    return seen


def _nominal_rate(header: ByteArray, little: BoolArray) -> FloatArray:
    factor = _u2(header, 32, little).astype(np.int16).astype(np.float64)
    multiplier = _u2(header, 34, little).astype(np.int16).astype(np.float64)
    with np.errstate(divide="ignore", invalid="ignore"):
        rate = np.where(factor > 0, factor, -1.0 / factor) * np.where(
            multiplier > 0, multiplier, -1.0 / multiplier
        )
    return np.where(np.isfinite(rate) & (factor != 0) & (multiplier != 0), rate, 0.0)


def _seed_ids(header: ByteArray) -> npt.NDArray[np.str_]:
    codes = np.ascontiguousarray(header[:, 8:20]).view("S12").ravel()
    unique, inverse = np.unique(codes, return_inverse=True)
    named = [_seed_id(bytes(code).ljust(12, b"\0")) for code in unique]
    return np.array(named or [""], dtype=str)[inverse]


def _seed_id(codes: bytes) -> str:
    station, location, channel, network = (
        "".join(chr(byte) if 33 <= byte < 127 else "?" for byte in part.strip(b" \0"))
        for part in (codes[:5], codes[5:7], codes[7:10], codes[10:12])
    )
    return f"{network}.{station}.{location}.{channel}"


def _possible_year(year: IntArray) -> BoolArray:
    return np.asarray((year >= 1900) & (year <= 2100))


def _days_before_year(year: IntArray) -> IntArray:
    years = np.clip(year, 1900, 2100) - 1970
    return years.astype("datetime64[Y]").astype("datetime64[D]").astype(np.int64)


def _gather(buffer: ByteArray, offsets: IntArray, width: int) -> ByteArray:
    """Return ``width`` bytes from each offset, as rows; beyond the end of the file zeros."""
    places = offsets[:, None] + np.arange(width)
    return np.where(places < buffer.size, buffer[np.minimum(places, buffer.size - 1)], np.uint8(0))


def _u2(rows: ByteArray, at: int, little: BoolArray | bool) -> IntArray:
    high, low = rows[:, at].astype(np.int64), rows[:, at + 1].astype(np.int64)
    return np.asarray(np.where(little, low * 256 + high, high * 256 + low))


def _i4(rows: ByteArray, at: int, little: BoolArray) -> IntArray:
    word = np.ascontiguousarray(rows[:, at : at + 4])
    return np.where(little, word.view("<i4").ravel(), word.view(">i4").ravel()).astype(np.int64)


def _f4(rows: ByteArray, at: int, little: BoolArray) -> FloatArray:
    word = np.ascontiguousarray(rows[:, at : at + 4])
    with np.errstate(invalid="ignore"):  # a damaged rate may be NaN
        return np.where(little, word.view("<f4").ravel(), word.view(">f4").ravel()).astype(np.float64)
