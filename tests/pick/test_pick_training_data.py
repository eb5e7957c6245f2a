"""Training data of the picker: noise windows, synthetic examples, pseudo-labels and the time split."""

from __future__ import annotations

import numpy as np
import pytest

from selfseis.consensus.agreement import consensus_above_null
from selfseis.consensus.options import ConsensusOptions
from selfseis.consensus.ps_pairs import Moveout
from selfseis.errors import InputError
from selfseis.pick.high_pass import CausalHighPass
from selfseis.pick.inference import OnsetCandidates
from selfseis.pick.noise_windows import noise_bank
from selfseis.pick.options import PickerOptions
from selfseis.pick.pseudo_labels import LabelledOnsets, add_label, label_onsets, make_pseudo_labels
from selfseis.pick.synthetic_examples import ExampleMaker, noise_level
from selfseis.pick.time_split import split_times
from selfseis.pick.time_split import test_times as times_for_test
from selfseis.recording import recording_from_array
from selfseis.recording.components import stations_of
from selfseis.simulate.onsets import OnsetBank, OnsetPrior

RATE, WINDOW = 100.0, 1536
OPTIONS = PickerOptions()
IDS = [f"XX.S{number}..HH{code}" for number in range(2) for code in "ENZ"]


def noisy(n_samples, seed=0):
    return np.random.default_rng(seed).normal(size=(6, n_samples)).astype(np.float32)


def bank_of(data):
    recording = recording_from_array(data, RATE, seed_id=IDS)
    high_pass = CausalHighPass.measure(recording)
    return noise_bank(recording, stations_of(recording), high_pass, WINDOW, 0, None, OPTIONS.noise)


def test_noise_windows_hold_no_events():
    data = noisy(100 * WINDOW)
    for number in range(0, 100, 3):
        data[:, number * WINDOW + 400 : number * WINDOW + 500] *= 50
    bank = bank_of(data)
    assert len(bank.windows) >= 24
    assert np.abs(bank.windows).max() < 10
    assert not set(bank.training) & set(bank.held_out)
    assert len(bank.training) > len(bank.held_out) > 0


def test_noise_of_triggered_records_is_synthesised_from_quiet_pieces():
    data = noisy(12 * WINDOW)
    for number in range(12):
        data[:, number * WINDOW + 400 : number * WINDOW + 900] *= 100
    bank = bank_of(data)
    assert bank.windows.shape[1:] == (3, WINDOW)
    assert 0.3 < bank.windows.std() < 3.0


def test_noise_is_taken_from_the_given_spans_only():
    data = noisy(100 * WINDOW)
    data[:, 50 * WINDOW :] += 3 * np.sin(np.arange(50 * WINDOW))
    recording = recording_from_array(data, RATE, seed_id=IDS)
    stations, high_pass = stations_of(recording), CausalHighPass.measure(recording)
    bank = noise_bank(recording, stations, high_pass, WINDOW, 0, [(0, 50 * WINDOW)], OPTIONS.noise)
    assert len(bank.windows) >= 24
    assert bank.windows.std() < 1.5


def test_a_record_without_a_full_window_is_refused():
    with pytest.raises(InputError, match="no training data"):
        bank_of(noisy(WINDOW - 1))


def maker(pseudo_labels=None):
    wavelets = OnsetBank.draw(np.random.default_rng(0), 100, 1024)
    noise = bank_of(noisy(60 * WINDOW))
    return ExampleMaker(noise, OnsetPrior.at(RATE), wavelets, pseudo_labels=pseudo_labels)


def pseudo_labels_of(recording, labels, n_samples=2 * WINDOW):
    return make_pseudo_labels(
        recording,
        stations_of(recording),
        CausalHighPass.measure(recording),
        labels,
        n_samples,
        np.random.default_rng(0),
        OPTIONS.examples.label_sd,
        OPTIONS.self_training.labels,
    )


def test_the_same_seed_draws_the_same_examples():
    first, again = (maker().draw(np.random.default_rng(3), 6) for _ in range(2))
    np.testing.assert_array_equal(first.windows, again.windows)
    np.testing.assert_array_equal(first.labels, again.labels)


def test_examples_are_finite_and_labels_are_probabilities():
    examples = maker().draw(np.random.default_rng(4), 60)
    assert np.isfinite(examples.windows).all()
    assert examples.labels.min() >= 0
    assert examples.labels.max() == pytest.approx(1.0)
    assert set(np.unique(examples.weights)) <= {0.0, 1.0}


def test_noise_around_onset_candidates_is_ignored():
    bank = bank_of(noisy(60 * WINDOW))
    onsets = [np.zeros(0)] * len(bank.windows)
    onsets[0] = np.array([700.0])
    is_noise = bank.ignoring(onsets, 60).is_noise
    assert not is_noise[0, 640:760].any()
    assert is_noise[0].sum() == WINDOW - 120
    assert is_noise[1:].all()


def test_a_label_is_one_at_its_onset_and_may_lie_outside():
    label = np.zeros(200, np.float32)
    add_label(label, 50, 10.0)
    assert label.argmax() == 50
    assert label[50] == pytest.approx(1.0)
    add_label(label, -1000, 10.0)
    add_label(label, 5000, 10.0)
    assert label.argmax() == 50


def test_a_quarter_of_the_time_is_held_out_half_for_validation_and_half_for_the_test():
    recording = recording_from_array(noisy(200 * WINDOW), RATE, seed_id=IDS)
    time_split = split_times(recording, WINDOW, OPTIONS.split)
    used = sorted(time_split.training + time_split.validation)
    test, share = times_for_test(recording, WINDOW, used, OPTIONS.split)
    assert share == pytest.approx(7 / 8, abs=0.01)
    assert test == time_split.test
    covered = np.zeros(200 * WINDOW, int)
    for first, last in [*time_split.training, *time_split.validation, *time_split.test]:
        covered[first:last] += 1
    assert (covered == 1).all()
    for held_out in (time_split.validation, time_split.test):
        assert sum(b - a for a, b in held_out) == pytest.approx(25 * WINDOW, rel=0.05)


def test_a_short_record_is_training_data_as_a_whole():
    recording = recording_from_array(noisy(2 * WINDOW), RATE, seed_id=IDS)
    time_split = split_times(recording, WINDOW, OPTIONS.split)
    assert time_split.training == time_split.validation == [(0, 2 * WINDOW)]
    assert times_for_test(recording, WINDOW, time_split.training, OPTIONS.split) == ([], 1.0)


def shared_onsets(n_events=30, spacing=6000):
    """Return onsets of events shared by both stations, and isolated onsets of the first station between them."""
    p = np.arange(n_events) * spacing + 1000.0
    delay = 300 + 10.0 * np.arange(n_events)
    later = 40.0 * (np.arange(n_events) % 5)

    def onsets(at):
        return np.stack([at, np.full(len(at), 0.6)], axis=1)

    first = OnsetCandidates(onsets(np.sort(np.concatenate([p, p + 4000]))), onsets(p + delay))
    second = OnsetCandidates(onsets(p + later), onsets(p + later + delay + 0.73 * later))
    return [first, second], p, delay


def test_shared_events_are_positives_and_isolated_picks_negatives():
    found, p, _ = shared_onsets()
    moveout = Moveout.without_coordinates(2, RATE)
    pairs = [onsets.pairs(RATE, (0.3, 13.0), OPTIONS.consensus) for onsets in found]
    consensus = consensus_above_null(pairs, moveout, spans=np.array([[0.0, 1800.0]]))
    labels = label_onsets(found, consensus, 0.25, RATE, moveout, (0.3, 13.0))
    np.testing.assert_allclose(np.sort(labels[0].positives[:, 0]), p)
    np.testing.assert_allclose(labels[0].negatives, p + 4000)
    assert not len(labels[1].negatives)
    recording = recording_from_array(noisy(180_000), RATE, seed_id=IDS)
    pseudo_labels = pseudo_labels_of(recording, labels)
    assert pseudo_labels.n_positives == 60
    assert len(pseudo_labels.windows) == 90
    np.testing.assert_allclose(np.abs(pseudo_labels.labels[:60, 0].argmax(axis=1) - WINDOW), 0, atol=50)
    assert not pseudo_labels.labels[60:, 0, WINDOW - 200 : WINDOW + 200].any()
    examples = maker(pseudo_labels).draw(np.random.default_rng(0), 50)
    assert np.isfinite(examples.windows).all()


def test_candidates_within_a_positive_event_are_not_ignored_but_later_ones_are():
    found, p, delay = shared_onsets()
    repeats, later = p + 150, p + 2 * delay + 500
    at = np.sort(np.concatenate([found[0].p[:, 0], repeats, later]))
    found[0] = OnsetCandidates(np.stack([at, np.full(len(at), 0.6)], axis=1), found[0].s)
    moveout = Moveout.without_coordinates(2, RATE, ConsensusOptions(travel_limit=40.0))
    pairs = [onsets.pairs(RATE, (0.3, 13.0), OPTIONS.consensus) for onsets in found]
    consensus = consensus_above_null(pairs, moveout, spans=np.array([[0.0, 1800.0]]))
    label = label_onsets(found, consensus, 0.25, RATE, moveout, (0.3, 13.0))[0]
    np.testing.assert_allclose(np.sort(label.positives[:, 0]), p)
    assert not np.isin(repeats, label.ignored).any()
    assert np.isin(later, label.ignored).all()


@pytest.mark.parametrize(("snr", "moves"), [(40.0, True), (4.0, False)])
def test_aic_refines_onsets_of_high_snr_only(snr, moves):
    data = noisy(6000)
    data[:, 3000:3400] += snr / 2 * np.random.default_rng(1).normal(size=(6, 400)).astype(np.float32)
    recording = recording_from_array(data, RATE, seed_id=IDS)
    labels = [LabelledOnsets(np.array([[3025.0, 3300.0]]), np.zeros(0), np.zeros(0), np.array([False]))] * 2
    pseudo_labels = pseudo_labels_of(recording, labels)
    about = np.round(pseudo_labels.s_minus_p).astype(int)
    assert (np.abs(about - (300 if moves else 275)) <= 3).all()


def test_an_s_too_weak_to_be_timed_is_ignored():
    recording = recording_from_array(noisy(12_000), RATE, seed_id=IDS)
    events = np.array([[3000.0, 3300.0], [9000.0, 9300.0]])
    labels = [LabelledOnsets(events, np.zeros(0), np.zeros(0), np.array([False, True]))] * 2
    pseudo_labels = pseudo_labels_of(recording, labels)
    s = slice(WINDOW + 290, WINDOW + 311)
    np.testing.assert_allclose(pseudo_labels.labels[:, 1, s].max(axis=1), [1, 0, 1, 0], atol=0.01)
    np.testing.assert_array_equal(pseudo_labels.weights[:, 0, s].all(axis=1), [True, False, True, False])


def test_there_are_no_pseudo_labels_without_a_consensus():
    recording = recording_from_array(noisy(20_000), RATE, seed_id=IDS)
    empty = [OnsetCandidates(np.zeros((0, 2)), np.zeros((0, 2)))] * 2
    moveout = Moveout.without_coordinates(2, RATE)
    pairs = [onsets.pairs(RATE, (0.3, 13.0), OPTIONS.consensus) for onsets in empty]
    consensus = consensus_above_null(pairs, moveout)
    labels = label_onsets(empty, consensus, 0.25, RATE, moveout, (0.3, 13.0))
    assert pseudo_labels_of(recording, labels, WINDOW) is None


def test_the_noise_level_ignores_an_event():
    window = np.random.default_rng(0).normal(size=(3, 3000))
    window[:, 1000:1200] *= 100
    assert noise_level(window) == pytest.approx(1.0, rel=0.15)
