"""Recordings: waveform files of any format as one lazy array, with a log of their gaps and faults.

Reading, preprocessing tile by tile, and writing. Of selfseis, the package imports only `geo`, `io` and
the shared basics (errors, quality log, types).
"""

from __future__ import annotations

from selfseis.errors import InputError
from selfseis.quality_log import QualityLog, quality_log_of
from selfseis.recording.components import station_table
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
from selfseis.recording.open import as_recording, open_recording
from selfseis.recording.tiling import Tile, tiles
from selfseis.recording.writer import RecordingWriter, write_recording

__all__ = [
    "InputError",
    "QualityLog",
    "RecordingWriter",
    "Tile",
    "as_recording",
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
    "station_table",
    "tiles",
    "write_recording",
]
