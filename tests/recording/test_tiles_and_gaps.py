"""Tiled and whole are equal; gaps are bridged locally and smoothly."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from selfseis.recording import bridge_gaps, lazy_recording, recording_from_array, tiles

SAMPLES = arrays(
    np.float32,
    st.tuples(st.integers(1, 3), st.integers(1, 60)),
    elements=st.sampled_from([np.nan, 1, -2, 5.5]),
)


@given(SAMPLES, st.integers(1, 70), st.integers(0, 70))
def test_cores_cover_everything_once_and_halos_are_right(samples: np.ndarray, core: int, halo: int) -> None:
    n_samples = samples.shape[1]
    padded = np.pad(samples, ((0, 0), (halo, halo)), constant_values=np.nan)
    covered = 0
    for tile in tiles(recording_from_array(samples, 10.0), core, halo):
        assert tile.first == covered
        np.testing.assert_array_equal(tile.data, padded[:, tile.first : tile.first + tile.n_core + 2 * halo])
        np.testing.assert_array_equal(tile.data[:, tile.core], samples[:, covered : covered + tile.n_core])
        covered += tile.n_core
    assert covered == n_samples


def test_tiles_read_only_what_they_hold() -> None:
    asked: list[tuple[int, int]] = []

    def read(channels: np.ndarray, first: int, last: int) -> np.ndarray:
        asked.append((first, last))
        return np.zeros((len(channels), last - first), dtype=np.float32)

    next(iter(tiles(lazy_recording(read, 2, 10**10, 100.0), 1000, halo=50)))
    assert asked == [(0, 1050)]


@given(SAMPLES, st.integers(1, 15), st.data())
def test_a_bridge_depends_on_nothing_far_away(samples: np.ndarray, limit: int, data: st.DataObject) -> None:
    filled, valid = bridge_gaps(samples, limit)
    first = data.draw(st.integers(0, samples.shape[1] - 1))
    last = data.draw(st.integers(first + 1, samples.shape[1]))
    begin, end = max(0, first - 2 * limit), min(samples.shape[1], last + 2 * limit)
    part, _ = bridge_gaps(samples[:, begin:end], limit)
    np.testing.assert_array_equal(part[:, first - begin : last - begin], filled[:, first:last])
    np.testing.assert_array_equal(valid, ~np.isnan(samples))
    np.testing.assert_array_equal(filled[valid], samples[valid])
    assert not np.isnan(filled).any()
    assert np.abs(filled).max() <= max(np.abs(samples[valid]).max(initial=0), 0) + 1e-6


def test_short_gaps_join_their_edges_and_long_ones_fade_to_zero() -> None:
    samples = np.full(200, 4.0, dtype=np.float32)
    samples[50:60] = np.nan
    samples[100:180] = np.nan
    filled, _ = bridge_gaps(samples, 10)
    np.testing.assert_allclose(filled[50:60], 4.0)
    np.testing.assert_array_equal(filled[110:170], 0.0)
    assert (np.diff(filled[99:111]) <= 0).all()
    assert np.abs(np.diff(filled)).max() < 1.0


def test_invalid_arguments_are_refused() -> None:
    with pytest.raises(ValueError, match="limit"):
        bridge_gaps(np.zeros(3), -1)
    with pytest.raises(ValueError, match="core_samples"):
        next(tiles(recording_from_array(np.zeros(3), 1.0), 0))


def test_the_order_in_memory_makes_no_difference() -> None:
    data = np.sin(np.arange(60.0)).reshape(3, 4, 5).astype(np.float32)
    data[0, 1, 2:4] = np.nan
    for turned in (np.asfortranarray(data), data.transpose(1, 0, 2)):
        filled, valid = bridge_gaps(turned, 3)
        expected, known = bridge_gaps(np.ascontiguousarray(turned), 3)
        assert not np.isnan(filled).any()
        np.testing.assert_array_equal(filled, expected)
        np.testing.assert_array_equal(valid, known)
