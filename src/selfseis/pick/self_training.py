"""The course of learning: onsets from physics first, then what the stations agree on, round by round."""

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
from selfseis.pick.evaluate import confirmed, equal_numbers, that_count
from selfseis.pick.high_pass import CausalHighPass
from selfseis.pick.inference import APART, Annotator, NetworkDetector, OnsetCandidates, peaks_of
from selfseis.pick.noise_windows import NoiseBank
from selfseis.pick.pseudo_labels import (
    FAINT,
    OPEN_REACH,
    PseudoLabels,
    consensus_of,
    label_onsets,
    make_pseudo_labels,
)
from selfseis.pick.synthetic_examples import ExampleMaker
from selfseis.pick.time_split import Spans, TimeSplit
from selfseis.pick.train_network import train
from selfseis.recording.components import Station
from selfseis.training.loop import FitProgress

FIRST_STEPS = 2400
ROUND_STEPS = 700
FIRST_RATE, ROUND_RATE = 2e-3, 1e-3
NULL_SHARES = (0.25, 0.15, 0.08, 0.04)  # of chance among what is taught, round by round: the bar rises
MIN_CONFIRMED = 12  # confirmations by another station, below which there is nothing to teach
PATIENCE = 2  # rounds with clearly less agreement on what is hidden after which learning stops


@dataclass(frozen=True)
class Stage:
    """Where learning is.

    Attributes
    ----------
    stage : str
        In words.
    step, max_steps : int
        Steps of training done, and of all stages together.
    """

    stage: str
    step: int
    max_steps: int


@dataclass(frozen=True)
class Round:
    """What a round mined, and what it brought.

    Attributes
    ----------
    stage : str
        In words.
    agreed, under_null : float
        Events that stations agreed on at taught times before the round, and how many by chance.
    taught, refuted : int
        Onsets of events that were taught, and picks that were taught to be none.
    held_out_above_null : float or None
        Confirmations of hidden stations, where there are four stations or more, at the hidden times that choose
        after the round, less those by chance, at equal numbers of picks.
    """

    stage: str
    positives: int = 0
    under_null: float = 0.0
    training: int = 0
    negatives: int = 0
    held_out_above_null: float | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return the numbers for JSON."""
        return asdict(self)


ProgressCallback = Callable[[Stage], None]


@dataclass(frozen=True, eq=False)
class SelfTraining:
    """Everything that a course of learning needs.

    Attributes
    ----------
    recording : xarray.DataArray
        What is learnt from.
    stations : list of Station
        Its stations.
    high_pass : CausalHighPass
        Filter.
    maker : ExampleMaker
        Draws synthetic examples.
    s_minus_p : tuple of float
        Least and largest S - P of a pair in s.
    s_minus_p_is_known : bool
        Whether the user stated it. Otherwise synthetic onsets follow what the stations agree on.
    moveout : Moveout
        What onsets of one event have in common.
    hours : Hours
        Times to learn from and to choose the round by.
    seed : int
        Seed of everything random.
    hidden : sequence of int
        Numbers of the stations that are not learnt from.
    checkpoint : Path or None
        Folder in which an interrupted course is kept.
    training_fraction : float
        Steps of training as a share of the full course.
    """

    recording: xr.DataArray
    stations: list[Station]
    high_pass: CausalHighPass
    maker: ExampleMaker
    s_minus_p: tuple[float, float]
    s_minus_p_is_known: bool
    moveout: Moveout
    time_split: TimeSplit
    seed: int
    hidden: Sequence[int] = ()
    checkpoint: Path | None = None
    training_fraction: float = 1.0

    @property
    def first_steps(self) -> int:
        """Return the steps of training on synthetic onsets."""
        return max(1, round(self.training_fraction * FIRST_STEPS))

    @property
    def round_steps(self) -> int:
        """Return the steps of training of a round."""
        return max(1, round(self.training_fraction * ROUND_STEPS))

    @property
    def training_stations(self) -> list[int]:
        """Return the numbers of the stations that are learnt from."""
        return [number for number in range(len(self.stations)) if number not in self.hidden]

    def detector(self, net: nn.Module) -> NetworkDetector:
        """Return what finds onsets with a network."""
        return NetworkDetector(Annotator(net, self.high_pass, self.maker.n_samples))

    def learn(self, rounds: int, progress: ProgressCallback | None = None) -> tuple[OnsetNet, list[Round]]:
        """Run the course, and return the network of the last round on which stations did not agree clearly less."""
        torch.manual_seed(self.seed)
        net = OnsetNet()
        rounds = rounds if len(self.stations) > 1 else 0
        max_steps = self.first_steps + rounds * self.round_steps
        self._train(
            net, self.maker, "synthetic onsets", self.first_steps, FIRST_RATE, 0, 0, max_steps, progress
        )
        if not rounds:
            return net, [Round("synthetic onsets")]
        found = self.detector(net).find(self.recording, self.stations)
        like = [onsets.above(FAINT) for onsets in found]
        best = self._hidden_agreement(found, like)
        kept, since = _copied(net), 0
        history = [Round("synthetic onsets", held_out_above_null=best.above_null)]
        for number in range(rounds):
            share = NULL_SHARES[min(number, len(NULL_SHARES) - 1)]
            pseudo_labels, mined = self._mined(found, share, number + 1)
            if pseudo_labels is None:
                history.append(mined)
                break
            done = self.first_steps + number * self.round_steps
            maker = replace(self.maker, pseudo_labels=pseudo_labels, noise=self._doubted_noise(net))
            if not self.s_minus_p_is_known:
                maker = replace(
                    maker,
                    prior=self.maker.prior.widened_to(pseudo_labels.s_minus_p[: pseudo_labels.n_agreed]),
                )
            self._train(
                net, maker, mined.stage, self.round_steps, ROUND_RATE, number + 1, done, max_steps, progress
            )
            found = self.detector(net).find(self.recording, self.stations)
            consensus = self._hidden_agreement(found, like)
            history.append(replace(mined, held_out_above_null=consensus.above_null))
            since = since + 1 if _clearly_less(consensus, best) else 0
            if not since:
                kept = _copied(net)
                best = max(best, consensus, key=lambda measured: measured.above_null)
            if since >= PATIENCE:
                break
        net.load_state_dict(kept)
        return net, history

    def consensus(self, found: list[OnsetCandidates], spans: Spans) -> Consensus:
        """Return what stations agree on in spans."""
        rate = self.high_pass.rate
        return consensus_of(found, rate, self.s_minus_p, self.moveout, spans)

    def _mined(
        self, found: list[OnsetCandidates], null_share: float, number: int
    ) -> tuple[PseudoLabels | None, Round]:
        rate = self.high_pass.rate
        found = [onsets.within(self.time_split.training) for onsets in found]
        consensus = self.consensus(found, self.time_split.training)
        mined = Round(f"round {number}", len(consensus.events), consensus.null_mean)
        if sum(event.confirmations for event in consensus.kept(null_share)) < MIN_CONFIRMED:
            return None, replace(mined, stage=f"round {number}: too few events to learn from")
        labels = label_onsets(found, consensus, null_share, rate, self.moveout, self.s_minus_p)
        rng = np.random.default_rng([self.seed, number])
        n_samples = 2 * self.maker.n_samples
        training = self.training_stations
        labels = [labels[number] for number in training]
        stations = [self.stations[number] for number in training]
        pseudo_labels = make_pseudo_labels(self.recording, stations, self.high_pass, labels, n_samples, rng)
        n_positives = sum(len(label.positives) for label in labels)
        return pseudo_labels, replace(
            mined, training=n_positives, negatives=sum(len(label.negatives) for label in labels)
        )

    def _doubted_noise(self, net: nn.Module) -> NoiseBank:
        """Let the network say where the noise may hold onsets that nobody put there."""
        annotator = self.detector(net).annotator
        onsets = []
        for window in self.maker.noise.windows:
            probability = annotator.probabilities(window)
            onsets.append(np.concatenate([peaks_of(p, FAINT, APART)[0] for p in probability]))
        return self.maker.noise.doubted(onsets, OPEN_REACH)

    def _hidden_agreement(self, found: list[OnsetCandidates], like: list[OnsetCandidates]) -> Consensus:
        equal = equal_numbers(found, like, self.time_split.choosing)
        rate = self.high_pass.rate
        counted = that_count(self.hidden, like, self.time_split.choosing)
        return confirmed(equal, rate, self.s_minus_p, self.moveout, self.time_split.choosing, counted)

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
        def told(fit_progress: FitProgress) -> None:
            if progress is not None:
                progress(Stage(stage, done + fit_progress.step, max_steps))

        folder = None if self.checkpoint is None else self.checkpoint / f"stage-{number}"
        seed = self.seed * 100 + number
        train(
            net, maker, steps=steps, learning_rate=learning_rate, seed=seed, checkpoint=folder, progress=told
        )


def _clearly_less(consensus: Consensus, than: Consensus) -> bool:
    """Say whether confirmations are fewer by more than they scatter: a few hidden events cannot tell rounds apart."""
    return consensus.above_null < than.above_null - np.sqrt(than.confirmations)


def _copied(net: nn.Module) -> dict[str, torch.Tensor]:
    return {name: value.detach().clone() for name, value in net.state_dict().items()}
