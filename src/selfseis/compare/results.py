"""Results of a comparison of pickers: numbers of each picker and phase, the order, and the order in words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

import numpy as np

from selfseis.catalogue.records import PHASES, Phase
from selfseis.typing import FloatArray
from selfseis.validation import BlockScores, Interval, bootstrap_skill
from selfseis.validation.scores import interval

Kind = Literal["simulated", "real"]


@dataclass(frozen=True)
class InjectedRecall:
    """Share of the injected onsets of one kind and amplitude that were picked.

    Attributes
    ----------
    kind : {"simulated", "real"}
        Simulated onsets, or onsets of the recording scaled down.
    snr : float
        Amplitude in noise levels.
    recall : Interval
        Share, with its 95% interval (Wilson).
    n_onsets : int
        Number of injected onsets.
    """

    kind: Kind
    snr: float
    recall: Interval
    n_onsets: int


@dataclass(frozen=True)
class LabelScores:
    """Comparison with labels.

    Attributes
    ----------
    n_labels : int
        Number of labels within the compared data.
    average_precision : dict of float to float
        Area under precision against recall, by the tolerance in s.
    f1 : dict of float to float
        Harmonic mean of precision and recall at the threshold, by the tolerance in s.
    """

    n_labels: int
    average_precision: dict[float, float]
    f1: dict[float, float]

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        plain = {
            name: {f"{tolerance:g} s": round(value, 4) for tolerance, value in values.items()}
            for name, values in (("average_precision", self.average_precision), ("f1", self.f1))
        }
        return {"n_labels": self.n_labels, **plain}


@dataclass(frozen=True)
class PhaseResult:
    """Numbers of one picker for one phase; None where a number cannot be measured.

    Attributes
    ----------
    threshold : float
        Minimum height at the operating point; infinite where no height reaches it.
    n_picks : int
        Picks of at least that height in the compared data.
    false_discovery_rate : float or None
        Expected share of false picks among them.
    held_out_rate : float or None
        The same share in one half of the blocks, at the threshold from the other half.
    agreement : Interval or None
        Share of the picks that the other pickers have too, on average, at equal counts.
    rank : int or None
        One plus the number of pickers that are clearly better; pickers that the data cannot tell apart share it.
    stability : Interval or None
        Share of the picks found again within 0.1 s at 100 Hz when the window is shifted.
    height_sd : float or None
        Standard deviation of the height of a pick between two positions of the window.
    confirmed : Interval or None
        Share of P picks whose event another station confirms, at equal counts.
    recall : tuple of InjectedRecall
        Recall of injected onsets.
    labels : LabelScores or None
        Comparison with labels.
    """

    threshold: float
    n_picks: int
    false_discovery_rate: float | None = None
    held_out_rate: float | None = None
    agreement: Interval | None = None
    rank: int | None = None
    stability: Interval | None = None
    height_sd: float | None = None
    confirmed: Interval | None = None
    recall: tuple[InjectedRecall, ...] = ()
    labels: LabelScores | None = None

    @property
    def n_true(self) -> float:
        """Return the expected number of true picks."""
        return 0.0 if self.false_discovery_rate is None else self.n_picks * (1 - self.false_discovery_rate)

    @property
    def mean_recall(self) -> float:
        """Return the share of all injected onsets that were picked; zero if there are none."""
        n_onsets = sum(known.n_onsets for known in self.recall)
        return sum(known.recall.value * known.n_onsets for known in self.recall) / max(n_onsets, 1)

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        plain = asdict(self) | {"n_true": round(self.n_true, 1)}
        plain["labels"] = None if self.labels is None else self.labels.to_dict()
        return plain


@dataclass(frozen=True)
class PickerResult:
    """Numbers of one picker.

    Attributes
    ----------
    name : str
        Its name.
    is_baseline : bool
        Whether it only serves as a baseline.
    phases : dict of str to PhaseResult
        Numbers of P and S.
    """

    name: str
    is_baseline: bool
    phases: Mapping[Phase, PhaseResult]

    @property
    def arguments(self) -> str:
        """Return the thresholds as the arguments of SeisBench's ``classify``."""
        known = [
            f"{phase}_threshold={self.phases[phase].threshold:.3f}"
            for phase in PHASES
            if np.isfinite(self.phases[phase].threshold)
        ]
        return ", ".join(known) or "no height reaches the operating point"

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return {
            "name": self.name,
            "is_baseline": self.is_baseline,
            "arguments": self.arguments,
            "phases": {phase: self.phases[phase].to_dict() for phase in PHASES},
        }


@dataclass(frozen=True)
class Comparison:
    """Result of a comparison of pickers.

    Attributes
    ----------
    pickers : tuple of PickerResult
        In the order given, baselines last.
    n_blocks : int
        Number of spans of time that the bootstrap draws: blocks, or parts of them where they are few.
    station_hours : float
        Amount of the compared data.
    n_counted : dict of str to int
        For each phase, the number of picks of each picker at which they are compared.
    notes : tuple of str
        What was left out, and why.
    """

    pickers: tuple[PickerResult, ...]
    n_blocks: int
    station_hours: float
    n_counted: Mapping[Phase, int]
    notes: tuple[str, ...] = field(default=())

    def order(self, phase: Phase) -> FloatArray:
        """Return a number for each picker, larger for better ones: the mean of its ranks by both orders.

        One order is that of the agreement with the other pickers, the other one that of the confirmation of P picks by
        other stations, if there are any.
        """
        signs = [
            [picker.phases[phase].agreement for picker in self.pickers],
            [picker.phases["P"].confirmed for picker in self.pickers],
        ]
        known = [[-1.0 if value is None else value.value for value in sign] for sign in signs if any(sign)]
        return np.mean([_ascending_ranks(sign) for sign in known or [[0.0] * len(self.pickers)]], axis=0)

    def ranked(self, phase: Phase) -> list[PickerResult]:
        """Return the pickers in their order, the best first."""
        return [self.pickers[number] for number in np.argsort(-self.order(phase), kind="stable")]

    def statement(self, phase: Phase) -> str:
        """Return the order of one phase in words."""
        ranked = self.ranked(phase)
        if any(picker.phases[phase].rank is None for picker in ranked):
            return f"{phase}: these data cannot rank the pickers: {self._reason(phase)}."
        best = [picker.name for picker in ranked if picker.phases[phase].rank == 1]
        others = [picker.name for picker in ranked if picker.phases[phase].rank != 1]
        if not others:
            return f"{phase}: these data cannot tell them apart."
        if len(best) == 1:
            return f"{phase}: {best[0]} is the best."
        return f"{phase}: {', '.join(best)} cannot be told apart; they are better than {', '.join(others)}."

    def _reason(self, phase: Phase) -> str:
        if not self.n_counted[phase]:
            return "no picker has a pick at the operating point"
        return f"{self.n_blocks} blocks are too few, give a longer record"

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return {
            "statements": {phase: self.statement(phase) for phase in PHASES},
            "n_blocks": self.n_blocks,
            "station_hours": round(self.station_hours, 3),
            "n_counted": dict(self.n_counted),
            "notes": list(self.notes),
            "pickers": [picker.to_dict() for picker in self.pickers],
        }


def share_interval(
    hits: FloatArray, total: FloatArray, seed: int, n_draws: int, error_rate: float
) -> Interval | None:
    """Return a share over blocks with its bootstrap interval; None if there is nothing to count.

    Parameters
    ----------
    hits, total : ndarray, shape (n_blocks,)
        Counts of each block.
    seed : int
        Seed of the draws.
    n_draws : int
        Number of draws.
    error_rate : float
        Probability of an error on each side.
    """
    if total.sum() <= 0 or len(total) < 2:
        return None
    scores = BlockScores(total - hits, total)
    (draws,) = bootstrap_skill([scores], np.random.default_rng(seed), repeats=n_draws)
    return _within_01(interval(draws, scores.skill, len(total), error_rate))


def ranks_of(
    scores: Sequence[BlockScores],
    signs: Sequence[FloatArray],
    seed: int,
    n_draws: int,
    error_rate: float,
) -> tuple[list[Interval], list[int]]:
    """Return the skill of each picker, and its rank by a paired bootstrap over blocks.

    Parameters
    ----------
    scores : sequence of BlockScores
        Of each picker, on the same blocks.
    signs : sequence of ndarray, shape (n_pickers,)
        Further numbers, larger for better pickers. A picker is not clearly better than another one if any of them
        says the opposite.
    seed : int
        Seed of the draws.
    n_draws : int
        Number of draws.
    error_rate : float
        Probability that an equally good picker counts as clearly better.

    Returns
    -------
    intervals : list of Interval
        Skill of each picker.
    ranks : list of int
        One plus the number of pickers that are clearly better.
    """
    draws = bootstrap_skill(list(scores), np.random.default_rng(seed), repeats=n_draws)
    n_blocks, values = len(scores[0].loss), [known.skill for known in scores]

    def better(one: int, other: int) -> bool:
        if any(sign[one] < sign[other] for sign in signs):
            return False
        gain = interval(draws[one] - draws[other], values[one] - values[other], n_blocks, error_rate)
        return gain.low > 0

    numbers = range(len(scores))
    ranks = [1 + sum(better(other, number) for other in numbers if other != number) for number in numbers]
    intervals = [
        _within_01(interval(sample, value, n_blocks, error_rate))
        for sample, value in zip(draws, values, strict=True)
    ]
    return intervals, ranks


def _ascending_ranks(values: Sequence[float]) -> FloatArray:
    """Return the rank of each value, the lowest first; equal values share their mean rank."""
    from scipy.stats import rankdata

    return np.asarray(rankdata(values), np.float64)


def _within_01(known: Interval) -> Interval:
    return Interval(known.value, max(known.low, 0.0), min(known.high, 1.0))
