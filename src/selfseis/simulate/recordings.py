"""Long simulated noise recordings, computed lazily when they are read, without disk space."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import xarray as xr

from selfseis.geo.sphere import KM_PER_DEGREE
from selfseis.recording import lazy_recording
from selfseis.simulate.noise import MAX_BURST, BurstReach, amplify, bursts, dead_channels
from selfseis.simulate.ocean import OceanWaves
from selfseis.simulate.stream import NoiseStream, Role, keyed_generator
from selfseis.typing import Float32Array, FloatArray, IntArray

NoiseKind = Literal["white", "gauge", "bursty", "common_mode", "ocean"]
Geometry = Literal["fibre", "network"]
KINDS: tuple[NoiseKind, ...] = ("white", "gauge", "bursty", "common_mode", "ocean")
METRES_PER_DEGREE = 1000 * KM_PER_DEGREE
NETWORK_CENTRE = (46.0, 8.0)  # latitude, longitude: arbitrary, away from the poles


def default_band(sampling_rate: float) -> tuple[float, float]:
    """Default band (Hz) of simulated noise and events: 0.05 to 0.4 of the sampling rate."""
    return 0.05 * sampling_rate, 0.4 * sampling_rate


@dataclass(frozen=True)
class SimulatedNoise:
    """The samples of a noise recording, for `lazy_recording`; see `simulate_noise_recording`."""

    kind: NoiseKind
    stream: NoiseStream
    n_channels: int
    channels_per_station: int
    positions: FloatArray  # m along the line that ocean waves travel
    bursts_per_hour: float
    burst_reach: tuple[BurstReach, ...]
    common_amplitude: float
    ocean_amplitude: float
    dead: IntArray

    def __call__(self, channels: IntArray, first: int, last: int) -> Float32Array:
        """Return float32 samples (channels, last - first)."""
        noise = self.stream.read(channels, first, last)
        if self.kind == "bursty":
            noise = self._with_bursts(noise, channels, first)
        elif self.kind == "common_mode":
            laser = NoiseStream(
                self.stream.seed, self.stream.sampling_rate, self.stream.band, role=Role.COMMON_MODE
            )
            noise += np.float32(self.common_amplitude) * laser.read([0], first, last)
        elif self.kind == "ocean":
            waves = OceanWaves(self.stream.seed, self.stream.sampling_rate)
            noise += np.float32(self.ocean_amplitude) * waves.read(self.positions[channels], first, last)
        noise[np.isin(channels, self.dead)] = 0
        return noise

    def _with_bursts(self, noise: Float32Array, channels: IntArray, first: int) -> Float32Array:
        rate = self.stream.sampling_rate
        start, end = first / rate, (first + noise.shape[1]) / rate
        active = bursts(
            max(0.0, start - MAX_BURST),
            end,
            self.n_channels,
            self.bursts_per_hour,
            self.stream.seed,
            reach=self.burst_reach,
            channels_per_station=self.channels_per_station,
        )
        return amplify(noise, active, rate, channels=channels, first=first)


def simulate_noise_recording(
    kind: NoiseKind,
    geometry: Geometry,
    hours: float,
    sampling_rate: float,
    n_channels: int,
    seed: int,
    *,
    band: tuple[float, float] | None = None,
    channel_spacing: float = 10.0,
    gauge_channels: int = 8,
    components: str = "Z",
    aperture: float = 30_000.0,
    bursts_per_hour: float = 12.0,
    burst_reach: tuple[BurstReach, ...] | None = None,
    common_amplitude: float = 0.5,
    ocean_amplitude: float = 3.0,
    dead_fraction: float = 0.0,
    start: str = "2020-01-01T00:00:00",
) -> xr.DataArray:
    """Simulate a recording without events.

    Parameters
    ----------
    kind : {"white", "gauge", "bursty", "common_mode", "ocean"}
        Noise of unit variance, independent on each channel (*white*); with a triangular correlation across
        channels of a fibre or stations instead (*gauge*); or independent noise with incoherent bursts, with a
        waveform common to all channels, or with ocean waves.
    geometry : {"fibre", "network"}
        A straight fibre, or stations at random places.
    hours : float
        Length.
    sampling_rate : float
        Hz.
    n_channels : int
        Channels; for a network the number of stations times that of components.
    seed : int
        Non-negative. Equal arguments give equal recordings, however they are read.
    band : tuple of float, optional
        Frequencies of the noise (Hz); see `default_band`. Ocean waves are added below it, at 0.05 to 0.3 Hz.
    channel_spacing : float
        m, of a fibre.
    gauge_channels : int
        Gauge length over channel spacing, for "gauge"; other kinds have a gauge of one channel.
    components : str
        Of each station, such as "Z" or "ENZ".
    aperture : float
        Side of the square in which stations lie, m.
    bursts_per_hour, common_amplitude, ocean_amplitude : float
        Bursts per hour, and root-mean-square amplitude of the shared waveform and of the ocean waves.
    burst_reach : tuple of {"all", "neighbours", "station"}, optional
        Channels that a burst affects. By default any of these kinds on a fibre, and single stations in a network,
        whose stations are too far apart for a common noise source.
    dead_fraction : float
        Share of channels that are 0 throughout.
    start : str
        Time of the first sample, UTC.

    Returns
    -------
    xarray.DataArray
        A lazy recording.

    Raises
    ------
    ValueError
        If the kind, geometry or number of channels is not possible.
    """
    if kind not in KINDS:
        raise ValueError(f"kind must be one of {', '.join(KINDS)}, got {kind!r}")
    per_station = 1 if geometry == "fibre" else len(components)
    if n_channels % per_station:
        raise ValueError(
            f"n_channels must be a whole number of stations with components {components}, got {n_channels} channels"
        )
    if geometry == "fibre":
        positions = channel_spacing * np.arange(n_channels, dtype=np.float64)
        gauge_length = channel_spacing * (gauge_channels if kind == "gauge" else 1)
        channels: dict[str, Any] = {"distance": positions, "gauge_length": gauge_length, "units": "strain/s"}
    else:
        positions, channels = _network(n_channels // per_station, components, aperture, sampling_rate, seed)
    stream = NoiseStream(
        seed,
        sampling_rate,
        band or default_band(sampling_rate),
        correlation_length=gauge_channels if kind == "gauge" else 1,
        stride=per_station,
    )
    noise = SimulatedNoise(
        kind,
        stream,
        n_channels,
        per_station,
        positions,
        bursts_per_hour,
        burst_reach or (("all", "neighbours", "station") if geometry == "fibre" else ("station",)),
        common_amplitude,
        ocean_amplitude,
        dead_channels(n_channels, dead_fraction, seed),
    )
    n_samples = round(hours * 3600 * sampling_rate)
    return lazy_recording(noise, n_channels, n_samples, sampling_rate, start, **channels)


def _network(
    n_stations: int, components: str, aperture: float, sampling_rate: float, seed: int
) -> tuple[FloatArray, dict[str, Any]]:
    """Easting of each channel, and the coordinates that `lazy_recording` takes."""
    rng = keyed_generator(seed, Role.STATIONS)
    east, north = rng.uniform(-aperture / 2, aperture / 2, (2, n_stations))
    latitude = NETWORK_CENTRE[0] + north / METRES_PER_DEGREE
    longitude = NETWORK_CENTRE[1] + east / METRES_PER_DEGREE / np.cos(np.radians(NETWORK_CENTRE[0]))
    band_code = "H" if sampling_rate >= 80 else "B"
    in_order = sorted(components)
    per_channel = len(in_order)
    return np.repeat(east, per_channel), {
        "seed_id": [
            f"XX.S{station:03d}.00.{band_code}H{c}" for station in range(n_stations) for c in in_order
        ],
        "latitude": np.repeat(latitude, per_channel),
        "longitude": np.repeat(longitude, per_channel),
        "elevation": np.zeros(n_stations * per_channel),
        "units": "m/s",
    }
