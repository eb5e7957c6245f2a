"""Adapting a picker: distillation, the comparison with the parent, and refusal."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from selfseis.catalogue.records import Pick
from selfseis.pick import Picker
from selfseis.pick.adaptation import (
    TOO_SHORT,
    Adaptation,
    adapt_network,
    comparison_spans,
    decide,
    train_child,
)
from selfseis.pick.distillation import adapted_network, distillation_loss, resized
from selfseis.pick.labelled_picks import as_labels
from selfseis.pick.options import AdaptationOptions
from selfseis.pick.parent_comparison import REVERSED, ParentComparison, PhaseComparison
from selfseis.pick.starting_network import starting_network
from selfseis.pick.synthetic_examples import Examples
from selfseis.pick.time_split import TimeSplit
from selfseis.recording import recording_from_array
from selfseis.simulate.onsets import OnsetBank, OnsetPrior, add_event
from selfseis.validation import Interval
from short_options import SHORT_PICKER

RATE = 100.0
OPTIONS = SHORT_PICKER.with_options(
    adaptation={"n_steps": 3, "batch_size": 2, "n_reinjected": 24, "min_picks": 8, "n_blocks": 12}
)


def simulated(n_events=24, seconds=16.0, n_stations=1, seed=0):
    """Return a recording with an event every so many seconds at each station."""
    rng = np.random.default_rng(seed)
    n_samples = int(n_events * seconds * RATE)
    bank = OnsetBank.draw(rng, 150, 1500)
    prior = OnsetPrior(RATE, (1.0, 4.0), snr=(6.0, 40.0))
    data = rng.normal(size=(3 * n_stations, n_samples)).astype(np.float32)
    length = int(seconds * RATE)
    for first in range(0, n_samples, length):
        for station in range(n_stations):
            window = data[3 * station : 3 * station + 3, first : first + length]
            event = np.zeros((3, length), np.float32)
            add_event(event, 1.0, prior, bank, rng)
            window += event
    names = [f"XX.S{station}..HH{letter}" for station in range(n_stations) for letter in "ENZ"]
    return recording_from_array(data, RATE, "2020-01-01", seed_id=names)


@pytest.fixture(scope="module")
def training():
    return Picker(options=OPTIONS)._training(simulated(), None)


def damaged(net, share, seed=0):
    """Return a copy of a network with random changes of its weights."""
    torch.manual_seed(seed)
    changed = starting_network()
    state = {
        name: value + share * value.std() * torch.randn_like(value) if value.dim() > 1 else value
        for name, value in net.state_dict().items()
    }
    changed.load_state_dict(state)
    return changed


def examples(training, n=2):
    return training.maker.draw(np.random.default_rng(0), n)


def test_the_parent_has_no_distance_from_itself(training):
    parent, only_parent = starting_network(), AdaptationOptions(parent_weight=1.0)
    drawn = examples(training)
    assert distillation_loss(parent, parent, drawn, only_parent).item() == pytest.approx(0, abs=1e-6)
    assert distillation_loss(damaged(parent, 0.5), parent, drawn, only_parent).item() > 1e-3


def test_training_changes_weights_but_neither_the_parent_nor_its_statistics(training):
    parent = starting_network()
    before = {name: value.clone() for name, value in parent.state_dict().items()}
    child = adapted_network(parent, training.maker, OPTIONS.adaptation, n_steps=3, seed=0)
    assert all(torch.equal(value, before[name]) for name, value in parent.state_dict().items())
    after = child.state_dict()
    assert all(torch.equal(after[name], before[name]) for name in after if "running" in name)
    assert not torch.equal(after["leave.weight"], before["leave.weight"])
    assert not child.training


def test_distillation_keeps_the_child_near_the_parent(training):
    parent, drawn = starting_network(), torch.from_numpy(examples(training, 4).windows)
    moved = []
    for weight in (0.0, 0.95):
        options = replace(OPTIONS.adaptation, parent_weight=weight, learning_rate=2e-3)
        child = adapted_network(parent, training.maker, options, n_steps=8, seed=1)
        with torch.no_grad():
            moved.append(float((child(drawn) - parent(drawn)).square().mean()))
    assert moved[1] < moved[0]


@pytest.mark.parametrize("n_samples", [700, 1536, 4000])
def test_resized_examples_keep_onsets_in_place(n_samples):
    length = 1536
    windows = np.zeros((4, 3, length), np.float32)
    labels = np.zeros((4, 2, length), np.float32)
    for row, at in enumerate((100, 700, 900, 1400)):
        windows[row, :, at] = labels[row, :, at] = 1
    got = resized(
        Examples(windows, labels, np.ones((4, 1, length), np.float32)), n_samples, np.random.default_rng(0)
    )
    assert got.windows.shape == (4, 3, n_samples)
    weighted = got.weights > 0
    np.testing.assert_array_equal(got.windows[:, :2] * weighted, got.labels * weighted)
    assert weighted.sum() == 4 * min(length, n_samples)


def compared(value=0.0, low=-0.1, agreement=1.0, picks=100):
    return PhaseComparison(picks, agreement, {REVERSED: Interval(value, low, value + 0.1)})


@pytest.mark.parametrize(
    ("p", "s", "kept", "reason"),
    [
        (compared(0.2, 0.1), compared(), True, "prefer the adapted one"),
        (compared(), compared(), False, "no certain gain"),
        (compared(0.2, 0.1), compared(-0.05), False, "of S change by -5%"),
        (compared(0.2, -0.1, agreement=0.5), compared(0.2, 0.1), False, "only 50% of the P picks"),
        (compared(0.2, 0.1, agreement=0.5), compared(), True, "prefer the adapted one"),
        (compared(0.2, 0.1), compared(agreement=0.1, picks=3), True, "prefer the adapted one"),
        (PhaseComparison(0, 1.0, {}), PhaseComparison(0, 1.0, {}), False, "too few picks"),
    ],
)
def test_a_certain_gain_without_a_loss_keeps_the_child(p, s, kept, reason):
    is_kept, why = decide({"P": p, "S": s}, AdaptationOptions())
    assert is_kept is kept
    assert reason in why


def test_a_network_is_not_better_than_itself(training):
    net = starting_network()
    spans = comparison_spans(training, trained_on_events=False)
    result = ParentComparison(training, spans, OPTIONS.adaptation).compare(net, net)
    assert result["P"].picks > 15
    for of_phase in result.values():
        assert of_phase.agreement == 1
        assert all(gain.value == gain.low == gain.high == 0 for gain in of_phase.gains.values())
    assert not decide(result, OPTIONS.adaptation)[0]


def test_the_better_of_two_networks_is_preferred(training):
    good = starting_network()
    bad = damaged(good, 0.7)
    spans = comparison_spans(training, trained_on_events=False)
    comparison = ParentComparison(training, spans, OPTIONS.adaptation)
    lost = comparison.compare(good, bad)
    assert not decide(lost, OPTIONS.adaptation)[0]
    assert lost["P"].gains[REVERSED].value < -0.1
    gained = comparison.compare(bad, good)
    assert gained["P"].gains[REVERSED].low > 0


class Constant(nn.Module):
    """A network without any onset."""

    def forward(self, windows):
        return torch.full((len(windows), 2, windows.shape[-1]), -9.0)


def test_a_network_without_picks_is_refused(training):
    spans = comparison_spans(training, trained_on_events=False)
    result = ParentComparison(training, spans, OPTIONS.adaptation).compare(starting_network(), Constant())
    is_kept, reason = decide(result, OPTIONS.adaptation)
    assert not is_kept
    assert "only 0% of the P picks of the parent remain" in reason


def test_events_that_were_trained_on_are_not_compared(training):
    split = TimeSplit(training=[(0, 75)], validation=[(75, 88)], test=[(88, 100)])
    one = replace(training, time_split=split)
    assert comparison_spans(one, trained_on_events=True) == [(75, 88), (88, 100)]
    assert comparison_spans(one, trained_on_events=False) == [(0, 75), (75, 88), (88, 100)]
    two = Picker(options=OPTIONS)._training(simulated(4, 60.0, 2), None)
    assert comparison_spans(replace(two, time_split=split), trained_on_events=True) == [(75, 88)]


def test_adapting_returns_parent_or_child_and_says_which(training):
    parent = starting_network()
    net, adaptation = adapt_network(training, parent)
    assert (net is parent) is not adaptation.is_kept
    assert adaptation.parent in adaptation.statement
    assert "single station" in adaptation.statement
    assert Adaptation.from_dict(adaptation.to_dict()) == adaptation


def test_labels_of_a_record_without_held_out_times_are_not_used(training):
    onset = np.datetime64("2020-01-01T00:00:05", "ns")
    labels = as_labels([Pick("XX.S0", "P", onset, 1.0, 0.1)])
    split = training.time_split
    short = replace(training, time_split=TimeSplit(split.training, split.training, []))
    assert train_child(short, starting_network(), labels)[1].counts == {TOO_SHORT: 1}
    longer = replace(training, time_split=TimeSplit(split.training, split.training, [(0, 1)]))
    assert train_child(longer, starting_network(), labels)[1].counts == {"for training": 1}


def test_a_checkpoint_of_another_parent_is_not_continued(training, tmp_path):
    one = replace(training, checkpoint=tmp_path)
    first, *_ = train_child(one, starting_network())
    again, *_ = train_child(one, starting_network())
    assert len(list(tmp_path.iterdir())) == 1
    assert all(torch.equal(a, b) for a, b in zip(first.parameters(), again.parameters(), strict=True))
    train_child(one, damaged(starting_network(), 0.1))
    assert len(list(tmp_path.iterdir())) == 2


def test_two_stations_are_compared_by_each_other():
    training = Picker(options=OPTIONS)._training(simulated(16, 16.0, 2), None)
    _, adaptation = adapt_network(training, starting_network())
    assert adaptation.n_sites == 2
    assert "single station" not in adaptation.statement


def test_a_picker_is_adapted_saved_and_loaded(tmp_path):
    recording = simulated(10, 16.0)
    picker = Picker(options=OPTIONS).adapt(recording)
    assert picker.verdict_.details["adaptation"] == picker.adaptation_.statement
    picker.save(tmp_path / "model")
    loaded = Picker.load(tmp_path / "model")
    assert loaded.adaptation_ == picker.adaptation_
    assert loaded.pick(recording) == picker.pick(recording)
    again = Picker(options=OPTIONS).adapt(recording, loaded)
    assert again.adaptation_.parent == picker.adaptation_.parent
    if not picker.adaptation_.is_kept:
        assert not picker.training_record_.pieces
