"""Adapting a trained picker to a recording, or refusing: the parent remains unless held-out data prefer the child.

The child is trained on synthetic onsets in the recording's own noise and on the labels of the user where there are
some, held close to the frozen parent by distillation. Pseudo-labels from the consensus across stations are an option:
those of a parent that fits the recording badly did harm.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Self

from torch import nn

from selfseis.catalogue.records import PHASES, Phase
from selfseis.models.store import fingerprint, weights
from selfseis.pick.distillation import adapted_network
from selfseis.pick.labelled_picks import HELD_OUT, Labels, label_windows, sort_labels
from selfseis.pick.options import AdaptationOptions
from selfseis.pick.parent_comparison import ParentComparison, PhaseComparison
from selfseis.pick.pick_table import PickTable
from selfseis.pick.pseudo_labels import PseudoLabels, joined_labels
from selfseis.pick.self_training import ProgressCallback, SelfTraining, Stage
from selfseis.pick.stored_network import network_name
from selfseis.pick.time_split import Spans
from selfseis.training.loop import FitProgress
from selfseis.validation import Verdict

TOO_SHORT = "not used, because the record is too short to hold out times"
ONE_STATION = (
    " A single station was judged by its own picks in reversed time and by weakened copies of its own events, which is "
    "weaker evidence than that of other stations."
)


@dataclass(frozen=True)
class Adaptation:
    """Record of an adaptation and of the comparison that decided it.

    Attributes
    ----------
    parent : str
        Name of the network that was adapted.
    is_kept : bool
        Whether the adapted network replaced the parent.
    reason : str
        Why, as the end of a sentence.
    n_sites : int
        Sites of the recording; one site gives a weaker verdict.
    phases : dict of str to PhaseComparison
        Held-out comparison of P and S.
    labels : dict of str to int
        Numbers of labels that were used, held out and left out; empty without labels.
    """

    parent: str
    is_kept: bool
    reason: str
    n_sites: int
    phases: Mapping[Phase, PhaseComparison]
    labels: Mapping[str, int]

    @property
    def statement(self) -> str:
        """What happened, in plain sentences."""
        done = "was adapted to this recording" if self.is_kept else "was not changed"
        weak = ONE_STATION if self.n_sites < 2 else ""
        counts = ", ".join(f"{number} {use}" for use, number in self.labels.items())
        labels = f" Labels: {counts}." if counts else ""
        return f"The network {self.parent} {done}: {self.reason}.{weak}{labels}"

    def noted_in(self, verdict: Verdict) -> Verdict:
        """Return a verdict on the resulting picker whose details hold the statement."""
        return replace(verdict, details=verdict.details | {"adaptation": self.statement})

    def to_dict(self) -> dict[str, Any]:
        """Return a dictionary for JSON."""
        return {
            "parent": self.parent,
            "is_kept": self.is_kept,
            "reason": self.reason,
            "n_sites": self.n_sites,
            "phases": {phase: of_phase.to_dict() for phase, of_phase in self.phases.items()},
            "labels": dict(self.labels),
        }

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> Self:
        """Read back what `to_dict` wrote.

        Raises
        ------
        KeyError, ValueError, TypeError
            If the content has another form.
        """
        phases = {phase: PhaseComparison.from_dict(content["phases"][phase]) for phase in PHASES}
        return cls(**{**content, "phases": phases})


def adapt_network(
    training: SelfTraining,
    parent: nn.Module,
    labels: PickTable | None = None,
    progress: ProgressCallback | None = None,
) -> tuple[nn.Module, Adaptation]:
    """Adapt a network to a recording, and return the child if held-out data prefer it, else the parent.

    Parameters
    ----------
    training : SelfTraining
        The recording, its noise and the split of its times.
    parent : nn.Module
        The trained network; it is not changed.
    labels : PickTable, optional
        Picks of an analyst. Those of training times are trained on, those of held-out times are not.
    progress : callable, optional
        Called with a `Stage` during training.

    Returns
    -------
    net : nn.Module
        The child or the parent.
    adaptation : Adaptation
        The comparison and its outcome.

    Raises
    ------
    InputError
        If no label belongs to a station and a time of the recording.
    """
    child, sorted_labels, spans = train_child(training, parent, labels, progress)
    options = training.options.adaptation
    compared = ParentComparison(training, spans, options).compare(parent, child)
    is_kept, reason = decide(compared, options)
    n_sites = len({station.site for station in training.stations})
    adaptation = Adaptation(network_name(parent), is_kept, reason, n_sites, compared, sorted_labels.counts)
    return child if is_kept else parent, adaptation


def train_child(
    training: SelfTraining,
    parent: nn.Module,
    labels: PickTable | None = None,
    progress: ProgressCallback | None = None,
) -> tuple[nn.Module, Labels, Spans]:
    """Train a copy of a network on a recording, without a decision.

    Parameters
    ----------
    training, parent, labels, progress
        As for `adapt_network`.

    Returns
    -------
    child : nn.Module
        The adapted network.
    labels : Labels
        Which labels were trained on.
    spans : list of (int, int)
        Times for the comparison of child and parent, in samples.
    """
    options = training.options.adaptation
    can_hold_out = bool(training.time_split.test)  # a short record has no times beside those of training
    max_s_minus_p = training.maker.prior.s_minus_p_samples[1]
    times = training.time_split.training if can_hold_out else []
    sorted_labels = sort_labels(labels, training.recording, training.stations, times, max_s_minus_p)
    if not can_hold_out:
        counts = {TOO_SHORT if use == HELD_OUT else use: n for use, n in sorted_labels.counts.items()}
        sorted_labels = replace(sorted_labels, counts=counts)
    pseudo_labels = _pseudo_labels(training, parent, sorted_labels, options) if can_hold_out else None
    n_steps = max(1, round(training.training_fraction * options.n_steps))

    start = fingerprint(*weights(parent, "net").values(), *sorted_labels.training)

    def report(done: FitProgress) -> None:
        if progress is not None:
            progress(Stage("adaptation", done.step, n_steps))

    child = adapted_network(
        parent,
        replace(training.maker, pseudo_labels=pseudo_labels),
        options,
        n_steps=n_steps,
        seed=training.seed,
        checkpoint=training.checkpoint and training.checkpoint / f"adaptation-{start}",
        progress=report,
    )
    return child, sorted_labels, comparison_spans(training, trained_on_events=pseudo_labels is not None)


def decide(compared: Mapping[Phase, PhaseComparison], options: AdaptationOptions) -> tuple[bool, str]:
    """Return whether the child replaces the parent, and the reason.

    It does if a gain of P or S is certain and nothing speaks against it in either phase. One network picks both, so a
    loss of one phase refuses the whole.

    Parameters
    ----------
    compared : mapping of str to PhaseComparison
        Comparison of P and S.
    options : AdaptationOptions
        Which losses count.

    Examples
    --------
    >>> from selfseis.pick.adaptation import decide
    >>> from selfseis.pick.options import AdaptationOptions
    >>> from selfseis.pick.parent_comparison import PhaseComparison
    >>> lost = PhaseComparison(picks=100, agreement=0.5, gains={})
    >>> same = PhaseComparison(picks=100, agreement=1.0, gains={})
    >>> decide({"P": lost, "S": same}, AdaptationOptions())
    (False, 'only 50% of the P picks of the parent remain')
    """
    objections = [why for phase, of_phase in compared.items() if (why := of_phase.objection(phase, options))]
    if objections:
        return False, "; ".join(objections)
    if not any(of_phase.gains for of_phase in compared.values()):
        return False, "the held-out times have too few picks for a comparison"
    measured = "; ".join(f"{phase}: {of_phase}" for phase, of_phase in compared.items() if of_phase.gains)
    if any(of_phase.is_better for of_phase in compared.values()):
        return True, f"held-out times prefer the adapted one ({measured})"
    return False, f"held-out times show no certain gain by adapting it ({measured})"


def comparison_spans(training: SelfTraining, *, trained_on_events: bool) -> Spans:
    """Return the times that compare child and parent.

    Without pseudo-labels and labels, only quiet windows were trained on, and all events are new to the child. Test
    times are compared only where other stations cannot give a verdict on them later.

    Parameters
    ----------
    training : SelfTraining
        The split of the times.
    trained_on_events : bool
        Whether events of the training times were trained on.
    """
    split = training.time_split
    spans = list(split.validation) if trained_on_events else [*split.training, *split.validation]
    if len({station.site for station in training.stations}) < 2:
        spans += split.test
    return sorted(set(spans))


def _pseudo_labels(
    training: SelfTraining, parent: nn.Module, labels: Labels, options: AdaptationOptions
) -> PseudoLabels | None:
    """Return the windows of the consensus across stations and of labels; None if there are none."""
    several = options.on_consensus and len({station.site for station in training.stations}) > 1
    if not several and not labels.n_events:
        return None
    candidates = training.detector(parent).find(training.recording, training.stations)
    consensus = training.label(candidates, options.max_null_share, 1)[0] if several else None
    labelled = label_windows(training, labels.training, candidates) if labels.n_events else None
    return joined_labels([part for part in (labelled, consensus) if part is not None])
