"""Networks of one sampling rate on recordings of another: times, anti-aliasing and refusals."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
import torch
from torch import Tensor

from selfseis.errors import InputError
from selfseis.foreign_networks.picker_network import (
    PickerNetwork,
    ResampledNetwork,
    columns_of,
    resampled,
    rows_of,
)
from selfseis.pick.inference import Annotator


class ShowsVertical(PickerNetwork):
    """Its logits are the samples of the vertical as it sees them."""

    def __init__(self, rate: float | None = 100.0, n_samples: int = 1000) -> None:
        super().__init__()
        self.name, self.rate, self.n_samples = "ShowsVertical", rate, n_samples

    def forward(self, windows: Tensor) -> Tensor:
        assert windows.shape[1:] == (3, self.n_samples)
        return windows[:, [2, 2]]


def sine(frequency: float, rate: float, n_samples: int) -> Tensor:
    return torch.sin(2 * torch.pi * frequency * torch.arange(n_samples) / rate)


@pytest.mark.parametrize(
    ("old", "new"), [(40, 100), (100, 40), (500, 100), (100, 100), (62.5, 100), (8, 100)]
)
def test_a_sine_below_both_nyquist_frequencies_keeps_its_phase(old: float, new: float) -> None:
    ratio = Fraction(new / old).limit_denominator(256)
    frequency, n_new = 0.2 * min(old, new), int(20 * new)
    got = resampled(sine(frequency, old, int(20 * old)), ratio, n_new)
    inside = slice(n_new // 5, -n_new // 5)
    torch.testing.assert_close(got[inside], sine(frequency, new, n_new)[inside], atol=3e-3, rtol=0)


def test_frequencies_above_the_new_nyquist_frequency_are_removed() -> None:
    got = resampled(sine(70.0, 500.0, 10_000), Fraction(1, 5), 2000)
    assert got[100:-100].abs().max() < 1e-2


@pytest.mark.parametrize("rate", [20.0, 40.0, 62.5, 250.0, 500.0])
def test_an_onset_keeps_its_time_through_both_changes_of_the_rate(rate: float) -> None:
    net = ShowsVertical().for_rate(rate)
    assert isinstance(net, ResampledNetwork) and net.n_samples % 2 == 0
    assert net.n_samples / rate == pytest.approx(10, abs=3 / min(rate, 100.0))
    at = np.arange(net.n_samples) / rate
    bump = np.exp(-(((at - 4.2) / 0.15) ** 2) / 2).astype(np.float32)
    got = net(torch.from_numpy(np.stack([0 * bump, 0 * bump, bump]))[None])
    assert got.shape == (1, 2, net.n_samples)
    np.testing.assert_allclose(got[0, 0].numpy(), bump, atol=0.03)
    assert net.note == f"The samples were resampled from {rate:g} Hz to 100 Hz, its rate."


def test_inference_along_a_recording_of_another_rate() -> None:
    net = ShowsVertical().for_rate(40.0)
    components = np.full((3, 3000), -6.0, np.float32)
    components[2, 1234 - 8 : 1234 + 9] = 12 * np.exp(-((np.arange(-8, 9) / 4.0) ** 2) / 2) - 6
    probability = Annotator(net, None, net.n_samples).probabilities(components)  # type: ignore[arg-type]
    assert probability.shape == (2, 3000) and abs(int(probability[0].argmax()) - 1234) <= 1
    assert probability[0, 1234] > 0.9 and np.delete(probability[0], np.arange(1200, 1270)).max() < 0.1


def test_gradients_reach_the_samples() -> None:
    windows = torch.zeros(1, 3, ShowsVertical().for_rate(50.0).n_samples, requires_grad=True)
    ShowsVertical().for_rate(50.0)(windows)[..., 100].sum().backward()  # type: ignore[no-untyped-call]
    assert windows.grad is not None and int(windows.grad[0, 2].abs().argmax()) == 100


def test_samples_are_passed_on_at_the_own_rate_any_rate_or_as_if() -> None:
    own, any_rate = ShowsVertical(), ShowsVertical(rate=None)
    assert own.for_rate(100.02) is own and any_rate.for_rate(7.0) is any_rate
    as_if = ShowsVertical().for_rate(40.0, as_if=True)
    assert isinstance(as_if, ShowsVertical) and "40 Hz as if they were at 100 Hz" in as_if.note


@pytest.mark.parametrize(("rate", "reason"), [(0.1, "cannot be resampled"), (1.0, "only 10 samples at 1 Hz")])
def test_rates_too_far_apart_are_refused_in_one_line(rate: float, reason: str) -> None:
    with pytest.raises(InputError, match=reason):
        ShowsVertical().for_rate(rate)


def test_components_and_labels_of_a_network() -> None:
    assert rows_of("net", "Z12H") == [2, 1, 0, 3]
    assert columns_of("net", "NsP") == [2, 1]
    with pytest.raises(InputError, match="needs the components ZQ"):
        rows_of("net", "ZQ")
    for labels in ("NP", "PPS", None, 3):
        with pytest.raises(InputError, match="one output P and one output S"):
            columns_of("net", labels)
