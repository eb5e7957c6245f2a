"""Reader of fixed blocks, each decoded and checked as a whole, so that all ways of slicing give equal samples."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Sequence
from typing import Any

import numpy as np

from selfseis.errors import InputError
from selfseis.quality_log import QualityLog
from selfseis.recording.options import QualityControlOptions
from selfseis.recording.quality_control import mask_dead_and_clipped
from selfseis.recording.time_axis import TimeGrid, to_datetime64
from selfseis.recording.timeline import Timeline
from selfseis.typing import Float32Array, IntArray

_STATION_BLOCK = 60_000  # samples; not an option: quality control judges by block, and slices must agree
_FIBRE_BLOCK_VALUES = 8_000_000  # 32 MB: all channels of a fibre are decoded together
_MAX_EMPTY_VALUES = 250_000_000  # 1 GB
_MIN_FILLED = 0.01  # share of the values of a larger array that must be samples
_CACHE_BYTES = 256 * 2**20  # of decoded blocks: it bounds the memory


class BlockReader:
    """Reads channels from their timelines, block by block.

    A timeline holds one channel, or all channels of a fibre. Blocks begin at multiples of their length since
    1970, so they do not depend on the opened span.

    Parameters
    ----------
    timelines : sequence of Timeline
        One per channel, or a single one for all channels of a fibre.
    labels : sequence of str
        Name of each channel, for the quality log.
    grid : TimeGrid
        Sample times of the recording.
    quality_log : QualityLog
        Receives the masked samples as issues.
    quality_control : QualityControlOptions
        Limits of dead and clipped samples.
    """

    def __init__(
        self,
        timelines: Sequence[Timeline],
        labels: Sequence[str],
        grid: TimeGrid,
        quality_log: QualityLog,
        quality_control: QualityControlOptions = QualityControlOptions(),
    ) -> None:
        self.timelines = list(timelines)
        self.labels = list(labels)
        self.grid = grid
        self.quality_log = quality_log
        self.quality_control = quality_control
        self._together = len(self.timelines) == 1 and len(self.labels) > 1
        per_channel = _FIBRE_BLOCK_VALUES // len(self.labels) if self._together else _STATION_BLOCK
        self._length = max(1000, min(_STATION_BLOCK, per_channel))
        self._phase = round(grid.start_ns / grid.period) % self._length
        self._restart()

    def __call__(self, channels: IntArray, first: int, last: int) -> Float32Array:
        """Read samples ``first:last`` of some channels, as `lazy_recording` asks for them.

        Raises
        ------
        InputError
            If they need more than 1 GB and nearly all of them are gaps.
        """
        self._check_size(len(channels) * (last - first))
        samples = np.full((len(channels), last - first), np.nan, dtype=np.float32)
        numbers = (np.array([first, last - 1]) + self._phase) // self._length
        for number in range(int(numbers[0]), int(numbers[1]) + 1):
            begin, end = self._span(number)
            low, high = max(first, begin), min(last, end)
            for rows, timeline, kept in self._rows(channels):
                block = self._block(timeline, number)
                if block is not None:
                    samples[rows, low - first : high - first] = block[kept, low - begin : high - begin]
        return samples

    def _check_size(self, n_values: int) -> None:
        """Refuse an array that is many times larger than all data: a wrong clock can put records years apart."""
        n_stored = sum(timeline.n_samples for timeline in self.timelines)
        n_stored *= len(self.labels) if self._together else 1
        if n_values > max(_MAX_EMPTY_VALUES, n_stored / _MIN_FILLED):
            raise InputError(
                f"an array of {n_values:,} values for {n_stored:,} samples is nearly empty: give start and end, or "
                "read it in tiles"
            )

    def _rows(self, channels: IntArray) -> list[tuple[Any, int, Any]]:
        """For each timeline needed: the rows to fill, the timeline, and the rows of its blocks."""
        if self._together:
            return [(slice(None), 0, channels)]
        return [(row, int(channel), 0) for row, channel in enumerate(channels)]

    def _span(self, number: int) -> tuple[int, int]:
        begin = number * self._length - self._phase
        return max(0, begin), min(self.grid.size, begin + self._length)

    def _block(self, timeline: int, number: int) -> Float32Array | None:
        with self._lock:
            if (timeline, number) in self._kept:
                self._kept.move_to_end((timeline, number))
                return self._kept[timeline, number]
            block = self._decode(timeline, number)
            if block is not None:
                self._keep((timeline, number), block)
            return block

    def _decode(self, timeline: int, number: int) -> Float32Array | None:
        begin, end = self._span(number)
        n_channels = len(self.labels) if self._together else 1
        block = self.timelines[timeline].read(begin, end, n_channels, self.quality_log)
        if block is None:
            return None
        when = to_datetime64(self.grid.at(begin)).astype("datetime64[ms]")
        for masked in mask_dead_and_clipped(block, self.grid.rate, self.quality_control):
            label = self.labels[masked.channel if self._together else timeline]
            detail = f"{masked.n_samples} samples from {when} on"
            self.quality_log.add(masked.kind, label, detail, masked.n_samples)
        return block

    def _keep(self, key: tuple[int, int], block: Float32Array) -> None:
        self._kept[key] = block
        self._kept_bytes += block.nbytes
        while self._kept_bytes > _CACHE_BYTES and len(self._kept) > 1:
            self._kept_bytes -= self._kept.popitem(last=False)[1].nbytes

    def _restart(self) -> None:
        self._kept: OrderedDict[tuple[int, int], Float32Array] = OrderedDict()
        self._kept_bytes = 0
        self._lock = threading.RLock()

    def __getstate__(self) -> dict[str, Any]:
        transient = {"_kept", "_kept_bytes", "_lock"}
        return {name: value for name, value in vars(self).items() if name not in transient}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)
        self._restart()
