"""Training examples: synthetic onsets in the recording's own noise, and pseudo-labelled windows."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from selfseis.pick.noise_windows import NoiseBank
from selfseis.pick.options import ExampleOptions
from selfseis.pick.pseudo_labels import PseudoLabels, add_label
from selfseis.simulate.disturbances import add_disturbance, clip_window
from selfseis.simulate.onsets import OnsetBank, OnsetPrior, add_event
from selfseis.typing import Float32Array, IndexArray

Example = tuple[Float32Array, Float32Array, Float32Array]  # window, label, weight


@dataclass(frozen=True, eq=False)
class Examples:
    """Windows with labels and weights.

    Attributes
    ----------
    windows : ndarray, shape (n, 3, n_samples)
        East, north, vertical.
    labels : ndarray, shape (n, 2, n_samples)
        Probability of an onset of P and of S at each sample.
    weights : ndarray, shape (n, 1, n_samples)
        Zero at ignored samples, one elsewhere.
    """

    windows: Float32Array
    labels: Float32Array
    weights: Float32Array


@dataclass(frozen=True)
class ExampleMaker:
    """Source of random training examples.

    Attributes
    ----------
    noise : NoiseBank
        Noise windows of the recording.
    prior : OnsetPrior
        Prior distribution of arrivals.
    bank : OnsetBank
        Wavelets.
    options : ExampleOptions
        Shares of the kinds of examples.
    pseudo_labels : PseudoLabels or None
        Windows with labels from the consensus; None in the first stage.
    """

    noise: NoiseBank
    prior: OnsetPrior
    bank: OnsetBank
    options: ExampleOptions = ExampleOptions()
    pseudo_labels: PseudoLabels | None = None

    @property
    def n_samples(self) -> int:
        """Samples of a window."""
        return self.noise.windows.shape[2]

    def draw(self, rng: np.random.Generator, n: int) -> Examples:
        """Draw examples of all kinds, in training noise."""
        makers = (self._synthetic, self._positive, self._negative)
        kinds = rng.choice(3, n, p=self._shares())
        drawn = [makers[kind](rng) for kind in kinds]
        for window, label, _ in drawn:
            if rng.random() < self.options.gap_share:
                add_gap(window, label, rng)
        windows, labels, weights = zip(*drawn, strict=True)
        return Examples(np.stack(windows), np.stack(labels), np.stack(weights))

    def synthetic(self, rng: np.random.Generator, n: int, *, held_out: bool) -> Examples:
        """Draw synthetic examples in held-out noise or in training noise."""
        among = self.noise.held_out if held_out else self.noise.training
        windows, labels, weights = zip(*(self._synthetic(rng, among) for _ in range(n)), strict=True)
        return Examples(np.stack(windows), np.stack(labels), np.stack(weights))

    def _shares(self) -> tuple[float, float, float]:
        if self.pseudo_labels is None:
            return 1.0, 0.0, 0.0
        has_negatives = len(self.pseudo_labels.windows) > self.pseudo_labels.n_positives
        positives = self.options.positive_share
        negatives = self.options.negative_share if has_negatives else 0.0
        return 1.0 - positives - negatives, positives, negatives

    def _positive(self, rng: np.random.Generator) -> Example:
        """Draw a window around a positive, unchanged or scaled down in other noise."""
        assert self.pseudo_labels is not None
        number = int(rng.integers(self.pseudo_labels.n_positives))
        middle, delay = self.pseudo_labels.windows.shape[2] // 2, int(self.pseudo_labels.s_minus_p[number])
        about = middle if rng.random() < 1 - self.options.s_share else middle + delay
        first = self._first(about - int(rng.integers(60, self.n_samples - 100)))
        window, label, weight = self._cut(number, first)
        if rng.random() < self.options.scaled_share:
            window, label, weight = self._scaled_down((window, label, weight), middle - first, delay, rng)
        return varied(window, rng, self.options, turned=False), label, weight

    def _negative(self, rng: np.random.Generator) -> Example:
        """Draw a window around a negative, sometimes with a synthetic event added."""
        assert self.pseudo_labels is not None
        number = int(rng.integers(self.pseudo_labels.n_positives, len(self.pseudo_labels.windows)))
        middle = self.pseudo_labels.windows.shape[2] // 2
        first = self._first(middle - int(rng.integers(200, self.n_samples - 200)))
        window, label, weight = self._cut(number, first)
        if rng.random() < self.options.negative_event_share:
            self._add_event(window, label, weight, rng)
        return varied(window, rng, self.options, turned=False), label, weight

    def _first(self, first: int) -> int:
        assert self.pseudo_labels is not None
        return int(np.clip(first, 0, self.pseudo_labels.windows.shape[2] - self.n_samples))

    def _cut(self, number: int, first: int) -> Example:
        assert self.pseudo_labels is not None
        part = slice(first, first + self.n_samples)
        return (
            self.pseudo_labels.windows[number, :, part].copy(),
            self.pseudo_labels.labels[number, :, part].astype(np.float32),
            self.pseudo_labels.weights[number, :, part].astype(np.float32),
        )

    def _scaled_down(self, example: Example, p: int, delay: int, rng: np.random.Generator) -> Example:
        """Scale a real event down and add it to other noise; samples of neighbouring events are ignored."""
        window, label, weight = example
        chosen = rng.choice(self.noise.training)
        noise = self.noise.windows[chosen]
        new_level = noise_level(noise)
        before = window[:, max(0, p - 800) : max(0, p - 50)]
        old_level = noise_level(before if before.shape[1] >= 100 else window)
        peak = float(np.abs(window[:, max(0, p) : max(0, p) + 200]).max(initial=1e-30))
        ratio = float(np.exp(rng.uniform(*np.log(self.options.scaled_snr)))) * new_level / peak
        own = np.zeros_like(label)
        add_label(own[0], p, self.options.label_sd)
        if label[1, np.clip(p + delay, 0, self.n_samples - 1)] > 0.5:
            add_label(own[1], p + delay, self.options.label_sd)
        unknown = ((label - own).max(axis=0) > 0.05) | (weight[0] == 0) | ~self.noise.is_noise[chosen]
        weight = np.where(unknown & (own.max(axis=0) < 0.05), np.float32(0), np.float32(1))[None]
        return noise + np.float32(min(ratio, new_level / old_level)) * window, own, weight

    def _add_event(
        self, window: Float32Array, label: Float32Array, weight: Float32Array, rng: np.random.Generator
    ) -> None:
        onsets = add_event(window, noise_level(window), self.prior, self.bank, rng)
        for row, of_phase in zip(label, onsets.of_phases, strict=True):
            for onset in of_phase:
                add_label(row, onset, self.options.label_sd)
                weight[:, max(0, onset - 60) : max(0, onset + 60)] = 1

    def _synthetic(self, rng: np.random.Generator, among: IndexArray | None = None) -> Example:
        among = self.noise.training if among is None else among
        window, weights = self._background(rng, among)
        level = noise_level(window)
        labels = np.zeros((2, self.n_samples), np.float32)
        shares = self.options.n_events_shares
        for _ in range(rng.choice(len(shares), p=shares)):
            self._add_event(window, labels, weights, rng)
        if rng.random() < self.options.disturbed_share:
            for _ in range(rng.integers(1, 4)):
                add_disturbance(window, level, rng)
        return varied(window, rng, self.options), labels, weights

    def _background(self, rng: np.random.Generator, among: IndexArray) -> tuple[Float32Array, Float32Array]:
        number = rng.choice(among)
        window, is_noise = self.noise.windows[number].copy(), self.noise.is_noise[number]
        if rng.random() < self.options.mixed_share:
            other = rng.choice(among)
            window += np.float32(rng.uniform(0, 1)) * self.noise.windows[other]
            is_noise = is_noise & self.noise.is_noise[other]
        return window, is_noise.astype(np.float32)[None]


def noise_level(window: Float32Array) -> float:
    """Return the robust noise level of a window: that of its component with the strongest noise."""
    return float(np.median(np.abs(window), axis=1).max() * 1.4826) or 1.0


def varied(
    window: Float32Array, rng: np.random.Generator, options: ExampleOptions, *, turned: bool = True
) -> Float32Array:
    """Augment a window: rotate it about the vertical, remove components, clip it, reverse its polarity."""
    angle = rng.uniform(0, 2 * np.pi)
    if turned and window[:2].any(axis=1).all():
        turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]], np.float32)
        window[:2] = turn @ window[:2]
    if rng.random() < options.missing_component_share:
        window[rng.choice(3, rng.integers(1, 3), replace=False)] = 0
    if rng.random() < options.clipped_share:
        clip_window(window, rng)
    return window * np.float32(rng.choice((-1, 1)))


def add_gap(window: Float32Array, label: Float32Array, rng: np.random.Generator) -> None:
    """Add a gap to a window, often at one of its ends: the return of data is not an onset."""
    n_samples = window.shape[1]
    length = int(rng.integers(n_samples // 20, n_samples // 2))
    first = int(rng.choice((0, n_samples - length, rng.integers(n_samples - length))))
    window[:, first : first + length] = 0
    label[:, first : first + length] = 0
