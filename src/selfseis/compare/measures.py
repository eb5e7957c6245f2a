"""Numbers of one picker in a comparison: threshold, false picks, stability under shifts, recall of injected onsets."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from selfseis.catalogue.records import PHASES, Phase
from selfseis.compare.blocks import ComparisonBlocks, Piece
from selfseis.compare.compared_pickers import ComparedPicker, find_with_data
from selfseis.compare.injections import InjectedWindow
from selfseis.compare.options import ComparisonOptions
from selfseis.compare.results import InjectedRecall, Kind, share_interval
from selfseis.pick.calibration import SECONDS_PER_DAY, threshold_for
from selfseis.pick.false_discovery import TargetsAndDecoys
from selfseis.pick.inference import OnsetCandidates
from selfseis.pick.model import OperatingPoint
from selfseis.pick.options import PickerOptions
from selfseis.typing import BoolArray, FloatArray
from selfseis.validation import Interval


@dataclass(frozen=True, eq=False)
class FoundOnsets:
    """Candidates of a picker in each piece: as recorded, in reversed time, and with the window shifted.

    Attributes
    ----------
    picker : ComparedPicker
        The picker.
    blocks : ComparisonBlocks
        The data.
    rate : float
        Sampling rate in Hz.
    point : OperatingPoint
        What the thresholds are chosen for.
    forward, reverse, shifted : list of OnsetCandidates
        Candidates of each piece; positions in samples after its first one, of reversed pieces after its last one.
    options, comparison : PickerOptions, ComparisonOptions
        Settings.
    """

    picker: ComparedPicker
    blocks: ComparisonBlocks
    rate: float
    point: OperatingPoint
    forward: list[OnsetCandidates]
    reverse: list[OnsetCandidates]
    shifted: list[OnsetCandidates]
    options: PickerOptions
    comparison: ComparisonOptions

    @classmethod
    def find(
        cls,
        picker: ComparedPicker,
        blocks: ComparisonBlocks,
        rate: float,
        point: OperatingPoint,
        options: PickerOptions,
        comparison: ComparisonOptions,
        progress: Callable[[int], None],
    ) -> FoundOnsets:
        """Run a picker on all pieces; progress is called with the number of pieces done."""
        margin = comparison.margin
        forward, reverse, shifted = [], [], []
        for number, piece in enumerate(blocks.pieces):
            data, by = piece.components, shift_of(piece, comparison)
            forward.append(find_with_data(picker, data, margin))
            reverse.append(find_with_data(picker, np.ascontiguousarray(data[:, ::-1]), margin))
            later = find_with_data(picker, np.ascontiguousarray(data[:, by:]), margin)
            shifted.append(OnsetCandidates(moved(later.p, by), moved(later.s, by)))
            progress(number + 1)
        return cls(picker, blocks, rate, point, forward, reverse, shifted, options, comparison)

    def onsets(self, phase: Phase) -> list[FloatArray]:
        """Return the candidates of a phase in each piece, shape (n_onsets, 2)."""
        return [of_phase(onsets, phase) for onsets in self.forward]

    def known(self, phase: Phase, pieces: Sequence[int] | None = None) -> TargetsAndDecoys:
        """Return the heights in some pieces, forward and reversed, in descending order; by default in all."""
        some = range(len(self.blocks.pieces)) if pieces is None else pieces
        targets, decoys = (
            np.sort(np.concatenate([np.zeros(0), *(of_phase(kind[n], phase)[:, 1] for n in some)]))[::-1]
            for kind in (self.forward, self.reverse)
        )
        return TargetsAndDecoys(targets, decoys, self.options.inference.min_height, self.options.calibration)

    def threshold(self, phase: Phase, pieces: Sequence[int] | None = None) -> float:
        """Return the minimum height of a pick at the operating point, measured on some pieces; by default on all."""
        known = self.known(phase, pieces)
        if self.point.false_alarms_per_day is None:
            return known.threshold(self.point.false_discovery_rate)
        some = self.blocks.pieces if pieces is None else [self.blocks.pieces[n] for n in pieces]
        days = sum(piece.n_samples for piece in some) / self.rate / SECONDS_PER_DAY
        per_day, lowest = self.point.false_alarms_per_day, known.min_height
        return threshold_for(per_day, known.decoys, days, lowest=lowest, options=self.options.calibration)

    def held_out_rate(self, phase: Phase) -> float | None:
        """Return the share of decoys among picks in each half of the blocks, at the threshold from the other half."""
        halves = [
            [n for n, piece in enumerate(self.blocks.pieces) if piece.block % 2 == half] for half in (0, 1)
        ]
        n_false, n_picks = 0, 0
        for here, other in (halves, halves[::-1]):
            threshold, known = self.threshold(phase, other), self.known(phase, here)
            n_false += int((known.decoys >= threshold).sum())
            n_picks += int((known.targets >= threshold).sum())
        return min(n_false / n_picks, 1.0) if n_picks else None

    def stability(self, phase: Phase, threshold: float, seed: int) -> tuple[Interval | None, float | None]:
        """Return the share of picks found again with the window shifted, and the deviation of their heights."""
        n_units, options = len(self.blocks.units), self.comparison
        hits, total, changes = np.zeros(n_units), np.zeros(n_units), [np.zeros(0)]
        for first, again, piece in zip(self.forward, self.shifted, self.blocks.pieces, strict=True):
            onsets = of_phase(first, phase)
            begin = shift_of(piece, options) + self.options.inference.edge
            picks = onsets[(onsets[:, 1] >= threshold) & (onsets[:, 0] >= begin)]
            height = _heights_near(picks[:, 0], of_phase(again, phase), options.same_pick)
            unit = self.blocks.unit_of(piece.first + picks[:, 0])
            hits += np.bincount(unit, height >= threshold, n_units)
            total += np.bincount(unit, minlength=n_units)
            changes.append(height - picks[:, 1])
        change = np.concatenate(changes)
        # The difference of two heights of equal variance has twice that variance.
        sd = float(np.sqrt(np.mean(change**2) / 2)) if len(change) else None
        return share_interval(hits, total, seed, options.n_bootstraps, options.error_rate), sd

    def placed(self, phase: Phase, station: int) -> FloatArray:
        """Return the candidates of a station, with positions in samples of the recording."""
        parts = [
            moved(onsets, piece.first)
            for onsets, piece in zip(self.onsets(phase), self.blocks.pieces, strict=True)
            if piece.station == station
        ]
        return np.concatenate([np.zeros((0, 2)), *parts])

    def recalls(
        self, windows: Mapping[Kind, list[InjectedWindow]], thresholds: Mapping[Phase, float]
    ) -> dict[Phase, tuple[InjectedRecall, ...]]:
        """Return the recall of injected onsets of each kind, amplitude and phase."""
        within = self.options.calibration.hit_within
        counts: dict[tuple[Phase, Kind, float], list[int]] = {}
        for kind, of_kind in windows.items():
            for window in of_kind:
                found = self.picker.find(window.components)
                for phase in PHASES:
                    onsets = of_phase(found, phase)
                    picks = onsets[onsets[:, 1] >= thresholds[phase], 0]
                    for at in window.onsets[phase]:
                        count = counts.setdefault((phase, kind, window.snr), [0, 0])
                        count[0] += bool((np.abs(picks - at) <= within).any())
                        count[1] += 1
        return {
            phase: tuple(
                InjectedRecall(kind, snr, _wilson(hits, total), total)
                for (which, kind, snr), (hits, total) in counts.items()
                if which == phase
            )
            for phase in PHASES
        }


def of_phase(onsets: OnsetCandidates, phase: Phase) -> FloatArray:
    """Return the candidates of a phase, shape (n_onsets, 2)."""
    return onsets.p if phase == "P" else onsets.s


def moved(onsets: FloatArray, by: float) -> FloatArray:
    """Return candidates, shape (n_onsets, 2), with their positions moved by some samples."""
    return np.column_stack([onsets[:, 0] + by, onsets[:, 1]])


def shift_of(piece: Piece, options: ComparisonOptions) -> int:
    """Return the samples by which the window of a piece is shifted, at most a quarter of its length."""
    return min(options.shift, piece.n_samples // 4)


def highest(heights: FloatArray, n: int) -> BoolArray:
    """Return which of some heights are among the n highest and above zero."""
    among = np.zeros(len(heights), bool)
    among[np.argsort(-heights, kind="stable")[:n]] = True
    return among & (heights > 0)


def _heights_near(at: FloatArray, onsets: FloatArray, within: float) -> FloatArray:
    """Return for each position the height of the nearest onset within a distance; zero if there is none."""
    if not len(onsets) or not len(at):
        return np.zeros(len(at))
    apart = np.abs(onsets[:, 0][None] - at[:, None])
    return np.where(apart.min(axis=1) <= within, onsets[apart.argmin(axis=1), 1], 0.0)


def _wilson(hits: int, total: int) -> Interval:
    from scipy.stats import binomtest

    limits = binomtest(hits, total).proportion_ci(method="wilson")
    return Interval(hits / total, float(limits.low), float(limits.high))
