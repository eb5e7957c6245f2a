"""Semi-synthetic fibre data for benchmarks of denoising: real noise, wavefields of eight kinds, known truth."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.signal import windows

from benchmarks.denoise_wavefields import KINDS, Fibre, Mask, Signal
from benchmarks.fibre_noise import SITES, Samples, Site, Variant, long_noise
from selfseis.recording.preprocessing import Conditioner

CHANNELS = 192
SAMPLES = 4096
LEVELS = np.linspace(-15.0, 0.0, len(KINDS))  # dB
EDGE = 128  # samples over which a signal is faded at the ends of a record

FORGE, POROTOMO = SITES


@dataclass(frozen=True, eq=False)
class Scenario:
    """A fibre in some noise.

    Attributes
    ----------
    site, variant, spacing
        As `long_noise` takes them.
    common_mode : bool
        Whether what the laser gives to all channels alike is left in the noise.
    """

    site: Site
    variant: Variant
    spacing: float
    common_mode: bool = False

    @property
    def label(self) -> str:
        """Name in the tables."""
        kept = " and common mode" if self.common_mode else ""
        return f"{self.site.name}, {self.variant}{kept}"

    def noise(self, n_samples: int, seed: int) -> Samples:
        """Make noise of unit power, shape (CHANNELS, n_samples)."""
        noise = np.asarray(
            long_noise(self.site, self.variant, self.spacing, CHANNELS, n_samples, seed).values, np.float32
        )
        if not self.common_mode:
            noise -= noise.mean(axis=0)
        return noise / noise.std()


# The channels of the incoherent ones share nothing: their gauge is taken to be their spacing.
SCENARIOS = (
    Scenario(FORGE, "incoherent", 1.0),
    Scenario(FORGE, "gauge", 1.0),
    Scenario(POROTOMO, "incoherent", 10.0),
    Scenario(POROTOMO, "gauge", 1.0),
    Scenario(FORGE, "gauge", 1.0, common_mode=True),
)


@dataclass(frozen=True)
class Records:
    """Noisy records that follow each other, and what is true in them.

    Attributes
    ----------
    scenario : Scenario
        The fibre.
    truth, noise : ndarray, shape (n_records, n_channels, n_samples)
        Signal and noise; the noise has unit power.
    active : ndarray of bool, same shape
        Where the signal is.
    p_samples : ndarray, shape (n_records, n_channels)
        First P in samples of the record; NaN where there is none.
    levels : ndarray, shape (n_records,)
        Power of signal over noise where the signal is, dB.
    kinds : list of str
        What kind of wavefield each record holds.
    """

    scenario: Scenario
    truth: Samples
    noise: Samples
    active: Mask
    p_samples: NDArray[np.float64]
    levels: NDArray[np.float64]
    kinds: list[str]

    @property
    def noisy(self) -> Samples:
        """Signal and noise, shape (n_records, n_channels, n_samples)."""
        return self.truth + self.noise


def make_records(scenario: Scenario, seed: int) -> Records:
    """Draw one record of each kind of wavefield, at signal-to-noise ratios dealt out at random.

    Parameters
    ----------
    scenario : Scenario
        The fibre.
    seed : int
        Seed of noise, wavefields and dealing.
    """
    rng = np.random.default_rng([seed, SCENARIOS.index(scenario)])
    kinds = [list(KINDS)[i] for i in rng.permutation(len(KINDS))]
    noise = _records(scenario.noise(len(kinds) * SAMPLES, seed))
    fibre = Fibre(scenario.site, scenario.spacing, CHANNELS, SAMPLES)
    signals = []
    for kind, level, quiet in zip(kinds, LEVELS, noise, strict=True):
        drawn = KINDS[kind](fibre, rng)
        signals.append(_at_level(_in_band(drawn, scenario.site), quiet, level))
    return Records(
        scenario,
        np.stack([s.waveforms for s in signals]),
        noise,
        np.stack([s.active for s in signals]),
        np.stack([s.p_samples for s in signals]),
        LEVELS,
        kinds,
    )


def _records(joined: Samples) -> Samples:
    return np.ascontiguousarray(joined.reshape(len(joined), -1, SAMPLES).transpose(1, 0, 2))


def _in_band(signal: Signal, site: Site) -> Signal:
    """Pass the signal through the filter that the noise has passed, and fade it at the ends of the record."""
    n_channels, n_samples = signal.waveforms.shape
    flat = np.zeros(n_channels, np.float32)
    padded = np.pad(signal.waveforms, ((0, 0), (n_samples // 4, n_samples // 4)))
    passed = Conditioner(site.rate, site.band, flat, flat + 1)(padded)[0]
    fade = windows.tukey(n_samples, 2 * EDGE / n_samples).astype(np.float32)
    inside = passed[:, n_samples // 4 : n_samples // 4 + n_samples]
    return Signal(fade * inside, signal.active, signal.p_samples)


def _at_level(signal: Signal, noise: Samples, level: float) -> Signal:
    where = signal.active
    ratio = np.mean(noise[where] ** 2) / np.mean(signal.waveforms[where] ** 2)
    factor = np.float32(np.sqrt(10 ** (level / 10) * ratio))
    return Signal(factor * signal.waveforms, where, signal.p_samples)
