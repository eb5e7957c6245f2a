"""Long noise of real fibres, made of short recordings of it, with or without what its channels share.

FORGE holds one second and PoroTomo seven seconds before an earthquake: too little to count one false alarm a day.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from selfseis.errors import InputError
from selfseis.recording import open_recording, recording_from_array
from selfseis.recording.preprocessing import Conditioner
from selfseis.samples import porotomo_earthquake
from selfseis.validation import channel_correlation, phase_randomised

Samples = NDArray[np.float32]
Variant = Literal["incoherent", "gauge", "own coherence"]
VARIANTS: tuple[Variant, ...] = ("incoherent", "gauge", "own coherence")

WIDEST_GAUGE = 60  # channels up to which the measured correlation is imposed
BEFORE_P = slice(0, 128)  # samples of the FORGE recording; later its event is nowhere absent
BEFORE_THE_EARTHQUAKE = slice(20, 700)  # samples of the PoroTomo recording


@dataclass(frozen=True)
class Site:
    """A fibre, and the earthquakes that it is given.

    Attributes
    ----------
    name : str
        Of the experiment.
    read : callable
        Reads the short recording.
    part, quiet : slice
        Samples of it that are used, and samples of these in which the correlation of noise is measured.
    rate : float
        Hz.
    band : tuple of float
        Hz.
    gauge : float
        Gauge length in m.
    corners, distances : tuple of float
        Ranges of the corner frequency of P (Hz) and of the distance (m) of simulated events.
    minutes : float
        Length of the noise in which false alarms are counted.
    """

    name: str
    read: Callable[[], xr.DataArray]
    part: slice
    quiet: slice
    rate: float
    band: tuple[float, float]
    gauge: float
    corners: tuple[float, float]
    distances: tuple[float, float]
    minutes: float

    def short_noise(self) -> Samples:
        """Return the band-passed noise, each channel with unit power, without dead channels."""
        recording = self.read()
        passed, valid = Conditioner.measure(recording, self.band)(np.asarray(recording.values, np.float32))
        noise = passed[valid.all(axis=1), self.part]
        return (noise / noise.std(axis=1, keepdims=True)).astype(np.float32)


def data_folder() -> Path:
    """Return the folder of real recordings, beside the checkout or named by ``SELFSEIS_DATA``.

    Raises
    ------
    InputError
        If it is not there.
    """
    beside = Path(__file__).resolve().parents[2] / "shared" / "data"
    folder = Path(os.environ.get("SELFSEIS_DATA", beside))
    if not folder.is_dir():
        raise InputError("no real recordings: name their folder in the environment variable SELFSEIS_DATA")
    return folder


def forge_recording() -> xr.DataArray:
    """Open one second of the FORGE fibre (DLDAS, MIT): 960 channels at 2000 Hz, a weak event in strong noise."""
    path = str(data_folder() / "das" / "forge_eq68.mat")
    return open_recording(path, sampling_rate=2000.0, channel_spacing=1.0)


SITES = (
    Site(
        "FORGE", forge_recording, slice(None), BEFORE_P, rate=2000.0, band=(20.0, 300.0), gauge=10.0,
        corners=(30.0, 150.0), distances=(100.0, 2000.0), minutes=2.0,
    ),
    Site(
        "PoroTomo", porotomo_earthquake, BEFORE_THE_EARTHQUAKE, slice(None), rate=100.0, band=(1.0, 20.0), gauge=10.0,
        corners=(1.8, 10.0), distances=(2000.0, 20000.0), minutes=30.0,
    ),
)  # fmt: skip


def long_noise(
    site: Site, variant: Variant, spacing: float, n_channels: int, n_samples: int, seed: int
) -> xr.DataArray:
    """Make a long recording of noise from a short one.

    Parameters
    ----------
    site : Site
        Where the noise is from.
    variant : {"incoherent", "gauge", "own coherence"}
        Each channel put together from pieces of random channels at random times; the same, with the measured
        correlation of neighbours and the measured common mode imposed; or pieces of neighbouring channels, their
        phases drawn at random together, so that all that channels share in a piece is kept, waves included.
    spacing : float
        Of the channels, m.
    n_channels, n_samples : int
        Size.
    seed : int
        Seed of the pieces.

    Returns
    -------
    xarray.DataArray
        A recording in memory.
    """
    rng = np.random.default_rng([seed, SITES.index(site), VARIANTS.index(variant)])
    make = {"incoherent": _incoherent, "gauge": _with_gauge, "own coherence": _with_own_coherence}[variant]
    return recording_from_array(
        make(site, n_channels, n_samples, rng),
        site.rate,
        "2020-01-01T00:00:00",
        distance=spacing * np.arange(n_channels),
        gauge_length=site.gauge,
        units="strain/s",
    )


def _incoherent(site: Site, n_channels: int, n_samples: int, rng: np.random.Generator) -> Samples:
    short = site.short_noise()

    def piece() -> Samples:
        channels = rng.integers(len(short), size=n_channels)
        shifts = rng.integers(short.shape[1], size=(n_channels, 1))
        signs = rng.choice(np.array([-1, 1], np.float32), size=(n_channels, 1))
        columns = (np.arange(short.shape[1]) + shifts) % short.shape[1]
        return signs * short[channels[:, None], columns]

    return _cross_faded(piece, n_channels, n_samples, short.shape[1])


def _with_gauge(site: Site, n_channels: int, n_samples: int, rng: np.random.Generator) -> Samples:
    """Filter incoherent noise across channels to the correlation measured before the event."""
    quiet = site.short_noise()[:, site.quiet]
    measured = channel_correlation(quiet, quiet.shape[1], WIDEST_GAUGE)
    shared = max(0.0, float(np.median(measured[WIDEST_GAUGE // 2 :])))
    kernel = _kernel((measured - shared) / (1 - shared)).astype(np.float32)
    wide = _incoherent(site, n_channels + len(kernel), n_samples, rng)
    laser = np.float32(np.sqrt(shared)) * _incoherent(site, 1, n_samples, rng)
    noise = np.zeros((n_channels, n_samples), np.float32)
    for i, weight in enumerate(kernel):
        noise += weight * wide[i : i + n_channels]
    return np.float32(np.sqrt(1 - shared)) * noise + laser


def _kernel(correlation: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return a symmetric filter whose autocorrelation is a given one, faded out over its farther half."""
    n = len(correlation) - 1
    fade = np.minimum(1, 1 + np.cos(np.pi * np.clip(2 * np.arange(n + 1) / n - 1, 0, 1))) / 2
    fade[: n // 2 + 1] = 1
    both = np.concatenate([correlation * fade, (correlation * fade)[:0:-1]])
    kernel = np.fft.fftshift(np.fft.ifft(np.sqrt(np.maximum(np.fft.fft(both).real, 0))).real)
    return kernel / np.linalg.norm(kernel)


def _with_own_coherence(site: Site, n_channels: int, n_samples: int, rng: np.random.Generator) -> Samples:
    short = site.short_noise()

    def piece() -> Samples:
        first = rng.integers(len(short) - n_channels + 1)
        neighbours = short[first : first + n_channels][:: rng.choice([-1, 1])]
        return phase_randomised(neighbours, rng, together=True)

    return _cross_faded(piece, n_channels, n_samples, short.shape[1])


def _cross_faded(piece: Callable[[], Samples], n_channels: int, n_samples: int, length: int) -> Samples:
    """Overlap pieces by half, their powers adding up to one."""
    half = length // 2
    rise = np.sin(np.linspace(0, np.pi / 2, half, endpoint=False)).astype(np.float32)
    fade = np.concatenate([rise, np.sqrt(1 - rise**2)])
    noise = np.zeros((n_channels, n_samples + 2 * length), np.float32)
    for first in range(0, n_samples + length, half):
        noise[:, first : first + 2 * half] += fade * piece()[:, : 2 * half]
    return noise[:, length : length + n_samples]
