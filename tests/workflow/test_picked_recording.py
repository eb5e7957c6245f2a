"""Each pick belongs to the sensor on whose channel it was made."""

from __future__ import annotations

import numpy as np

from selfseis.catalogue.records import Pick
from selfseis.recording import recording_from_array
from selfseis.workflow.picked_recording import PickedRecording

BEGIN = np.datetime64("2024-01-01", "ns")


def numbers(channels: list[str], picked: list[str]) -> list[int]:
    record = recording_from_array(np.zeros((len(channels), 100), np.float32), 100.0, BEGIN, seed_id=channels)
    picks = [Pick(seed_id, "P", BEGIN + np.timedelta64(100, "ms"), 0.9, 0.05) for seed_id in picked]
    return PickedRecording(record, picks).station_numbers.tolist()


def test_two_sensors_with_one_code_keep_their_own_picks() -> None:
    channels = [f"XX.A..{band}{letter}" for band in ("HH", "HN") for letter in "ENZ"] + ["XX.B..HHZ"]
    picked = ["XX.A..HHZ", "XX.A..HNN", "XX.B..HHZ", "XX.A..BHZ", "XX.C..HHZ"]
    assert numbers(channels, picked) == [0, 1, 2, 0, -1]


def test_components_with_location_codes_of_their_own_are_one_station() -> None:
    channels = ["NP.1.37.HNZ", "NP.1.38.HNN", "NP.1.39.HNE", "NP.2.00.HNZ"]
    assert numbers(channels, channels) == [0, 0, 0, 1]
