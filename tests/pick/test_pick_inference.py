"""The causal filter and the inference along a recording: onsets, tiles and gaps."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from selfseis.errors import InputError
from selfseis.networks.picking_unet import OnsetNet, onset_features
from selfseis.pick.high_pass import CausalHighPass, default_corner
from selfseis.pick.inference import Annotator, NetworkDetector
from selfseis.pick.noise_windows import read_window
from selfseis.pick.options import InferenceOptions
from selfseis.recording import recording_from_array
from selfseis.recording.components import stations_of

RATE, WINDOW = 100.0, 1536
RECOVERY = InferenceOptions().recovery
SMALL_TILES = InferenceOptions(tile_values=6 * WINDOW // 2)


def network_recording(n_samples, seed=0, n_stations=2):
    rng = np.random.default_rng(seed)
    data = rng.normal(size=(3 * n_stations, n_samples)).astype(np.float32) + 500
    ids = [f"XX.S{number}..HH{code}" for number in range(n_stations) for code in "ENZ"]
    return recording_from_array(data, RATE, seed_id=ids)


def annotator_of(recording, options=InferenceOptions()):
    torch.manual_seed(0)
    return Annotator(OnsetNet(4).eval(), CausalHighPass.measure(recording), WINDOW, options)


def whole(annotator, recording):
    spans = annotator.along(recording, stations_of(recording))
    return np.concatenate([span.core for span in spans], axis=2)


def test_nothing_rings_before_a_step():
    data = np.full((1, 4000), 7.0, np.float32)
    data[0, 2000:] += 100
    filtered, _ = CausalHighPass(RATE, np.array([7.0], np.float32))(data)
    assert not filtered[0, :2000].any()
    assert np.abs(filtered[0, 2000:2100]).max() > 50


def test_a_filtered_tile_equals_the_whole():
    recording = network_recording(9000)
    high_pass = CausalHighPass.measure(recording)
    everything, _ = high_pass(recording.values)
    station = stations_of(recording)[1]
    part = read_window(recording, station, high_pass, 5000, 6000)
    np.testing.assert_allclose(part, everything[3:6, 5000:6000], atol=1e-3)


class Echo(torch.nn.Module):
    """Returns the first two components as logits, and remembers how long the windows were."""

    def __init__(self):
        super().__init__()
        self.lengths = []

    def forward(self, windows):
        self.lengths.append(windows.shape[-1])
        return windows[:, :2]


@pytest.mark.parametrize("n_samples", [1536, 1664])
@pytest.mark.parametrize("factor", [2, 3])
def test_an_onset_keeps_its_time_at_a_reduced_rate(n_samples, factor):
    """Slow bumps of logits pass the anti-alias filter, so both rates must give the same probabilities."""
    time = np.arange(3 * n_samples)
    bump = 6 * np.exp(-0.5 * ((time - 1.4 * n_samples) / 30) ** 2) - 3
    components = np.tile(bump, (3, 1)).astype(np.float32)
    silent = CausalHighPass(RATE, np.zeros(3, np.float32))
    both, full = (
        Annotator(Echo(), silent, n_samples, InferenceOptions(reductions=reductions)).probabilities(
            components
        )
        for reductions in ((1, factor), (1,))
    )
    np.testing.assert_allclose(both, full, atol=0.01)
    assert abs(int(both[0].argmax()) - 1.4 * n_samples) <= 1


def test_a_network_of_a_fixed_window_sees_no_other_length():
    silent = CausalHighPass(RATE, np.zeros(3, np.float32))
    flexible, fixed = Echo(), Echo()
    fixed.n_samples = WINDOW
    for net in (flexible, fixed):
        Annotator(net, silent, WINDOW).probabilities(np.zeros((3, 2 * WINDOW), np.float32))
    assert set(flexible.lengths) == {WINDOW, WINDOW // 2}
    assert set(fixed.lengths) == {WINDOW}


def test_a_window_beyond_the_ends_is_zero_there():
    recording = network_recording(3000)
    high_pass = CausalHighPass.measure(recording)
    window = read_window(recording, stations_of(recording)[0], high_pass, -100, 3100)
    assert not window[:, :100].any()
    assert not window[:, 3100:].any()
    assert window[:, 100:3100].any(axis=1).all()
    assert not read_window(recording, stations_of(recording)[0], high_pass, 4000, 4100).any()


@pytest.mark.parametrize(
    ("rate", "corner"), [(2, 0.1), (8, 0.4), (20, 1.0), (100, 1.0), (200, 2.0), (500, 5.0)]
)
def test_the_corner_is_above_the_microseism_within_limits_of_the_sampling_rate(rate, corner):
    assert default_corner(rate) == pytest.approx(corner)


@pytest.mark.parametrize("band", [(0.0, 10.0), (5.0, 5.0), (1.0, 60.0)])
def test_an_invalid_band_is_refused(band):
    with pytest.raises(InputError, match="band"):
        CausalHighPass(RATE, np.zeros(1, np.float32), band)


def test_tiled_equals_whole():
    recording = network_recording(12_345)
    expected = whole(annotator_of(recording), recording)
    tiled = whole(annotator_of(recording, SMALL_TILES), recording)
    assert expected.shape == (2, 2, 12_345)
    np.testing.assert_allclose(tiled, expected, atol=2e-5)


def test_picks_do_not_depend_on_tiles():
    recording = network_recording(12_345)
    stations = stations_of(recording)
    whole, tiled = (
        NetworkDetector(annotator_of(recording, options), 0.0).find(recording, stations)
        for options in (InferenceOptions(), SMALL_TILES)
    )
    for one, other in zip(tiled, whole, strict=True):
        np.testing.assert_allclose(one.p[:, 0], other.p[:, 0], atol=0.1)
        np.testing.assert_allclose(one.s[:, 0], other.s[:, 0], atol=0.1)


def test_scale_and_offset_of_the_data_do_not_matter():
    recording = network_recording(6000)
    expected = whole(annotator_of(recording), recording)
    scaled = recording.copy(data=1e-9 * recording.values)
    np.testing.assert_allclose(whole(annotator_of(scaled), scaled), expected, atol=1e-3)


def test_there_is_no_probability_in_a_gap():
    recording = network_recording(8000)
    recording.values[:3, 3000:5000] = np.nan
    probability = whole(annotator_of(recording), recording)
    assert not probability[0, :, 3000:5000].any()
    assert probability[1, :, 3000:5000].any()


def test_probabilities_are_zero_where_data_begin_but_not_after_short_dropouts():
    recording = network_recording(8000)
    recording.values[:3, 3000:5000] = np.nan
    recording.values[3:, 6000:6005] = np.nan
    probability = whole(annotator_of(recording), recording)
    assert not probability[:, :, :RECOVERY].any()
    assert not probability[0, :, 5000 : 5000 + RECOVERY].any()
    assert probability[0, :, 5000 + RECOVERY :].all() and probability[0, :, RECOVERY:3000].all()
    assert probability[1, :, RECOVERY:6000].all() and probability[1, :, 6005:].all()


def test_stations_do_not_influence_each_other():
    recording = network_recording(6000)
    expected = whole(annotator_of(recording), recording)
    recording.values[:3] *= -3
    changed = whole(annotator_of(recording), recording)
    np.testing.assert_allclose(changed[1], expected[1], atol=1e-6)


def test_features_keep_polarisation_and_show_weak_onsets():
    window = torch.zeros(1, 3, 2000)
    window[0] = 0.01 * torch.randn(3, 2000, generator=torch.Generator().manual_seed(0))
    window[0, 2, 300:330] += 0.2
    window[0, :, 1500:] += 100 * torch.sin(torch.arange(500) * 0.2 * torch.pi)
    raw, pressed = onset_features(window)[0].split(3)
    assert raw[2, 300:330].abs().max() < 0.05
    assert pressed[2, 300:330].abs().max() > 3 * pressed[2, :300].abs().mean()


def test_missing_components_stay_zero():
    window = torch.randn(1, 3, 1024)
    window[:, :2] = 0
    features = onset_features(window)[0]
    assert not features[[0, 1, 3, 4]].any()
    assert torch.isfinite(features).all()
