"""Weakened copies of a station's own strong events in its own quiet windows: known onsets with real waveforms.

The strong events are picks of the parent network, so an adapted network is compared on what the parent already knows.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

import numpy as np

from selfseis.catalogue.records import PHASES, Phase
from selfseis.pick.inference import Annotator, OnsetCandidates, onsets_of
from selfseis.pick.noise_windows import read_window
from selfseis.pick.options import AdaptationOptions
from selfseis.pick.self_training import SelfTraining
from selfseis.pick.synthetic_examples import noise_level
from selfseis.pick.time_split import Spans
from selfseis.simulate.stream import log_uniform
from selfseis.typing import Float32Array, FloatArray

BEFORE, GUARD, PEAK = 800, 50, 200  # samples: noise before an onset, its guard, and the peak after it
PLACE = (0.3, 0.7)  # of the onset in its window, as shares of the length
MIN_WEAKENING = 1.5  # copies are at least so much weaker than their event
FALSE_SHARE = 0.1  # false picks per quiet window at the thresholds of both networks


@dataclass(frozen=True, eq=False)
class _Copy:
    phase: Phase
    source: int
    at: int
    window: Float32Array


@dataclass(frozen=True, eq=False)
class Reinjections:
    """Weakened copies of events.

    Attributes
    ----------
    noise : ndarray, shape (n_windows, 3, n_samples)
        Held-out quiet windows.
    n_sources : dict of str to int
        Number of strong onsets of each phase.
    within : int
        Maximum distance in samples of a pick from the onset of a copy.
    """

    noise: Float32Array
    n_sources: Mapping[Phase, int]
    within: int
    _copies: tuple[_Copy, ...]

    @classmethod
    def of(
        cls,
        training: SelfTraining,
        candidates: list[OnsetCandidates],
        spans: Spans,
        min_heights: Mapping[Phase, float],
        options: AdaptationOptions,
    ) -> Self:
        """Weaken the strong events of a recording.

        Parameters
        ----------
        training : SelfTraining
            The recording and its noise.
        candidates : list of OnsetCandidates
            Of the parent at each station.
        spans : list of (int, int)
            Times in samples that the events must lie in.
        min_heights : mapping of str to float
            Minimum height of a strong event of each phase.
        options : AdaptationOptions
            Number and signal-to-noise ratio of the copies.
        """
        rng = np.random.default_rng([training.seed, 11])
        noise = training.maker.noise.windows[training.maker.noise.held_out]
        copies, n_sources = [], {}
        for phase in PHASES:
            sources = [
                (number, float(at))
                for number, onsets in enumerate(candidates)
                for at, height in getattr(onsets.within(spans), phase.lower())
                if height >= min_heights[phase]
            ]
            n_sources[phase] = len(sources)
            for copy in range(options.n_reinjected if sources else 0):
                source = copy % len(sources)
                number, at = sources[source]
                made = _weakened(training, number, at, noise[rng.integers(len(noise))], rng, options)
                if made is not None:
                    copies.append(_Copy(phase, source, *made))
        return cls(noise, n_sources, training.options.calibration.hit_within, tuple(copies))

    def copies(self, phase: Phase) -> FloatArray:
        """Return the number of copies of each strong onset."""
        return self._per_source(phase, [copy for copy in self._copies if copy.phase == phase])

    def recovered(self, annotator: Annotator) -> dict[Phase, FloatArray]:
        """Return the number of recovered copies of each strong onset, at a fixed number of false picks.

        Parameters
        ----------
        annotator : Annotator
            Inference with a network.
        """
        quiet = [onsets_of(annotator.probabilities(window), annotator.options) for window in self.noise]
        found = {}
        for row, phase in enumerate(PHASES):
            threshold = _threshold([onsets[row][1] for onsets in quiet])
            hits = [
                copy
                for copy in self._copies
                if copy.phase == phase and self._is_recovered(annotator, copy, row, threshold)
            ]
            found[phase] = self._per_source(phase, hits)
        return found

    def _is_recovered(self, annotator: Annotator, copy: _Copy, row: int, threshold: float) -> bool:
        at, height = onsets_of(annotator.probabilities(copy.window), annotator.options)[row]
        return bool((np.abs(at[height > threshold] - copy.at) <= self.within).any())

    def _per_source(self, phase: Phase, copies: list[_Copy]) -> FloatArray:
        sources = np.array([copy.source for copy in copies], int)
        return np.bincount(sources, minlength=self.n_sources[phase]).astype(float)


def _threshold(heights: list[FloatArray]) -> float:
    """Return the height that one in ten quiet windows exceeds by a pick."""
    falling = np.sort(np.concatenate(heights))[::-1]
    n_allowed = int(FALSE_SHARE * len(heights))
    return float(falling[n_allowed]) if len(falling) > n_allowed else 0.0


def _weakened(
    training: SelfTraining,
    station: int,
    at: float,
    noise: Float32Array,
    rng: np.random.Generator,
    options: AdaptationOptions,
) -> tuple[int, Float32Array] | None:
    """Return the sample of the onset and the window of a copy; None if the event is hardly above the noise."""
    n_samples = noise.shape[1]
    onset = int(rng.uniform(*PLACE) * n_samples)
    first = round(at) - onset
    event = read_window(
        training.recording, training.stations[station], training.high_pass, first, first + n_samples
    )
    before = event[:, max(0, onset - BEFORE) : onset - GUARD]
    peak = float(np.abs(event[:, onset : onset + PEAK]).max())
    own_snr = peak / noise_level(before) if before.any() else 0.0
    snr = float(log_uniform(rng, options.reinjected_snr))
    if own_snr < MIN_WEAKENING * snr:
        return None
    return onset, noise + np.float32(snr * noise_level(noise) / peak) * event
