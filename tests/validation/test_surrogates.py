"""Surrogates keep the properties of each channel and lose the relations between channels."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from selfseis.validation import circular_shifts, phase_randomised, shuffled_channels


def shifts_of(n_channels: int, n_samples: int, minimum: int, seed: int) -> np.ndarray:
    """Return by how much each row was moved, read off a ramp."""
    ramp = np.tile(np.arange(n_samples, dtype=float), (n_channels, 1))
    shifted = circular_shifts(ramp, np.random.default_rng(seed), minimum=minimum)
    shifts = -shifted[:, 0].astype(int) % n_samples
    np.testing.assert_array_equal(shifted, np.stack([np.roll(ramp[0], s) for s in shifts]))
    return shifts


@given(st.integers(1, 12), st.integers(12, 300), st.integers(1, 60), st.integers(0))
def test_rows_are_moved_apart_also_around_the_wrap(n_channels, n_samples, minimum, seed) -> None:
    shifts = shifts_of(n_channels, n_samples, minimum, seed)
    apart = np.abs(shifts[:, None] - shifts[None])
    around = np.minimum(apart, n_samples - apart)[~np.eye(n_channels, dtype=bool)]
    assert around.min(initial=n_samples) >= min(minimum, n_samples // n_channels)


def test_every_shift_is_possible_for_every_row() -> None:
    seen = np.array([shifts_of(3, 12, 2, seed) for seed in range(400)])
    for row in seen.T:
        assert set(row) == set(range(12))


def test_shifts_keep_each_channel_and_remove_correlation() -> None:
    rng = np.random.default_rng(0)
    data = np.tile(rng.standard_normal(4000), (5, 1)).astype(np.float32)
    data[2, 100:200] = np.nan
    shifted = circular_shifts(data, rng, minimum=50)
    assert shifted.dtype == np.float32 and shifted.shape == data.shape
    np.testing.assert_array_equal(np.sort(shifted, axis=1), np.sort(data, axis=1))
    live = shifted[[0, 1, 3, 4]]
    assert np.abs(np.corrcoef(live) - np.eye(4)).max() < 0.1


def test_shuffling_only_reorders_channels() -> None:
    data = np.arange(40.0).reshape(8, 5)
    shuffled = shuffled_channels(data, np.random.default_rng(1))
    assert (shuffled != data).any()
    np.testing.assert_array_equal(shuffled[np.argsort(shuffled[:, 0])], data)


@pytest.mark.parametrize("n_samples", [256, 257])
@pytest.mark.parametrize("together", [False, True])
def test_phase_randomisation_keeps_mean_and_spectra(n_samples, together) -> None:
    rng = np.random.default_rng(2)
    data = rng.standard_normal((4, n_samples)) + 3.0
    surrogate = phase_randomised(data, rng, together=together)
    np.testing.assert_allclose(
        np.abs(np.fft.rfft(surrogate, axis=1)), np.abs(np.fft.rfft(data, axis=1)), rtol=1e-9, atol=1e-9
    )
    np.testing.assert_allclose(surrogate.mean(axis=1), data.mean(axis=1))
    assert np.abs(surrogate - data).max() > 0.5


def test_phases_drawn_together_keep_cross_spectra_and_phases_drawn_apart_do_not() -> None:
    rng = np.random.default_rng(3)
    shared = rng.standard_normal(2048)
    data = np.stack([shared, np.roll(shared, 7) + rng.standard_normal(2048)])

    def cross(x: np.ndarray) -> np.ndarray:
        spectrum = np.fft.rfft(x, axis=1)
        return spectrum[0] * spectrum[1].conj()

    together = phase_randomised(data, rng, together=True)
    np.testing.assert_allclose(cross(together), cross(data), rtol=1e-8, atol=1e-8)
    apart = phase_randomised(data, rng)
    assert abs(np.corrcoef(apart[0], np.roll(apart[1], -7))[0, 1]) < 0.1
    assert np.corrcoef(together[0], np.roll(together[1], -7))[0, 1] > 0.6


def test_phase_randomisation_spreads_a_burst_over_the_record() -> None:
    rng = np.random.default_rng(4)
    data = np.zeros((1, 4096), np.float32)
    data[0, 2000:2064] = rng.standard_normal(64)
    surrogate = phase_randomised(data, rng)
    assert surrogate.dtype == np.float32
    assert np.square(surrogate[0, :1000]).sum() > 0.1 * np.square(data).sum()


def test_phase_randomisation_of_gaps_raises_an_error() -> None:
    with pytest.raises(ValueError, match="without NaN"):
        phase_randomised(np.array([[1.0, np.nan, 2.0]]), np.random.default_rng(0))


@pytest.mark.parametrize("surrogate", [circular_shifts, shuffled_channels, phase_randomised])
def test_surrogates_repeat_by_seed_and_leave_the_data_alone(surrogate) -> None:
    data = np.random.default_rng(5).standard_normal((6, 64))
    before = data.copy()
    first, again = (surrogate(data, np.random.default_rng(9)) for _ in range(2))
    np.testing.assert_array_equal(first, again)
    np.testing.assert_array_equal(data, before)
