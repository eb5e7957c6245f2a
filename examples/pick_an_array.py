"""Pick P and S at three stations without labels and without training, and compare the picks with the injected events.

The starting network picks. Its thresholds and probabilities are measured on the recording itself, so another share of
false picks needs no second calibration. ``Picker().fit(recording)`` trains on the recording first.
"""

from __future__ import annotations

import numpy as np

from selfseis import Picker
from selfseis.simulate import simulate_noise_recording, simulate_recording_with_events

noise = simulate_noise_recording("white", "network", 0.5, 40.0, 9, seed=1, components="ENZ")
recording, truth = simulate_recording_with_events(noise, 15.0, 30, seed=2)

picker = Picker().calibrate(recording.load())
print(picker.verdict_)

start, channels = recording["time"].values[0], list(recording["seed_id"].values)
for rate in (0.5, 0.2):
    picks = picker.pick(recording, false_discovery_rate=rate)
    for phase in ("P", "S"):
        of_phase = [pick for pick in picks if pick.phase == phase]
        off = [
            min(
                abs((pick.time - start) / np.timedelta64(1, "s") - event.arrivals[phase][row])
                for event in truth
            )
            for pick in of_phase
            for row in [channels.index(pick.seed_id)]
        ]
        right = sum(seconds < 1.0 for seconds in off)
        print(
            f"{phase}, accepted share of false picks {rate:g}: {len(of_phase)} picks, {right} of them within 1 s of "
            f"one of {3 * len(truth)} true onsets"
        )
