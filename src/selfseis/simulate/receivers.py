"""Receivers: positions of the channels of a recording, and the wavefield of an event there."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import xarray as xr

from selfseis.recording import is_fibre, sampling_rate, station_codes
from selfseis.simulate.fibre import fibre_event, straight_fibre
from selfseis.simulate.network import network_event
from selfseis.simulate.recordings import METRES_PER_DEGREE
from selfseis.simulate.source import PointSource
from selfseis.simulate.stream import band_pass_taps, filter_zero_phase
from selfseis.simulate.wavefield import Coda, Wavefield
from selfseis.typing import Float32Array, FloatArray, IntArray

EAST_NORTH_UP = {"E": 0, "2": 0, "N": 1, "1": 1, "Z": 2}


@dataclass(frozen=True)
class Receivers:
    """Positions of the channels of a recording, for the simulation of events there.

    Attributes
    ----------
    coordinates : numpy.ndarray
        Shape (channels of a fibre or stations, 3): east, north, up, m.
    rows : numpy.ndarray of int or None
        Of each channel, 3 * station + component (east, north, up); None for a fibre.
    sampling_rate : float
        Hz.
    gauge_length : float
        m; 0 for stations.
    taps : numpy.ndarray
        FIR filter to the band of the noise.
    """

    coordinates: FloatArray
    rows: IntArray | None
    sampling_rate: float
    gauge_length: float
    taps: Float32Array

    @property
    def extent(self) -> float:
        """Largest side of the array, m."""
        return float(np.ptp(self.coordinates, axis=0).max())

    def wavefield(
        self, source: PointSource, coda: Coda, n_samples: int, rng: np.random.Generator
    ) -> Wavefield:
        """Return waveforms (channels, samples) in the band of the noise, with arrivals of each channel."""
        if self.rows is None:
            event = fibre_event(
                self.coordinates,
                n_samples,
                self.sampling_rate,
                source,
                rng,
                gauge_length=self.gauge_length,
                coda=coda,
            )
            return Wavefield(filter_zero_phase(event.waveforms, self.taps), event.arrivals, event.active)
        event = network_event(self.coordinates, n_samples, self.sampling_rate, source, rng, coda=coda)
        waveforms = event.waveforms.reshape(-1, n_samples)[self.rows]
        arrivals = {phase: times[self.rows // 3] for phase, times in event.arrivals.items()}
        active = event.active.reshape(-1, n_samples)[self.rows]
        return Wavefield(filter_zero_phase(waveforms, self.taps), arrivals, active)


def receivers_of(
    noise: xr.DataArray, band: tuple[float, float], coordinates: npt.ArrayLike | None = None
) -> Receivers:
    """Return the positions of the channels of a recording.

    Parameters
    ----------
    noise : xarray.DataArray
        A recording of a fibre, or of stations with latitude and longitude and components E, N, Z (or 1, 2).
    band : tuple of float
        Pass band of events, Hz.
    coordinates : array_like, optional
        Shape (channels, 3), m: track of a bent fibre; by default the fibre is straight.

    Returns
    -------
    Receivers
        In metres from the middle of a network, or along a straight fibre.

    Raises
    ------
    ValueError
        If a network has no coordinates, or other components.
    """
    rate = sampling_rate(noise)
    taps = band_pass_taps(rate, band)
    if is_fibre(noise):
        straight = straight_fibre(noise["distance"].values)
        track = straight if coordinates is None else np.asarray(coordinates, dtype=float)
        return Receivers(track, None, rate, float(noise.attrs.get("gauge_length", 0.0)), taps)
    if "latitude" not in noise.coords or "longitude" not in noise.coords:
        raise ValueError(
            "the recording has no latitude and longitude, which synthetic events need: give an inventory"
        )
    components = [str(seed_id)[-1] for seed_id in noise["seed_id"].values]
    unknown = sorted(set(components) - set(EAST_NORTH_UP))
    if unknown:
        raise ValueError(
            f"events are simulated for the components E, N and Z (1, 2), not {', '.join(unknown)}"
        )
    _, first_channels, station = np.unique(station_codes(noise), return_index=True, return_inverse=True)
    latitude, longitude = noise["latitude"].values[first_channels], noise["longitude"].values[first_channels]
    north = (latitude - latitude.mean()) * METRES_PER_DEGREE
    east = (longitude - longitude.mean()) * METRES_PER_DEGREE * np.cos(np.radians(latitude.mean()))
    up = noise["elevation"].values[first_channels] if "elevation" in noise.coords else np.zeros_like(east)
    rows = 3 * station + np.array([EAST_NORTH_UP[component] for component in components])
    return Receivers(np.stack([east, north, up], axis=1), rows, rate, 0.0, taps)
