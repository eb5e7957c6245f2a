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

from selfseis.consensus.agreement import Agreement
from selfseis.consensus.ps_pairs import Moveout
from selfseis.networks.picking_unet import OnsetNet
from selfseis.pick.evaluate import confirmed, equal_numbers, that_count
from selfseis.pick.high_pass import CausalHighPass
from selfseis.pick.inference import APART, Annotator, FoundOnsets, NetFinder, peaks_of
from selfseis.pick.noise_windows import NoiseBank
from selfseis.pick.pseudo_labels import FAINT, OPEN_REACH, Lesson, agreement_of, lesson_of, marked
from selfseis.pick.synthetic_examples import ExampleMaker
from selfseis.pick.time_split import Hours, Spans
from selfseis.pick.train_network import train
from selfseis.recording.components import Station
from selfseis.training.loop import FitProgress

FIRST_STEPS = 2400
ROUND_STEPS = 700
FIRST_RATE, ROUND_RATE = 2e-3, 1e-3
CHANCE_SHARES = (0.25, 0.15, 0.08, 0.04)  # of chance among what is taught, round by round: the bar rises
FEWEST_CONFIRMED = 12  # confirmations by another station, below which there is nothing to teach
PATIENCE = 2  # rounds with clearly less agreement on what is hidden after which learning stops


@dataclass(frozen=True)
class Stage:
    """Where learning is.

    Attributes
    ----------
    stage : str
        In words.
    step, most_steps : int
        Steps of training done, and of all stages together.
    """

    stage: str
    step: int
    most_steps: int


@dataclass(frozen=True)
class Round:
    """What a round mined, and what it brought.

    Attributes
    ----------
    stage : str
        In words.
    agreed, by_chance : float
        Events that stations agreed on at taught times before the round, and how many by chance.
    taught, refuted : int
        Onsets of events that were taught, and picks that were taught to be none.
    hidden_above_chance : float or None
        Confirmations of hidden stations, where there are four stations or more, at the hidden times that choose
        after the round, less those by chance, at equal numbers of picks.
    """

    stage: str
    agreed: int = 0
    by_chance: float = 0.0
    taught: int = 0
    refuted: int = 0
    hidden_above_chance: float | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return the numbers for JSON."""
        return asdict(self)


Report = Callable[[Stage], None]


@dataclass(frozen=True, eq=False)
class Course:
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
    effort : float
        Steps of training as a share of the full course.
    """

    recording: xr.DataArray
    stations: list[Station]
    high_pass: CausalHighPass
    maker: ExampleMaker
    s_minus_p: tuple[float, float]
    s_minus_p_is_known: bool
    moveout: Moveout
    hours: Hours
    seed: int
    hidden: Sequence[int] = ()
    checkpoint: Path | None = None
    effort: float = 1.0

    @property
    def first_steps(self) -> int:
        """Return the steps of training on synthetic onsets."""
        return max(1, round(self.effort * FIRST_STEPS))

    @property
    def round_steps(self) -> int:
        """Return the steps of training of a round."""
        return max(1, round(self.effort * ROUND_STEPS))

    @property
    def taught_stations(self) -> list[int]:
        """Return the numbers of the stations that are learnt from."""
        return [number for number in range(len(self.stations)) if number not in self.hidden]

    def finder(self, net: nn.Module) -> NetFinder:
        """Return what finds onsets with a network."""
        return NetFinder(Annotator(net, self.high_pass, self.maker.n_samples))

    def learn(self, rounds: int, report: Report | None = None) -> tuple[OnsetNet, list[Round]]:
        """Run the course, and return the network of the last round on which stations did not agree clearly less."""
        torch.manual_seed(self.seed)
        net = OnsetNet()
        rounds = rounds if len(self.stations) > 1 else 0
        most_steps = self.first_steps + rounds * self.round_steps
        self._train(
            net, self.maker, "synthetic onsets", self.first_steps, FIRST_RATE, 0, 0, most_steps, report
        )
        if not rounds:
            return net, [Round("synthetic onsets")]
        found = self.finder(net).find(self.recording, self.stations)
        like = [onsets.above(FAINT) for onsets in found]
        best = self._hidden_agreement(found, like)
        kept, since = _copied(net), 0
        history = [Round("synthetic onsets", hidden_above_chance=best.above_chance)]
        for number in range(rounds):
            share = CHANCE_SHARES[min(number, len(CHANCE_SHARES) - 1)]
            lesson, mined = self._mined(found, share, number + 1)
            if lesson is None:
                history.append(mined)
                break
            done = self.first_steps + number * self.round_steps
            maker = replace(self.maker, lesson=lesson, noise=self._doubted_noise(net))
            if not self.s_minus_p_is_known:
                maker = replace(maker, prior=self.maker.prior.widened_to(lesson.s_minus_p[: lesson.n_agreed]))
            self._train(
                net, maker, mined.stage, self.round_steps, ROUND_RATE, number + 1, done, most_steps, report
            )
            found = self.finder(net).find(self.recording, self.stations)
            agreement = self._hidden_agreement(found, like)
            history.append(replace(mined, hidden_above_chance=agreement.above_chance))
            since = since + 1 if _clearly_less(agreement, best) else 0
            if not since:
                kept = _copied(net)
                best = max(best, agreement, key=lambda measured: measured.above_chance)
            if since >= PATIENCE:
                break
        net.load_state_dict(kept)
        return net, history

    def agreement(self, found: list[FoundOnsets], spans: Spans) -> Agreement:
        """Return what stations agree on in spans."""
        rate = self.high_pass.rate
        return agreement_of(found, rate, self.s_minus_p, self.moveout, spans)

    def _mined(
        self, found: list[FoundOnsets], chance_share: float, number: int
    ) -> tuple[Lesson | None, Round]:
        rate = self.high_pass.rate
        found = [onsets.within(self.hours.taught) for onsets in found]
        agreement = self.agreement(found, self.hours.taught)
        mined = Round(f"round {number}", len(agreement.events), agreement.null_mean)
        if sum(event.confirmations for event in agreement.kept(chance_share)) < FEWEST_CONFIRMED:
            return None, replace(mined, stage=f"round {number}: too few events to learn from")
        marks = marked(found, agreement, chance_share, rate, self.moveout, self.s_minus_p)
        rng = np.random.default_rng([self.seed, number])
        n_samples = 2 * self.maker.n_samples
        taught = self.taught_stations
        marks = [marks[number] for number in taught]
        stations = [self.stations[number] for number in taught]
        lesson = lesson_of(self.recording, stations, self.high_pass, marks, n_samples, rng)
        n_taught = sum(len(mark.agreed) for mark in marks)
        return lesson, replace(mined, taught=n_taught, refuted=sum(len(mark.refuted) for mark in marks))

    def _doubted_noise(self, net: nn.Module) -> NoiseBank:
        """Let the network say where the noise may hold onsets that nobody put there."""
        annotator = self.finder(net).annotator
        onsets = []
        for window in self.maker.noise.windows:
            probability = annotator.probabilities(window)
            onsets.append(np.concatenate([peaks_of(p, FAINT, APART)[0] for p in probability]))
        return self.maker.noise.doubted(onsets, OPEN_REACH)

    def _hidden_agreement(self, found: list[FoundOnsets], like: list[FoundOnsets]) -> Agreement:
        equal = equal_numbers(found, like, self.hours.choosing)
        rate = self.high_pass.rate
        counted = that_count(self.hidden, like, self.hours.choosing)
        return confirmed(equal, rate, self.s_minus_p, self.moveout, self.hours.choosing, counted)

    def _train(
        self,
        net: nn.Module,
        maker: ExampleMaker,
        stage: str,
        steps: int,
        learning_rate: float,
        number: int,
        done: int,
        most_steps: int,
        report: Report | None,
    ) -> None:
        def told(progress: FitProgress) -> None:
            if report is not None:
                report(Stage(stage, done + progress.step, most_steps))

        folder = None if self.checkpoint is None else self.checkpoint / f"stage-{number}"
        seed = self.seed * 100 + number
        train(net, maker, steps=steps, learning_rate=learning_rate, seed=seed, checkpoint=folder, report=told)


def _clearly_less(agreement: Agreement, than: Agreement) -> bool:
    """Say whether confirmations are fewer by more than they scatter: a few hidden events cannot tell rounds apart."""
    return agreement.above_chance < than.above_chance - np.sqrt(than.confirmations)


def _copied(net: nn.Module) -> dict[str, torch.Tensor]:
    return {name: value.detach().clone() for name, value in net.state_dict().items()}
