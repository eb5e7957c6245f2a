"""Trials with known truth: onsets put into hidden noise, and data in which there can be none.

Noise has no direction of time, as a rule; an onset has one: it begins abruptly and fades. What is picked in data that
run backwards, with all their bursts and with reversed events, is false. It needs no quiet times, which may hold
events too small for anybody to see, and as many data as there are.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from selfseis.pick.annotate import Annotator
from selfseis.pick.calibration import Measured, threshold_for
from selfseis.pick.examples import ExampleMaker
from selfseis.pick.found import APART, LOWEST
from selfseis.pick.picks import PHASES, Phase, peaks_of

Samples = NDArray[np.float32]
Values = NDArray[np.float64]

N_TRIALS = 400
NEAR = 50  # samples within which a pick is that of an onset: 0.5 s at 100 Hz
SECONDS_A_DAY = 86400
FEWEST_COUNTED = 10  # false picks below which a rate is extrapolated
MOST_KEPT = 2000  # false picks that a saved picker remembers, for each phase


@dataclass(frozen=True, eq=False)
class Trials:
    """What a picker did where the truth is known.

    Attributes
    ----------
    measured : dict of str to Measured
        Picks of P and of S, at onsets and elsewhere.
    n_onsets : dict of str to int
        Onsets that were put in.
    """

    measured: dict[Phase, Measured]
    n_onsets: dict[Phase, int]

    @property
    def counts(self) -> dict[Phase, dict[str, int]]:
        """How many onsets were put in, and how many of them were picked."""
        return {
            phase: {"number": n, "picked": len(self.measured[phase].hits)}
            for phase, n in self.n_onsets.items()
        }


def run_trials(annotator: Annotator, maker: ExampleMaker, rate: float, seed: int) -> Trials:
    """Put onsets into hidden noise, and see what is picked.

    Parameters
    ----------
    annotator : Annotator
        Runs the network.
    maker : ExampleMaker
        Makes windows with onsets.
    rate : float
        Sampling rate in Hz.
    seed : int
        Seed of the onsets.
    """
    examples = maker.synthetic(np.random.default_rng([seed, 7]), N_TRIALS, hidden=True)
    kinds = ("hits", "residual_s", "false")
    known: dict[Phase, dict[str, list[Values]]] = {phase: {kind: [] for kind in kinds} for phase in PHASES}
    n_onsets = dict.fromkeys(PHASES, 0)
    for window, labels in zip(examples.windows, examples.labels, strict=True):
        for phase, label, (at, height) in zip(PHASES, labels, _picked(annotator, window), strict=True):
            truth, _ = peaks_of(label, 0.99, 1)
            n_onsets[phase] += len(truth)
            residual = at[:, None] - truth
            nearest = np.abs(residual).argmin(axis=1) if len(truth) else np.zeros(len(at), int)
            off = residual[np.arange(len(at)), nearest] if len(truth) else np.full(len(at), np.inf)
            hit = np.abs(off) <= NEAR
            known[phase]["hits"].append(height[hit])
            known[phase]["residual_s"].append(off[hit] / rate)
            known[phase]["false"].append(height[~hit])
    measured = {
        phase: Measured(*(np.concatenate(values[kind]) for kind in kinds))  # type: ignore[arg-type]
        for phase, values in known.items()
    }
    return Trials(measured, n_onsets)


@dataclass(frozen=True, eq=False)
class FalsePicks:
    """Picks in data that run backwards.

    Attributes
    ----------
    heights : dict of str to ndarray
        For each phase, the highest first.
    days : float
        Station-days of these data.
    """

    heights: dict[Phase, Values]
    days: float

    def threshold(self, phase: Phase, per_day: float) -> float:
        """Return the height that false picks reach at a rate per day and station."""
        return threshold_for(per_day, self.heights[phase], self.days, lowest=LOWEST)

    def is_extrapolated(self, per_day: float) -> bool:
        """Whether a rate is too low to be counted."""
        return per_day * self.days < FEWEST_COUNTED

    def to_dict(self) -> dict[str, Any]:
        """Return what JSON can hold: the highest of them."""
        kept = {phase: np.round(heights[:MOST_KEPT], 6).tolist() for phase, heights in self.heights.items()}
        return {"days": self.days, "heights": kept}

    @classmethod
    def from_dict(cls, content: dict[str, Any]) -> FalsePicks:
        """Return the picks that `to_dict` described."""
        heights = {phase: np.array(content["heights"][phase], np.float64) for phase in PHASES}
        return cls(heights, float(content["days"]))


def false_picks(annotator: Annotator, windows: Iterable[Samples], rate: float) -> FalsePicks:
    """Pick windows that run backwards.

    Parameters
    ----------
    annotator : Annotator
        Runs the network.
    windows : iterable of ndarray, shape (3, n_samples)
        East, north and vertical, filtered.
    rate : float
        Sampling rate in Hz.
    """
    heights: dict[Phase, list[Values]] = {phase: [np.zeros(0)] for phase in PHASES}
    n_samples = 0
    for window in windows:
        n_samples += window.shape[1]
        backwards = np.ascontiguousarray(window[:, ::-1])
        for phase, (_, height) in zip(PHASES, _picked(annotator, backwards), strict=True):
            heights[phase].append(height)
    falling = {phase: np.sort(np.concatenate(h))[::-1] for phase, h in heights.items()}
    return FalsePicks(falling, n_samples / rate / SECONDS_A_DAY)


def _picked(annotator: Annotator, window: Samples) -> Iterator[tuple[Values, Values]]:
    for probability in annotator.probabilities(window):
        yield peaks_of(probability, LOWEST, APART)
