"""How weak an event may be and still be found: found events, scaled down and put into noise like the quietest.

This needs no label and no simulated event. It judges a detector by the waveforms, the noise and the threshold
that the user has.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from selfseis.typing import Float32Array, FloatArray
from selfseis.validation import BlockScores, circular_shifts, phase_randomised

ScoreWindow = Callable[[Float32Array], Float32Array]

STEP = 1.5  # dB between the levels that are tried
DEEPEST = 45.0  # dB below the event as recorded


@dataclass(frozen=True)
class Injections:
    """Noise, and found events to put into it.

    Attributes
    ----------
    noise : list of ndarray, shape (n_channels, n_samples)
        Conditioned noise.
    events : list of ndarray, shape (n_channels, n_event_samples)
        Conditioned events, tapered, not longer than the noise.
    """

    noise: list[Float32Array]
    events: list[Float32Array]

    def recall(self, score: ScoreWindow, threshold: float, hop: int, context: int) -> BlockScores:
        """Try how far each event may be scaled down in each piece of noise.

        An event is found where the score reaches the threshold and what any piece of noise alone reaches: noise
        that is coherent in itself must not pass for the event.

        Parameters
        ----------
        score : callable
            Scores conditioned data, one value a hop.
        threshold : float
            Score from which an event counts as found.
        hop : int
            Samples between scores.
        context : int
            Samples before an event on which its score depends.

        Returns
        -------
        BlockScores
            A block an event in a piece of noise: power 1, loss the share of the levels at which it was missed.
            Their skill is the recall over all levels.
        """
        levels = np.arange(0, DEEPEST + STEP, STEP)
        bar = max(
            threshold,
            *(self._best(score, np.zeros_like(self.events[0]), n, hop, context) for n in self.noise),
        )
        shares = []
        for event in self.events:
            for noise in self.noise:
                heard = partial(self._best, score, noise=noise, hop=hop, context=context)
                found = _number_found(lambda down, e=event, h=heard: h(_weaker(e, down)) >= bar, levels)  # type: ignore[misc]
                shares.append(found / len(levels))
        return BlockScores(1 - np.array(shares), np.ones(len(shares)))

    @staticmethod
    def _best(score: ScoreWindow, event: Float32Array, noise: Float32Array, hop: int, context: int) -> float:
        """Return the highest score around an event put near the end of a piece of noise."""
        after = 4 * hop
        data = noise[:, -min(noise.shape[1], context + event.shape[1] + 2 * after) :].copy()
        first = data.shape[1] - event.shape[1] - after
        data[:, first : first + event.shape[1]] += event
        scores = score(data)[max(first // hop - 1, 0) : data.shape[1] // hop - 2]
        return float(np.nanmax(scores, initial=-np.inf))

    def incoherent(self, seed: int) -> Injections:
        """Return the same with each event's channels shifted in time independently: as loud, but no wavefront."""
        rng = np.random.default_rng(seed)
        return Injections(self.noise, [circular_shifts(event, rng) for event in self.events])

    def at_one_station(self, groups: NDArray[np.str_], seed: int) -> Injections:
        """Return the same with each event at one station alone, drawn at random: as sharp, but no coincidence."""
        rng = np.random.default_rng(seed)
        chosen = [rng.choice(np.unique(groups)) for _ in self.events]
        pairs = zip(self.events, chosen, strict=True)
        return Injections(
            self.noise, [np.where(groups[:, None] == c, e, 0).astype(np.float32) for e, c in pairs]
        )


def decibels(recall: float) -> float:
    """Return how far events may be scaled down, in dB, for a recall over all levels."""
    return recall * (DEEPEST + STEP)


def noise_like(quiet: Float32Array, n_samples: int, rng: np.random.Generator) -> Float32Array:
    """Make noise with the spectra and the cross-spectra of a quiet stretch, of any length.

    Parameters
    ----------
    quiet : ndarray, shape (n_channels, n_quiet)
        Conditioned quiet data.
    n_samples : int
        Length to make.
    rng : numpy.random.Generator
        Source of the phases.
    """
    length = quiet.shape[1] // 2 * 2
    ramp = np.sin(np.linspace(0, np.pi / 2, length // 2, endpoint=False)).astype(np.float32)
    fade = np.concatenate([ramp, np.cos(np.linspace(0, np.pi / 2, length // 2, endpoint=False))]).astype(
        np.float32
    )
    noise = np.zeros((len(quiet), n_samples + 2 * length), np.float32)
    for first in range(0, n_samples + length, length // 2):
        noise[:, first : first + length] += fade * phase_randomised(quiet[:, :length], rng, together=True)
    return noise[:, length : length + n_samples]


def tapered(event: Float32Array) -> Float32Array:
    """Fade an event in and out over a tenth of its length at each end."""
    from scipy.signal.windows import tukey

    return (event * tukey(event.shape[1], 0.2)[None]).astype(np.float32)


def _weaker(event: Float32Array, down: float) -> Float32Array:
    return np.float32(10 ** (-down / 20)) * event


def _number_found(found: Callable[[float], bool], levels: FloatArray) -> int:
    """Return how many levels are found, by bisection: what is found weak is found strong."""
    low, high = 0, len(levels)
    while low < high:
        middle = (low + high) // 2
        if found(levels[middle]):
            low = middle + 1
        else:
            high = middle
    return low
