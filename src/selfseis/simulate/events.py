"""Synthetic earthquakes in a recording, simulated or real, at known times and signal-to-noise ratios."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import xarray as xr

from selfseis.quality_log import quality_log_of
from selfseis.recording import lazy_recording, sample_times, sampling_rate, start_time
from selfseis.simulate.inject import inject
from selfseis.simulate.receivers import Receivers, receivers_of
from selfseis.simulate.recordings import default_band
from selfseis.simulate.source import PointSource, random_source, rays
from selfseis.simulate.stream import Role, keyed_generator
from selfseis.simulate.wavefield import Coda, Wavefield
from selfseis.typing import Float32Array, FloatArray, IntArray


@dataclass(frozen=True)
class SimulatedEvent:
    """True parameters of one synthetic event.

    Attributes
    ----------
    first_sample, n_samples : int
        The part of the recording in which the event was added.
    start, end : numpy.datetime64
        From the first P arrival until the coda has died out on the last channel.
    snr_db : float
        Mean signal over mean noise power where the event is active, all channels together (see `inject`).
    scale : float
        Factor from relative amplitudes to those of the recording.
    source : PointSource
        With times after the first sample of the part.
    arrivals : dict of str to numpy.ndarray
        "P" and "S": arrival at each channel, s after the first sample of the recording.
    """

    first_sample: int
    n_samples: int
    start: np.datetime64
    end: np.datetime64
    snr_db: float
    scale: float
    source: PointSource
    arrivals: dict[str, FloatArray]


@dataclass(frozen=True)
class _Plan:
    """Parameters from which an event can be recomputed."""

    seed: int
    number: int
    source: PointSource
    coda: Coda
    n_samples: int

    def wavefield(self, receivers: Receivers) -> Wavefield:
        rng = keyed_generator(self.seed, Role.EVENT, self.number, 1)
        return receivers.wavefield(self.source, self.coda, self.n_samples, rng)


class _NoiseWithEvents:
    """Noise plus events; an event is recomputed when it is read, and only the last one is cached."""

    def __init__(
        self,
        noise: xr.DataArray,
        receivers: Receivers,
        plans: Sequence[_Plan],
        truth: Sequence[SimulatedEvent],
    ) -> None:
        self.noise, self.receivers, self.plans, self.truth = noise, receivers, plans, truth
        self._cached: tuple[int, Float32Array] | None = None

    def __call__(self, channels: IntArray, first: int, last: int) -> Float32Array:
        samples = np.array(
            self.noise.isel(channel=channels, time=slice(first, last)).values, dtype=np.float32
        )
        for number, event in enumerate(self.truth):
            begin, end = max(first, event.first_sample), min(last, event.first_sample + event.n_samples)
            if begin < end:
                part = self._scaled(number)[channels, begin - event.first_sample : end - event.first_sample]
                samples[:, begin - first : end - first] += part
        return samples

    def _scaled(self, number: int) -> Float32Array:
        cached = self._cached
        if cached is None or cached[0] != number:
            waveforms = self.plans[number].wavefield(self.receivers).waveforms
            cached = self._cached = (number, (self.truth[number].scale * waveforms).astype(np.float32))
        return cached[1]


def simulate_recording_with_events(
    noise: xr.DataArray,
    snr_db: float | Sequence[float],
    n_events: int,
    seed: int,
    *,
    band: tuple[float, float] | None = None,
    corner_frequencies: tuple[float, float] | None = None,
    distances: tuple[float, float] | None = None,
    coordinates: npt.ArrayLike | None = None,
) -> tuple[xr.DataArray, list[SimulatedEvent]]:
    """Add earthquakes to noise: one at a random time of each of `n_events` equal parts of the recording.

    Parameters
    ----------
    noise : xarray.DataArray
        A recording, simulated or real. A network needs latitude and longitude and components E, N, Z (or 1,
        2).
    snr_db : float or sequence of float
        Signal-to-noise ratio of each event, dB; a sequence is repeated as needed. See `inject`.
    n_events : int
        Number of events.
    seed : int
        Non-negative.
    band : tuple of float, optional
        Pass band of the events (Hz); by default that of `default_band`. Give the band of the noise: a signal
        outside it would be detectable at any ratio.
    corner_frequencies : tuple of float, optional
        Range of the corner frequency of P, Hz; by default from the lower end of the band to its geometric
        mean.
    distances : tuple of float, optional
        Range of the distance from source to a random channel, m; by default from 0.3 to 3 times the array's
        extent, or farther if the travel time of P would be below 20 samples.
    coordinates : array_like, optional
        Shape (channels, 3), m: course of a bent fibre; by default the fibre is straight.

    Returns
    -------
    recording : xarray.DataArray
        A lazy recording like `noise`.
    truth : list of SimulatedEvent
        In order of time.

    Raises
    ------
    ValueError
        If the recording is too short for the events, has no coordinates, or has no data at an event.
    """
    rate = sampling_rate(noise)
    low, high = band or default_band(rate)
    receivers = receivers_of(noise, (low, high), coordinates)
    nearest = max(0.3 * receivers.extent, 20 * PointSource.vp / rate)
    distances = distances or (nearest, 10 * nearest)
    low = max(low, high / 100)
    corners = corner_frequencies or (1.2 * low, max(1.5 * low, float(np.sqrt(low * high))))
    ratios = np.resize(np.asarray(snr_db, dtype=float), n_events)
    plans, truth = [], []
    part = noise.sizes["time"] // max(n_events, 1)
    for number in range(n_events):
        plan = _plan(seed, number, receivers, distances, corners)
        if plan.n_samples > part:
            raise ValueError(
                f"{n_events} events of {plan.n_samples / rate:.3g} s each do not fit into "
                f"{noise.sizes['time'] / rate:.3g} s: ask for fewer, nearer or higher-frequency events"
            )
        rng = keyed_generator(seed, Role.EVENT_TIMES, number)
        first = part * number + int(rng.integers(part - plan.n_samples + 1))
        plans.append(plan)
        truth.append(_scaled_event(noise, receivers, plan, first, float(ratios[number])))
    return _recording_like(noise, _NoiseWithEvents(noise, receivers, plans, truth)), truth


def _plan(
    seed: int,
    number: int,
    receivers: Receivers,
    distances: tuple[float, float],
    corners: tuple[float, float],
) -> _Plan:
    """Draw a source; the lengths of coda and window follow from its distance."""
    rng = keyed_generator(seed, Role.EVENT, number, 0)
    lead = 3 / corners[0]
    drawn = random_source(rng, receivers.coordinates, 0.0, distances=distances, corner_frequencies=corners)
    lengths = rays(drawn.position, receivers.coordinates)[0]
    decay = max(0.3 * float(lengths.mean()) / drawn.vs, 2 / drawn.corner("S"))
    source = replace(drawn, origin_time=lead - float(lengths.min()) / drawn.vp)
    last = source.origin_time + float(lengths.max()) / drawn.vs + 3 * decay
    return _Plan(seed, number, source, Coda(decay=decay), int(np.ceil(last * receivers.sampling_rate)))


def _scaled_event(
    noise: xr.DataArray, receivers: Receivers, plan: _Plan, first: int, snr_db: float
) -> SimulatedEvent:
    wavefield = plan.wavefield(receivers)
    samples = np.asarray(noise.isel(time=slice(first, first + plan.n_samples)).values, dtype=np.float32)
    _, scaled = inject(samples, wavefield.waveforms, snr_db, wavefield.active)
    peak = np.unravel_index(np.argmax(np.abs(wavefield.waveforms)), wavefield.waveforms.shape)
    rate = receivers.sampling_rate
    active = np.flatnonzero(wavefield.active.any(axis=0))
    first_arrival = first + round(float(wavefield.arrivals["P"].min()) * rate)
    start, end = sample_times(noise, np.array([first_arrival, first + active[-1]]))
    arrivals = {phase: first / rate + times for phase, times in wavefield.arrivals.items()}
    scale = float(scaled[peak] / wavefield.waveforms[peak])
    return SimulatedEvent(first, plan.n_samples, start, end, snr_db, scale, plan.source, arrivals)


def _recording_like(noise: xr.DataArray, read: _NoiseWithEvents) -> xr.DataArray:
    known = ("seed_id", "distance", "latitude", "longitude", "elevation")
    coordinates: dict[str, Any] = {name: noise[name].values for name in known if name in noise.coords}
    return lazy_recording(
        read,
        noise.sizes["channel"],
        noise.sizes["time"],
        sampling_rate(noise),
        start_time(noise),
        **coordinates,
        units=noise.attrs.get("units", ""),
        gauge_length=noise.attrs.get("gauge_length"),
        quality_log=quality_log_of(noise),
    )
