"""Detection of dead and clipped samples, and intact samples that must stay."""

from __future__ import annotations

import numpy as np
import pytest

from selfseis.recording.quality_control import mask_dead_and_clipped

RATE = 100.0


def masked(samples: np.ndarray) -> set[str]:
    return {found.kind for found in mask_dead_and_clipped(np.atleast_2d(samples).astype(np.float32), RATE)}


def test_float_noise_is_left_alone() -> None:
    assert masked(np.random.default_rng(1).standard_normal((5, 60_000))) == set()


@pytest.mark.parametrize("counts", [0.3, 1.0, 3.0])
def test_weak_quantised_noise_is_left_alone(counts: float) -> None:
    rng = np.random.default_rng(2)
    walk = np.convolve(rng.standard_normal(60_050), np.ones(5) / 2.2, "valid")[:60_000]
    assert masked(np.round(counts * walk)) == set()


@pytest.mark.parametrize("amplitude", [25, 40, 200, 5000])
@pytest.mark.parametrize("period", [5, 20, 100, 400])
def test_a_rounded_earthquake_is_not_clipped(amplitude: int, period: int) -> None:
    time = np.arange(60_000)
    event = amplitude * np.sin(2 * np.pi * time / period) * np.exp(-(((time - 30_000) / 800) ** 2))
    noise = np.random.default_rng(3).standard_normal(time.size)
    assert masked(np.round(event + noise)) == set()


def test_a_clipped_earthquake_is_masked_at_its_plateaus_only() -> None:
    time = np.arange(60_000)
    event = 9000 * np.sin(2 * np.pi * time / 60) * np.exp(-(((time - 30_000) / 800) ** 2))
    whole = np.round(event + 20 * np.random.default_rng(4).standard_normal(time.size))
    clipped = np.clip(whole, -4000, 4000)
    samples = clipped[None].astype(np.float32)
    found = mask_dead_and_clipped(samples, RATE)
    assert [item.kind for item in found] == ["clipped"]
    np.testing.assert_array_equal(np.abs(clipped[np.isnan(samples[0])]), 4000)
    lost = np.isnan(samples[0]) != (np.abs(clipped) == 4000)
    assert lost.sum() < 20  # lone samples at the rail may be true


def test_zeros_that_fill_a_window_are_dead() -> None:
    samples = np.random.default_rng(5).standard_normal((1, 3000)).astype(np.float32)
    samples[0, 1000:2000] = 0
    found = mask_dead_and_clipped(samples, RATE)
    assert [tuple(item) for item in found] == [("dead", 0, 1000)]
    assert np.isnan(samples[0, 1000:2000]).all()


def test_missing_samples_are_neither_dead_nor_clipped() -> None:
    assert masked(np.full((2, 500), np.nan)) == set()
