"""Synthetic recording with signals of known kinds in known windows."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from selfseis.recording import recording_from_array

RATE, LENGTH, N_WINDOWS = 50.0, 128, 800
HUM, BURST, PULSE = 1, 2, 3


@dataclass(frozen=True)
class KnownTruth:
    """Samples of one channel, and the kind of each window: 0 noise, 1 hum, 2 burst, 3 the novel pulse."""

    data: NDArray[np.float32]
    kind: NDArray[np.int64]

    def recording(self, gain: float = 1.0, seed_id: str = "XX.ONE..HHZ", rate: float = RATE) -> xr.DataArray:
        return recording_from_array(gain * self.data, rate, "2020-01-01", seed_id=[seed_id])


def planted(seed: int) -> KnownTruth:
    rng = np.random.default_rng(seed)
    data = rng.standard_normal(N_WINDOWS * LENGTH)
    kind = np.zeros(N_WINDOWS, int)
    order = rng.permutation(np.arange(2, N_WINDOWS - 2))
    kind[order[:60]], kind[order[60:120]], kind[order[120:123]] = HUM, BURST, PULSE
    t = np.arange(LENGTH)
    for window in np.flatnonzero(kind):
        part = data[window * LENGTH : (window + 1) * LENGTH]
        strength = rng.uniform(2, 6)
        if kind[window] == HUM:
            part += strength * np.sin(2 * np.pi * 0.06 * t + rng.uniform(0, 6))
        elif kind[window] == BURST:
            pulse = np.exp(-(((t - rng.uniform(40, 90)) / 5) ** 2))
            part += 3 * strength * pulse * np.sin(2 * np.pi * 0.3 * t)
        else:
            part += 25 * strength * np.exp(-(((t - 64) / 2) ** 2))
    return KnownTruth(data.astype(np.float32), kind)
