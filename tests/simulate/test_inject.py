"""Injection: exact signal-to-noise ratio, and preserved gaps."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from selfseis.simulate import inject

NOISE = np.random.default_rng(0).standard_normal((3, 500)).astype(np.float32)
SIGNAL = np.zeros((3, 500), np.float32)
SIGNAL[:, 100:200] = np.sin(np.arange(100) / 5)


@given(snr_db=st.floats(-40, 40))
def test_ratio_is_exact_where_active(snr_db) -> None:
    active = np.zeros((3, 500), bool)
    active[1:, 90:210] = True
    noisy, scaled = inject(NOISE, SIGNAL, snr_db, active)
    ratio = np.mean(scaled[active].astype(float) ** 2) / np.mean(NOISE[active].astype(float) ** 2)
    assert 10 * np.log10(ratio) == pytest.approx(snr_db, abs=1e-4)
    np.testing.assert_allclose(noisy - NOISE, scaled, atol=1e-4 * np.abs(scaled).max() + 1e-6)


def test_active_is_where_the_signal_is_not_zero_by_default() -> None:
    _, scaled = inject(NOISE, SIGNAL, 0.0)
    there = SIGNAL != 0
    assert np.mean(scaled[there] ** 2) == pytest.approx(np.mean(NOISE[there] ** 2), rel=1e-5)


def test_gaps_are_preserved_and_ignored() -> None:
    gappy = NOISE.copy()
    gappy[:, 150:300] = np.nan
    noisy, scaled = inject(gappy, SIGNAL, 0.0)
    np.testing.assert_array_equal(np.isnan(noisy), np.isnan(gappy))
    assert np.isfinite(scaled).all()
    there = (SIGNAL != 0) & np.isfinite(gappy)
    assert np.mean(scaled[there] ** 2) == pytest.approx(np.mean(gappy[there] ** 2), rel=1e-5)


@pytest.mark.parametrize(
    ("noise", "signal"), [(0 * NOISE, SIGNAL), (NOISE, 0 * SIGNAL), (np.nan * NOISE, SIGNAL)]
)
def test_missing_power_is_refused(noise, signal) -> None:
    with pytest.raises(ValueError, match="no signal-to-noise ratio"):
        inject(noise, signal, 0.0)


def test_shapes_must_match() -> None:
    with pytest.raises(ValueError, match="same shape"):
        inject(NOISE, SIGNAL[:, :-1], 0.0)
