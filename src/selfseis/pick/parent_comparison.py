"""Held-out comparison of an adapted network with its parent, for P and S apart, without labels.

Three signs count for each phase. The number of true picks, at a fixed false-discovery rate of picks in reversed time,
must not fall. Among equal numbers of picks, other stations must confirm no fewer; a single station instead recovers
weakened copies of the strong events of the parent. Most picks of the parent must remain. The adapted network is
preferred if one of the gains is certain and no loss is likely.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Self

import numpy as np
from torch import nn

from selfseis.catalogue.records import PHASES, Phase
from selfseis.consensus.agreement import Consensus
from selfseis.pick.evaluate import confirmed, counted_stations, in_equal_numbers
from selfseis.pick.false_discovery import TargetsAndDecoys
from selfseis.pick.inference import Annotator, NetworkDetector, OnsetCandidates, onsets_of
from selfseis.pick.noise_windows import read_window
from selfseis.pick.options import AdaptationOptions, CalibrationOptions
from selfseis.pick.reinjection import Reinjections
from selfseis.pick.self_training import SelfTraining
from selfseis.pick.time_split import Spans
from selfseis.typing import FloatArray
from selfseis.validation import BlockScores, Interval, bootstrap_skill
from selfseis.validation.scores import interval

REVERSED = "true picks by the count in reversed time"
STATIONS = "picks that other stations confirm"
REINJECTED = "recovered copies of strong events"


@dataclass(frozen=True)
class PhaseComparison:
    """Comparison of one phase.

    Attributes
    ----------
    picks : int
        Picks of the parent at held-out times that were compared.
    agreement : float
        Share of them that are among as many highest picks of the child.
    gains : dict of str to Interval
        Difference of child and parent per pick of the parent, by kind of evidence.
    """

    picks: int
    agreement: float
    gains: Mapping[str, Interval]

    def to_dict(self) -> dict[str, Any]:
        """Return a dictionary for JSON."""
        gains = {kind: gain.to_dict() for kind, gain in self.gains.items()}
        return {"picks": self.picks, "agreement": self.agreement, "gains": gains}

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> Self:
        """Read back what `to_dict` wrote."""
        gains = {kind: Interval(**gain) for kind, gain in content["gains"].items()}
        return cls(int(content["picks"]), float(content["agreement"]), gains)

    def objection(self, phase: Phase, options: AdaptationOptions) -> str:
        """Return why the child must not replace the parent; empty if nothing speaks against it."""
        is_changed = self.picks >= options.min_picks and self.agreement < options.min_agreement
        if is_changed and not self.is_better:
            return f"only {self.agreement:.0%} of the {phase} picks of the parent remain"
        for kind, gain in self.gains.items():
            if gain.value < -options.max_loss:
                return f"the {kind} of {phase} change by {_percent(gain)}"
        return ""

    @property
    def is_better(self) -> bool:
        """Whether a gain is certain."""
        return any(gain.low > 0 for gain in self.gains.values())

    def __str__(self) -> str:
        return "; ".join(f"{kind} {_percent(gain)}" for kind, gain in self.gains.items())


def _percent(gain: Interval) -> str:
    return f"{gain.value:+.0%} ({gain.low:+.0%} to {gain.high:+.0%})"


@dataclass(frozen=True, eq=False)
class _Found:
    """What one network finds: candidates of each station, and all picks at held-out times, by phase.

    Targets and decoys have the shape (n_picks, 2): position in samples, and height.
    """

    candidates: list[OnsetCandidates]
    targets: dict[Phase, FloatArray]
    decoys: dict[Phase, FloatArray]


@dataclass(frozen=True, eq=False)
class ParentComparison:
    """Comparison on the held-out times of a recording.

    Attributes
    ----------
    training : SelfTraining
        The recording, its stations, filter and noise.
    spans : list of (int, int)
        Held-out times in samples.
    options : AdaptationOptions
        Which gains and losses count.
    """

    training: SelfTraining
    spans: Spans
    options: AdaptationOptions

    def compare(self, parent: nn.Module, child: nn.Module) -> dict[Phase, PhaseComparison]:
        """Compare two networks.

        Parameters
        ----------
        parent, child : nn.Module
            The networks.

        Returns
        -------
        dict of str to PhaseComparison
            For P and S.
        """
        blocks = self.blocks
        found = [self._find(net) for net in (parent, child)]
        evidence = [self._reversed(found, phase, blocks) for phase in PHASES]
        others = self._other_evidence(parent, child, found, blocks)
        compared: dict[Phase, PhaseComparison] = {}
        for phase, in_reversed in zip(PHASES, evidence, strict=True):
            gains = {}
            for kind, scores in ({REVERSED: in_reversed} | others[phase]).items():
                gain = self._gain(*scores)
                if gain is not None:
                    gains[kind] = gain
            n_picks, agreement = self._agreement(found, phase)
            compared[phase] = PhaseComparison(n_picks, agreement, gains)
        return compared

    @property
    def blocks(self) -> Spans:
        """Held-out times, cut into about equal parts."""
        total = sum(last - first for first, last in self.spans)
        length = max(1, -(-total // self.options.n_blocks))
        cut = [
            np.linspace(first, last, max(1, round((last - first) / length)) + 1).astype(int)
            for first, last in self.spans
        ]
        return [(int(a), int(b)) for edges in cut for a, b in pairwise(edges)]

    def _annotator(self, net: nn.Module) -> Annotator:
        training = self.training
        n_samples = int(getattr(net, "n_samples", training.maker.n_samples))
        return Annotator(net, training.high_pass, n_samples, training.options.inference)

    def _find(self, net: nn.Module) -> _Found:
        training, annotator = self.training, self._annotator(net)
        candidates = NetworkDetector(annotator).find(training.recording, training.stations)
        inside = [onsets.within(self.spans) for onsets in candidates]
        targets = {phase: np.concatenate([getattr(o, phase.lower()) for o in inside]) for phase in PHASES}
        decoys: dict[Phase, list[FloatArray]] = {phase: [np.zeros((0, 2))] for phase in PHASES}
        for first, last in self._pieces():
            for station in training.stations:
                window = read_window(training.recording, station, training.high_pass, first, last)
                probability = annotator.probabilities(np.ascontiguousarray(window[:, ::-1]))
                for phase, (at, height) in zip(
                    PHASES, onsets_of(probability, annotator.options), strict=True
                ):
                    decoys[phase].append(np.column_stack([last - 1 - at, height]))
        return _Found(candidates, targets, {phase: np.concatenate(of) for phase, of in decoys.items()})

    def _pieces(self) -> Spans:
        """Held-out times, cut into parts that fit into memory."""
        length = self.training.options.calibration.windows_per_piece * self.training.maker.n_samples
        return [
            (begin, min(begin + length, last))
            for first, last in self.spans
            for begin in range(first, last, length)
        ]

    def _threshold(self, found: _Found, phase: Phase) -> float:
        """Return the height at which the false-discovery rate is that of the options; infinite if it never is."""
        lowest = self.training.options.inference.min_height
        options: CalibrationOptions = self.training.options.calibration
        targets, decoys = (np.sort(picks[phase][:, 1])[::-1] for picks in (found.targets, found.decoys))
        return TargetsAndDecoys(targets, decoys, lowest, options).threshold(self.options.max_false_share)

    def _reversed(
        self, found: list[_Found], phase: Phase, blocks: Spans
    ) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Return true picks of parent and child in each block, and picks of the parent."""
        edges = np.array(blocks, float)
        counts = []
        for of_net in found:
            threshold = self._threshold(of_net, phase)
            above = [picks[phase][:, 1] >= threshold for picks in (of_net.targets, of_net.decoys)]
            counts.append(
                [
                    _counted(picks[phase][kept, 0], edges)
                    for picks, kept in zip((of_net.targets, of_net.decoys), above, strict=True)
                ]
            )
        true = [targets - decoys for targets, decoys in counts]
        return true[0], true[1], counts[0][0]

    def _other_evidence(
        self, parent: nn.Module, child: nn.Module, found: list[_Found], blocks: Spans
    ) -> dict[Phase, dict[str, tuple[FloatArray, FloatArray, FloatArray]]]:
        if len({station.site for station in self.training.stations}) > 1:
            return {phase: {STATIONS: scores} for phase, scores in self._confirmed(found, blocks).items()}
        strong = {phase: max(self.options.min_height, self._threshold(found[0], phase)) for phase in PHASES}
        events = Reinjections.of(self.training, found[0].candidates, self.spans, strong, self.options)
        of_parent, of_child = (events.recovered(self._annotator(net)) for net in (parent, child))
        return {
            phase: {REINJECTED: (of_parent[phase], of_child[phase], events.copies(phase))} for phase in PHASES
        }

    def _confirmed(
        self, found: list[_Found], blocks: Spans
    ) -> dict[Phase, tuple[FloatArray, FloatArray, FloatArray]]:
        """Return confirmed picks of parent and child in each block, and picks, at equal numbers of picks."""
        training = self.training
        min_height = training.options.self_training.labels.min_support_height
        reference = [onsets.above(min_height) for onsets in found[0].candidates]
        counted = counted_stations(training.held_out, reference, self.spans)
        shared: list[Consensus] = [
            confirmed(
                in_equal_numbers(of_net.candidates, reference, self.spans),
                training.high_pass.rate,
                training.s_minus_p,
                training.moveout,
                self.spans,
                training.options,
                counted,
            )
            for of_net in found
        ]
        edges = np.array(blocks, float)
        here = range(len(reference)) if counted is None else counted
        scores = {}
        for phase in PHASES:
            side = phase.lower()
            at = [
                np.array([getattr(onset, f"{side}_time") for onset in consensus.onsets])
                * training.high_pass.rate
                for consensus in shared
            ]
            picks = np.concatenate([getattr(reference[number], side)[:, 0] for number in here])
            scores[phase] = (_counted(at[0], edges), _counted(at[1], edges), _counted(picks, edges))
        return scores

    def _gain(self, parent: FloatArray, child: FloatArray, picks: FloatArray) -> Interval | None:
        """Return the gain per pick with its interval; None if there are too few picks or blocks."""
        used = (picks > 0) | (parent != 0) | (child != 0)
        n_blocks, total = int(used.sum()), float(picks.sum())
        if n_blocks < self.options.min_blocks or total < self.options.min_picks:
            return None
        scores = [BlockScores(picks[used] - true[used], picks[used]) for true in (parent, child)]
        draws = bootstrap_skill(scores, np.random.default_rng(self.training.seed))
        value = scores[1].skill - scores[0].skill
        return interval(draws[1] - draws[0], value, n_blocks, self.options.error_rate)

    def _agreement(self, found: list[_Found], phase: Phase) -> tuple[int, float]:
        """Return the number of sure picks of the parent, and the share that is among as many of the child."""
        side = phase.lower()
        within = self.training.options.calibration.hit_within
        parent, child = (
            [getattr(onsets.within(self.spans), side) for onsets in of_net.candidates] for of_net in found
        )
        threshold = self._threshold(found[0], phase)
        wanted = sum(int((onsets[:, 1] >= threshold).sum()) for onsets in parent)
        if not wanted:
            return 0, 1.0
        heights = np.sort(np.concatenate([onsets[:, 1] for onsets in child]))[::-1]
        lowest = heights[min(wanted, len(heights)) - 1] if len(heights) else np.inf
        common = sum(
            _n_near(a[a[:, 1] >= threshold, 0], b[b[:, 1] >= lowest, 0], within)
            for a, b in zip(parent, child, strict=True)
        )
        return wanted, common / wanted


def _counted(at: FloatArray, edges: FloatArray) -> FloatArray:
    at = np.sort(at)
    return (np.searchsorted(at, edges[:, 1]) - np.searchsorted(at, edges[:, 0])).astype(float)


def _n_near(at: FloatArray, others: FloatArray, within: float) -> int:
    """Return how many positions have another one within a distance."""
    if not len(at) or not len(others):
        return 0
    return int((np.abs(at[:, None] - others).min(axis=1) <= within).sum())
