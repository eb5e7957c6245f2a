"""Recordings: any waveform files as one lazy array, their gaps and faults known, tile by tile, and written.

Knows files, no models; imports nothing else of selfseis.
"""

from __future__ import annotations

from selfseis.errors import InputError
from selfseis.quality_log import QualityLog, quality_log_of
from selfseis.recording.dataarray import (
    is_fibre,
    lazy_recording,
    recording_from_array,
    sample_times,
    sampling_rate,
    start_time,
    station_codes,
)
from selfseis.recording.gap_filling import bridge_gaps
from selfseis.recording.open import open_recording
from selfseis.recording.tiling import Tile, tiles
from selfseis.recording.writer import RecordingWriter, write_recording

__all__ = [
    "InputError",
    "QualityLog",
    "RecordingWriter",
    "Tile",
    "bridge_gaps",
    "is_fibre",
    "lazy_recording",
    "open_recording",
    "quality_log_of",
    "recording_from_array",
    "sample_times",
    "sampling_rate",
    "start_time",
    "station_codes",
    "tiles",
    "write_recording",
]
