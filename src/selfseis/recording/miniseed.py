"""miniSEED files: runs of records without a gap, decoded by ObsPy and checked against their headers."""

from __future__ import annotations

import io
from collections import Counter, defaultdict
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from selfseis.recording.accounting import Accounting
from selfseis.recording.errors import one_line
from selfseis.recording.miniseed_records import (
    NUMERIC_ENCODINGS,
    STEIM_ENCODINGS,
    Bytes,
    Fault,
    Records,
    walk_records,
)
from selfseis.recording.obspy_import import read_stream
from selfseis.recording.pieces import Piece, file_stamp, finite_samples, tidy_rate

_FAR_AWAY = 366 * 86_400 * 10**9
_SAME_RATE = 2e-4
_ANY_CODES = b"SSSSSLLCCCNN"
_BYTES_PER_SAMPLE = np.full(256, 2.0)  # the least that each encoding needs
_BYTES_PER_SAMPLE[[3, 4, 5, 10, 11, 12]] = 4, 4, 8, 1, 4 / 7, 3


@dataclass(frozen=True)
class MiniseedRun(Piece):
    """A run of records of one channel in a file; ``position`` says which of the file's runs."""

    position: int

    def read(self, first: int, last: int, accounting: Accounting) -> npt.NDArray[np.float32]:
        """Decode the records that hold samples ``first:last``."""
        try:
            records = _runs_of(self.unit, file_stamp(self.unit))[0][self.position]
            if (_start_of(records), records.n_samples.sum()) != (self.start_ns, self.n_samples):
                raise IndexError("its records are others now")
            ends = np.cumsum(records.n_samples)
            chosen = slice(
                int(np.searchsorted(ends, first, side="right")), int(np.searchsorted(ends, last)) + 1
            )
            begin = int(ends[chosen.start] - records.n_samples[chosen.start])
            return _decode(self.unit, records.chosen(chosen), accounting)[first - begin : last - begin]
        except (OSError, IndexError) as error:
            accounting.note(
                "damaged", self.unit, f"the file has changed since it was opened ({one_line(error)}): masked"
            )
            return np.full(last - first, np.nan, dtype=np.float32)


def miniseed_pieces(path: Path, accounting: Accounting) -> list[Piece]:
    """Index a miniSEED file by its headers; nothing is decoded.

    Parameters
    ----------
    path : pathlib.Path
        The file.
    accounting : Accounting
        Receives what is wrong with the records and the headers.

    Returns
    -------
    list of Piece
        Runs of records without a gap, by channel and time.
    """
    unit = str(path)
    runs, faults = _runs_of(unit, file_stamp(unit))
    for fault in faults:
        accounting.note(fault.kind, unit, fault.detail)
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
    _note_strays(records, faults)
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


def _note_strays(records: Records, faults: list[Fault]) -> None:
    """Report a lone record that continues another channel exactly: its codes were probably altered."""
    counts = Counter(records.seed_id.tolist())
    strange = [seed_id for seed_id in counts if not seed_id.replace(".", "").isalnum()]
    for seed_id in strange:
        faults.append(Fault("header_mismatch", f"{seed_id} is not a proper channel code"))
    lone = [k for k in range(len(records)) if counts[str(records.seed_id[k])] == 1]
    if len(lone) == len(records):  # nothing says which of them is the stray
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
    common = _most_frequent(packing)
    odd |= packing != common
    odd |= np.abs(channel.rate / _most_frequent(channel.rate) - 1) > _SAME_RATE
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


def _in_order_of_time(channel: Records, buffer: Bytes, faults: list[Fault]) -> Records:
    """Sort the records of a channel and drop those that are there twice, byte for byte."""
    if len(channel) == 0:
        return channel
    backwards = int(np.count_nonzero(np.diff(channel.start_ns) < 0))
    if backwards:
        faults.append(
            Fault("out_of_order", f"{channel.seed_id[0]}: {backwards} records start before the one ahead")
        )
    channel = channel.chosen(np.argsort(channel.start_ns, kind="stable"))
    suspects = np.flatnonzero((np.diff(channel.start_ns) == 0) & (np.diff(channel.n_samples) == 0))
    again = [int(k) + 1 for k in suspects if _payload(buffer, channel, k) == _payload(buffer, channel, k + 1)]
    if again:
        faults.append(Fault("duplicate", f"{channel.seed_id[0]}: {len(again)} records are there twice"))
    return channel.chosen(np.setdiff1d(np.arange(len(channel)), again))


def _split_at_gaps(channel: Records) -> list[Records]:
    """Cut a channel where its records leave or lose half a sample, or drift from their count by one."""
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
    """Time of the first sample by the median of all records of a run: no single header can move it."""
    before = np.cumsum(run.n_samples) - run.n_samples
    starts = run.start_ns - np.round(before * (1e9 / run.rate[0])).astype(np.int64)
    return int(np.sort(starts)[len(starts) // 2])


def _decode(path: str, records: Records, accounting: Accounting) -> npt.NDArray[np.float32]:
    """Decode contiguous records at once if they are sound, otherwise one by one with bad ones masked."""
    parts = _read_records(path, records)
    together = _decode_bytes(b"".join(parts))
    if together is not None and len(together) == records.n_samples.sum():
        sound = _integrity(parts, records, together)
        if sound.all():
            return finite_samples(together, path, f"from byte {records.offset[0]} on", accounting)
    samples = [_decode_one(path, parts, records, k, accounting) for k in range(len(records))]
    return np.concatenate(samples)


def _read_records(path: str, records: Records) -> list[bytes]:
    """Bytes of the records under one plain name: libmseed's messages choke on damaged ones."""
    parts: list[bytes] = []
    with Path(path).open("rb") as file:
        for offset, length in zip(records.offset.tolist(), records.length.tolist(), strict=True):
            if file.tell() != offset:
                file.seek(offset)
            record = file.read(length)
            parts.append(record[:8] + _ANY_CODES + record[20:])
    return parts


def _decode_one(
    path: str, parts: list[bytes], records: Records, k: int, accounting: Accounting
) -> npt.NDArray[np.float32]:
    one = records.chosen(slice(k, k + 1))
    samples = _decode_bytes(parts[k])
    if (
        samples is not None
        and len(samples) == one.n_samples[0]
        and _integrity(parts[k : k + 1], one, samples).all()
    ):
        return finite_samples(samples, path, f"from byte {one.offset[0]} on", accounting)
    where = f"the record of {one.seed_id[0]} at byte {one.offset[0]}"
    accounting.note("damaged", path, f"{where} does not decode to what its header states: masked")
    return np.full(int(one.n_samples[0]), np.nan, dtype=np.float32)


def _decode_bytes(records: bytes) -> npt.NDArray[np.generic] | None:
    """Decode contiguous records of one channel; None when they do not make one trace."""
    try:  # complaints of libmseed are not needed: what is wrong shows in the counts and checks that follow
        stream = read_stream(io.BytesIO(records), format="MSEED")
    except Exception:  # ObsPy passes on whatever its C library and plugins raise
        return None
    return stream[0].data if len(stream) == 1 else None


def _integrity(
    parts: list[bytes], records: Records, samples: npt.NDArray[np.generic]
) -> npt.NDArray[np.bool_]:
    """Whether each Steim record begins and ends with the values that its first frame states; others pass."""
    sound = np.ones(len(records), dtype=bool)
    ends = np.cumsum(records.n_samples)
    for k in np.flatnonzero(np.isin(records.encoding, STEIM_ENCODINGS)):
        order = "<i4" if records.little_endian[k] else ">i4"
        stated = np.frombuffer(parts[k], dtype=order, count=2, offset=int(records.data_offset[k]) + 4)
        sound[k] = samples[ends[k] - records.n_samples[k]] == stated[0] and samples[ends[k] - 1] == stated[1]
    return sound


def _payload(buffer: Bytes, channel: Records, k: int | np.integer[Any]) -> bytes:
    begin = int(channel.offset[k])
    return buffer[begin + int(channel.data_offset[k]) : begin + int(channel.length[k])].tobytes()


def _most_frequent(values: npt.NDArray[Any]) -> Any:
    unique, counts = np.unique(values, return_counts=True)
    return unique[np.argmax(counts)]
