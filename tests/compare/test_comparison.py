"""Comparison of pickers without labels: known truth, ties, gaps and bad input."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
import xarray as xr

from selfseis.compare.blocks import ComparisonBlocks, Piece, read_blocks
from selfseis.compare.compared_pickers import TriggerPicker, check_names, find_with_data
from selfseis.compare.comparison import compare_pickers
from selfseis.compare.injections import SureOnset, quiet_windows, scaled_windows, simulated_windows
from selfseis.compare.label_scores import average_precision, f1_score, tolerances_at
from selfseis.compare.options import ComparisonOptions
from selfseis.compare.picker_agreement import JointOnsets
from selfseis.compare.results import Comparison, ranks_of
from selfseis.errors import InputError
from selfseis.networks.picking_unet import OnsetNet
from selfseis.pick.high_pass import CausalHighPass
from selfseis.pick.inference import OnsetCandidates
from selfseis.pick.model import OperatingPoint
from selfseis.pick.options import NoiseOptions, TriggerOptions
from selfseis.pick.pick_table import PickTable
from selfseis.pick.starting_network import starting_network
from selfseis.pick.synthetic_examples import noise_level
from selfseis.recording import recording_from_array
from selfseis.recording.components import stations_of
from selfseis.simulate import simulate_noise_recording, simulate_recording_with_events
from selfseis.simulate.onsets import OnsetBank, OnsetPrior

RATE = 40.0
SMALL = ComparisonOptions(n_injected=3, n_wavelets=20, n_bootstraps=200, snr=(4.0, 30.0))
WHITE = np.random.default_rng(5)


def labels_at(station: list[str], phase: list[str], time: list[np.datetime64]) -> PickTable:
    n = len(time)
    times = np.array(time, "datetime64[ns]")
    return PickTable(np.array(station), np.array(phase), times, np.ones(n), np.full(n, np.nan), {})


@pytest.fixture(scope="module")
def recording_and_labels() -> tuple[xr.DataArray, PickTable]:
    noise = simulate_noise_recording("white", "network", 0.25, RATE, 6, seed=1, components="ENZ")
    recording, truth = simulate_recording_with_events(noise, 15.0, 14, seed=2)
    start, names = recording["time"].values[0], [str(name) for name in recording["seed_id"].values]
    rows = [
        (names[row], phase, start + np.timedelta64(round(float(event.arrivals[phase][row]) * 1e9), "ns"))
        for event in truth
        for phase in ("P", "S")
        for row in (0, 3)
    ]
    station, phase, time = (list(column) for column in zip(*rows, strict=True))
    return recording.load(), labels_at(station, phase, time)


def random_net() -> OnsetNet:
    torch.manual_seed(3)
    return OnsetNet().eval()


@pytest.fixture(scope="module")
def compared(recording_and_labels: tuple[xr.DataArray, PickTable]) -> Comparison:
    recording, labels = recording_and_labels
    networks = {"good": starting_network(), "again": starting_network(), "random": random_net()}
    return compare_pickers(recording, networks, labels=labels, comparison=SMALL)


def of(comparison: Comparison, name: str, phase: str = "P"):  # type: ignore[no-untyped-def]
    return next(picker for picker in comparison.pickers if picker.name == name).phases[phase]


def test_a_good_picker_is_above_a_random_one_with_and_without_labels(compared: Comparison) -> None:
    for phase in ("P", "S"):
        good, random = of(compared, "good", phase), of(compared, "random", phase)
        assert good.rank == 1 and random.rank > 1
        assert good.labels.average_precision[0.5] > random.labels.average_precision[0.5] + 0.3
        assert good.mean_recall > random.mean_recall
    assert "random" not in compared.statement("P").partition("better than")[0]


def test_equal_pickers_cannot_be_told_apart(compared: Comparison) -> None:
    assert of(compared, "good") == of(compared, "again")
    assert "good, again cannot be told apart" in compared.statement("P")


def test_the_baselines_are_in_the_table_and_the_starting_network_only_once(compared: Comparison) -> None:
    names = [picker.name for picker in compared.pickers]
    assert names == ["good", "again", "random", "STA/LTA with AIC", "untrained network"]
    assert of(compared, "good").confirmed.value > of(compared, "untrained network").confirmed.value


def test_thresholds_are_arguments_of_classify(compared: Comparison) -> None:
    good = compared.pickers[0]
    assert good.arguments == f"P_threshold={of(compared, 'good').threshold:.3f}, S_threshold=" + (
        f"{of(compared, 'good', 'S').threshold:.3f}"
    )


def test_noise_ranks_nobody() -> None:
    noise = simulate_noise_recording("white", "network", 0.1, RATE, 3, seed=4, components="ENZ")
    point = OperatingPoint(0.05)
    found = compare_pickers(noise, {"a": starting_network()}, operating_point=point, comparison=SMALL)
    assert "these data cannot" in found.statement("P") and "these data cannot" in found.statement("S")
    assert any("single station" in note for note in found.notes)


def test_a_contradicting_sign_or_too_small_a_difference_is_a_tie() -> None:
    from selfseis.validation import BlockScores

    total = np.full(12, 10.0)
    better, worse = BlockScores(np.full(12, 2.0), total), BlockScores(np.full(12, 6.0), total)
    assert ranks_of([better, worse], [], 0, 200, 0.05)[1] == [1, 2]
    assert ranks_of([better, worse], [np.array([3.0, 3.0])], 0, 200, 0.05)[1] == [1, 2]
    assert ranks_of([better, worse], [np.array([3.0, 4.0])], 0, 200, 0.05)[1] == [1, 1]
    noisy = BlockScores(np.array([0.0, 10] * 6), total)
    assert ranks_of([noisy, worse], [], 0, 200, 0.05)[1] == [1, 1]


def test_candidates_close_in_time_are_one_joint_onset_and_each_picker_has_one_vote() -> None:
    first = [np.array([[100.0, 0.9], [500.0, 0.2]])]
    second = [np.array([[95.0, 0.8], [106.0, 0.3], [530.0, 0.7]])]
    joint = JointOnsets.of([first, second], within=10)
    assert sorted(joint.at.tolist()) == [97.5, 106.0, 500.0, 530.0]
    both = joint.height[:, np.argmin(np.abs(joint.at - 97.5))]
    assert both.tolist() == [0.9, 0.8]
    assert (joint.height > 0).sum(axis=1).tolist() == [2, 3]


def test_without_candidates_there_is_no_joint_onset() -> None:
    joint = JointOnsets.of([[np.zeros((0, 2))], [np.zeros((0, 2))]], within=10)
    assert joint.height.shape == (2, 0) and not len(joint.at)


class Everywhere:
    """Picks every hundredth sample."""

    name, is_baseline = "everywhere", False

    def find(self, components: np.ndarray) -> OnsetCandidates:
        at = np.arange(0, components.shape[1], 100.0)
        return OnsetCandidates(np.column_stack([at, np.full(len(at), 0.5)]), np.zeros((0, 2)))


def test_ends_of_gaps_are_no_onsets_in_either_direction() -> None:
    data = WHITE.normal(size=(3, 2000)).astype(np.float32)
    data[:, 640:1180] = 0
    found = find_with_data(Everywhere(), data, 30).p[:, 0]
    assert found.tolist() == [0, 100, 200, 300, 400, 500, 600, *range(1300, 2000, 100)]
    mirrored = find_with_data(Everywhere(), data[:, ::-1], 30).p[:, 0]
    assert not ((mirrored > 2000 - 1180 - 30) & (mirrored < 2000 - 640 + 30)).any()


def test_blocks_leave_gaps_out_and_tell_what_was_left_out() -> None:
    data = WHITE.normal(size=(6, 60_000)).astype(np.float32)
    data[3:, :30_000] = np.nan
    seed_id = [f"XX.{name}..HH{component}" for name in "AB" for component in "ENZ"]
    recording = recording_from_array(data, RATE, "2020-01-01", seed_id=seed_id)
    stations, high_pass = stations_of(recording), CausalHighPass.measure(recording)
    blocks = read_blocks(recording, stations, high_pass, 1536, 0, ComparisonOptions())
    assert blocks.n_left_out == 0 and len(blocks.spans) == 24
    assert sum(piece.station == 1 for piece in blocks.pieces) == pytest.approx(12, abs=1)
    few = read_blocks(recording, stations, high_pass, 1536, 0, ComparisonOptions(max_windows=16))
    assert few.n_left_out + len(few.spans) == 24 and len(few.spans) == 8
    assert (
        len(few.units) == 24 and few.units[0][0] == few.spans[0][0] and few.units[-1][1] == few.spans[-1][1]
    )
    assert few.unit_of(np.array([few.units[5][0], few.units[5][1] - 1])).tolist() == [5, 5]


def test_an_onset_is_scaled_to_the_stated_amplitude_and_never_up() -> None:
    piece = 0.01 * WHITE.normal(size=(3, 6000)).astype(np.float32)
    piece[:, 3000:3100] += 50
    noise = [WHITE.normal(size=(3, 2048)).astype(np.float32)]
    blocks = ComparisonBlocks([(0, 6000)], [Piece(0, 0, 0, piece)], 0, [(0, 6000)])
    (window,) = scaled_windows([SureOnset("P", 0, 3000.0)], blocks, noise, [8.0], 5, seed=0)
    (at,) = window.onsets["P"]
    added = window.components - noise[0]
    assert np.abs(added).max() == pytest.approx(8 * noise_level(noise[0]), rel=0.01)
    assert int(np.abs(added).max(axis=0).argmax()) in range(int(at), int(at) + 100)
    assert not scaled_windows([SureOnset("P", 0, 3000.0)], blocks, noise, [1e4], 5, seed=0)


def test_simulated_events_have_the_stated_amplitude_and_need_quiet_windows() -> None:
    prior, bank = OnsetPrior.at(100.0), OnsetBank.draw(np.random.default_rng(0), 20, 512)
    noise = [WHITE.normal(size=(3, 3072)).astype(np.float32)]
    windows = simulated_windows(noise, prior, bank, (2.0, 50.0), 4, seed=0)
    weak, strong = (
        np.mean([np.abs(w.components - noise[0]).max() for w in windows if w.snr == snr])
        for snr in (2.0, 50.0)
    )
    assert len(windows) == 8 and strong > 10 * weak
    assert simulated_windows([], prior, bank, (2.0,), 4, seed=0) == []


def test_quiet_windows_are_those_without_a_burst() -> None:
    data = WHITE.normal(size=(3, 16_000)).astype(np.float32)
    data[:, 8000:8200] *= 30
    blocks = ComparisonBlocks([(0, 16_000)], [Piece(0, 0, 0, data)], 0, [(0, 16_000)])
    quiet = quiet_windows(blocks, 1000, 8, NoiseOptions())
    assert len(quiet) == 8 and max(np.abs(window).max() for window in quiet) < 10


def test_average_precision_and_f1_of_known_picks() -> None:
    truth = [np.array([100.0, 300.0])]
    assert average_precision([np.array([[101.0, 0.5], [299.0, 0.4]])], truth, 5) == 1
    twice = [np.array([[99.0, 0.9], [101.0, 0.8], [300.0, 0.7]])]
    assert average_precision(twice, truth, 5) == pytest.approx((1 + 2 / 3) / 2)
    assert f1_score(twice, truth, 0.75, 5) == pytest.approx(2 * 1 / (2 + 2))
    assert average_precision([np.zeros((0, 2))], truth, 5) == 0
    assert f1_score([np.zeros((0, 2))], [np.zeros(0)], 0.5, 5) == 0
    assert tolerances_at(20.0) == (0.1, 0.5) and tolerances_at(500.0) == pytest.approx((0.02, 0.1))


def test_the_trigger_has_heights_below_one_and_one_candidate_per_sample() -> None:
    data = WHITE.normal(size=(3, 8000)).astype(np.float32)
    data[:, 4000:4400] *= 20
    found = TriggerPicker(TriggerOptions(p_trigger=1.5, s_trigger=1.2)).find(data)
    for onsets in (found.p, found.s):
        assert (np.diff(onsets[:, 0]) > 0).all() and (onsets[:, 1] < 1).all()
    assert np.abs(found.p[found.p[:, 1].argmax(), 0] - 4000) < 20


def test_bad_input_is_one_line(recording_and_labels: tuple[xr.DataArray, PickTable]) -> None:
    recording, labels = recording_and_labels
    with pytest.raises(InputError, match="no picker to compare"):
        compare_pickers(recording, {})
    with pytest.raises(InputError, match="different names"):
        check_names([Everywhere(), Everywhere()])
    with pytest.raises(InputError, match=r"none of the .* picks lies in the recording"):
        elsewhere = replace(labels, time=labels.time + np.timedelta64(900, "D"))
        compare_pickers(recording, {"a": starting_network()}, labels=elsewhere)
    empty = recording_from_array(np.full((3, 9000), np.nan, np.float32), RATE, "2020-01-01")
    with pytest.raises(InputError, match="no station has data"):
        compare_pickers(empty, {"a": starting_network()})
