"""Reader of miniSEED files: runs of records without gaps, decoded by ObsPy and checked against their headers."""

from __future__ import annotations

import io
from collections import Counter, defaultdict
from dataclasses import dataclass, fields
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from selfseis.errors import one_line
from selfseis.io.obspy_import import read_stream
from selfseis.quality_log import QualityLog
from selfseis.recording.segments import SAME_RATE, Segment, file_stamp, finite_samples, tidy_rate
from selfseis.typing import BoolArray, ByteArray, Float32Array, FloatArray, IntArray

_FAR_AWAY = 366 * 86_400 * 10**9  # ns; a record a year from all others has a damaged time
_ANY_CODES = b"SSSSSLLCCCNN"
_BYTES_PER_SAMPLE = np.full(256, 2.0)  # lower limit by encoding
_BYTES_PER_SAMPLE[[3, 4, 5, 10, 11, 12]] = 4, 4, 8, 1, 4 / 7, 3


@dataclass(frozen=True)
class MiniseedRun(Segment):
    """A run of records of one channel in a file; ``position`` is its index among the runs of the file."""

    position: int

    def read(self, first: int, last: int, quality_log: QualityLog) -> Float32Array:
        """Decode the records that hold samples ``first:last``."""
        try:
            records = _runs_of(self.unit, file_stamp(self.unit))[0][self.position]
            if (_start_of(records), records.n_samples.sum()) != (self.start_ns, self.n_samples):
                raise IndexError("its records have changed")
            ends = np.cumsum(records.n_samples)
            chosen = slice(
                int(np.searchsorted(ends, first, side="right")), int(np.searchsorted(ends, last)) + 1
            )
            begin = int(ends[chosen.start] - records.n_samples[chosen.start])
            return _decode(self.unit, records.chosen(chosen), quality_log)[first - begin : last - begin]
        except (OSError, IndexError) as error:
            quality_log.add(
                "damaged", self.unit, f"the file has changed since it was opened ({one_line(error)}): masked"
            )
            return np.full(last - first, np.nan, dtype=np.float32)


def miniseed_segments(path: Path, quality_log: QualityLog) -> list[Segment]:
    """Index a miniSEED file by its headers; nothing is decoded.

    Parameters
    ----------
    path : pathlib.Path
        The file.
    quality_log : QualityLog
        Receives the faults of records and headers.

    Returns
    -------
    list of Segment
        Runs of records without a gap, by channel and time.
    """
    unit = str(path)
    runs, faults = _runs_of(unit, file_stamp(unit))
    for fault in faults:
        quality_log.add(fault.kind, unit, fault.detail)
    return [
        MiniseedRun(
            seed_id=str(run.seed_id[0]),
            start_ns=_start_of(run),
            n_samples=int(run.n_samples.sum()),
            rate=tidy_rate(float(run.rate[0])),
            unit=unit,
            position=position,
        )
        for position, run in enumerate(runs)
    ]


@lru_cache(maxsize=128)
def _runs_of(path: str, stamp: tuple[int, int, int]) -> tuple[list[Records], list[Fault]]:
    buffer = np.fromfile(path, dtype=np.uint8)
    records, faults = walk_records(buffer)
    records = _records_with_samples(records, faults)
    _log_strays(records, faults)
    runs: list[Records] = []
    for seed_id in np.unique(records.seed_id):
        channel = records.chosen(records.seed_id == seed_id)
        channel = _without_oddities(channel, faults)
        channel = _in_order_of_time(channel, buffer, faults)
        runs += _split_at_gaps(channel)
    return runs, faults


def _records_with_samples(records: Records, faults: list[Fault]) -> Records:
    """Drop records that hold no waveform: text, no samples, no rate, more samples than fit."""
    numeric = np.isin(records.encoding, NUMERIC_ENCODINGS)
    room = (records.length - records.data_offset) / _BYTES_PER_SAMPLE[records.encoding]
    usable = numeric & (records.n_samples > 0) & (records.rate > 0) & (records.n_samples <= room)
    for position in np.flatnonzero(~usable):
        where = f"the record of {records.seed_id[position]} at byte {records.offset[position]}"
        if records.encoding[position] == 0:
            faults.append(Fault("not_waveforms", f"{where} holds text"))
        else:
            faults.append(
                Fault("header_mismatch", f"{where} states an impossible encoding, rate or number of samples")
            )
    return records.chosen(usable)


def _log_strays(records: Records, faults: list[Fault]) -> None:
    """Report a lone record that continues another channel exactly: its codes were probably altered."""
    counts = Counter(records.seed_id.tolist())
    strange = [seed_id for seed_id in counts if not seed_id.replace(".", "").isalnum()]
    for seed_id in strange:
        faults.append(Fault("header_mismatch", f"{seed_id} is not a proper channel code"))
    lone = [k for k in range(len(records)) if counts[str(records.seed_id[k])] == 1]
    if len(lone) == len(records):  # the stray cannot be identified
        lone = lone[1:]
    if not lone:
        return
    joined: defaultdict[int, set[str]] = defaultdict(set)
    for seed_id, start, end in zip(records.seed_id, records.start_ns, records.end_ns, strict=True):
        joined[int(end)].add(str(seed_id))
        joined[-int(start)].add(str(seed_id))
    for k in lone:
        neighbours = joined[int(records.start_ns[k])] | joined[-int(records.end_ns[k])]
        for code in sorted(neighbours - {str(records.seed_id[k])}):
            detail = (
                f"the record at byte {records.offset[k]} is named {records.seed_id[k]} but continues {code}"
            )
            faults.append(Fault("header_mismatch", detail))


def _without_oddities(channel: Records, faults: list[Fault]) -> Records:
    """Drop records that differ from the rest of their channel in packing or rate, or wildly in time."""
    odd = np.zeros(len(channel), dtype=bool)
    packing = channel.encoding.astype(np.int64) * 2 + channel.little_endian
    common = _mode(packing)
    odd |= packing != common
    odd |= np.abs(channel.rate / _mode(channel.rate) - 1) > SAME_RATE
    if len(channel) > 2:
        order = np.argsort(channel.start_ns, kind="stable")
        starts, ends = channel.start_ns[order], channel.end_ns[order]
        before = np.diff(starts, prepend=starts[0] - 2 * _FAR_AWAY)
        after = np.append(starts[1:] - ends[:-1], 2 * _FAR_AWAY)
        odd[order] |= (before > _FAR_AWAY) & (after > _FAR_AWAY)
    for k in np.flatnonzero(odd):
        detail = f"the record at byte {channel.offset[k]} differs from the rest of {channel.seed_id[k]}"
        faults.append(
            Fault("header_mismatch", f"{detail} in encoding, byte order, rate or year: it is left out")
        )
    return channel.chosen(~odd)


def _in_order_of_time(channel: Records, buffer: ByteArray, faults: list[Fault]) -> Records:
    """Sort the records of a channel and drop exact duplicates."""
    if len(channel) == 0:
        return channel
    backwards = int(np.count_nonzero(np.diff(channel.start_ns) < 0))
    if backwards:
        faults.append(
            Fault("out_of_order", f"{channel.seed_id[0]}: {backwards} records start before their predecessor")
        )
    channel = channel.chosen(np.argsort(channel.start_ns, kind="stable"))
    suspects = np.flatnonzero((np.diff(channel.start_ns) == 0) & (np.diff(channel.n_samples) == 0))
    again = [int(k) + 1 for k in suspects if _payload(buffer, channel, k) == _payload(buffer, channel, k + 1)]
    if again:
        faults.append(Fault("duplicate", f"{channel.seed_id[0]}: {len(again)} records are duplicates"))
    return channel.chosen(np.setdiff1d(np.arange(len(channel)), again))


def _split_at_gaps(channel: Records) -> list[Records]:
    """Cut a channel at jumps of more than half a sample, or where the drift exceeds one sample."""
    if len(channel) == 0:
        return []
    period = 1e9 / channel.rate[0]
    jumps = channel.start_ns[1:] - channel.start_ns[:-1] - channel.n_samples[:-1] * period
    cuts = np.flatnonzero(np.abs(jumps) > period / 2) + 1
    runs = []
    for first, last in zip([0, *cuts], [*cuts, len(channel)], strict=True):
        while first < last:
            drift = np.cumsum(jumps[first : last - 1])
            too_far = np.flatnonzero(np.abs(drift) > period)
            stop = first + 1 + int(too_far[0]) if too_far.size else last
            runs.append(channel.chosen(slice(first, stop)))
            first = stop
    return runs


def _start_of(run: Records) -> int:
    """Time of the first sample, as the median over all records of a run, robust against single wrong headers."""
    before = np.cumsum(run.n_samples) - run.n_samples
    starts = run.start_ns - np.round(before * (1e9 / run.rate[0])).astype(np.int64)
    return int(np.sort(starts)[len(starts) // 2])


def _decode(path: str, records: Records, quality_log: QualityLog) -> Float32Array:
    """Decode contiguous records together if they are intact, otherwise one by one with damaged ones masked."""
    parts = _read_records(path, records)
    together = _decode_bytes(b"".join(parts))
    if together is not None and len(together) == records.n_samples.sum():
        sound = _integrity(parts, records, together)
        if sound.all():
            return finite_samples(together, path, f"from byte {records.offset[0]} on", quality_log)
    samples = [_decode_one(path, parts, records, k, quality_log) for k in range(len(records))]
    return np.concatenate(samples)


def _read_records(path: str, records: Records) -> list[bytes]:
    """Read the bytes of the records, with plain channel codes: libmseed's messages fail on damaged codes."""
    parts: list[bytes] = []
    with Path(path).open("rb") as file:
        for offset, length in zip(records.offset.tolist(), records.length.tolist(), strict=True):
            if file.tell() != offset:
                file.seek(offset)
            record = file.read(length)
            parts.append(record[:8] + _ANY_CODES + record[20:])
    return parts


def _decode_one(
    path: str, parts: list[bytes], records: Records, k: int, quality_log: QualityLog
) -> Float32Array:
    one = records.chosen(slice(k, k + 1))
    samples = _decode_bytes(parts[k])
    if (
        samples is not None
        and len(samples) == one.n_samples[0]
        and _integrity(parts[k : k + 1], one, samples).all()
    ):
        return finite_samples(samples, path, f"from byte {one.offset[0]} on", quality_log)
    where = f"the record of {one.seed_id[0]} at byte {one.offset[0]}"
    quality_log.add("damaged", path, f"{where} does not decode to what its header states: masked")
    return np.full(int(one.n_samples[0]), np.nan, dtype=np.float32)


def _decode_bytes(records: bytes) -> npt.NDArray[np.generic] | None:
    """Decode contiguous records of one channel; None when they do not make one trace."""
    try:  # libmseed's warnings are not needed: the counts and checks below detect all faults
        stream = read_stream(io.BytesIO(records), format="MSEED")
    except Exception:  # ObsPy's C library and plugins may raise any exception
        return None
    return stream[0].data if len(stream) == 1 else None


def _integrity(parts: list[bytes], records: Records, samples: npt.NDArray[np.generic]) -> BoolArray:
    """Whether each Steim record begins and ends with the values that its first frame states; others pass."""
    sound = np.ones(len(records), dtype=bool)
    ends = np.cumsum(records.n_samples)
    for k in np.flatnonzero(np.isin(records.encoding, STEIM_ENCODINGS)):
        order = "<i4" if records.little_endian[k] else ">i4"
        stated = np.frombuffer(parts[k], dtype=order, count=2, offset=int(records.data_offset[k]) + 4)
        sound[k] = samples[ends[k] - records.n_samples[k]] == stated[0] and samples[ends[k] - 1] == stated[1]
    return sound


def _payload(buffer: ByteArray, channel: Records, k: int | np.integer[Any]) -> bytes:
    begin = int(channel.offset[k])
    return buffer[begin + int(channel.data_offset[k]) : begin + int(channel.length[k])].tobytes()


def _mode(values: npt.NDArray[Any]) -> Any:
    unique, counts = np.unique(values, return_counts=True)
    return unique[np.argmax(counts)]


_HEADER = 48  # bytes
_MIN_RECORD_LENGTH = 128  # bytes, of the standard
_SEARCHED_AT_ONCE = 65_536  # bytes; the next record mostly follows within a few
_QUALITIES = np.frombuffer(b"DMQR", dtype=np.uint8)
_BLANKS = np.frombuffer(b"\0 ", dtype=np.uint8)
_CHUNK = 4096  # records whose headers are parsed together: it bounds the memory
_BLOCKETTES = 8  # a longer chain is a loop in a damaged record
NUMERIC_ENCODINGS = (1, 3, 4, 5, 10, 11, 12, 13, 14, 16, 30, 31, 32, 33)
STEIM_ENCODINGS = (10, 11)


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
    """A fault in the bytes of a file."""

    kind: str
    detail: str


def holds_records(head: ByteArray) -> bool:
    """Whether the first bytes of a file hold a miniSEED 2 record, directly or after damaged bytes."""
    return head.size >= _HEADER and (
        bool(_parse(head, np.array([0]))[1][0]) or _next_record(head, 0) < head.size
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
        if valid.any():
            return int(candidates[np.argmax(valid)])
    return int(buffer.size)


def _unreadable_bytes(buffer: ByteArray, offset: int, following: int) -> Fault:
    if following == buffer.size and bool(_plausible(buffer, np.array([offset]))[0]):
        return Fault("truncated", f"the file ends within the record that begins at byte {offset}")
    return Fault("damaged", f"{following - offset} bytes from byte {offset} on hold no readable record")


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
