"""Synthetic data with known truth: noise, earthquakes on fibres and networks, and recordings of both.

All data are deterministic by seed. Each module states which parts are physical and which are invented.
"""

from __future__ import annotations

from selfseis.simulate.events import SimulatedEvent, simulate_recording_with_events
from selfseis.simulate.fibre import fibre_event
from selfseis.simulate.inject import inject
from selfseis.simulate.network import network_event
from selfseis.simulate.noise import Burst, amplify, band_limited_noise, bursts, common_mode, dead_channels
from selfseis.simulate.ocean import ocean_waves
from selfseis.simulate.recordings import default_band, simulate_noise_recording
from selfseis.simulate.source import PointSource, random_source
from selfseis.simulate.wavefield import Coda, Wavefield

__all__ = [
    "Burst",
    "Coda",
    "PointSource",
    "SimulatedEvent",
    "Wavefield",
    "amplify",
    "band_limited_noise",
    "bursts",
    "common_mode",
    "dead_channels",
    "default_band",
    "fibre_event",
    "inject",
    "network_event",
    "ocean_waves",
    "random_source",
    "simulate_noise_recording",
    "simulate_recording_with_events",
]
