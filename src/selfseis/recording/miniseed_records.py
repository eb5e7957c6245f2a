"""The headers of miniSEED 2 records, read straight from the bytes so that nothing odd passes silently.

Layout after the SEED Reference Manual, version 2.4 (FDSN/IRIS/USGS, 2012), chapter 8: fixed section of data
header, blockettes 100, 1000 and 1001.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
import numpy.typing as npt

Bytes = npt.NDArray[np.uint8]

_HEADER = 48
_SMALLEST = 128
_SEARCHED_AT_ONCE = 65_536
_QUALITIES = np.frombuffer(b"DMQR", dtype=np.uint8)
_BLANKS = np.frombuffer(b"\0 ", dtype=np.uint8)
_CHUNK = 4096
_BLOCKETTES = 8
NUMERIC_ENCODINGS = (1, 3, 4, 5, 10, 11, 12, 13, 14, 16, 30, 31, 32, 33)
STEIM_ENCODINGS = (10, 11)


@dataclass(frozen=True)
class Records:
    """One row a record, in the order of the file."""

    offset: npt.NDArray[np.int64]
    length: npt.NDArray[np.int64]
    seed_id: npt.NDArray[np.str_]
    start_ns: npt.NDArray[np.int64]
    n_samples: npt.NDArray[np.int64]
    rate: npt.NDArray[np.float64]
    encoding: npt.NDArray[np.uint8]
    little_endian: npt.NDArray[np.bool_]
    data_offset: npt.NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.offset)

    def chosen(self, which: npt.NDArray[np.bool_] | npt.NDArray[np.int64] | slice) -> Records:
        """Return some of the records."""
        return Records(*(getattr(self, field.name)[which] for field in fields(self)))

    @property
    def end_ns(self) -> npt.NDArray[np.int64]:
        """Time of the sample that would follow the last one."""
        return self.start_ns + np.round(self.n_samples * (1e9 / self.rate)).astype(np.int64)


@dataclass(frozen=True)
class Fault:
    """Something wrong with the bytes of a file."""

    kind: str
    detail: str


def holds_records(head: Bytes) -> bool:
    """Whether the first bytes of a file hold a miniSEED 2 record, at once or after some damaged bytes."""
    return head.size >= _HEADER and (
        bool(_parse(head, np.array([0]))[1][0]) or _next_record(head, 0) < head.size
    )


def walk_records(buffer: Bytes) -> tuple[Records, list[Fault]]:
    """Find all records in the bytes of a file.

    Parameters
    ----------
    buffer : numpy.ndarray
        uint8, the whole file.

    Returns
    -------
    records : Records
        Every record whose header makes sense.
    faults : list of Fault
        Truncation, bytes that hold no record, records whose stated length hides another record.
    """
    parts: list[Records] = []
    faults: list[Fault] = []
    offset = 0
    while offset < buffer.size:
        run = _run_of_records(buffer, offset)
        if run is None:
            following = _next_record(buffer, offset)
            faults.append(_unreadable_bytes(buffer, offset, following))
            offset = following
            continue
        hidden = _first_hiding(buffer, run)
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


def _run_of_records(buffer: Bytes, offset: int) -> Records | None:
    """Return the records of equal length that follow each other from an offset."""
    first, valid = _parse(buffer, np.array([offset]))
    if not valid[0] or offset + first.length[0] > buffer.size:
        return None
    length = int(first.length[0])
    count = min(_CHUNK, (buffer.size - offset) // length)
    records, valid = _parse(buffer, offset + length * np.arange(count))
    good = valid & (records.length == length)
    return records.chosen(slice(0, int(np.argmin(good)) if not good.all() else count))


def _first_hiding(buffer: Bytes, run: Records) -> tuple[int, int] | None:
    """First record within whose stated length another one begins: its position and its true length."""
    length = int(run.length[0])
    for inner in (1 << power for power in range(7, length.bit_length() - 1)):
        suspects = np.flatnonzero(_plausible(buffer, run.offset + inner))
        hides = suspects[_parse(buffer, run.offset[suspects] + inner)[1]]
        if hides.size:
            return int(hides[0]), inner
    return None


def _next_record(buffer: Bytes, offset: int) -> int:
    """Offset of the next record after a bad place, at whatever byte it begins; or the end of the file."""
    for start in range(offset + 1, buffer.size - _HEADER, _SEARCHED_AT_ONCE):
        part = buffer[start : start + _SEARCHED_AT_ONCE + 8]
        candidates = start + np.flatnonzero(np.isin(part[6:-1], _QUALITIES) & np.isin(part[7:], _BLANKS))
        candidates = candidates[_plausible(buffer, candidates)]
        _, valid = _parse(buffer, candidates)
        if valid.any():
            return int(candidates[np.argmax(valid)])
    return int(buffer.size)


def _unreadable_bytes(buffer: Bytes, offset: int, following: int) -> Fault:
    if following == buffer.size and bool(_plausible(buffer, np.array([offset]))[0]):
        return Fault("truncated", f"the file ends within the record that begins at byte {offset}")
    return Fault("damaged", f"{following - offset} bytes from byte {offset} on hold no readable record")


def _plausible(buffer: Bytes, offsets: npt.NDArray[np.int64]) -> npt.NDArray[np.bool_]:
    """Whether a fixed section of data header can begin at each offset, by the rules that libmseed uses."""
    header = _gather(buffer, offsets, _HEADER)
    digits_or_blank = ((header[:, :6] >= 48) & (header[:, :6] <= 57)) | np.isin(header[:, :6], _BLANKS)
    quality = np.isin(header[:, 6], _QUALITIES)
    blank = np.isin(header[:, 7], _BLANKS)
    clock = (header[:, 24] < 24) & (header[:, 25] < 60) & (header[:, 26] < 61)
    return np.asarray(
        digits_or_blank.all(axis=1) & quality & blank & clock & (offsets + _HEADER <= buffer.size)
    )


def _parse(buffer: Bytes, offsets: npt.NDArray[np.int64]) -> tuple[Records, npt.NDArray[np.bool_]]:
    """Read the headers at some offsets, and say which of them make sense in every field that matters."""
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
        blockettes.found & (blockettes.length >= _SMALLEST) & ((data_offset >= _HEADER) | (n_samples == 0))
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
    )
    return records, valid


@dataclass
class _Blockettes:
    found: npt.NDArray[np.bool_]
    sound: npt.NDArray[np.bool_]
    length: npt.NDArray[np.int64]
    encoding: npt.NDArray[np.uint8]
    big_endian: npt.NDArray[np.bool_]
    rate: npt.NDArray[np.float64]
    microseconds: npt.NDArray[np.int64]


def _walk_blockettes(
    buffer: Bytes, offsets: npt.NDArray[np.int64], first: npt.NDArray[np.int64], little: npt.NDArray[np.bool_]
) -> _Blockettes:
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


def _nominal_rate(header: Bytes, little: npt.NDArray[np.bool_]) -> npt.NDArray[np.float64]:
    factor = _u2(header, 32, little).astype(np.int16).astype(np.float64)
    multiplier = _u2(header, 34, little).astype(np.int16).astype(np.float64)
    with np.errstate(divide="ignore", invalid="ignore"):
        rate = np.where(factor > 0, factor, -1.0 / factor) * np.where(
            multiplier > 0, multiplier, -1.0 / multiplier
        )
    return np.where(np.isfinite(rate) & (factor != 0) & (multiplier != 0), rate, 0.0)


def _seed_ids(header: Bytes) -> npt.NDArray[np.str_]:
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


def _possible_year(year: npt.NDArray[np.int64]) -> npt.NDArray[np.bool_]:
    return np.asarray((year >= 1900) & (year <= 2100))


def _days_before_year(year: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    years = np.clip(year, 1900, 2100) - 1970
    return years.astype("datetime64[Y]").astype("datetime64[D]").astype(np.int64)


def _gather(buffer: Bytes, offsets: npt.NDArray[np.int64], width: int) -> Bytes:
    """Return ``width`` bytes from each offset, as rows; beyond the end of the file zeros."""
    places = offsets[:, None] + np.arange(width)
    return np.where(places < buffer.size, buffer[np.minimum(places, buffer.size - 1)], np.uint8(0))


def _u2(rows: Bytes, at: int, little: npt.NDArray[np.bool_] | bool) -> npt.NDArray[np.int64]:
    high, low = rows[:, at].astype(np.int64), rows[:, at + 1].astype(np.int64)
    return np.asarray(np.where(little, low * 256 + high, high * 256 + low))


def _i4(rows: Bytes, at: int, little: npt.NDArray[np.bool_]) -> npt.NDArray[np.int64]:
    word = np.ascontiguousarray(rows[:, at : at + 4])
    return np.where(little, word.view("<i4").ravel(), word.view(">i4").ravel()).astype(np.int64)


def _f4(rows: Bytes, at: int, little: npt.NDArray[np.bool_]) -> npt.NDArray[np.float64]:
    word = np.ascontiguousarray(rows[:, at : at + 4])
    with np.errstate(invalid="ignore"):  # a damaged rate may be no number
        return np.where(little, word.view("<f4").ravel(), word.view(">f4").ravel()).astype(np.float64)
