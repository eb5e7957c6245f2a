"""Denoise a fibre: train on the noisy recording alone, and compare with the truth that the simulation knows."""

from __future__ import annotations

import numpy as np

from selfseis import Denoiser
from selfseis.simulate import default_band, simulate_noise_recording, simulate_recording_with_events

RATE = 50.0  # Hz

# A gauge of 16 m sampled every 2 m: eight neighbours share their noise.
noise = simulate_noise_recording(
    "gauge", "fibre", 0.04, RATE, 96, seed=5, channel_spacing=2.0, gauge_channels=8
)
recording, events = simulate_recording_with_events(noise, 0.0, 4, seed=7, distances=(20e3, 25e3))

denoiser = Denoiser("ridge", band=default_band(RATE)).fit(recording)
print(f"blind zone: {denoiser.blind_zone_} channels on each side, measured")
print(denoiser.verdict_)

clean = denoiser.transform(recording)  # lazy: computed where it is read
event = events[0]
window = slice(event.first_sample, event.first_sample + event.n_samples)
truth = recording.isel(time=window).values - noise.isel(time=window).values
for name, data in {"recorded": recording, "denoised": clean}.items():
    correlation = np.corrcoef(data.isel(time=window).values.ravel(), truth.ravel())[0, 1]
    print(f"{name}: correlation with the event without noise {correlation:.2f}")
