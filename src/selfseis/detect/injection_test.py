"""Injection test of a detector: detected events are scaled down and added to noise.

The test needs no labels and no simulated events. It uses the waveforms, the noise and the threshold of the user's own
data.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial

import numpy as np
from numpy.typing import NDArray

from selfseis.detect.options import EvaluationOptions
from selfseis.typing import Float32Array, FloatArray
from selfseis.validation import BlockScores, circular_shifts, phase_randomised

ScoreWindow = Callable[[Float32Array], Float32Array]


@dataclass(frozen=True)
class Injections:
    """Noise, and detected events to inject into it.

    Attributes
    ----------
    noise : list of ndarray, shape (n_channels, n_samples)
        Conditioned noise.
    events : list of ndarray, shape (n_channels, n_event_samples)
        Conditioned events, tapered, not longer than the noise.
    options : EvaluationOptions
        Levels of the test.
    """

    noise: list[Float32Array]
    events: list[Float32Array]
    options: EvaluationOptions = field(default_factory=EvaluationOptions)

    @property
    def levels(self) -> FloatArray:
        """Reductions in dB to which the events are scaled down, ascending."""
        return np.arange(0, self.options.max_reduction + self.options.step, self.options.step)

    def recall(self, score: ScoreWindow, threshold: float, hop: int, context: int) -> BlockScores:
        """Measure down to which level each event is found in each noise window.

        An event is found if its score reaches the threshold and the maximum score of the noise windows alone:
        noise must not count as the event.

        Parameters
        ----------
        score : callable
            Computes the score of conditioned data, one value per hop.
        threshold : float
            Minimum score of a found event.
        hop : int
            Samples between scores.
        context : int
            Samples before an event on which its score depends.

        Returns
        -------
        BlockScores
            One block per event and noise window: power 1, loss the share of the levels at which it was missed.
            Their skill is the recall over all levels.
        """
        levels = self.levels
        nothing = np.zeros((len(self.noise[0]), max(event.shape[1] for event in self.events)), np.float32)
        min_score = max(threshold, *(highest_score(score, nothing, n, hop, context) for n in self.noise))
        shares = []
        for event in self.events:
            for noise in self.noise:
                score_at = partial(_score_of_weaker, score, event, noise=noise, hop=hop, context=context)
                shares.append(_number_found(score_at, levels, min_score) / len(levels))
        return BlockScores(1 - np.array(shares), np.ones(len(shares)))

    def n_found_unscaled(self, scores: BlockScores) -> int:
        """Return how many of the events are found as strong as recorded, in at least half of the noise windows."""
        found = (scores.loss < 1).reshape(len(self.events), len(self.noise))
        return int((found.mean(axis=1) >= 0.5).sum())

    def incoherent(self, seed: int) -> Injections:
        """Return events whose channels are shifted in time independently: the same energy without a wavefront."""
        rng = np.random.default_rng(seed)
        return replace(self, events=[circular_shifts(event, rng) for event in self.events])

    def at_one_station(self, groups: NDArray[np.str_], seed: int) -> Injections:
        """Return events at one random station each: the same onsets without a coincidence."""
        rng = np.random.default_rng(seed)
        chosen = [rng.choice(np.unique(groups)) for _ in self.events]
        pairs = zip(self.events, chosen, strict=True)
        return replace(
            self, events=[np.where(groups[:, None] == c, e, 0).astype(np.float32) for e, c in pairs]
        )

    def decibels(self, recall: float) -> float:
        """Return the reduction in dB down to which events are found, for a recall over all levels."""
        return recall * (self.options.max_reduction + self.options.step)


def highest_score(
    score: ScoreWindow, event: Float32Array, noise: Float32Array, hop: int, context: int
) -> float:
    """Return the maximum score around an event that is added near the end of noise.

    Parameters
    ----------
    score : callable
        Computes the score of conditioned data, one value per hop.
    event : ndarray, shape (n_channels, n_event_samples)
        The event; zeros for the noise alone.
    noise : ndarray, shape (n_channels, n_samples)
        The noise.
    hop : int
        Samples between scores.
    context : int
        Samples before an event on which its score depends.
    """
    after = 4 * hop
    data = noise[:, -min(noise.shape[1], context + event.shape[1] + 2 * after) :].copy()
    first = data.shape[1] - event.shape[1] - after
    data[:, first : first + event.shape[1]] += event
    scores = score(data)[max(first // hop - 1, 0) : data.shape[1] // hop - 2]
    return float(np.nanmax(scores, initial=-np.inf))


def _score_of_weaker(
    score: ScoreWindow,
    event: Float32Array,
    reduction_db: float,
    *,
    noise: Float32Array,
    hop: int,
    context: int,
) -> float:
    """Return the maximum score of an event that is scaled down by so many decibels."""
    return highest_score(score, _weaker(event, reduction_db), noise, hop, context)


def noise_like(window: Float32Array, n_samples: int, rng: np.random.Generator) -> Float32Array:
    """Simulate noise of any length with the spectra and the cross-spectra of a noise window.

    Parameters
    ----------
    window : ndarray, shape (n_channels, n_window_samples)
        Conditioned data of the noise window.
    n_samples : int
        Length of the simulated noise.
    rng : numpy.random.Generator
        Source of the phases.
    """
    length = window.shape[1] // 2 * 2
    ramp = np.sin(np.linspace(0, np.pi / 2, length // 2, endpoint=False)).astype(np.float32)
    fade = np.concatenate([ramp, np.cos(np.linspace(0, np.pi / 2, length // 2, endpoint=False))]).astype(
        np.float32
    )
    noise = np.zeros((len(window), n_samples + 2 * length), np.float32)
    for first in range(0, n_samples + length, length // 2):
        noise[:, first : first + length] += fade * phase_randomised(window[:, :length], rng, together=True)
    return noise[:, length : length + n_samples]


def tapered(event: Float32Array) -> Float32Array:
    """Fade an event in and out over a tenth of its length at each end."""
    from scipy.signal.windows import tukey

    return (event * tukey(event.shape[1], 0.2)[None]).astype(np.float32)


def _weaker(event: Float32Array, reduction_db: float) -> Float32Array:
    return np.float32(10 ** (-reduction_db / 20)) * event


def _number_found(score_at: Callable[[float], float], levels: FloatArray, min_score: float) -> int:
    """Return the number of levels at which an event is found, by bisection: stronger events are found as well."""
    low, high = 0, len(levels)
    while low < high:
        middle = (low + high) // 2
        if score_at(levels[middle]) >= min_score:
            low = middle + 1
        else:
            high = middle
    return low
