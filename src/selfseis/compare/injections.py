"""Events of known time for a comparison of pickers: simulated onsets, and real ones scaled down, in quiet windows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from selfseis.catalogue.records import PHASES, Phase
from selfseis.compare.blocks import ComparisonBlocks
from selfseis.pick.noise_windows import peak_energy_ratio
from selfseis.pick.options import NoiseOptions
from selfseis.pick.synthetic_examples import noise_level
from selfseis.simulate.onsets import OnsetBank, OnsetPrior, add_event
from selfseis.typing import Float32Array, IndexArray

_NOISE, _GUARD, _PEAK = 800, 50, 200  # samples before an onset, its guard, and samples of its peak
_PLACE = (0.15, 0.7)  # of an onset in its window, as shares of the length


@dataclass(frozen=True, eq=False)
class InjectedWindow:
    """A quiet window with one event.

    Attributes
    ----------
    components : ndarray, shape (3, n_samples)
        East, north and vertical, filtered.
    onsets : dict of str to tuple of float
        Samples of the injected onsets of each phase.
    snr : float
        Amplitude in noise levels: of P for a simulated event, of the phase itself for a real one.
    """

    components: Float32Array
    onsets: dict[Phase, tuple[float, ...]]
    snr: float


@dataclass(frozen=True)
class SureOnset:
    """An onset of the recording that several pickers agree on.

    Attributes
    ----------
    phase : {"P", "S"}
        Its phase.
    piece : int
        Number of the piece.
    at : float
        Samples after the first one of the piece.
    """

    phase: Phase
    piece: int
    at: float


def quiet_windows(
    blocks: ComparisonBlocks, window: int, max_windows: int, options: NoiseOptions
) -> list[Float32Array]:
    """Return the windows of the blocks with the least energetic peaks, the quietest first.

    Parameters
    ----------
    blocks : ComparisonBlocks
        The data.
    window : int
        Length of a window in samples.
    max_windows : int
        Maximum number of windows; at most `NoiseOptions.max_share` of all, but at least eight, are returned.
    options : NoiseOptions
        Share of the windows, and how complete a window must be.
    """
    windows = [
        piece.components[:, first : first + window]
        for piece in blocks.pieces
        for first in range(0, piece.n_samples - window + 1, window)
    ]
    complete = [w for w in windows if np.any(w != 0, axis=0).mean() >= options.min_present_share]
    complete.sort(key=lambda w: peak_energy_ratio(w, options.piece))
    return complete[: min(max_windows, max(8, round(options.max_share * len(complete))))]


def simulated_windows(
    noise: Sequence[Float32Array],
    prior: OnsetPrior,
    bank: OnsetBank,
    snr: Sequence[float],
    n_each: int,
    seed: int,
) -> list[InjectedWindow]:
    """Inject one simulated event into each of some quiet windows.

    Parameters
    ----------
    noise : sequence of ndarray, shape (3, n_samples)
        Quiet windows.
    prior : OnsetPrior
        Prior distribution of the event but for its amplitude.
    bank : OnsetBank
        Wavelets.
    snr : sequence of float
        Amplitudes of P in noise levels.
    n_each : int
        Number of windows of each amplitude.
    seed : int
        Seed of the events.
    """
    rng = np.random.default_rng([seed, 21])
    return [
        _simulated(noise[int(rng.integers(len(noise)))], replace(prior, snr=(level, level)), bank, rng)
        for level in snr
        for _ in range(n_each if len(noise) else 0)
    ]


def _simulated(
    noise: Float32Array, prior: OnsetPrior, bank: OnsetBank, rng: np.random.Generator
) -> InjectedWindow:
    window = noise.copy()
    onsets = add_event(window, noise_level(noise), prior, bank, rng).of_phases
    inside = {
        phase: tuple(float(at) for at in of_phase if 0 <= at < window.shape[1])
        for phase, of_phase in zip(PHASES, onsets, strict=True)
    }
    return InjectedWindow(window, inside, prior.snr[0])


def scaled_windows(
    sure: Sequence[SureOnset],
    blocks: ComparisonBlocks,
    noise: Sequence[Float32Array],
    snr: Sequence[float],
    n_each: int,
    seed: int,
) -> list[InjectedWindow]:
    """Scale real onsets down and add them to quiet windows.

    Onsets are only made weaker, so that the noise that comes with them stays below that of the quiet window.

    Parameters
    ----------
    sure : sequence of SureOnset
        Onsets of the recording.
    blocks : ComparisonBlocks
        The data.
    noise : sequence of ndarray, shape (3, n_samples)
        Quiet windows.
    snr : sequence of float
        Amplitudes in noise levels.
    n_each : int
        Maximum number of windows of each amplitude and phase.
    seed : int
        Seed of the choice.
    """
    rng = np.random.default_rng([seed, 22])
    return [
        window
        for phase in PHASES
        for level in snr
        for window in _of_level(
            [onset for onset in sure if onset.phase == phase], blocks, noise, level, n_each, rng
        )
    ]


def _of_level(
    sure: Sequence[SureOnset],
    blocks: ComparisonBlocks,
    noise: Sequence[Float32Array],
    snr: float,
    n_each: int,
    rng: np.random.Generator,
) -> Iterator[InjectedWindow]:
    """Yield at most so many windows of one phase and amplitude, from different onsets first."""
    if not len(noise):
        return
    order: IndexArray = rng.permutation(len(sure))
    found = 0
    for number in order:
        if found == n_each:
            return
        window = _scaled(sure[number], blocks, noise[int(rng.integers(len(noise)))], snr, rng)
        if window is not None:
            found += 1
            yield window


def _scaled(
    onset: SureOnset, blocks: ComparisonBlocks, noise: Float32Array, snr: float, rng: np.random.Generator
) -> InjectedWindow | None:
    """Return a window with an onset scaled to an amplitude; None if it is too weak or too near to an end."""
    piece, length = blocks.pieces[onset.piece].components, noise.shape[1]
    at = round(onset.at)
    place = int(length * rng.uniform(*_PLACE))
    first = int(np.clip(at - place, 0, max(0, piece.shape[1] - length)))
    event = piece[:, first : first + length]
    before = piece[:, max(0, at - _NOISE) : max(0, at - _GUARD)]
    if event.shape[1] < length or before.shape[1] < _PEAK or not before.any():
        return None
    peak = float(np.abs(piece[:, at : at + _PEAK]).max(initial=0.0))
    new_level = noise_level(noise)
    gain = snr * new_level / max(peak, 1e-30)
    if gain * noise_level(before) > new_level:
        return None
    onsets: dict[Phase, tuple[float, ...]] = dict.fromkeys(PHASES, ())
    onsets[onset.phase] = (onset.at - first,)
    return InjectedWindow(noise + np.float32(gain) * event, onsets, snr)
