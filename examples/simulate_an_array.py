"""Simulate a station network with bursts and earthquakes, write it as miniSEED, and search it with the detector."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

from selfseis import Detector, open_recording, write_recording
from selfseis.simulate import simulate_noise_recording, simulate_recording_with_events

noise = simulate_noise_recording("bursty", "network", 1.0, 25.0, 24, seed=11, components="ENZ")
recording, truth = simulate_recording_with_events(noise, (6.0, 12.0), 4, seed=12)
for event in truth:
    print(f"simulated at {event.start}, SNR {event.snr_db:g} dB, {event.source.vp / 1000:.1f} km/s")

with TemporaryDirectory() as folder:
    path = Path(folder) / "array.mseed"
    write_recording(recording, path)
    reopened = open_recording(path)
    print(f"{reopened.sizes['channel']} channels, {reopened.sizes['time']} samples read back")
    detector = Detector(false_alarms_per_day=1.0).fit(reopened)

for found in detector.events_:
    print(f"found     at {found.start}, score {found.score:.1f}, p = {found.p_value:.1g}")
print(detector.verdict_)
