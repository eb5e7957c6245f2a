"""Train a picker of P and S at three stations without labels, and compare its picks with the injected events.

A training fraction of 0.06 is a quick look: the script runs in about a minute, and the picker misses onsets that a full
training finds. For real work leave `training_fraction` and `rounds` at their defaults.
"""

from __future__ import annotations

import numpy as np

from selfseis import Picker
from selfseis.simulate import simulate_noise_recording, simulate_recording_with_events

noise = simulate_noise_recording("white", "network", 0.5, 40.0, 9, seed=1, components="ENZ")
recording, truth = simulate_recording_with_events(noise, 15.0, 30, seed=2)

picker = Picker(training_fraction=0.06, rounds=1).fit(recording.load())
for round_ in picker.rounds_:
    print(f"{round_.stage}: {round_.positives} positive and {round_.negatives} negative labels")
print(picker.verdict_)

start, channels = recording["time"].values[0], list(recording["seed_id"].values)
picks = picker.pick(recording, min_probability=0.5)
for phase in ("P", "S"):
    of_phase = [pick for pick in picks if pick.phase == phase]
    off = [
        min(abs((pick.time - start) / np.timedelta64(1, "s") - event.arrivals[phase][row]) for event in truth)
        for pick in of_phase
        for row in [channels.index(pick.seed_id)]
    ]
    right = sum(seconds < 0.3 for seconds in off)
    print(
        f"{phase}: {len(of_phase)} picks, {right} of them within 0.3 s of one of {3 * len(truth)} true onsets"
    )
