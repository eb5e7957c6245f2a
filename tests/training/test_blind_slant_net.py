"""The network is blind to its zone, follows moveout, and needs only its halo."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from selfseis.networks.blind_slant_net import BlindSlantNet
from selfseis.networks.options import BlindSlantNetOptions
from selfseis.networks.slant_stacks import AHEAD, BEHIND, FRAME, GROUP, SlantStacks

N_CHANNELS, N_SAMPLES = 30, 96
SLOWNESSES = (-1.5, -0.5, 0.0, 0.5, 1.5)
SMALL = BlindSlantNetOptions(apertures=(2, 8), n_hidden=6, n_taps=5)


def randomised(blind_zone: int, seed: int = 0) -> BlindSlantNet:
    """Return a small network none of whose weights is zero, as if trained."""
    torch.manual_seed(seed)
    net = BlindSlantNet(blind_zone, SLOWNESSES, SMALL)
    with torch.no_grad():
        for parameter in net.parameters():
            parameter.add_(0.2 * torch.randn_like(parameter))
    return net.eval()


def inputs(seed: int = 1, n_channels: int = N_CHANNELS, n_samples: int = N_SAMPLES) -> list[torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    data, reference = torch.randn(2, n_channels, n_samples, generator=generator)
    return [data, torch.ones(n_channels, dtype=torch.bool), reference]


@pytest.mark.parametrize("blind_zone", [0, 1, 3, 6])
def test_the_zone_has_no_effect_on_a_channel(blind_zone) -> None:
    net = randomised(blind_zone)
    for channel in range(0, N_CHANNELS, 3):
        data, live, reference = inputs()
        other = data.clone()
        zone = slice(max(0, channel - blind_zone), channel + blind_zone + 1)
        other[zone] = 1e3 * torch.randn_like(other[zone])
        with torch.no_grad():
            before, after = net(data, live, reference), net(other, live, reference)
        assert torch.equal(before[channel], after[channel])
        far = channel + blind_zone + GROUP + 1
        if far < N_CHANNELS:
            assert not torch.equal(before[far], after[far])


def test_only_a_channels_own_reference_is_used() -> None:
    net = randomised(1)
    data, live, reference = inputs()
    reference.requires_grad_(True)
    (gradient,) = torch.autograd.grad(net(data, live, reference)[5].square().sum(), reference)
    assert (gradient.abs().amax(dim=1) > 0).nonzero().flatten().tolist() == [5]


def test_the_output_is_bounded_for_any_weights() -> None:
    net = randomised(1)
    data, live, reference = inputs()
    with torch.no_grad():
        net.leave.weight.mul_(1e3)
        net.leave.bias[-2:] = 1e3
        net.filter.zero_()[len(net.filter) // 2] = 1
        made = net(data, live, reference)
    assert made.abs().max() > reference.abs().max()
    # Stacks are means of what is seen.
    assert made.abs().max() <= SMALL.max_factor * (data.abs().max() + reference.abs().max())


def test_saturated_shares_still_have_a_gradient() -> None:
    net = randomised(1)
    with torch.no_grad():
        net.leave.bias[-2:] = -10.0
    net(*inputs()).square().sum().backward()
    assert net.leave.bias.grad is not None
    assert net.leave.bias.grad[-2:].abs().min() > 1e-3


def test_reversing_all_signs_reverses_the_prediction() -> None:
    net = randomised(1)
    data, live, reference = inputs()
    with torch.no_grad():
        torch.testing.assert_close(net(-data, live, -reference), -net(data, live, reference))


@pytest.mark.parametrize("slowness", [-1.5, 0.5, 1.5])
@pytest.mark.parametrize("side", [BEHIND, AHEAD])
def test_stacks_of_a_plane_wave_are_the_wave(slowness, side) -> None:
    stacks = SlantStacks(2, (slowness,), (8,))
    channels = 12 + 2 * stacks.channel_context
    time = np.arange(40 + 2 * stacks.sample_context)[None] - slowness * np.arange(channels)[:, None]
    wave = torch.from_numpy(np.sin(2 * np.pi * time / 40)).float()
    (stack,) = stacks(wave)
    seen = stacks.seen_from(stack, side, 12, 40) / 8
    inside = slice(stacks.channel_context, -stacks.channel_context)
    expected = wave[inside, stacks.sample_context : stacks.sample_context + 40]
    torch.testing.assert_close(seen, expected, atol=0.15, rtol=0)  # moveouts of half a sample are rounded


@pytest.mark.parametrize("steepest", [0.25, 1.5, 5.0])
@pytest.mark.parametrize("side", [BEHIND, AHEAD])
def test_shared_sums_equal_those_of_single_slownesses(steepest, side) -> None:
    slownesses = tuple(float(s) for s in np.linspace(-steepest, steepest, 11))
    together = SlantStacks(1, slownesses, (2, 8))
    data = torch.randn(12 + 2 * together.channel_context, 40 + 2 * together.sample_context)
    stacks = together(data)
    assert [(s.aperture, s.slowness) for s in stacks] == [(n, s) for n in (2, 8) for s in slownesses]
    for stack in stacks:
        alone = SlantStacks(1, (stack.slowness,), (2, 8))
        more = together.sample_context - alone.sample_context
        (same,) = (s for s in alone(data[:, more : data.shape[1] - more]) if s.aperture == stack.aperture)
        expected = alone.seen_from(same, side, 12, 40)
        assert torch.equal(together.seen_from(stack, side, 12, 40), expected)


def test_dead_channels_have_no_weight() -> None:
    net = randomised(0)
    live = torch.ones(N_CHANNELS)
    live[10:14] = 0
    shares = net.stacks.shares(
        torch.nn.functional.pad(live, (net.stacks.channel_context,) * 2), 8, AHEAD, N_CHANNELS
    )
    assert shares[8] == pytest.approx(1 / 4) and shares[0] == pytest.approx(1 / 8)


@pytest.mark.parametrize("first", [12, 16, 20])
def test_a_tile_with_its_halo_equals_the_whole(first) -> None:
    net = randomised(0)
    data, live, reference = inputs(n_samples=FRAME * 80)
    core = slice(FRAME * first, FRAME * (first + 10))
    halo = -(-net.halo // FRAME) * FRAME
    start = max(0, core.start - halo)
    around = slice(start, core.stop + halo)
    with torch.no_grad():
        whole = net(data, live, reference)[:, core]
        tile = net(data[:, around], live, reference[:, around])[:, core.start - start :][:, : FRAME * 10]
    torch.testing.assert_close(tile, whole, atol=1e-5, rtol=1e-5)


def test_parts_equal_the_whole() -> None:
    net = randomised(1)
    data, live, reference = inputs(n_channels=50, n_samples=700)
    live[7] = False
    data[7] = 0
    with torch.no_grad():
        whole = net(data, live, reference)
        net.options = SMALL.with_options(tile_channels=12, tile_samples=128)
        torch.testing.assert_close(net(data, live, reference), whole, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize(("n_channels", "n_samples"), [(8, FRAME), (9, 93), (31, 100)])
def test_any_size_is_accepted(n_channels, n_samples) -> None:
    tile = inputs(n_channels=n_channels, n_samples=n_samples)
    with torch.no_grad():
        assert randomised(1)(*tile).shape == (n_channels, n_samples)
