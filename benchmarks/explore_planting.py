"""Signals of known classes, planted into a real day of noise: what the benchmark of exploration is scored with.

Simulated kinds are stated in cycles a sample, so that they suit a recording of any rate.
"""

from __future__ import annotations

import csv
import functools
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from benchmarks.fibre_noise import data_folder
from benchmarks.picking_data import labelled_windows
from selfseis.recording import open_recording, recording_from_array, sampling_rate

Samples = NDArray[np.float64]
Maker = Callable[[np.random.Generator, int, float], Samples]

KINDS = ("NCEDC earthquakes", "volcano-tectonic events", "tremor", "rumble", "glitches", "harmonic hum")
NOISE = "noise"
COMMON_SHARE = 0.04  # of the windows, of each kind that is not rare
RARE_SHARES = (0.01, 0.001)
LONG = ("tremor", "harmonic hum")  # last for several windows
WINDOWS_OF_LONG = (3, 8)
ABOVE_MICROSEISM = 1.5  # Hz: what real events are cut from holds noise of its own below
CLEAR_SNR = 8.0  # of QuakeMigrate's picks
BORDER = 0.1  # share of a signal's energy in its loudest window, above which another window is left unscored


@dataclass(frozen=True)
class Planted:
    """A recording with planted signals.

    Attributes
    ----------
    recording : xarray.DataArray
        One channel.
    length : int
        Samples of the windows that are scored.
    kind : ndarray of str, shape (n_windows,)
        What each window holds: a kind, "noise", or "" where it is not scored.
    rarest : str
        The kind of which a thousandth of the windows is.
    """

    recording: xr.DataArray
    length: int
    kind: NDArray[np.str_]
    rarest: str


def plant(
    noise: xr.DataArray, length: int, snr_db: float, seed: int, kinds: tuple[str, ...] = KINDS
) -> Planted:
    """Plant signals of several kinds into a day of noise.

    Parameters
    ----------
    noise : xarray.DataArray
        One channel.
    length : int
        Samples of a window.
    snr_db : float
        Power of each signal in its loudest window over the noise's median power in the signal's own band.
    seed : int
        Of places, sources and of which kinds are rare.
    kinds : tuple of str
        What is planted; two of them, by the seed, are rare.
    """
    rng = np.random.default_rng(seed)
    data = _without_gaps(noise)
    n_windows = len(data) // length
    noise_power = _median_spectrum(data, length)
    order = [kinds[(seed * 2 + place) % len(kinds)] for place in range(len(kinds))]
    kind = np.full(n_windows, NOISE, dtype="<U32")
    free = np.ones(n_windows, bool)
    free[[0, -1]] = False
    for place, name in enumerate(order):
        share = RARE_SHARES[1 - place] if place < 2 else COMMON_SHARE
        wanted = max(3, round(share * n_windows))
        while (kind == name).sum() < wanted:
            left = wanted - int((kind == name).sum())
            _plant_one(data, kind, free, name, noise_power, length, snr_db, rng, sampling_rate(noise), left)
    names = [str(noise["seed_id"].values[0])]
    planted = recording_from_array(
        data.astype(np.float32), sampling_rate(noise), noise["time"].values[0], seed_id=names
    )
    return Planted(planted, length, kind, order[0])


def _plant_one(
    data: Samples, kind: NDArray[np.str_], free: NDArray[np.bool_], name: str, noise_power: Samples, length: int,
    snr_db: float, rng: np.random.Generator, rate: float, left: int,
) -> None:  # fmt: skip
    n_spanned = min(int(rng.integers(*WINDOWS_OF_LONG)), left) if name in LONG else 1
    signal = MAKERS[name](rng, n_spanned * length if name in LONG else length, rate)
    offset = 0 if name in LONG else int(rng.uniform(0, 0.5) * length)
    n_needed = -(-(offset + len(signal)) // length)
    starts = np.flatnonzero(np.convolve(free, np.ones(n_needed), mode="valid") == n_needed)
    if not len(starts):
        raise ValueError(f"no room for {name}")
    start = int(rng.choice(starts))
    padded = np.zeros(n_needed * length)
    padded[offset : offset + len(signal)] = signal
    pieces = padded.reshape(n_needed, length)
    energy = np.square(pieces).sum(axis=1)
    padded *= _gain(pieces[energy.argmax()], noise_power, snr_db)
    data[start * length : (start + n_needed) * length] += padded
    relative = energy / energy.max()
    kind[start : start + n_needed] = np.where(
        relative >= 0.5, name, np.where(relative > BORDER / 10, "", NOISE)
    )
    free[start : start + n_needed] = False


def _gain(window: Samples, noise_power: Samples, snr_db: float) -> float:
    """Return what brings a window to a signal-to-noise ratio in the band that holds nine tenths of its energy."""
    power = np.abs(np.fft.rfft(window * np.hanning(len(window)))) ** 2
    running = np.cumsum(power) / power.sum()
    band = slice(int(np.searchsorted(running, 0.05)), int(np.searchsorted(running, 0.95)) + 1)
    return float(np.sqrt(10 ** (snr_db / 10) * noise_power[band].sum() / power[band].sum()))


def _median_spectrum(data: Samples, length: int) -> Samples:
    windows = data[: len(data) // length * length].reshape(-1, length) * np.hanning(length)
    return np.median(np.abs(np.fft.rfft(windows, axis=1)) ** 2, axis=0) / np.log(2)


def _without_gaps(noise: xr.DataArray) -> Samples:
    data = np.asarray(noise.values[0], np.float64)
    missing = ~np.isfinite(data)
    data[missing] = np.interp(np.flatnonzero(missing), np.flatnonzero(~missing), data[~missing])
    return data - np.median(data)


def _ncedc(rng: np.random.Generator, length: int, rate: float) -> Samples:
    window = labelled_windows()[int(rng.integers(len(labelled_windows())))]
    live = [row for row in window.components[::-1] if np.ptp(row) > 0]
    return _event(live[0], window.p, 100.0, length, rate)


def _volcano_tectonic(rng: np.random.Generator, length: int, rate: float) -> Samples:
    record, onset = _iceland()[int(rng.integers(len(_iceland())))]
    return _event(record, onset, 100.0, length, rate)


def _event(record: Samples, onset: int, own_rate: float, length: int, rate: float) -> Samples:
    """Cut an event from just before its P, resampled, with its ends faded."""
    from scipy.signal import butter, resample_poly, sosfilt

    n_own = min(int(length * own_rate / rate), int(20 * own_rate), len(record) - onset)
    cut = record[max(0, onset - int(0.5 * own_rate)) : onset + n_own].astype(np.float64)
    above = butter(2, ABOVE_MICROSEISM, "highpass", fs=own_rate, output="sos")
    cut = resample_poly(sosfilt(above, cut - np.median(cut)), round(rate), round(own_rate))
    return cut * _faded(len(cut), int(0.2 * rate), len(cut) // 3)


def _faded(n: int, rise: int, fall: int) -> Samples:
    window = np.ones(n)
    rise, fall = max(rise, 2), max(fall, 2)
    window[:rise] = np.sin(np.linspace(0, np.pi / 2, rise)) ** 2
    window[-fall:] *= np.cos(np.linspace(0, np.pi / 2, fall)) ** 2
    return window


@functools.cache
def _iceland() -> tuple[tuple[Samples, int], ...]:
    """Vertical records of the swarm and the samples of P, where QuakeMigrate's pick stands out."""
    folder = data_folder() / "stations" / "iceland_vt"
    found = []
    for path in sorted(folder.glob("*.m")):
        recording = open_recording(str(path))
        verticals = {
            name.split(".")[1]: row for row, name in enumerate(recording["seed_id"].values) if name[-1] == "Z"
        }
        with path.with_suffix(".picks").open(encoding="utf-8") as file:
            for pick in csv.DictReader(file):
                if pick["Phase"] != "P" or pick["Station"] not in verticals or float(pick["SNR"]) < CLEAR_SNR:
                    continue
                since = np.datetime64(pick["PickTime"].rstrip("Z")) - recording["time"].values[0]
                record = np.nan_to_num(recording.values[verticals[pick["Station"]]]).astype(np.float64)
                found.append((record, round(since / np.timedelta64(1, "s") * sampling_rate(recording))))
    return tuple(found)


def _band_noise(rng: np.random.Generator, n: int, low: float, high: float) -> Samples:
    """Return Gaussian noise between two frequencies in cycles a sample."""
    spectrum = rng.standard_normal(n // 2 + 1) + 1j * rng.standard_normal(n // 2 + 1)
    frequency = np.fft.rfftfreq(n)
    edge = np.clip(np.minimum(frequency / low, high / np.maximum(frequency, 1e-9)), 0, 1) ** 8
    return np.fft.irfft(spectrum * edge, n)


def _tremor(rng: np.random.Generator, length: int, rate: float) -> Samples:
    low = rng.uniform(0.012, 0.018)
    slow = 1 + 0.4 * np.sin(2 * np.pi * (rng.uniform(0.5, 2) * np.arange(length) / length + rng.uniform()))
    return _band_noise(rng, length, low, 4 * low) * slow * _faded(length, length // 20, length // 20)


def _rumble(rng: np.random.Generator, length: int, rate: float) -> Samples:
    """Make a spindle of many small impacts, as debris flows and rockfalls give."""
    n = int(rng.uniform(0.6, 1.0) * length)
    impacts = (rng.uniform(size=n) < 0.05) * rng.exponential(size=n) * rng.choice([-1, 1], n)
    return (
        _band_noise(rng, n, 0.08, 0.3) + np.convolve(impacts, _ringing(0.15, 12), mode="same") * 0.3
    ) * np.sin(np.pi * np.linspace(0, 1, n)) ** 2


def _ringing(frequency: float, decay: float) -> Samples:
    t = np.arange(int(6 * decay))
    return np.exp(-t / decay) * np.sin(2 * np.pi * frequency * t)


def _glitch(rng: np.random.Generator, length: int, rate: float) -> Samples:
    """Make a step in acceleration as a seismometer shows it: a sharp onset, a slow return, an overshoot."""
    t = np.arange(length // 2, dtype=float)
    tau = rng.uniform(0.02, 0.04) * length
    return rng.choice([-1.0, 1.0]) * (np.exp(-t / tau) - 0.3 * t / tau * np.exp(-t / (2 * tau)))


def _hum(rng: np.random.Generator, length: int, rate: float) -> Samples:
    fundamental = rng.uniform(0.030, 0.034) * (1 + 0.01 * np.linspace(-1, 1, length) * rng.uniform(-1, 1))
    phase = 2 * np.pi * np.cumsum(fundamental)
    tones = sum(np.sin(k * phase + rng.uniform(0, 6.28)) / k for k in (1, 2, 3, 4, 5))
    return tones * _faded(length, length // 20, length // 20)


MAKERS: dict[str, Maker] = dict(
    zip(KINDS, (_ncedc, _volcano_tectonic, _tremor, _rumble, _glitch, _hum), strict=True)
)


def day_of(name: str) -> xr.DataArray:
    """Open a real day of noise, one channel: "Piton" or "GR.FUR"."""
    if name == "Piton":
        from selfseis.samples import piton_day

        return piton_day().isel(channel=[0])
    return open_recording(str(data_folder() / "stations" / "GR.FUR..BHN.D.2015.361"))
