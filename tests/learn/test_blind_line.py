"""The network sees nothing of the zone, starts as the reference, and needs no more than its halo."""

from __future__ import annotations

import pytest
import torch

from selfseis.nets import BlindLineNet
from selfseis.nets.blind_line import FRAME

N_CHANNELS, N_SAMPLES = 16, 96


def randomised(blind_zone: int, reach: int = 3, seed: int = 0) -> BlindLineNet:
    """Return a small network none of whose weights is zero, as if trained."""
    torch.manual_seed(seed)
    net = BlindLineNet(blind_zone, reach, taps=5, features=3, hidden=6)
    with torch.no_grad():
        for parameter in net.parameters():
            parameter.add_(0.2 * torch.randn_like(parameter))
    return net.eval()


def inputs(seed: int = 1, n_samples: int = N_SAMPLES) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    data, reference = torch.randn(2, N_CHANNELS, n_samples, generator=generator)
    return data, reference


@pytest.mark.parametrize("blind_zone", [0, 1, 3, 6])
def test_the_zone_has_no_influence_at_all(blind_zone) -> None:
    net = randomised(blind_zone)
    data, reference = inputs()
    data.requires_grad_(True)
    prediction = net(data, reference)
    for channel in range(N_CHANNELS):
        (gradient,) = torch.autograd.grad(prediction[channel].square().sum(), data, retain_graph=True)
        influence = gradient.abs().amax(dim=1)
        distance = (torch.arange(N_CHANNELS) - channel).abs()
        seen = (distance > blind_zone) & (distance <= blind_zone + net.reach)
        assert (influence[~seen] == 0).all()
        assert (influence[seen] > 0).all()


@pytest.mark.parametrize("blind_zone", [0, 2])
def test_changing_the_zone_changes_not_one_bit(blind_zone) -> None:
    net = randomised(blind_zone)
    data, reference = inputs()
    other = data.clone()
    other[7 - blind_zone : 8 + blind_zone] = 1e4
    with torch.no_grad():
        assert torch.equal(net(data, reference)[7], net(other, reference)[7])
        assert not torch.equal(
            net(data, reference)[7 + blind_zone + 1], net(other, reference)[7 + blind_zone + 1]
        )


def test_only_a_channels_own_reference_is_used() -> None:
    net = randomised(1)
    data, reference = inputs()
    reference.requires_grad_(True)
    (gradient,) = torch.autograd.grad(net(data, reference)[5].square().sum(), reference)
    assert (gradient.abs().amax(dim=1) > 0).nonzero().flatten().tolist() == [5]


def test_turning_all_signs_turns_the_prediction() -> None:
    net = randomised(1)
    data, reference = inputs()
    with torch.no_grad():
        torch.testing.assert_close(net(-data, -reference), -net(data, reference))


def test_it_starts_as_the_reference() -> None:
    data, reference = inputs()
    with torch.no_grad():
        assert torch.equal(BlindLineNet(2, 4)(data, reference), reference)


@pytest.mark.parametrize("first", [12, 16, 20])
def test_a_tile_with_its_halo_equals_the_whole(first) -> None:
    net = randomised(0)
    data, reference = inputs(n_samples=FRAME * 60)
    core = slice(FRAME * first, FRAME * (first + 10))
    halo = -(-net.halo // FRAME) * FRAME
    around = slice(core.start - halo, core.stop + halo)
    with torch.no_grad():
        whole = net(data, reference)[:, core]
        tile = net(data[:, around], reference[:, around])[:, halo:-halo]
    torch.testing.assert_close(tile, whole, atol=1e-5, rtol=1e-5)


def test_the_halo_is_not_much_larger_than_needed() -> None:
    net = randomised(0)
    data, reference = inputs(n_samples=FRAME * 60)
    data.requires_grad_(True)
    middle = FRAME * 30
    (gradient,) = torch.autograd.grad(net(data, reference)[:, middle].square().sum(), data)
    reached = (gradient.abs().amax(dim=0) > 0).nonzero().flatten()
    needed = max(middle - int(reached.min()), int(reached.max()) - middle)
    assert needed <= net.halo <= needed + 2 * FRAME


@pytest.mark.parametrize("n_samples", [FRAME, 93, 100])
def test_any_number_of_samples_goes_through(n_samples) -> None:
    data, reference = inputs(n_samples=n_samples)
    with torch.no_grad():
        assert randomised(1)(data, reference).shape == (N_CHANNELS, n_samples)
