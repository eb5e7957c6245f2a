"""The share of false picks at each height, from picks of the recording and of the recording reversed in time.

Targets are picks of the recording, decoys those of the same pieces in reversed time. A decoy is never an onset: its
energy ends abruptly instead of beginning so. As many false picks are expected among the targets as there are decoys of
the same height. This gives the false-discovery rate above a height (Elias & Gygi, 2007, doi:10.1038/nmeth1019) and,
from its slope, the probability that a single pick is true (local false-discovery rate; Efron et al., 2001,
doi:10.1198/016214501753382129). No label and no second station is needed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from selfseis.catalogue.records import PHASES, Phase
from selfseis.pick.calibration import SECONDS_PER_DAY, FalsePickTail
from selfseis.pick.inference import Annotator, onsets_of
from selfseis.pick.options import CalibrationOptions
from selfseis.typing import Float32Array, FloatArray

_SLOPE = 1e-3  # ranks picks of one step; too small to be read as a probability


@dataclass(frozen=True, eq=False)
class TargetsAndDecoys:
    """Heights of the picks of one phase, in descending order.

    Attributes
    ----------
    targets : ndarray, shape (n_targets,)
        Of the recording.
    decoys : ndarray, shape (n_decoys,)
        Of the same pieces of the recording in reversed time.
    min_height : float
        Height of the lowest pick that was looked for.
    options : CalibrationOptions
        Extrapolation beyond the highest decoys.
    """

    targets: FloatArray
    decoys: FloatArray
    min_height: float
    options: CalibrationOptions = CalibrationOptions()

    def expected_false(self, height: FloatArray | float) -> FloatArray:
        """Return the expected number of false targets of at least a height.

        It is the number of such decoys, but at least what the tail of the 20 highest gives: a height that no decoy
        reached is not free of false picks. Where there is no decoy at all, one of the minimum height is assumed, so
        that a short record without any does not make every pick true.
        """
        height = np.asarray(height, float)
        decoys = self.decoys if len(self.decoys) else np.array([self.min_height])
        tail = FalsePickTail.of(decoys, self.options)
        counted = np.searchsorted(-decoys, -height, side="right")
        return np.where(counted < tail.n_picks, np.maximum(tail.number_above(height), counted), counted)

    def false_discovery_rate(self, height: FloatArray | float) -> FloatArray:
        """Return the expected share of false picks among the targets of at least a height, at most 1."""
        n_targets = np.searchsorted(-self.targets, -np.asarray(height, float), side="right")
        return np.minimum(self.expected_false(height) / np.maximum(n_targets, 1), 1.0)

    def threshold(self, max_rate: float) -> float:
        """Return the minimum height at which the false-discovery rate stays within a limit; infinite if at none.

        Picks that are almost surely false are left out even where the picks above them are true often enough to pay
        for them.
        """
        worth = np.interp(self.targets, *self.probability_knots()) >= self.options.min_probability
        within = np.flatnonzero(worth & (self.false_discovery_rate(self.targets) <= max_rate))
        return float(self.targets[within[-1]]) if len(within) else float("inf")

    def probability_knots(self) -> tuple[FloatArray, FloatArray]:
        """Return ascending heights and the probability that a pick of this height is true.

        The local false-discovery rate is the increase of the expected number of false picks from one target to the
        next lower one; isotonic regression makes it fall with the height. The probability is constant between its
        steps but for a slope of a thousandth, so that of two picks the higher one is always the more probable.
        """
        from sklearn.isotonic import IsotonicRegression

        if not len(self.targets):
            return np.array([0.0, 1.0]), np.array([0.0, 0.0])
        increase = np.diff(self.expected_false(self.targets), prepend=0.0)
        local = IsotonicRegression(y_min=0.0, y_max=1.0).fit_transform(np.arange(len(increase)), increase)
        heights, first = np.unique(self.targets[::-1], return_index=True)
        probability = np.minimum(1 - local[::-1][first], self.options.max_probability)
        heights = np.concatenate([[0.0], heights, [1.0]])
        probability = np.concatenate([[0.0], probability, probability[-1:]])
        return heights, (1 - _SLOPE) * probability + _SLOPE * heights


@dataclass(frozen=True, eq=False)
class FalseDiscovery:
    """Targets and decoys of P and S in the same pieces of a recording.

    Attributes
    ----------
    phases : dict of str to TargetsAndDecoys
        Heights of each phase.
    days : float
        Station-days of the pieces.
    """

    phases: Mapping[Phase, TargetsAndDecoys]
    days: float

    def is_extrapolated(self, false_alarms_per_day: float) -> bool:
        """Return whether a rate of false alarms is too low to be counted in these pieces."""
        return false_alarms_per_day * self.days < self.phases["P"].options.min_counted

    def to_dict(self) -> dict[str, Any]:
        """Return a dictionary for JSON."""
        return {
            "days": self.days,
            "min_height": self.phases["P"].min_height,
            "phases": {
                phase: {"targets": known.targets.tolist(), "decoys": known.decoys.tolist()}
                for phase, known in self.phases.items()
            },
        }

    @classmethod
    def from_dict(
        cls, content: Mapping[str, Any], options: CalibrationOptions = CalibrationOptions()
    ) -> Self:
        """Read back what `to_dict` wrote.

        Raises
        ------
        KeyError, ValueError, TypeError
            If the content has another form.
        """
        phases: dict[Phase, TargetsAndDecoys] = {}
        for phase in PHASES:
            of_phase = content["phases"][phase]
            targets, decoys = (_heights(of_phase[kind]) for kind in ("targets", "decoys"))
            phases[phase] = TargetsAndDecoys(targets, decoys, float(content["min_height"]), options)
        return cls(phases, float(content["days"]))


def _heights(stored: list[float]) -> FloatArray:
    heights = np.array(stored, np.float64)
    if not np.all((heights >= 0) & (heights <= 1)) or np.any(np.diff(heights) > 0):
        raise ValueError("heights of picks do not fall from 1 to 0")
    return heights


def measure_false_discovery(
    annotator: Annotator, pieces: Iterable[Float32Array], rate: float, options: CalibrationOptions
) -> FalseDiscovery:
    """Pick pieces of a recording forwards and in reversed time.

    Parameters
    ----------
    annotator : Annotator
        Inference with the network.
    pieces : iterable of ndarray, shape (3, n_samples)
        East, north and vertical, filtered.
    rate : float
        Sampling rate in Hz.
    options : CalibrationOptions
        Number of heights that are kept.
    """
    found: dict[Phase, tuple[list[FloatArray], list[FloatArray]]] = {phase: ([], []) for phase in PHASES}
    n_samples = 0
    for piece in pieces:
        n_samples += piece.shape[1]
        for kind, samples in enumerate((piece, np.ascontiguousarray(piece[:, ::-1]))):
            onsets = onsets_of(annotator.probabilities(samples), annotator.options)
            for phase, (_, heights) in zip(PHASES, onsets, strict=True):
                found[phase][kind].append(heights)

    def highest(parts: list[FloatArray]) -> FloatArray:
        # Rounded as in the stored model: a loaded picker has the same threshold to the last digit.
        return np.round(np.sort(np.concatenate([np.zeros(0), *parts]))[::-1][: options.max_kept], 6)

    lowest = annotator.options.min_height
    return FalseDiscovery(
        {
            phase: TargetsAndDecoys(highest(targets), highest(decoys), lowest, options)
            for phase, (targets, decoys) in found.items()
        },
        n_samples / rate / SECONDS_PER_DAY,
    )
