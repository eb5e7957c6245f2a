"""The starting network: it comes with the package, can be trained again, and picks what it never saw."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

import numpy as np
import pytest
import torch

from selfseis.errors import InputError
from selfseis.io.obspy_import import obspy
from selfseis.networks.picking_unet import AntialiasedConv1d
from selfseis.pick.high_pass import CausalHighPass
from selfseis.pick.inference import Annotator
from selfseis.pick.noise_windows import covering_pieces
from selfseis.pick.options import StartingNetworkOptions
from selfseis.pick.picker import Picker
from selfseis.pick.starting_network import SimulatedExamples, starting_network, train_starting_network
from selfseis.recording import open_recording, recording_from_array
from selfseis.recording.components import stations_of
from selfseis.simulate.station_noise import draw_noise_window
from short_options import SHORT_PICKER
from standing_in import RiseOfEnergy

SMALL = StartingNetworkOptions(
    n_steps=4,
    batch_size=2,
    n_validation_windows=8,
    check_every=2,
    n_wavelets=60,
    lengths=(1536,),
    length_shares=(1.0,),
)


def test_it_is_small_enough_for_the_package() -> None:
    assert len((files("selfseis.pick") / "starting_network.safetensors").read_bytes()) < 2_000_000


def test_training_is_reproducible() -> None:
    first, second = (train_starting_network(SMALL, seed=1).state_dict() for _ in range(2))
    assert all(torch.equal(first[name], second[name]) for name in first)


def test_it_finds_simulated_onsets_and_not_noise() -> None:
    rng = np.random.default_rng(5)
    source = SimulatedExamples.draw_source(rng, SMALL)
    annotator = Annotator(starting_network(), CausalHighPass(100.0, np.zeros(3, np.float32)), 6144)
    examples = source.draw(rng, 40, 6144)
    found = wanted = 0
    for window, label in zip(examples.windows, examples.labels, strict=True):
        onsets = np.flatnonzero(label[0] > 0.999)
        probability = annotator.probabilities(window)[0]
        wanted += len(onsets)
        found += sum(probability[max(0, at - 50) : at + 50].max() > 0.2 for at in onsets)
    assert found > 0.5 * wanted
    noise = [annotator.probabilities(draw_noise_window(rng, 6144)).max() for _ in range(20)]
    assert np.median(noise) < 0.2


def test_a_strided_convolution_smooths_before_it_drops_samples() -> None:
    torch.manual_seed(0)
    samples, layer = torch.randn(2, 3, 512), AntialiasedConv1d(3, 5, 7, 4)
    smoothed = torch.nn.functional.conv1d(
        samples, layer.smoothing.expand(3, 1, -1), padding=len(layer.smoothing) // 2, groups=3
    )
    wanted = torch.nn.functional.conv1d(smoothed, layer.weight, stride=4, padding=3)
    inside = slice(4, -4)
    torch.testing.assert_close(layer(samples)[..., inside], wanted[..., inside])
    fastest = torch.tensor([1.0, -1.0]).repeat(256).expand(1, 3, -1)  # an alias of a constant
    assert layer(fastest)[..., inside].abs().max() < 0.02


def test_a_pick_hardly_depends_on_the_start_of_the_data() -> None:
    rng = np.random.default_rng(3)
    source = SimulatedExamples.draw_source(rng, SMALL)
    annotator = Annotator(starting_network(), CausalHighPass(100.0, np.zeros(3, np.float32)), 6144)
    spreads = []
    examples = source.draw(rng, 30, 9216)
    for window, label in zip(examples.windows, examples.labels, strict=True):
        for at in np.flatnonzero(label[0] > 0.999):
            if at < 600:
                continue
            heights = [
                annotator.probabilities(np.ascontiguousarray(window[:, first:]))[
                    0, at - first - 50 : at - first + 50
                ].max()
                for first in range(0, 140, 20)
            ]
            if np.mean(heights) > 0.2:
                spreads.append(np.std(heights))
    assert len(spreads) >= 8
    assert np.mean(spreads) < 0.02


@pytest.mark.parametrize("rate", [20.0, 100.0, 500.0])
def test_generated_noise_is_noise(rate: float) -> None:
    noise = draw_noise_window(np.random.default_rng(int(rate)), 3072)
    assert noise.shape == (3, 3072) and noise.dtype == np.float32
    assert np.isfinite(noise).all() and noise.std() == pytest.approx(1.0, rel=1e-3)


def test_a_first_look_needs_no_training(recordings: Path) -> None:
    recording = open_recording(recordings / "network.mseed")
    picker = Picker(options=SHORT_PICKER).calibrate(recording)
    start = starting_network().state_dict()
    assert all(torch.equal(start[name], value) for name, value in picker.net_.state_dict().items())
    many, few = (picker.pick(recording, false_discovery_rate=rate) for rate in (0.9, 0.05))
    assert {str(pick.time) for pick in few} <= {str(pick.time) for pick in many}
    assert not picker.training_record_.times_in(recording)


def test_another_operating_point_needs_no_training(recordings: Path, tmp_path: Path) -> None:
    recording = open_recording(recordings / "network.mseed")
    Picker(options=SHORT_PICKER).calibrate(recording).save(tmp_path / "model")
    loaded = Picker.load(tmp_path / "model")
    assert loaded.threshold_ == Picker(options=SHORT_PICKER).calibrate(recording).threshold_
    loaded.set_params(false_alarms_per_day=100.0)
    assert all(0 < height <= 1 for height in loaded.threshold_.values())


@pytest.mark.parametrize(
    "wrong", [{"false_discovery_rate": 0.0}, {"false_discovery_rate": 1.5}, {"false_alarms_per_day": -1.0}]
)
def test_an_impossible_rate_is_one_line(wrong: dict[str, float], recordings: Path) -> None:
    with pytest.raises(InputError) as raised:
        Picker(**wrong).calibrate(recordings / "network.mseed")  # type: ignore[arg-type]
    assert "\n" not in str(raised.value)


def test_regional_earthquakes_get_picks(shared_data: Path) -> None:
    """Development set: 66 recordings of one array, whose analyst lists one event each."""
    stored = np.load(shared_data / "stations" / "arces" / "arces.npz")
    rate = float(stored["sampling_rate"])
    annotator = Annotator(starting_network(), CausalHighPass(rate, np.zeros(3, np.float32)), 6144)
    right = []
    for data, onsets in list(zip(stored["data"], stored["p_samples"], strict=True))[:16]:
        listed = onsets[onsets > 0]
        if not len(listed):
            continue
        samples = data.astype(np.float32)
        high_pass = CausalHighPass(rate, np.median(samples, axis=1).astype(np.float32))
        probability = annotator.probabilities(high_pass(samples)[0])[0]
        picked = np.flatnonzero(probability > 0.2)
        right.append(len(picked) > 0 and np.abs(picked[:, None] - listed).min() < 2 * rate)
    assert np.mean(right) > 0.5


def test_a_foreign_network_is_calibrated_and_not_saved(recordings: Path, tmp_path: Path) -> None:
    """Any network that maps windows to logits of P and S works; its window may have another length."""
    recording = open_recording(recordings / "network.mseed")
    net = RiseOfEnergy()
    net.n_samples = 1000  # type: ignore[assignment]
    picker = Picker(options=SHORT_PICKER).calibrate(recording, net=net)
    assert picker.window_ == 1000 and set(picker.threshold_) == {"P", "S"}
    with pytest.raises(InputError, match="cannot be saved"):
        picker.save(tmp_path / "model")


@pytest.mark.parametrize("n_samples", [400, 3000, 5000, 12_000])
def test_calibration_sees_all_data(n_samples: int) -> None:
    """An earthquake in the last seconds of a short record must be among the targets."""
    rng = np.random.default_rng(n_samples)
    samples = rng.normal(size=(3, n_samples)).astype(np.float32)
    samples[:, -1] = 1e6
    recording = recording_from_array(samples, 100.0)
    high_pass = CausalHighPass(100.0, np.zeros(3, np.float32))
    pieces = list(covering_pieces(recording, stations_of(recording), high_pass, 2048, 100, 0))
    assert sum(piece.shape[1] for piece in pieces) >= n_samples
    assert max(np.abs(piece).max() for piece in pieces) > 1e5


def test_one_short_recording_of_one_channel_gets_picks() -> None:
    """A vertical of 60 s with a local earthquake at its middle, from the test data of ObsPy."""
    path = Path(obspy().__file__).parent / "io" / "gse2" / "tests" / "data" / "loc_RJOB20050831023349.z"
    picks = Picker().calibrate(path).pick(path)
    seconds = [
        (pick.time - np.datetime64("2005-08-31T02:33:49.85")) / np.timedelta64(1, "s") for pick in picks
    ]
    assert any(abs(at - 31.1) < 0.5 for at in seconds)
