"""Reader of miniSEED files, versions 2 and 3: runs of records without gaps, checked against their headers."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from selfseis.errors import one_line
from selfseis.quality_log import QualityLog
from selfseis.recording.compressed_files import content_of
from selfseis.recording.miniseed_headers import NUMERIC_ENCODINGS, Fault, Records, walk_records
from selfseis.recording.miniseed_samples import Decoded, decode_records
from selfseis.recording.segments import SAME_RATE, Segment, file_stamp, tidy_rate
from selfseis.recording.steim import STEIM_ENCODINGS
from selfseis.recording.time_axis import leap_instant
from selfseis.typing import BoolArray, ByteArray, FloatArray, IntArray

_SECOND, _DAY = 10**9, 86_400 * 10**9  # ns
_FAR_AWAY = 366 * _DAY  # a record a year from all others has a damaged time
_CHUNK_BYTES = 65_536  # records that are decoded together: about a block of samples
_BYTES_PER_SAMPLE = np.full(256, 2.0)  # lower limit by encoding
_BYTES_PER_SAMPLE[[3, 4, 5, 10, 11, 12]] = 4, 4, 8, 1, 4 / 7, 3


@dataclass(frozen=True)
class MiniseedRun(Segment):
    """A run of records of one channel in a file.

    Attributes
    ----------
    channel : int
        Index of the channel in the file.
    first_sample : int
        Position of the run among all samples of the channel in the file.
    """

    channel: int
    first_sample: int

    def read(self, first: int, last: int, quality_log: QualityLog) -> npt.NDArray[Any]:
        """Decode the records that hold samples ``first:last``."""
        try:
            return self._read(self.first_sample + first, self.first_sample + last, quality_log)
        except (OSError, IndexError) as error:
            quality_log.add(
                "damaged", self.unit, f"the file has changed since it was opened ({one_line(error)}): masked"
            )
            return np.full(last - first, np.nan, dtype=np.float32)

    def _read(self, begin: int, end: int, quality_log: QualityLog) -> npt.NDArray[Any]:
        stamp = file_stamp(self.unit)
        channel = _index_of(self.unit, stamp).channels[self.channel]
        run = channel.run_at.get(self.first_sample)
        if run is None or (run.start_ns, run.n_samples) != (self.start_ns, self.n_samples):
            raise IndexError("its records have changed")
        chunks = channel.chunk_of[channel.records_of(begin, end)]
        parts = []
        for chunk in range(int(chunks[0]), int(chunks[-1]) + 1):
            decoded = _chunk_of(self.unit, stamp, self.channel, chunk)
            low, high = max(begin, decoded.first_sample), min(end, decoded.end_sample)
            if decoded.faults or not decoded.is_sound:
                self._log_faults(channel, decoded, low, high, quality_log)
            parts.append(decoded.values[low - decoded.first_sample : high - decoded.first_sample])
        return parts[0] if len(parts) == 1 else np.concatenate(parts)

    def _log_faults(
        self, channel: _Channel, chunk: _Chunk, begin: int, end: int, quality_log: QualityLog
    ) -> None:
        """Report the records with samples ``begin:end`` of the channel that do not decode."""
        records, n_bytes = channel.records, int(channel.records.length.sum())
        for k in chunk.first_record + np.flatnonzero(~chunk.sound):
            if channel.begins[k] < end and channel.begins[k] + records.n_samples[k] > begin:
                where = f"the record of {self.seed_id} at byte {records.offset[k]}"
                detail = f"{where} does not decode to what its header states: masked"
                quality_log.add("damaged", self.unit, detail, lost_share=float(records.length[k] / n_bytes))
        for fault in chunk.faults:
            quality_log.add(fault.kind, self.unit, f"{self.seed_id}: {fault.detail}", fault.count)


def miniseed_segments(path: Path, quality_log: QualityLog) -> list[Segment]:
    """Index a miniSEED file by its headers; nothing is decoded.

    Parameters
    ----------
    path : pathlib.Path
        The file, which may be compressed.
    quality_log : QualityLog
        Receives the faults of records and headers.

    Returns
    -------
    list of Segment
        Runs of records without a gap, by channel and time.
    """
    unit = str(path)
    index = _index_of(unit, file_stamp(unit))
    for fault in index.faults:
        quality_log.add(fault.kind, unit, fault.detail, fault.count, lost_share=fault.n_bytes / index.n_bytes)
    return [
        MiniseedRun(
            seed_id=str(channel.records.seed_id[0]),
            start_ns=run.start_ns,
            n_samples=run.n_samples,
            rate=run.rate,
            unit=unit,
            channel=number,
            first_sample=run.first_sample,
        )
        for number, channel in enumerate(index.channels)
        for run in channel.runs
    ]


class _Run(NamedTuple):
    """Samples without a gap: the first of them among those of the channel, their number, start and rate."""

    first_sample: int
    n_samples: int
    start_ns: int
    rate: float


@dataclass
class _Channel:
    """The records of one channel in a file, in order of time, and its runs."""

    records: Records
    runs: list[_Run]

    @cached_property
    def begins(self) -> IntArray:
        """Number of samples before each record."""
        return np.cumsum(self.records.n_samples) - self.records.n_samples

    @cached_property
    def run_at(self) -> dict[int, _Run]:
        """The runs by their first sample."""
        return {run.first_sample: run for run in self.runs}

    @cached_property
    def chunk_of(self) -> IntArray:
        """Number of the chunk in which each record is decoded."""
        return (np.cumsum(self.records.length) - self.records.length) // _CHUNK_BYTES

    def records_of(self, begin: int, end: int) -> IntArray:
        """Return the first and the last record with samples ``begin:end``."""
        return np.searchsorted(self.begins, [begin, end - 1], side="right") - 1


@dataclass(frozen=True)
class _FileIndex:
    channels: list[_Channel]
    faults: list[Fault]
    n_bytes: int


class _Chunk(NamedTuple):
    values: npt.NDArray[Any]
    sound: BoolArray
    is_sound: bool
    faults: list[Fault]
    first_record: int
    first_sample: int
    end_sample: int


@lru_cache(maxsize=128)
def _index_of(path: str, stamp: tuple[int, int, int]) -> _FileIndex:
    buffer = np.fromfile(content_of(path), dtype=np.uint8)
    records, faults = walk_records(buffer)
    records = _records_with_samples(records, faults)
    _log_strays(records, faults)
    channels: list[_Channel] = []
    for seed_id in np.unique(records.seed_id):
        channel = records.chosen(records.seed_id == seed_id)
        channel = _without_oddities(channel, faults)
        channel = _in_order_of_time(channel, buffer, faults)
        if len(channel):
            channels.append(_Channel(channel, _runs_of(channel, faults)))
    return _FileIndex(channels, faults, buffer.size)


@lru_cache(maxsize=64)
def _chunk_of(path: str, stamp: tuple[int, int, int], number: int, chunk: int) -> _Chunk:
    """Decode a chunk of records, with one record more on each side, which proves the values at its ends."""
    channel = _index_of(path, stamp).channels[number]
    first, end = np.searchsorted(channel.chunk_of, [chunk, chunk + 1])
    before, after = max(first - 1, 0), min(end + 1, len(channel.records))
    decoded: Decoded = decode_records(content_of(path), channel.records.chosen(slice(before, after)))
    kept = slice(first - before, end - before)
    skipped = int(channel.begins[first] - channel.begins[before])
    n_samples = int(channel.records.n_samples[first:end].sum())
    begin = int(channel.begins[first])
    values = decoded.values[skipped : skipped + n_samples]
    sound = decoded.sound[kept]
    return _Chunk(values, sound, bool(sound.all()), decoded.faults, int(first), begin, begin + n_samples)


def _records_with_samples(records: Records, faults: list[Fault]) -> Records:
    """Drop records that hold no waveform: text, no samples, no rate, more samples than fit."""
    numeric = np.isin(records.encoding, NUMERIC_ENCODINGS)
    room = (records.length - records.data_offset) / _BYTES_PER_SAMPLE[records.encoding]
    usable = numeric & (records.n_samples > 0) & (records.rate > 0) & (records.n_samples <= room)
    for position in np.flatnonzero(~usable):
        where = f"the record of {records.seed_id[position]} at byte {records.offset[position]}"
        n_bytes = int(records.length[position])
        if records.encoding[position] == 0:
            faults.append(Fault("not_waveforms", f"{where} holds text"))
        elif records.n_samples[position] == 0:
            faults.append(Fault("not_waveforms", f"{where} holds no samples"))
        else:
            detail = f"{where} states an impossible encoding, rate or number of samples"
            faults.append(Fault("header_mismatch", detail, n_bytes))
    return records.chosen(usable)


def _log_strays(records: Records, faults: list[Fault]) -> None:
    """Report a lone record that continues another channel exactly: its codes were probably altered."""
    counts = Counter(records.seed_id.tolist())
    strange = [seed_id for seed_id in counts if not seed_id.replace(".", "").replace("_", "").isalnum()]
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
    """Drop single records that differ from the rest of their channel in packing, rate or, by years, in time.

    A second record of the same packing or rate shows that the recorder was changed, so that all of them are kept.
    Samples in Steim compression prove their own packing when they are decoded.
    """
    packing = channel.encoding.astype(np.int64) * 2 + channel.little_endian
    odd = _alone(packing) & ~np.isin(channel.encoding, STEIM_ENCODINGS)
    odd |= _alone(channel.rate) & (np.abs(channel.rate / _mode(channel.rate) - 1) > SAME_RATE)
    if len(channel) > 2:
        order = np.argsort(channel.start_ns, kind="stable")
        starts, ends = channel.start_ns[order], channel.end_ns[order]
        before = np.diff(starts, prepend=starts[0] - 2 * _FAR_AWAY)
        after = np.append(starts[1:] - ends[:-1], 2 * _FAR_AWAY)
        odd[order] |= (before > _FAR_AWAY) & (after > _FAR_AWAY)
    for k in np.flatnonzero(odd):
        where = f"the record at byte {channel.offset[k]} differs from the rest of {channel.seed_id[k]}"
        detail = f"{where} in encoding, byte order, rate or year: it is left out"
        faults.append(Fault("header_mismatch", detail, int(channel.length[k])))
    return channel.chosen(~odd)


def _alone(values: npt.NDArray[Any]) -> BoolArray:
    """Whether each value occurs once, while the most frequent one is another."""
    unique, position, counts = np.unique(values, return_inverse=True, return_counts=True)
    common = unique[np.argmax(counts)]
    return np.asarray((counts[position] == 1) & (values != common))


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


def _runs_of(channel: Records, faults: list[Fault]) -> list[_Run]:
    """Cut a channel at gaps of more than half a sample, at changes of rate, and at leap seconds."""
    begins = np.cumsum(channel.n_samples) - channel.n_samples
    period = 1e9 / channel.rate
    jumps = channel.start_ns[1:] - channel.start_ns[:-1] - channel.n_samples[:-1] * period[:-1]
    cut = np.abs(jumps) > period[:-1] / 2
    cut |= np.abs(channel.rate[1:] / channel.rate[:-1] - 1) > SAME_RATE
    in_leap = np.zeros(len(channel), dtype=bool)
    for k in np.flatnonzero(channel.leap):
        in_leap[k] = _leap_of(channel, int(k)) is not None
    cut |= in_leap[1:] | in_leap[:-1]
    edges = [0, *(np.flatnonzero(cut) + 1).tolist(), len(channel)]
    runs: list[_Run] = []
    for first, last in pairwise(edges):
        if in_leap[first]:
            runs += _around_leap_second(channel, first, int(begins[first]), faults)
        else:
            runs += _runs_by_drift(channel, begins, first, last)
    return runs


def _runs_by_drift(channel: Records, begins: IntArray, first: int, last: int) -> Iterator[_Run]:
    """Yield the records ``first:last``, cut where they leave the times of their rate by more than a sample."""
    while first < last:
        starts, before = channel.start_ns[first:last], begins[first:last] - begins[first]
        rate = _rate_of(channel.rate[first:last], starts, before)
        drift = (starts - starts[0]) - before * (1e9 / rate)
        too_far = np.flatnonzero(np.abs(drift) > 1e9 / rate)
        end = first + int(too_far[0]) if too_far.size else last
        n_samples = int(channel.n_samples[first:end].sum())
        # The median over all records is robust against single wrong headers.
        start = int(starts[0]) + round(float(np.sort(drift[: end - first])[(end - first) // 2]))
        yield _Run(int(begins[first]), n_samples, start, rate)
        first = end


def _rate_of(rates: FloatArray, starts: IntArray, before: IntArray) -> float:
    """Return the rate of a run: that of the headers, unless the record times contradict it by half a sample."""
    stated = tidy_rate(float(rates[0] if rates[0] == rates[-1] else _mode(rates)))
    elapsed = int(starts[-1] - starts[0])
    if len(starts) == 1 or abs(elapsed - before[-1] * (1e9 / stated)) <= 0.5e9 / stated:
        return stated
    return float(before[-1] * 1e9 / elapsed)


def _leap_of(channel: Records, k: int) -> int | None:
    """Return the midnight after a leap second that a record states to hold, in ns since 1970, if it can be."""
    start = int(channel.start_ns[k])  # second 60 counts as second 0 of the next day
    midnight = start // _DAY * _DAY if channel.leap[k] == 2 else (start // _DAY + 1) * _DAY
    return midnight if leap_instant(midnight) and midnight < channel.end_ns[k] else None


def _around_leap_second(channel: Records, k: int, first_sample: int, faults: list[Fault]) -> list[_Run]:
    """Return the samples of a record before and after a leap second, which the time axis does not have."""
    midnight, start, n_samples = _leap_of(channel, k), int(channel.start_ns[k]), int(channel.n_samples[k])
    assert midnight is not None  # the caller has asked
    rate = tidy_rate(float(channel.rate[k]))
    before, until = (
        min(n_samples, max(0, int(np.ceil((at - start) * rate / 1e9))))
        for at in (midnight, midnight + _SECOND)
    )
    if until > before:
        day = np.datetime64(midnight - _DAY, "ns").astype("datetime64[D]")
        detail = (
            f"{channel.seed_id[k]}: {until - before} samples in the leap second at the end of {day}: left out"
        )
        faults.append(Fault("leap_second", detail, count=until - before))
    runs = [_Run(first_sample, before, start, rate)] if before else []
    if until < n_samples:
        later = start + round(until * 1e9 / rate) - _SECOND
        runs.append(_Run(first_sample + until, n_samples - until, later, rate))
    return runs


def _payload(buffer: ByteArray, channel: Records, k: int | np.integer[Any]) -> bytes:
    begin = int(channel.offset[k])
    return buffer[begin + int(channel.data_offset[k]) : begin + int(channel.length[k])].tobytes()


def _mode(values: npt.NDArray[Any]) -> Any:
    unique, counts = np.unique(values, return_counts=True)
    return unique[np.argmax(counts)]
