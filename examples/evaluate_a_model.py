"""Evaluate a model on new data: a recording with events, and noise alone."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

from selfseis import Denoiser
from selfseis.simulate import simulate_noise_recording, simulate_recording_with_events


def fibre_noise(seed: int):
    return simulate_noise_recording("gauge", "fibre", 0.02, 50.0, 80, seed=seed, channel_spacing=2.0)


def with_events(seed: int):
    return simulate_recording_with_events(fibre_noise(seed), 3.0, 2, seed=seed, distances=(10e3, 20e3))[0]


with TemporaryDirectory() as folder:
    Denoiser("ridge").fit(with_events(seed=1)).save(Path(folder) / "model")
    model = Denoiser.load(Path(folder) / "model")

print("training data:    ", model.verdict_)
print("other events:     ", model.evaluate(with_events(seed=2)))
print("noise alone:      ", model.evaluate(fibre_noise(seed=3)))

without_zone = Denoiser("ridge", blind_zone=0).fit(fibre_noise(seed=3))
# Without a blind zone, noise that neighbours share over the gauge length is predicted and passes for signal.
print("noise, no zone:   ", without_zone.verdict_)
