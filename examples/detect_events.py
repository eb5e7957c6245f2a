"""Find events on a fibre at a stated rate of false alarms, and check them against what was put in."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

from selfseis import Detector
from selfseis.catalogue.tables import write_catalogue
from selfseis.simulate import simulate_noise_recording, simulate_recording_with_events

noise = simulate_noise_recording("white", "fibre", 0.3, 25.0, 48, seed=3)
recording, truth = simulate_recording_with_events(noise, (-12.0, -9.0, -6.0), 5, seed=4)

detector = Detector(false_alarms_per_day=1.0).fit(recording)
print(
    f"threshold {detector.threshold_:.2f}, from surrogates of {24 * detector.false_alarm_rate_.days:.1f} h in all"
)
print(detector.verdict_)

for event in detector.events_:
    print(f"{event.start} to {event.end}: score {event.score:.1f}, p = {event.p_value:.1g}")
found = sum(any(e.start <= known.end and e.end >= known.start for e in detector.events_) for known in truth)
print(f"{found} of {len(truth)} simulated events found")

with TemporaryDirectory() as folder:
    write_catalogue(detector.events_, Path(folder), detected_by="selfseis")
    print((Path(folder) / "catalogue.csv").read_text())
