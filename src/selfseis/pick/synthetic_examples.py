"""What the picker learns from: synthetic onsets in the user's noise, and what the array itself has taught."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from selfseis.pick.noise_windows import NoiseBank
from selfseis.pick.pseudo_labels import PseudoLabels, add_label
from selfseis.simulate.disturbances import add_disturbance, clip_window
from selfseis.simulate.onsets import OnsetBank, OnsetPrior, add_event
from selfseis.typing import Float32Array, IndexArray

Example = tuple[Float32Array, Float32Array, Float32Array]  # window, label, weight
NUMBERS_OF_EVENTS, THEIR_SHARES = (0, 1, 2, 3), (0.25, 0.5, 0.18, 0.07)
DISTURBED = 0.3  # share of synthetic windows with disturbances
ONE_COMPONENT_LESS = 0.15
CLIPPED = 0.03
INTERRUPTED = 0.15
AGREED_SHARE, REFUTED_SHARE = 0.5, 0.2  # of all examples, once the array has taught something
SMALLER_SHARE = 0.5  # of the agreed events
SMALLER_SNR = (1.5, 25.0)  # largest sample of a P made smaller, in noise levels


@dataclass(frozen=True, eq=False)
class Examples:
    """Windows with their labels.

    Attributes
    ----------
    windows : ndarray, shape (n, 3, n_samples)
        East, north, vertical.
    labels : ndarray, shape (n, 2, n_samples)
        How probably an onset of P and of S is at a sample.
    weights : ndarray, shape (n, 1, n_samples)
        Zero where nobody knows.
    """

    windows: Float32Array
    labels: Float32Array
    weights: Float32Array


@dataclass(frozen=True)
class ExampleMaker:
    """Draws examples.

    Attributes
    ----------
    noise : NoiseBank
        The user's noise.
    prior : OnsetPrior
        What is assumed of arrivals.
    bank : OnsetBank
        Wavelets.
    lesson : Lesson or None
        What the array has taught so far.
    """

    noise: NoiseBank
    prior: OnsetPrior
    bank: OnsetBank
    pseudo_labels: PseudoLabels | None = None

    @property
    def n_samples(self) -> int:
        """Samples of a window."""
        return self.noise.windows.shape[2]

    def draw(self, rng: np.random.Generator, n: int) -> Examples:
        """Draw examples of all kinds, in visible noise."""
        makers = (self._synthetic, self._agreed, self._refuted)
        kinds = rng.choice(3, n, p=self._shares())
        drawn = [makers[kind](rng) for kind in kinds]
        for window, label, _ in drawn:
            if rng.random() < INTERRUPTED:
                _interrupt(window, label, rng)
        windows, labels, weights = zip(*drawn, strict=True)
        return Examples(np.stack(windows), np.stack(labels), np.stack(weights))

    def synthetic(self, rng: np.random.Generator, n: int, *, hidden: bool) -> Examples:
        """Draw synthetic examples, in noise that is hidden or visible."""
        among = self.noise.hidden if hidden else self.noise.visible
        windows, labels, weights = zip(*(self._synthetic(rng, among) for _ in range(n)), strict=True)
        return Examples(np.stack(windows), np.stack(labels), np.stack(weights))

    def _shares(self) -> tuple[float, float, float]:
        if self.pseudo_labels is None:
            return 1.0, 0.0, 0.0
        negatives = REFUTED_SHARE if len(self.pseudo_labels.windows) > self.pseudo_labels.n_agreed else 0.0
        return 1.0 - AGREED_SHARE - negatives, AGREED_SHARE, negatives

    def _agreed(self, rng: np.random.Generator) -> Example:
        """Draw a window about an agreed event, as it is or made smaller in other noise."""
        assert self.pseudo_labels is not None
        number = int(rng.integers(self.pseudo_labels.n_agreed))
        middle, delay = self.pseudo_labels.windows.shape[2] // 2, int(self.pseudo_labels.s_minus_p[number])
        about = middle if rng.random() < 0.8 else middle + delay
        first = self._first(about - int(rng.integers(60, self.n_samples - 100)))
        window, label, weight = self._cut(number, first)
        if rng.random() < SMALLER_SHARE:
            window, label, weight = self._smaller((window, label, weight), middle - first, delay, rng)
        return varied(window, rng, turned=False), label, weight

    def _refuted(self, rng: np.random.Generator) -> Example:
        """Draw a window about a pick that nothing supports; now and then with an onset elsewhere."""
        assert self.pseudo_labels is not None
        number = int(rng.integers(self.pseudo_labels.n_agreed, len(self.pseudo_labels.windows)))
        middle = self.pseudo_labels.windows.shape[2] // 2
        first = self._first(middle - int(rng.integers(200, self.n_samples - 200)))
        window, label, weight = self._cut(number, first)
        if rng.random() < 0.3:
            self._add_event(window, label, weight, rng)
        return varied(window, rng, turned=False), label, weight

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

    def _smaller(self, example: Example, p: int, delay: int, rng: np.random.Generator) -> Example:
        """Scale a real event down and put it into other noise, in which its neighbours are not to be seen."""
        window, label, weight = example
        chosen = rng.choice(self.noise.visible)
        noise = self.noise.windows[chosen]
        here = noise_level(noise)
        before = window[:, max(0, p - 800) : max(0, p - 50)]
        there = noise_level(before if before.shape[1] >= 100 else window)
        peak = float(np.abs(window[:, max(0, p) : max(0, p) + 200]).max(initial=1e-30))
        ratio = float(np.exp(rng.uniform(*np.log(SMALLER_SNR)))) * here / peak
        own = np.zeros_like(label)
        add_label(own[0], p)
        if label[1, np.clip(p + delay, 0, self.n_samples - 1)] > 0.5:
            add_label(own[1], p + delay)
        unknown = ((label - own).max(axis=0) > 0.05) | (weight[0] == 0) | ~self.noise.surely_noise[chosen]
        weight = np.where(unknown & (own.max(axis=0) < 0.05), np.float32(0), np.float32(1))[None]
        return noise + np.float32(min(ratio, here / there)) * window, own, weight

    def _add_event(
        self, window: Float32Array, label: Float32Array, weight: Float32Array, rng: np.random.Generator
    ) -> None:
        onsets = add_event(window, noise_level(window), self.prior, self.bank, rng)
        for row, onset in zip(label, (onsets.p, onsets.s), strict=True):
            add_label(row, onset)
            weight[:, max(0, onset - 60) : max(0, onset + 60)] = 1

    def _synthetic(self, rng: np.random.Generator, among: IndexArray | None = None) -> Example:
        among = self.noise.visible if among is None else among
        window, weights = self._background(rng, among)
        level = noise_level(window)
        labels = np.zeros((2, self.n_samples), np.float32)
        for _ in range(rng.choice(NUMBERS_OF_EVENTS, p=THEIR_SHARES)):
            self._add_event(window, labels, weights, rng)
        if rng.random() < DISTURBED:
            for _ in range(rng.integers(1, 4)):
                add_disturbance(window, level, rng)
        return varied(window, rng), labels, weights

    def _background(self, rng: np.random.Generator, among: IndexArray) -> tuple[Float32Array, Float32Array]:
        number = rng.choice(among)
        window, surely = self.noise.windows[number].copy(), self.noise.surely_noise[number]
        if rng.random() < 0.3:
            other = rng.choice(among)
            window += np.float32(rng.uniform(0, 1)) * self.noise.windows[other]
            surely = surely & self.noise.surely_noise[other]
        return window, surely.astype(np.float32)[None]


def noise_level(window: Float32Array) -> float:
    """Return the noise level of a window, robust to what stands out; the loudest component's."""
    return float(np.median(np.abs(window), axis=1).max() * 1.4826) or 1.0


def varied(window: Float32Array, rng: np.random.Generator, *, turned: bool = True) -> Float32Array:
    """Turn a window about the vertical, flip it, take components away, clip it: what is still the same event."""
    angle = rng.uniform(0, 2 * np.pi)
    if turned and window[:2].any(axis=1).all():
        turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]], np.float32)
        window[:2] = turn @ window[:2]
    if rng.random() < ONE_COMPONENT_LESS:
        window[rng.choice(3, rng.integers(1, 3), replace=False)] = 0
    if rng.random() < CLIPPED:
        clip_window(window, rng)
    return window * np.float32(rng.choice((-1, 1)))


def _interrupt(window: Float32Array, label: Float32Array, rng: np.random.Generator) -> None:
    """Put a gap into a window, often at one of its ends: that data begin again is no onset."""
    n_samples = window.shape[1]
    length = int(rng.integers(n_samples // 20, n_samples // 2))
    first = int(rng.choice((0, n_samples - length, rng.integers(n_samples - length))))
    window[:, first : first + length] = 0
    label[:, first : first + length] = 0
