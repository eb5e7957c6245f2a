"""Self-training: synthetic onsets first, then rounds of pseudo-labels from the consensus across stations."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
import xarray as xr
from torch import nn

from selfseis.consensus.agreement import Consensus
from selfseis.consensus.ps_pairs import Moveout
from selfseis.networks.picking_unet import OnsetNet
from selfseis.pick.evaluate import confirmed, counted_stations, in_equal_numbers
from selfseis.pick.high_pass import CausalHighPass
from selfseis.pick.inference import Annotator, NetworkDetector, OnsetCandidates, peaks_of
from selfseis.pick.noise_windows import NoiseBank
from selfseis.pick.options import PickerOptions
from selfseis.pick.pseudo_labels import PseudoLabels, consensus_of, label_onsets, make_pseudo_labels
from selfseis.pick.starting_network import starting_network
from selfseis.pick.synthetic_examples import ExampleMaker
from selfseis.pick.time_split import Spans, TimeSplit
from selfseis.pick.train_network import train
from selfseis.recording.components import Station
from selfseis.training.loop import FitProgress


@dataclass(frozen=True)
class Stage:
    """Progress of self-training.

    Attributes
    ----------
    stage : str
        Name of the stage.
    step, max_steps : int
        Training steps done, and the total over all stages.
    """

    stage: str
    step: int
    max_steps: int


@dataclass(frozen=True)
class Round:
    """Pseudo-labels and result of a round.

    Attributes
    ----------
    stage : str
        Name of the stage.
    events : int
        Events of the consensus at training times before the round.
    under_null : float
        Mean number of such events under the null.
    positives, negatives : int
        Onsets labelled as positives, and onset candidates labelled as negatives.
    held_out_above_null : float or None
        Confirmations at the validation times after the round, less those under the null, at equal numbers of picks.
        With four stations or more, only held-out stations are counted.
    """

    stage: str
    events: int = 0
    under_null: float = 0.0
    positives: int = 0
    negatives: int = 0
    held_out_above_null: float | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return the numbers for JSON."""
        return asdict(self)


ProgressCallback = Callable[[Stage], None]


@dataclass(frozen=True, eq=False)
class SelfTraining:
    """Self-training on a recording.

    Attributes
    ----------
    recording : xarray.DataArray
        The training data.
    stations : list of Station
        Its stations.
    high_pass : CausalHighPass
        Filter.
    maker : ExampleMaker
        Source of the examples.
    s_minus_p : tuple of float
        Minimum and maximum S - P of a pair in s.
    moveout : Moveout
        Limits of the moveout of one event.
    time_split : TimeSplit
        Training times, and validation times that select the round.
    seed : int
        Seed of all random numbers.
    options : PickerOptions
        Settings of all stages.
    held_out : sequence of int
        Numbers of the held-out stations.
    checkpoint : Path or None
        Folder for the checkpoints of an interrupted training.
    training_fraction : float
        Number of training steps as a fraction of the full training.
    """

    recording: xr.DataArray
    stations: list[Station]
    high_pass: CausalHighPass
    maker: ExampleMaker
    s_minus_p: tuple[float, float]
    moveout: Moveout
    time_split: TimeSplit
    seed: int
    options: PickerOptions
    held_out: Sequence[int] = ()
    checkpoint: Path | None = None
    training_fraction: float = 1.0

    @property
    def first_steps(self) -> int:
        """Return the number of training steps on synthetic onsets."""
        return max(1, round(self.training_fraction * self.options.training.first_steps))

    @property
    def round_steps(self) -> int:
        """Return the number of training steps of a round."""
        return max(1, round(self.training_fraction * self.options.training.round_steps))

    @property
    def training_stations(self) -> list[int]:
        """Return the numbers of the training stations."""
        return [number for number in range(len(self.stations)) if number not in self.held_out]

    def detector(self, net: nn.Module) -> NetworkDetector:
        """Return a detector of onset candidates with a network."""
        n_samples = int(getattr(net, "n_samples", self.maker.n_samples))
        return NetworkDetector(Annotator(net, self.high_pass, n_samples, self.options.inference))

    def run(self, rounds: int, progress: ProgressCallback | None = None) -> tuple[OnsetNet, list[Round]]:
        """Train, and return the network of the last round without a clear loss of held-out consensus."""
        torch.manual_seed(self.seed)
        net = starting_network()
        options, training = self.options.self_training, self.options.training
        rounds = rounds if len(self.stations) > 1 else 0
        max_steps = self.first_steps + rounds * self.round_steps
        if not rounds:
            self._train_first(net, max_steps, progress)
            return net, [Round("synthetic onsets")]
        candidates = self.detector(net).find(self.recording, self.stations)
        reference = [onsets.above(options.labels.min_support_height) for onsets in candidates]
        best = self._held_out_consensus(candidates, reference)
        kept, n_worse = _copied(net), 0
        history = [Round("starting network", held_out_above_null=best.above_null)]
        self._train_first(net, max_steps, progress)
        candidates = self.detector(net).find(self.recording, self.stations)
        consensus = self._held_out_consensus(candidates, reference)
        history.append(Round("synthetic onsets", held_out_above_null=consensus.above_null))
        if not _clearly_less(consensus, best):
            kept, best = _copied(net), max(best, consensus, key=lambda measured: measured.above_null)
        for number in range(rounds):
            share = options.max_null_shares[min(number, len(options.max_null_shares) - 1)]
            pseudo_labels, planned = self.label(candidates, share, number + 1)
            if pseudo_labels is None:
                history.append(planned)
                break
            done = self.first_steps + number * self.round_steps
            maker = replace(
                self.maker, pseudo_labels=pseudo_labels, noise=self._noise_without_candidates(net)
            )
            self._train(
                net,
                maker,
                planned.stage,
                self.round_steps,
                training.round_learning_rate,
                number + 1,
                done,
                max_steps,
                progress,
            )
            candidates = self.detector(net).find(self.recording, self.stations)
            consensus = self._held_out_consensus(candidates, reference)
            history.append(replace(planned, held_out_above_null=consensus.above_null))
            n_worse = n_worse + 1 if _clearly_less(consensus, best) else 0
            if not n_worse:
                kept = _copied(net)
                best = max(best, consensus, key=lambda measured: measured.above_null)
            if n_worse >= options.patience:
                break
        net.load_state_dict(kept)
        return net, history

    def _train_first(self, net: OnsetNet, max_steps: int, progress: ProgressCallback | None) -> None:
        """Train on synthetic onsets in the noise of the recording."""
        rate = self.options.training.first_learning_rate
        self._train(net, self.maker, "synthetic onsets", self.first_steps, rate, 0, 0, max_steps, progress)

    def consensus(self, candidates: list[OnsetCandidates], spans: Spans) -> Consensus:
        """Return the consensus across stations in spans."""
        return consensus_of(
            candidates,
            self.high_pass.rate,
            self.s_minus_p,
            self.moveout,
            spans,
            self.options.consensus,
            min_height=self.options.self_training.labels.min_consensus_height,
        )

    def label(
        self, candidates: list[OnsetCandidates], null_share: float, number: int
    ) -> tuple[PseudoLabels | None, Round]:
        """Return the pseudo-labels of a round, None if there are too few events, and the record of the round.

        Parameters
        ----------
        candidates : list of OnsetCandidates
            Of the last network at each station.
        null_share : float
            Maximum share of null events among the positives.
        number : int
            Number of the round.
        """
        rate, options = self.high_pass.rate, self.options.self_training
        candidates = [onsets.within(self.time_split.training) for onsets in candidates]
        consensus = self.consensus(candidates, self.time_split.training)
        planned = Round(f"round {number}", len(consensus.events), consensus.null_mean)
        if sum(event.confirmations for event in consensus.kept(null_share)) < options.min_confirmed:
            return None, replace(planned, stage=f"round {number}: too few events to train on")
        labels = label_onsets(
            candidates, consensus, null_share, rate, self.moveout, self.s_minus_p, options.labels
        )
        rng = np.random.default_rng([self.seed, number])
        n_samples = 2 * self.maker.n_samples
        training = self.training_stations
        labels = [labels[number] for number in training]
        stations = [self.stations[number] for number in training]
        pseudo_labels = make_pseudo_labels(
            self.recording,
            stations,
            self.high_pass,
            labels,
            n_samples,
            rng,
            self.options.examples.label_sd,
            options.labels,
        )
        n_positives = sum(len(label.positives) for label in labels)
        return pseudo_labels, replace(
            planned, positives=n_positives, negatives=sum(len(label.negatives) for label in labels)
        )

    def _noise_without_candidates(self, net: nn.Module) -> NoiseBank:
        """Return the noise with the surroundings of the network's own onset candidates ignored."""
        annotator, labels = self.detector(net).annotator, self.options.self_training.labels
        apart = self.options.inference.apart
        onsets = []
        for window in self.maker.noise.windows:
            probability = annotator.probabilities(window)
            peaks = [peaks_of(p, labels.min_support_height, apart)[0] for p in probability]
            onsets.append(np.concatenate(peaks))
        return self.maker.noise.ignoring(onsets, labels.ignored_reach)

    def _held_out_consensus(
        self, candidates: list[OnsetCandidates], reference: list[OnsetCandidates]
    ) -> Consensus:
        spans = self.time_split.validation
        equal = in_equal_numbers(candidates, reference, spans)
        counted = counted_stations(self.held_out, reference, spans)
        rate = self.high_pass.rate
        return confirmed(equal, rate, self.s_minus_p, self.moveout, spans, self.options, counted)

    def _train(
        self,
        net: nn.Module,
        maker: ExampleMaker,
        stage: str,
        steps: int,
        learning_rate: float,
        number: int,
        done: int,
        max_steps: int,
        progress: ProgressCallback | None,
    ) -> None:
        def report(fit_progress: FitProgress) -> None:
            if progress is not None:
                progress(Stage(stage, done + fit_progress.step, max_steps))

        folder = None if self.checkpoint is None else self.checkpoint / f"stage-{number}"
        seed = self.seed * 100 + number
        train(
            net,
            maker,
            steps=steps,
            learning_rate=learning_rate,
            seed=seed,
            options=self.options.training,
            checkpoint=folder,
            progress=report,
        )


def _clearly_less(consensus: Consensus, than: Consensus) -> bool:
    """Return whether confirmations are fewer by more than their scatter; a few held-out events cannot rank rounds."""
    return consensus.above_null < than.above_null - np.sqrt(than.confirmations)


def _copied(net: nn.Module) -> dict[str, torch.Tensor]:
    return {name: value.detach().clone() for name, value in net.state_dict().items()}
