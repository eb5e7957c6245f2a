"""Picks with SeisBench's names."""

from __future__ import annotations

import numpy as np

from selfseis.catalogue.records import Pick
from selfseis.io.obspy_import import obspy
from selfseis.pick.classify import classified, classify
from standing_in import picker_standing_in


def test_picks_keep_time_phase_and_probability() -> None:
    time = np.datetime64("2020-01-01T00:00:05.123456789", "ns")
    picks = [Pick("CX.PB01..HHZ", "P", time, 0.9, 0.1), Pick("CX.PB01..HHN", "S", time, 0.5, 0.2)]
    output = classified(picks, "Picker")
    assert output.creator == "Picker" and [pick.phase for pick in output.picks] == ["P", "S"]
    first = output.picks[0]
    assert first.trace_id == "CX.PB01." and first.peak_value == 0.9
    assert first.peak_time == obspy().UTCDateTime(ns=int(time.astype(np.int64)))
    assert first.end_time - first.start_time == 0.2
    assert classified([], "Picker").picks == ()


def test_a_stream_is_picked_as_it_is() -> None:
    picker, rng = picker_standing_in(50.0), np.random.default_rng(0)
    data = rng.normal(size=6000).astype(np.float32)
    data[3000:3200] *= 200
    header = {"network": "XX", "station": "A", "channel": "HHZ", "sampling_rate": 50.0}
    stream = obspy().Stream([obspy().Trace(data, header)])
    output = classify(picker, stream, min_probability=0.5)
    assert output.creator == "Picker" and output.picks[0].trace_id == "XX.A."
    assert abs(output.picks[0].peak_time - stream[0].stats.starttime - 60) < 1
    assert {trace.stats.channel for trace in picker.annotate(stream)} == {"Picker_P", "Picker_S"}
