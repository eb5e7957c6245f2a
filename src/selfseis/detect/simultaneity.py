"""Events that reach all stations at the same time although their waveforms have nothing in common.

Seismic waves need time to cross a network. Only steep waves from far away arrive almost at once, and these are alike at
all stations. A rise of incoherent energy at the same instant is a disturbance of the recorders or of the air:
interference, telemetry, thunder.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from selfseis.detect.options import SimultaneityOptions
from selfseis.typing import BoolArray, Float32Array, FloatArray


@dataclass(frozen=True)
class Simultaneity:
    """How an event is spread over the stations of a network.

    Attributes
    ----------
    spread_s : float
        Standard deviation over the stations of the centroid of the event's energy, in s.
    coherence : float
        Median over pairs of stations of their highest correlation within the time that waves need between them, where
        nine tenths of the event's energy lie.
    """

    spread_s: float
    coherence: float

    @classmethod
    def of(
        cls, event: Float32Array, members: BoolArray, rate: float, crossing_s: float
    ) -> Simultaneity | None:
        """Measure an event; None if fewer than three stations record it.

        Parameters
        ----------
        event : ndarray, shape (n_channels, n_samples)
            Conditioned data of the event: in units of each channel's noise level.
        members : ndarray of bool, shape (n_stations, n_channels)
            Channels of each station.
        rate : float
            Sampling rate in Hz.
        crossing_s : float
            Time in s that the slowest wave needs to cross the network.
        """
        power = np.stack([(event[channels].astype(np.float64) ** 2).mean(axis=0) for channels in members])
        noise = (
            np.median(power, axis=1, keepdims=True) / 0.455
        )  # the mean of a squared normal deviate over its median
        excess = np.clip(power - noise, 0, None) * (power > 4 * noise)
        recorded = np.flatnonzero(excess.sum(axis=1) > 0)
        if len(recorded) < 3:
            return None
        times = np.arange(event.shape[1]) / rate
        centroids = (excess[recorded] * times).sum(axis=1) / excess[recorded].sum(axis=1)
        reached = np.cumsum(excess.sum(axis=0)) / excess.sum()
        part = slice(*np.searchsorted(reached, [0.05, 0.95]) + np.array([0, 1]))
        traces = np.stack([event[np.flatnonzero(members[station])[-1], part] for station in recorded])
        return cls(float(centroids.std()), _coherence(traces, round(crossing_s * rate)))

    def is_disturbance(self, crossing_s: float, options: SimultaneityOptions) -> bool:
        """Return whether energy rises at all stations at once without a common waveform."""
        return self.spread_s < options.max_spread * crossing_s and self.coherence < options.min_coherence


def _coherence(traces: Float32Array, max_lag: int) -> float:
    """Return the median over pairs of traces of their highest absolute correlation up to a lag."""
    n_samples = traces.shape[1]
    size = 2 * n_samples
    spectra = np.fft.rfft(traces, size, axis=1)
    norms: FloatArray = np.linalg.norm(traces, axis=1)
    lag = int(np.clip(max_lag, 1, n_samples - 1))
    highest = []
    for first in range(len(traces)):
        for second in range(first):
            products = np.fft.irfft(spectra[first] * np.conj(spectra[second]), size)
            best = np.abs(np.concatenate([products[: lag + 1], products[-lag:]])).max()
            highest.append(best / max(norms[first] * norms[second], 1e-12))
    return float(np.median(highest))
