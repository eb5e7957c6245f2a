"""Group the windows of a record without labels, see which classes can be trusted, and find more like the rarest one."""

from __future__ import annotations

import numpy as np

from selfseis import Explorer
from selfseis.recording import sample_times
from selfseis.simulate import simulate_noise_recording, simulate_recording_with_events

noise = simulate_noise_recording("white", "network", 0.5, 50.0, 3, seed=1, components="Z")
recording, truth = simulate_recording_with_events(noise, 30, 20, seed=1)

explorer = Explorer(representation="scattering").fit(recording)
print(explorer.verdict_)

explored = explorer.explored_
for name, stability in explorer.class_stability_.items():
    print(
        f"class {name}: {(explored.labels == name).sum()} windows, found again in hidden ones {stability:.0%}"
    )

rarest = int(np.argmax(explored.novelty))
for row in [rarest, *explored.find_similar(rarest, 3)]:
    site = explored.sites[explored.table.site[row]]
    print(site.name, sample_times(recording, explored.table.first[row]), f"class {explored.labels[row]}")
