"""Channels are scored while they and all channels with the same noise are hidden."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from selfseis.denoise.evaluate import estimate_hidden_channels, hidden_groups
from selfseis.denoise.training_data import Span

N_CHANNELS, N_SAMPLES, HALO = 40, 1500, 30


@given(st.integers(8, 300), st.integers(0, 75))
def test_channels_that_share_noise_with_scored_ones_are_hidden(n_channels: int, zone: int) -> None:
    rounds = list(hidden_groups(n_channels, zone))
    assert rounds
    for hidden, scored in rounds:
        for channel in np.flatnonzero(scored):
            assert hidden[max(channel - zone, 0) : channel + zone + 1].all()
    assert np.max(np.sum([scored for _, scored in rounds], axis=0)) == 1


def test_all_channels_are_scored_while_three_of_four_are_visible() -> None:
    rounds = list(hidden_groups(N_CHANNELS, 0))
    assert np.sum([scored for _, scored in rounds], axis=0).tolist() == [1] * N_CHANNELS
    assert all(np.mean(hidden) == 1 / 4 for hidden, _ in rounds)


def mean_around(data: np.ndarray, live: np.ndarray) -> np.ndarray:
    """Average all live channels over the halo."""
    mean = np.mean(np.where(live[:, None], data, 0), axis=0)
    return np.repeat(np.convolve(mean, np.ones(2 * HALO + 1), "same")[None], len(data), axis=0) + data


def span(seed: int = 1) -> Span:
    data = np.random.default_rng(seed).standard_normal((N_CHANNELS, N_SAMPLES)).astype(np.float32)
    test = np.zeros(data.shape, bool)
    for first in (0, 400, 520, 1450):
        test[:, first : first + 50] = True
    return Span(data, ~test, np.zeros_like(test), test)


def estimated(of: Span, zone: int) -> np.ndarray:
    return estimate_hidden_channels(of, np.ones(N_CHANNELS, bool), zone, mean_around, HALO)


def test_windows_equal_the_whole() -> None:
    here = span()
    whole = Span(here.data, here.train, here.validation, np.ones_like(here.test))
    scored = here.test & np.isfinite(estimated(whole, 0))
    assert np.array_equal(scored, here.test)
    np.testing.assert_allclose(estimated(here, 0)[scored], estimated(whole, 0)[scored], atol=1e-4)
    assert np.isnan(estimated(here, 0)[:, 800:1200]).all()


def test_hidden_data_have_no_effect() -> None:
    here, zone = span(), 2
    scored = np.flatnonzero(np.isfinite(estimated(here, zone)[:, 420]))
    assert len(scored) > 4
    for channel in scored:
        changed = here.data.copy()
        changed[max(channel - zone, 0) : channel + zone + 1] += 100
        other = Span(changed, here.train, here.validation, here.test)
        np.testing.assert_array_equal(estimated(here, zone)[channel], estimated(other, zone)[channel])
